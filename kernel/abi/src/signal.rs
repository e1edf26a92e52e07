//! Signals as programs see them: numbers, sets, actions, siginfo, alternate stacks. See signal(7), sigaction(2).
//!
//! These are the kernel's structures; libc's `sigset_t` and `struct sigaction` are larger. What lies on the stack of a
//! handler is in [`frame`].

pub mod frame;

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::errno::Errno;
use crate::reg::choice;

/// A signal number, 1..=64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

/// Names the classic signals, e.g. `signals! { SIGHUP = 1, "hangup"; }`.
macro_rules! signals {
    ($($name:ident = $number:literal, $meaning:literal;)*) => {
        impl Signal {
            $(#[doc = $meaning] pub const $name: Self = Self($number);)*

            /// Its name, e.g. `"SIGINT"`; `None` for real-time signals.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

signals! {
    SIGHUP = 1, "The terminal has gone.";
    SIGINT = 2, "Interrupt from the keyboard.";
    SIGQUIT = 3, "Quit from the keyboard.";
    SIGILL = 4, "Illegal instruction.";
    SIGTRAP = 5, "Breakpoint or trace trap.";
    SIGABRT = 6, "abort(3) was called.";
    SIGBUS = 7, "Access to memory that cannot be had.";
    SIGFPE = 8, "Arithmetic error.";
    SIGKILL = 9, "The end; cannot be caught.";
    SIGUSR1 = 10, "For the program's own use.";
    SIGSEGV = 11, "Access to memory that is not there or not allowed.";
    SIGUSR2 = 12, "For the program's own use.";
    SIGPIPE = 13, "Write to a pipe or socket nobody reads.";
    SIGALRM = 14, "alarm(2) has expired.";
    SIGTERM = 15, "Please end.";
    SIGSTKFLT = 16, "Unused.";
    SIGCHLD = 17, "A child ended or stopped.";
    SIGCONT = 18, "Go on if stopped.";
    SIGSTOP = 19, "Stop; cannot be caught.";
    SIGTSTP = 20, "Stop from the keyboard.";
    SIGTTIN = 21, "Background read from the terminal.";
    SIGTTOU = 22, "Background write to the terminal.";
    SIGURG = 23, "Urgent data on a socket.";
    SIGXCPU = 24, "CPU time limit exceeded.";
    SIGXFSZ = 25, "File size limit exceeded.";
    SIGVTALRM = 26, "Virtual timer has expired.";
    SIGPROF = 27, "Profiling timer has expired.";
    SIGWINCH = 28, "The window has a new size.";
    SIGIO = 29, "Input/output is possible now.";
    SIGPWR = 30, "Power failure.";
    SIGSYS = 31, "Bad system call.";
}

impl Signal {
    /// The highest number.
    pub const MAX: u8 = 64;
    /// The first real-time signal, as the kernel counts.
    pub const SIGRTMIN: Self = Self(32);

    /// The signal of this number.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] unless 1..=64. Zero, which kill(2) takes as "only look", is for the caller to notice.
    pub fn new(number: i32) -> Result<Self, Errno> {
        match u8::try_from(number) {
            Ok(number @ 1..=Self::MAX) => Ok(Self(number)),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Its number.
    #[must_use]
    pub fn raw(self) -> i32 {
        self.0.into()
    }

    /// Where arrays of 64 hold it: number minus one.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0 - 1)
    }

    /// What happens if the program has not said otherwise.
    #[must_use]
    pub const fn default_action(self) -> DefaultAction {
        match self {
            Self::SIGCHLD | Self::SIGURG | Self::SIGWINCH => DefaultAction::Ignore,
            Self::SIGCONT => DefaultAction::Continue,
            Self::SIGSTOP | Self::SIGTSTP | Self::SIGTTIN | Self::SIGTTOU => DefaultAction::Stop,
            Self::SIGQUIT
            | Self::SIGILL
            | Self::SIGTRAP
            | Self::SIGABRT
            | Self::SIGBUS
            | Self::SIGFPE
            | Self::SIGSEGV
            | Self::SIGXCPU
            | Self::SIGXFSZ
            | Self::SIGSYS => DefaultAction::Core,
            _ => DefaultAction::Terminate,
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "SIGRT_{}", self.0 - Self::SIGRTMIN.0),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a signal does by default: the "Action" column of signal(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// The program ends.
    Terminate,
    /// The program ends with a core dump.
    Core,
    /// Nothing.
    Ignore,
    /// The program stops.
    Stop,
    /// The program goes on if it was stopped.
    Continue,
}

/// The kernel's `sigset_t`: bit 0 is signal 1.
#[derive(Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct SigSet(pub u64);

impl SigSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);
    /// SIGKILL and SIGSTOP, which cannot be blocked or caught.
    pub const UNBLOCKABLE: Self = Self(1 << (9 - 1) | 1 << (19 - 1));

    /// The set of this one signal.
    #[must_use]
    pub const fn of(signal: Signal) -> Self {
        Self(1 << (signal.0 - 1))
    }

    /// Is it in the set?
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & Self::of(signal).0 != 0
    }

    /// Is nothing in the set?
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set but not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The lowest signal in the set.
    #[must_use]
    pub fn first(self) -> Option<Signal> {
        let bit = u8::try_from(self.0.trailing_zeros()).ok()?;
        (bit < Signal::MAX).then(|| Signal(bit + 1))
    }
}

impl fmt::Debug for SigSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = *self;
        let signals = core::iter::from_fn(|| {
            let signal = left.first()?;
            left = left.difference(Self::of(signal));
            Some(signal)
        });
        f.debug_set().entries(signals).finish()
    }
}

/// The sixth argument of pselect6(2): a set and its size, since a seventh argument does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigSetArg {
    /// Address of a [`SigSet`], or zero.
    pub set: usize,
    /// Its size in bytes.
    pub size: usize,
}

choice! {
    /// How rt_sigprocmask(2) changes the mask.
    pub enum SigHow: i32, else EINVAL {
        /// `SIG_BLOCK`: block these too.
        Block = 0,
        /// `SIG_UNBLOCK`: block these no more.
        Unblock = 1,
        /// `SIG_SETMASK`: block these and no others.
        SetMask = 2,
    }
}

/// `SIG_DFL` in [`SigAction::sa_handler`]: the default action.
pub const SIG_DFL: usize = 0;
/// `SIG_IGN` in [`SigAction::sa_handler`]: ignore it.
pub const SIG_IGN: usize = 1;

/// The kernel's `struct sigaction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigAction {
    /// Address of the handler, [`SIG_DFL`] or [`SIG_IGN`].
    pub sa_handler: usize,
    /// [`SaFlags`].
    pub sa_flags: u64,
    /// Address of the code a handler returns to.
    pub sa_restorer: usize,
    /// Blocked while the handler runs.
    pub sa_mask: SigSet,
}

bitflags::bitflags! {
    /// Flags of sigaction(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SaFlags: u64 {
        /// `SA_NOCLDSTOP`: no SIGCHLD when children stop.
        const NOCLDSTOP = 0x1;
        /// `SA_NOCLDWAIT`: children need not be waited for.
        const NOCLDWAIT = 0x2;
        /// `SA_SIGINFO`: three arguments instead of one.
        const SIGINFO = 0x4;
        /// `SA_UNSUPPORTED`: never supported, to find out whether flags are checked.
        const UNSUPPORTED = 0x400;
        /// `SA_EXPOSE_TAGBITS`: keep tag bits of fault addresses.
        const EXPOSE_TAGBITS = 0x800;
        /// `SA_RESTORER`: `sa_restorer` is given; x86_64 needs it.
        const RESTORER = 0x0400_0000;
        /// `SA_ONSTACK`: on the alternate stack.
        const ONSTACK = 0x0800_0000;
        /// `SA_RESTART`: interrupted calls go on.
        const RESTART = 0x1000_0000;
        /// `SA_NODEFER`: not blocked by itself.
        const NODEFER = 0x4000_0000;
        /// `SA_RESETHAND`: once only.
        const RESETHAND = 0x8000_0000;
    }
}

/// `stack_t` of sigaltstack(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigStack {
    /// Lowest address.
    pub ss_sp: usize,
    /// [`SsFlags`].
    pub ss_flags: u32,
    /// Always zero.
    pub pad0: u32,
    /// Bytes.
    pub ss_size: usize,
}

bitflags::bitflags! {
    /// Flags of sigaltstack(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SsFlags: u32 {
        /// `SS_ONSTACK`: in use.
        const ONSTACK = 1;
        /// `SS_DISABLE`: there is none.
        const DISABLE = 2;
        /// `SS_AUTODISARM`: disabled while a handler runs on it.
        const AUTODISARM = 0x8000_0000;
    }
}

/// Smallest alternate stack, in bytes.
pub const MINSIGSTKSZ: usize = 2048;

/// `siginfo_t`: why a signal came. 128 bytes; what follows the code depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigInfo {
    /// The signal.
    pub si_signo: i32,
    /// Always zero on Linux.
    pub si_errno: i32,
    /// One of [`code`].
    pub si_code: i32,
    /// Always zero.
    pub pad0: u32,
    /// The union: the fault's address, or the sender's ids in one word.
    pub fields: [u64; 14],
}

impl SigInfo {
    /// Of a signal sent by a process or thread (`code` is [`code::SI_USER`] or [`code::SI_TKILL`]).
    #[must_use]
    pub fn sent(signal: Signal, code: i32, pid: u32, uid: u32) -> Self {
        Self::with(signal, code, u64::from(uid) << 32 | u64::from(pid))
    }

    /// Of a fault at this address (`code` is e.g. [`code::SEGV_MAPERR`]).
    #[must_use]
    pub fn fault(signal: Signal, code: i32, addr: u64) -> Self {
        Self::with(signal, code, addr)
    }

    /// Of a timer (timer_create(2)): its number, how often it went off besides this time, and its value.
    #[must_use]
    pub fn timer(signal: Signal, number: i32, overruns: u32, value: u64) -> Self {
        let mut info = Self::with(signal, code::SI_TIMER, 0);
        info.set_expiry(number, overruns);
        info.fields[1] = value;
        info
    }

    /// Which timer it is of, and how often that went off besides this time; `None` for other signals.
    #[must_use]
    pub fn expiry(&self) -> Option<(i32, u32)> {
        let [number, overruns]: [u32; 2] = zerocopy::transmute!(self.fields[0]);
        (self.si_code == code::SI_TIMER).then_some((number.cast_signed(), overruns))
    }

    /// The timer went off so many times more.
    pub fn add_overruns(&mut self, more: u32) {
        if let Some((number, overruns)) = self.expiry() {
            self.set_expiry(number, overruns.saturating_add(more));
        }
    }

    /// At most `DELAYTIMER_MAX` are counted (timer_getoverrun(2)).
    fn set_expiry(&mut self, number: i32, overruns: u32) {
        let overruns = overruns.min(i32::MAX.cast_unsigned());
        self.fields[0] = zerocopy::transmute!([number.cast_unsigned(), overruns]);
    }

    fn with(signal: Signal, code: i32, first: u64) -> Self {
        let mut info = Self { si_signo: signal.raw(), si_code: code, ..Self::default() };
        info.fields[0] = first;
        info
    }
}

/// Values of [`SigInfo::si_code`]; those of faults mean something for their signal only.
pub mod code {
    /// Sent by kill(2).
    pub const SI_USER: i32 = 0;
    /// Sent by the kernel.
    pub const SI_KERNEL: i32 = 0x80;
    /// Sent by sigqueue(3).
    pub const SI_QUEUE: i32 = -1;
    /// Sent by a POSIX timer.
    pub const SI_TIMER: i32 = -2;
    /// Sent by tkill(2) or tgkill(2).
    pub const SI_TKILL: i32 = -6;
    /// SIGSEGV: nothing mapped there.
    pub const SEGV_MAPERR: i32 = 1;
    /// SIGSEGV: not allowed there.
    pub const SEGV_ACCERR: i32 = 2;
    /// SIGBUS: misaligned.
    pub const BUS_ADRALN: i32 = 1;
    /// SIGBUS: beyond the end of the object.
    pub const BUS_ADRERR: i32 = 2;
    /// SIGILL: illegal operand, also used for an illegal instruction.
    pub const ILL_ILLOPN: i32 = 2;
    /// SIGFPE: integer divided by zero.
    pub const FPE_INTDIV: i32 = 1;
    /// SIGFPE: floating-point exception of a kind that is not known.
    pub const FPE_FLTUNK: i32 = 14;
    /// SIGTRAP: breakpoint.
    pub const TRAP_BRKPT: i32 = 1;
    /// SIGTRAP: single step.
    pub const TRAP_TRACE: i32 = 2;
}

#[cfg(test)]
mod tests;
