//! Terminal settings (termios(3), ioctl_tty(2)): what a program asks of the console.

use abi::errno::Errno;
use abi::tty::{CFLAG_DEFAULT, InputFlags, LocalFlags, OutputFlags, Termios, Winsize, control};

/// A terminal's settings.
pub trait Terminal: Send + Sync {
    /// The settings (`TCGETS`).
    fn settings(&self) -> Termios;
    /// Replaces them (`TCSETS`).
    fn set_settings(&self, settings: Termios);
    /// The window's size (`TIOCGWINSZ`).
    fn window(&self) -> Winsize;
    /// Replaces it (`TIOCSWINSZ`).
    fn set_window(&self, window: Winsize);
    /// Drops input that has not been read (`TCFLSH`).
    ///
    /// # Errors
    /// `EINVAL` for a terminal that cannot.
    fn drop_input(&self) -> Result<(), Errno>;
}

/// The settings of a fresh terminal, as Linux has them (drivers/tty/tty_io.c, `tty_std_termios`).
pub fn default_settings() -> Termios {
    let mut c_cc = [0; abi::tty::NCCS];
    let set = [
        (control::VINTR, 3),
        (control::VQUIT, 28),
        (control::VERASE, 127),
        (control::VKILL, 21),
        (control::VEOF, 4),
        (control::VMIN, 1),
        (control::VSTART, 17),
        (control::VSTOP, 19),
        (control::VSUSP, 26),
        (control::VREPRINT, 18),
        (control::VDISCARD, 15),
        (control::VWERASE, 23),
        (control::VLNEXT, 22),
    ];
    for (index, character) in set {
        c_cc[index] = character;
    }
    let local = LocalFlags::ISIG
        | LocalFlags::ICANON
        | LocalFlags::ECHO
        | LocalFlags::ECHOE
        | LocalFlags::ECHOK
        | LocalFlags::ECHOCTL
        | LocalFlags::ECHOKE
        | LocalFlags::IEXTEN;
    Termios {
        c_iflag: (InputFlags::ICRNL | InputFlags::IXON).bits(),
        c_oflag: (OutputFlags::OPOST | OutputFlags::ONLCR).bits(),
        c_cflag: CFLAG_DEFAULT,
        c_lflag: local.bits(),
        c_line: 0,
        c_cc,
    }
}
