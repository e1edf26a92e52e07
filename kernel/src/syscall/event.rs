//! Counters, timers and signals that are descriptors: eventfd(2), timerfd_create(2), signalfd(2).

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::prelude::*;
use logic::file::eventfd::{EventFd, Takes};
use logic::file::open::OpenFile;
use logic::file::signalfd::SignalFd;
use logic::file::timerfd::{First, TimerFd};
use logic::fs::anonymous;
use logic::time::interval::Setting;

use crate::signal::Descriptors;
use crate::task::Clocks;

use super::Ctx;

/// Gives `open` a descriptor; `flags` are those of open(2) that it was asked for with.
fn insert(cx: &Ctx<'_>, open: Arc<OpenFile>, flags: OpenFlags) -> Result<Fd, Errno> {
    cx.process().files.table.lock().insert(open, flags.contains(OpenFlags::CLOEXEC), 0)
}

/// eventfd(2) as it first was, without flags.
pub fn sys_eventfd(cx: &Ctx<'_>, initial: u32) -> Result<Fd, Errno> {
    sys_eventfd2(cx, initial, EventFdFlags::empty())
}

/// eventfd(2)
pub fn sys_eventfd2(cx: &Ctx<'_>, initial: u32, flags: EventFdFlags) -> Result<Fd, Errno> {
    cx.check_memory()?;
    let takes = if flags.contains(EventFdFlags::SEMAPHORE) { Takes::One } else { Takes::Everything };
    let status = OpenFlags::from_bits_retain(flags.difference(EventFdFlags::SEMAPHORE).bits());
    let open = anonymous::open("eventfd", EventFd::new(initial, takes), status | OpenFlags::RDWR);
    insert(cx, open, status)
}

/// timerfd_create(2)
pub fn sys_timerfd_create(cx: &Ctx<'_>, clock: ClockId, flags: TimerFdFlags) -> Result<Fd, Errno> {
    let timer = TimerFd::new(clock, &Clocks)?;
    cx.check_memory()?;
    let status = OpenFlags::from_bits_retain(flags.bits());
    insert(cx, anonymous::open("timerfd", timer, status | OpenFlags::RDWR), status)
}

fn in_nanoseconds(setting: Setting) -> Itimerspec {
    Itimerspec {
        it_interval: Timespec::from_ns(setting.period_ns),
        it_value: Timespec::from_ns(setting.left_ns),
    }
}

/// timerfd_settime(2). The wall clock is the host's and is never set, so no timer is ever cancelled for that.
pub fn sys_timerfd_settime(
    cx: &Ctx<'_>,
    fd: Fd,
    flags: TimerFdSetFlags,
    new: UserPtr<Itimerspec>,
    old: UserPtr<Itimerspec>,
) -> Result<(), Errno> {
    let new = cx.read_struct(new)?;
    let (value, period) = (new.it_value.to_ns()?, new.it_interval.to_ns()?);
    let open = cx.file(fd)?;
    let timer = open.file.timer().ok_or(Errno::EINVAL)?;
    let first = match value {
        0 => First::Never,
        at if flags.contains(TimerFdSetFlags::ABSTIME) => First::At(at),
        ns => First::After(ns),
    };
    let before = timer.set(first, period);
    match old.non_null() {
        Some(old) => cx.write_struct(old, &in_nanoseconds(before)),
        None => Ok(()),
    }
}

/// timerfd_gettime(2)
pub fn sys_timerfd_gettime(cx: &Ctx<'_>, fd: Fd, value: UserPtr<Itimerspec>) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    let timer = open.file.timer().ok_or(Errno::EINVAL)?;
    cx.write_struct(value, &in_nanoseconds(timer.setting()))
}

/// signalfd(2) as it first was, without flags.
pub fn sys_signalfd(cx: &Ctx<'_>, fd: Fd, mask: UserPtr<SigSet>, set_size: usize) -> Result<Fd, Errno> {
    sys_signalfd4(cx, fd, mask, set_size, SignalFdFlags::empty())
}

/// signalfd(2): a descriptor of -1 asks for a new one.
pub fn sys_signalfd4(
    cx: &Ctx<'_>,
    fd: Fd,
    mask: UserPtr<SigSet>,
    set_size: usize,
    flags: SignalFdFlags,
) -> Result<Fd, Errno> {
    if set_size != size_of::<SigSet>() {
        return Err(Errno::EINVAL);
    }
    let wanted = cx.read_struct(mask)?;
    if fd.0 != -1 {
        cx.file(fd)?.file.signals().ok_or(Errno::EINVAL)?.set(wanted);
        return Ok(fd);
    }
    cx.check_memory()?;
    let status = OpenFlags::from_bits_retain(flags.bits());
    let signals = SignalFd::new(wanted, &Descriptors);
    insert(cx, anonymous::open("signalfd", signals, status | OpenFlags::RDWR), status)
}
