//! Clocks and times as programs pass them: clock_gettime(2), nanosleep(2), setitimer(2).
//!
//! Inside the kernel time is `u64` nanoseconds; the conversions are here, reading a clock is not.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::errno::Errno;
use crate::reg::{from_reg_flags, number};

/// Nanoseconds in a second.
pub const NS_PER_SEC: u64 = 1_000_000_000;
const NS_PER_US: u64 = 1_000;

/// `struct timespec`: seconds and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timespec {
    /// Seconds.
    pub tv_sec: i64,
    /// Nanoseconds, 0..=999,999,999, or a special value in utimensat(2).
    pub tv_nsec: i64,
}

impl Timespec {
    /// Nanoseconds as seconds and nanoseconds.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self { tv_sec: (ns / NS_PER_SEC).cast_signed(), tv_nsec: (ns % NS_PER_SEC).cast_signed() }
    }

    /// Nanoseconds; times beyond 584 years saturate.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] if either field is negative or there are a second's worth of nanoseconds or more.
    pub fn to_ns(self) -> Result<u64, Errno> {
        nanoseconds(self.tv_sec, self.tv_nsec, 1)
    }
}

/// `struct timeval`: seconds and microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timeval {
    /// Seconds.
    pub tv_sec: i64,
    /// Microseconds, 0..=999,999.
    pub tv_usec: i64,
}

impl Timeval {
    /// Nanoseconds as seconds and microseconds, rounded down.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        let tv_usec = (ns % NS_PER_SEC / NS_PER_US).cast_signed();
        Self { tv_sec: (ns / NS_PER_SEC).cast_signed(), tv_usec }
    }

    /// Nanoseconds; times beyond 584 years saturate.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] if either field is negative or there are a second's worth of microseconds or more.
    pub fn to_ns(self) -> Result<u64, Errno> {
        nanoseconds(self.tv_sec, self.tv_usec, NS_PER_US)
    }
}

fn nanoseconds(seconds: i64, fraction: i64, ns_per_unit: u64) -> Result<u64, Errno> {
    let seconds = u64::try_from(seconds).map_err(|_| Errno::EINVAL)?;
    let fraction = u64::try_from(fraction).map_err(|_| Errno::EINVAL)?;
    if fraction >= NS_PER_SEC / ns_per_unit {
        return Err(Errno::EINVAL);
    }
    Ok(seconds.saturating_mul(NS_PER_SEC).saturating_add(fraction * ns_per_unit))
}

/// `struct itimerspec`: a timer's period and its first expiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerspec {
    /// Time between expiries; zero means once.
    pub it_interval: Timespec,
    /// Time until the next expiry; zero means disarmed.
    pub it_value: Timespec,
}

/// `struct itimerval`: like [`Itimerspec`], in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerval {
    /// Time between expiries; zero means once.
    pub it_interval: Timeval,
    /// Time until the next expiry; zero means disarmed.
    pub it_value: Timeval,
}

/// `struct sigevent` of timer_create(2): what is to happen. 64 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SigEvent {
    /// Goes to the handler.
    pub value: u64,
    /// The signal.
    pub signo: i32,
    /// One of [`notify`].
    pub notify: i32,
    /// The thread, with [`notify::THREAD_ID`].
    pub tid: i32,
    /// Not used.
    pub pad: [u32; 11],
}

/// Values of [`SigEvent::notify`].
pub mod notify {
    /// `SIGEV_SIGNAL`: a signal for the process.
    pub const SIGNAL: i32 = 0;
    /// `SIGEV_NONE`: nothing.
    pub const NONE: i32 = 1;
    /// `SIGEV_THREAD_ID`: a signal for one thread.
    pub const THREAD_ID: i32 = 4;
}

/// `struct timezone` of gettimeofday(2); always zero on Linux unless somebody set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timezone {
    /// Minutes west of Greenwich.
    pub tz_minuteswest: i32,
    /// Kind of daylight saving, never used.
    pub tz_dsttime: i32,
}

number! {
    /// Which clock: one of the constants, or a negative number that names a thread's or process' CPU time.
    ClockId: i32;
}

impl ClockId {
    /// `CLOCK_REALTIME`: time since 1970, as set.
    pub const REALTIME: Self = Self(0);
    /// `CLOCK_MONOTONIC`: never goes back.
    pub const MONOTONIC: Self = Self(1);
    /// `CLOCK_PROCESS_CPUTIME_ID`: CPU time of all threads.
    pub const PROCESS_CPUTIME_ID: Self = Self(2);
    /// `CLOCK_THREAD_CPUTIME_ID`: CPU time of the calling thread.
    pub const THREAD_CPUTIME_ID: Self = Self(3);
    /// `CLOCK_MONOTONIC_RAW`: monotonic, never slewed.
    pub const MONOTONIC_RAW: Self = Self(4);
    /// `CLOCK_REALTIME_COARSE`: as of the last tick.
    pub const REALTIME_COARSE: Self = Self(5);
    /// `CLOCK_MONOTONIC_COARSE`: as of the last tick.
    pub const MONOTONIC_COARSE: Self = Self(6);
    /// `CLOCK_BOOTTIME`: monotonic, counts sleep of the machine too.
    pub const BOOTTIME: Self = Self(7);
    /// `CLOCK_REALTIME_ALARM`: real time that wakes the machine.
    pub const REALTIME_ALARM: Self = Self(8);
    /// `CLOCK_BOOTTIME_ALARM`: boot time that wakes the machine.
    pub const BOOTTIME_ALARM: Self = Self(9);
    /// `CLOCK_TAI`: real time without leap seconds.
    pub const TAI: Self = Self(11);
}

bitflags::bitflags! {
    /// Flags of clock_nanosleep(2) and timer_settime(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SleepFlags: u32 {
        /// `TIMER_ABSTIME`: the request is a point in time, not a duration.
        const ABSTIME = 1;
    }
}

from_reg_flags! {
    // Linux looks at the one bit only.
    retain SleepFlags;
}

#[cfg(test)]
mod tests;
