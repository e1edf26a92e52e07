//! Terminal settings as `TCGETS` and `TIOCGWINSZ` pass them: termios(3), ioctl_tty(2).
//!
//! This is the kernel's `struct termios`; the one in libc is longer.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Number of control characters.
pub const NCCS: usize = 19;

/// `struct termios` of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termios {
    /// Input: [`InputFlags`].
    pub c_iflag: u32,
    /// Output: [`OutputFlags`].
    pub c_oflag: u32,
    /// Hardware: speed, character size.
    pub c_cflag: u32,
    /// Local: [`LocalFlags`].
    pub c_lflag: u32,
    /// Line discipline.
    pub c_line: u8,
    /// Control characters, by the constants of [`control`].
    pub c_cc: [u8; NCCS],
}

/// Positions in [`Termios::c_cc`].
pub mod control {
    /// Interrupt: ^C.
    pub const VINTR: usize = 0;
    /// Quit: ^\.
    pub const VQUIT: usize = 1;
    /// Erase a character: DEL.
    pub const VERASE: usize = 2;
    /// Erase a line: ^U.
    pub const VKILL: usize = 3;
    /// End of file: ^D.
    pub const VEOF: usize = 4;
    /// Time-out of a raw read, in tenths of a second.
    pub const VTIME: usize = 5;
    /// Least bytes of a raw read.
    pub const VMIN: usize = 6;
    /// Start output: ^Q.
    pub const VSTART: usize = 8;
    /// Stop output: ^S.
    pub const VSTOP: usize = 9;
    /// Suspend: ^Z.
    pub const VSUSP: usize = 10;
    /// A further end of line.
    pub const VEOL: usize = 11;
    /// Print the line again: ^R.
    pub const VREPRINT: usize = 12;
    /// Drop output: ^O.
    pub const VDISCARD: usize = 13;
    /// Erase a word: ^W.
    pub const VWERASE: usize = 14;
    /// Take the next character as it is: ^V.
    pub const VLNEXT: usize = 15;
    /// One more end of line.
    pub const VEOL2: usize = 16;
}

bitflags::bitflags! {
    /// Input flags we act on.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct InputFlags: u32 {
        /// `BRKINT`: a break interrupts.
        const BRKINT = 0o2;
        /// `ISTRIP`: seven bits.
        const ISTRIP = 0o40;
        /// `INLCR`: newline becomes carriage return.
        const INLCR = 0o100;
        /// `IGNCR`: carriage return is dropped.
        const IGNCR = 0o200;
        /// `ICRNL`: carriage return becomes newline.
        const ICRNL = 0o400;
        /// `IXON`: ^S and ^Q stop and start output.
        const IXON = 0o2000;
        /// `IMAXBEL`: ring when the line is full.
        const IMAXBEL = 0o20000;
        /// `IUTF8`: erase whole characters.
        const IUTF8 = 0o40000;
    }
}

bitflags::bitflags! {
    /// Output flags we act on.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OutputFlags: u32 {
        /// `OPOST`: the flags below count.
        const OPOST = 0o1;
        /// `ONLCR`: newline becomes carriage return and newline.
        const ONLCR = 0o4;
    }
}

bitflags::bitflags! {
    /// Local flags we act on.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LocalFlags: u32 {
        /// `ISIG`: ^C and relatives send signals.
        const ISIG = 0o1;
        /// `ICANON`: input comes in lines.
        const ICANON = 0o2;
        /// `ECHO`: input is shown.
        const ECHO = 0o10;
        /// `ECHOE`: erasing is shown.
        const ECHOE = 0o20;
        /// `ECHOK`: killing a line is shown.
        const ECHOK = 0o40;
        /// `ECHONL`: newline is shown even without `ECHO`.
        const ECHONL = 0o100;
        /// `NOFLSH`: signals leave queued input alone.
        const NOFLSH = 0o200;
        /// `TOSTOP`: background output stops.
        const TOSTOP = 0o400;
        /// `ECHOCTL`: control characters are shown as ^X.
        const ECHOCTL = 0o1000;
        /// `ECHOKE`: killing a line wipes it.
        const ECHOKE = 0o4000;
        /// `IEXTEN`: ^V, ^W and relatives count.
        const IEXTEN = 0o100000;
    }
}

/// `c_cflag` of a fresh terminal: 38,400 baud, eight bits, receiver on, hang up on close (`B38400 | CS8 | CREAD | HUPCL`).
pub const CFLAG_DEFAULT: u32 = 0o17 | 0o60 | 0o200 | 0o2000;

/// `struct winsize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Winsize {
    /// Lines.
    pub ws_row: u16,
    /// Columns.
    pub ws_col: u16,
    /// Width in pixels, zero if not known.
    pub ws_xpixel: u16,
    /// Height in pixels, zero if not known.
    pub ws_ypixel: u16,
}
