//! Clocks and sleeping: clock_gettime(2), clock_nanosleep(2), gettimeofday(2) and relatives.

use abi::errno::Errno;
use abi::flags::Only as _;
use abi::prelude::*;
use abi::time::NS_PER_SEC;

use crate::task;

use super::Ctx;

/// Nanoseconds on `clock` now.
fn read(cx: &Ctx<'_>, clock: ClockId) -> Result<u64, Errno> {
    match clock {
        ClockId::REALTIME | ClockId::REALTIME_COARSE | ClockId::REALTIME_ALARM | ClockId::TAI => {
            Ok(cx.realtime())
        }
        ClockId::MONOTONIC
        | ClockId::MONOTONIC_RAW
        | ClockId::MONOTONIC_COARSE
        | ClockId::BOOTTIME
        | ClockId::BOOTTIME_ALARM => Ok(cx.now()),
        ClockId::PROCESS_CPUTIME_ID => Ok(cx.process().cpu_time()),
        ClockId::THREAD_CPUTIME_ID => Ok(task::cpu_time(cx.task())),
        _ => Err(Errno::EINVAL),
    }
}

/// clock_gettime(2)
pub fn sys_clock_gettime(cx: &Ctx<'_>, clock: ClockId, time: UserPtr<Timespec>) -> Result<(), Errno> {
    let now = read(cx, clock)?;
    cx.write_struct(time, &Timespec::from_ns(now))
}

/// clock_getres(2): a nanosecond; the coarse clocks are as fine here.
pub fn sys_clock_getres(cx: &Ctx<'_>, clock: ClockId, resolution: UserPtr<Timespec>) -> Result<(), Errno> {
    read(cx, clock)?;
    match resolution.non_null() {
        Some(resolution) => cx.write_struct(resolution, &Timespec { tv_sec: 0, tv_nsec: 1 }),
        None => Ok(()),
    }
}

/// Sleeps until `deadline_ns`; a signal leaves what remained in `remain`.
fn sleep_until(cx: &Ctx<'_>, deadline_ns: u64, remain: Option<UserPtr<Timespec>>) -> Result<(), Errno> {
    match cx.block_on(Some(deadline_ns), |_| Err::<(), _>(Errno::EAGAIN)) {
        Err(Errno::ETIMEDOUT) => Ok(()),
        answer => {
            if let Some(remain) = remain {
                cx.write_struct(remain, &Timespec::from_ns(deadline_ns.saturating_sub(cx.now())))?;
            }
            answer
        }
    }
}

/// clock_nanosleep(2)
pub fn sys_clock_nanosleep(
    cx: &Ctx<'_>,
    clock: ClockId,
    flags: SleepFlags,
    request: UserPtr<Timespec>,
    remain: UserPtr<Timespec>,
) -> Result<(), Errno> {
    if clock == ClockId::THREAD_CPUTIME_ID {
        return Err(Errno::EINVAL);
    }
    let now = read(cx, clock)?;
    flags.known()?;
    let ns = cx.read_struct(request)?.to_ns()?;
    if clock == ClockId::PROCESS_CPUTIME_ID {
        // Sleeping on CPU time needs a timer that counts it.
        return Err(Errno::EOPNOTSUPP);
    }
    if flags.contains(SleepFlags::ABSTIME) {
        return sleep_until(cx, cx.now().saturating_add(ns.saturating_sub(now)), None);
    }
    sleep_until(cx, cx.now().saturating_add(ns), remain.non_null())
}

/// nanosleep(2)
pub fn sys_nanosleep(
    cx: &Ctx<'_>,
    request: UserPtr<Timespec>,
    remain: UserPtr<Timespec>,
) -> Result<(), Errno> {
    sys_clock_nanosleep(cx, ClockId::MONOTONIC, SleepFlags::empty(), request, remain)
}

/// gettimeofday(2): the time zone is always UTC.
pub fn sys_gettimeofday(cx: &Ctx<'_>, time: UserPtr<Timeval>, zone: UserPtr<Timezone>) -> Result<(), Errno> {
    if let Some(time) = time.non_null() {
        cx.write_struct(time, &Timeval::from_ns(cx.realtime()))?;
    }
    match zone.non_null() {
        Some(zone) => cx.write_struct(zone, &Timezone::default()),
        None => Ok(()),
    }
}

/// time(2)
pub fn sys_time(cx: &Ctx<'_>, time: UserPtr<i64>) -> Result<u64, Errno> {
    let seconds = cx.realtime() / NS_PER_SEC;
    if let Some(time) = time.non_null() {
        cx.write_struct(time, &seconds.cast_signed())?;
    }
    Ok(seconds)
}
