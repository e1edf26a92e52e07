//! Readiness as programs pass it: epoll(7), eventfd(2), timerfd_create(2), signalfd(2).
//!
//! Not here: the events of poll(2), which are the low half of an epoll instance's ([`crate::io::PollEvents`]).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::io::PollEvents;
use crate::reg::{choice, from_reg_flags};
use crate::signal::{SigInfo, Signal, code};

/// `struct epoll_event`; packed on x86_64 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct EpollEvent {
    /// [`EpollFlags`].
    pub events: u32,
    /// The program's own.
    pub data: u64,
}

bitflags::bitflags! {
    /// What an interest is in (epoll_ctl(2)): [`PollEvents`] in the low half, how they are told in the high one.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct EpollFlags: u32 {
        /// `EPOLLEXCLUSIVE`: of all that wait for the file, one is told at least.
        const EXCLUSIVE = 1 << 28;
        /// `EPOLLWAKEUP`: the machine does not sleep meanwhile.
        const WAKEUP = 1 << 29;
        /// `EPOLLONESHOT`: told once, then not until it is asked for again.
        const ONESHOT = 1 << 30;
        /// `EPOLLET`: told when something changes, not for as long as it lasts.
        const ET = 1 << 31;
        // The events.
        const _ = 0xffff;
    }
}

impl EpollFlags {
    /// The events among them.
    #[must_use]
    pub fn events(self) -> PollEvents {
        let [low, high, ..] = self.bits().to_le_bytes();
        PollEvents::from_bits_retain(u16::from_le_bytes([low, high]))
    }
}

impl From<PollEvents> for EpollFlags {
    fn from(events: PollEvents) -> Self {
        Self::from_bits_retain(u32::from(events.bits()))
    }
}

choice! {
    /// What epoll_ctl(2) does.
    pub enum EpollOp: i32, else EINVAL {
        /// `EPOLL_CTL_ADD`: be interested.
        Add = 1,
        /// `EPOLL_CTL_DEL`: be interested no longer.
        Delete = 2,
        /// `EPOLL_CTL_MOD`: be interested in something else.
        Modify = 3,
    }
}

bitflags::bitflags! {
    /// Flags of epoll_create1(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct EpollCreateFlags: u32 {
        /// `EPOLL_CLOEXEC`.
        const CLOEXEC = 0o2000000;
    }
}

bitflags::bitflags! {
    /// Flags of eventfd2(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct EventFdFlags: u32 {
        /// `EFD_SEMAPHORE`: a read takes one.
        const SEMAPHORE = 1;
        /// `EFD_NONBLOCK`.
        const NONBLOCK = 0o4000;
        /// `EFD_CLOEXEC`.
        const CLOEXEC = 0o2000000;
    }
}

bitflags::bitflags! {
    /// Flags of timerfd_create(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TimerFdFlags: u32 {
        /// `TFD_NONBLOCK`.
        const NONBLOCK = 0o4000;
        /// `TFD_CLOEXEC`.
        const CLOEXEC = 0o2000000;
    }
}

bitflags::bitflags! {
    /// Flags of timerfd_settime(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TimerFdSetFlags: u32 {
        /// `TFD_TIMER_ABSTIME`: the first expiry is a point in time.
        const ABSTIME = 1;
        /// `TFD_TIMER_CANCEL_ON_SET`: reads fail when the clock is set.
        const CANCEL_ON_SET = 2;
    }
}

bitflags::bitflags! {
    /// Flags of signalfd4(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SignalFdFlags: u32 {
        /// `SFD_NONBLOCK`.
        const NONBLOCK = 0o4000;
        /// `SFD_CLOEXEC`.
        const CLOEXEC = 0o2000000;
    }
}

from_reg_flags! {
    reject EpollCreateFlags;
    reject EventFdFlags;
    reject TimerFdFlags;
    reject TimerFdSetFlags;
    reject SignalFdFlags;
}

/// `struct signalfd_siginfo`: a signal as it is read from a descriptor. 128 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SignalFdInfo {
    /// The signal.
    pub ssi_signo: u32,
    /// Always zero on Linux.
    pub ssi_errno: i32,
    /// One of [`code`].
    pub ssi_code: i32,
    /// Who sent it.
    pub ssi_pid: u32,
    /// The sender's real user.
    pub ssi_uid: u32,
    /// A descriptor (`SIGIO`).
    pub ssi_fd: i32,
    /// Which POSIX timer.
    pub ssi_tid: u32,
    /// Events (`SIGIO`).
    pub ssi_band: u32,
    /// How often the timer went off besides this time.
    pub ssi_overrun: u32,
    /// Never set.
    pub ssi_trapno: u32,
    /// How a child ended.
    pub ssi_status: i32,
    /// The value of sigqueue(3), as an `int`.
    pub ssi_int: i32,
    /// The same, as a pointer.
    pub ssi_ptr: u64,
    /// A child's user time.
    pub ssi_utime: u64,
    /// A child's system time.
    pub ssi_stime: u64,
    /// Where a fault was.
    pub ssi_addr: u64,
    /// The fault's least significant bit.
    pub ssi_addr_lsb: u16,
    /// Always zero.
    pub pad0: u16,
    /// A system call (`SIGSYS`).
    pub ssi_syscall: i32,
    /// Its address.
    pub ssi_call_addr: u64,
    /// Its architecture.
    pub ssi_arch: u32,
    /// Always zero.
    pub pad1: [u32; 7],
}

impl From<&SigInfo> for SignalFdInfo {
    /// As Linux's `signalfd_copyinfo`: which fields there are depends on who sent the signal.
    fn from(info: &SigInfo) -> Self {
        let plain = Self {
            ssi_signo: info.si_signo.cast_unsigned(),
            ssi_errno: info.si_errno,
            ssi_code: info.si_code,
            ..Self::default()
        };
        let [first, second]: [u32; 2] = zerocopy::transmute!(info.fields[0]);
        let value = info.fields[1];
        let [low, _]: [u32; 2] = zerocopy::transmute!(value);
        let with_value = Self { ssi_ptr: value, ssi_int: low.cast_signed(), ..plain };
        match info.si_code {
            code::SI_USER | code::SI_KERNEL => Self { ssi_pid: first, ssi_uid: second, ..plain },
            code::SI_TIMER => Self { ssi_tid: first, ssi_overrun: second, ..with_value },
            ..0 => Self { ssi_pid: first, ssi_uid: second, ..with_value },
            _ if info.si_signo == Signal::SIGCHLD.raw() => Self { ssi_pid: first, ssi_uid: second, ..plain },
            _ => Self { ssi_addr: info.fields[0], ..plain },
        }
    }
}

#[cfg(test)]
mod tests;
