//! Timers that send signals: setitimer(2), alarm(2), timer_create(2) and relatives.

use alloc::boxed::Box;
use alloc::sync::Arc;

use abi::errno::Errno;
use abi::prelude::*;
use abi::signal::{SigInfo, Signal, code};
use abi::time::{NS_PER_SEC, notify};
use logic::time::interval::Setting;

use crate::kernel::Kernel;
use crate::process::PosixTimer;
use crate::signal;
use crate::task::{Action, IntervalTimer};

use super::Ctx;

/// `ITIMER_REAL`; the timers of CPU time are not there.
const ITIMER_REAL: i32 = 0;
/// Most POSIX timers of the program.
const MOST_TIMERS: usize = 4096;

/// `ITIMER_REAL`'s timer, made when first asked for.
fn real(cx: &Ctx<'_>) -> Arc<IntervalTimer> {
    let mut timers = cx.process().timers.lock();
    let timer = timers.real.get_or_insert_with(|| {
        IntervalTimer::new(Box::new(|_| {
            let info = SigInfo::sent(Signal::SIGALRM, code::SI_KERNEL, 0, 0);
            // A classic signal always finds room.
            let _ = signal::send_to_process(&Kernel::get().process, Signal::SIGALRM, info);
        }))
    });
    Arc::clone(timer)
}

fn is_real(which: i32) -> Result<(), Errno> {
    if which == ITIMER_REAL { Ok(()) } else { Err(Errno::EINVAL) }
}

fn in_microseconds(setting: Setting) -> Itimerval {
    // What is left is rounded up: a timer that is set does not look like one that is not.
    let left = Timeval::from_ns(setting.left_ns.div_ceil(1000) * 1000);
    Itimerval { it_interval: Timeval::from_ns(setting.period_ns), it_value: left }
}

/// A deadline `ns` from now; `None` for zero, which stops a timer.
fn after(cx: &Ctx<'_>, ns: u64) -> Option<u64> {
    (ns != 0).then(|| cx.now().saturating_add(ns))
}

/// getitimer(2)
pub fn sys_getitimer(cx: &Ctx<'_>, which: i32, value: UserPtr<Itimerval>) -> Result<(), Errno> {
    is_real(which)?;
    cx.write_struct(value, &in_microseconds(real(cx).setting()))
}

/// setitimer(2)
pub fn sys_setitimer(
    cx: &Ctx<'_>,
    which: i32,
    new: UserPtr<Itimerval>,
    old: UserPtr<Itimerval>,
) -> Result<(), Errno> {
    is_real(which)?;
    let new = new.non_null().map(|new| cx.read_struct(new)).transpose()?.unwrap_or_default();
    let (first, period) = (new.it_value.to_ns()?, new.it_interval.to_ns()?);
    let before = real(cx).set(after(cx, first), period);
    match old.non_null() {
        Some(old) => cx.write_struct(old, &in_microseconds(before)),
        None => Ok(()),
    }
}

/// alarm(2): answers the seconds that were left, rounded up to at least one.
pub fn sys_alarm(cx: &Ctx<'_>, seconds: u32) -> Result<usize, Errno> {
    let before = real(cx).set(after(cx, u64::from(seconds) * NS_PER_SEC), 0);
    let left = before.left_ns;
    let rounded = (left + NS_PER_SEC / 2) / NS_PER_SEC;
    Ok(if left == 0 { 0 } else { rounded.max(1) as usize })
}

/// timer_create(2)
pub fn sys_timer_create(
    cx: &Ctx<'_>,
    clock: ClockId,
    event: UserPtr<SigEvent>,
    id: UserPtr<i32>,
) -> Result<(), Errno> {
    if ![ClockId::REALTIME, ClockId::MONOTONIC, ClockId::BOOTTIME].contains(&clock) {
        return Err(Errno::EINVAL);
    }
    let event = event.non_null().map(|event| cx.read_struct::<SigEvent>(event)).transpose()?;
    cx.check_memory()?;
    // Each may have a signal queued: on Linux timers count as such.
    let most = cx.process().limits.lock().queued_signals().min(MOST_TIMERS);
    let number = {
        let timers = cx.process().timers.lock();
        if timers.posix.len() >= most {
            return Err(Errno::EAGAIN);
        }
        (0..).find(|number| !timers.posix.contains_key(number)).unwrap_or(0)
    };
    let event = event.unwrap_or(SigEvent {
        value: u64::from(number.cast_unsigned()),
        signo: Signal::SIGALRM.raw(),
        notify: notify::SIGNAL,
        ..SigEvent::default()
    });
    let timer = IntervalTimer::new(action(cx, number, event)?);
    cx.write_struct(id, &number)?;
    cx.process().timers.lock().posix.insert(number, PosixTimer { timer, clock, overruns: 0 });
    Ok(())
}

/// What timer `number` does when it goes off.
fn action(cx: &Ctx<'_>, number: i32, event: SigEvent) -> Result<Action, Errno> {
    if event.notify == notify::NONE {
        return Ok(Box::new(|_| {}));
    }
    let signal = Signal::new(event.signo)?;
    let receiver = match event.notify {
        notify::SIGNAL => None,
        notify::THREAD_ID => {
            let tid = u32::try_from(event.tid).map_err(|_| Errno::EINVAL)?;
            Some(cx.process().thread(tid).map(|task| Arc::downgrade(&task)).ok_or(Errno::EINVAL)?)
        }
        _ => return Err(Errno::EINVAL),
    };
    Ok(Box::new(move |count| {
        let more = u32::try_from(count - 1).unwrap_or(u32::MAX);
        let info = SigInfo::timer(signal, number, more, event.value);
        let process = &Kernel::get().process;
        // Lost when too many other signals wait.
        let _ = match &receiver {
            None => signal::send_to_process(process, signal, info),
            Some(task) => match task.upgrade() {
                Some(task) => signal::send_to_thread(process, &task, signal, info),
                None => Ok(()),
            },
        };
    }))
}

fn posix(cx: &Ctx<'_>, id: i32) -> Result<PosixTimer, Errno> {
    cx.process().timers.lock().posix.get(&id).cloned().ok_or(Errno::EINVAL)
}

fn in_nanoseconds(setting: Setting) -> Itimerspec {
    Itimerspec {
        it_interval: Timespec::from_ns(setting.period_ns),
        it_value: Timespec::from_ns(setting.left_ns),
    }
}

/// timer_settime(2)
pub fn sys_timer_settime(
    cx: &Ctx<'_>,
    id: i32,
    flags: SleepFlags,
    new: UserPtr<Itimerspec>,
    old: UserPtr<Itimerspec>,
) -> Result<(), Errno> {
    let new = cx.read_struct(new)?;
    let (first, period) = (new.it_value.to_ns()?, new.it_interval.to_ns()?);
    let posix = {
        let mut timers = cx.process().timers.lock();
        let timer = timers.posix.get_mut(&id).ok_or(Errno::EINVAL)?;
        timer.overruns = 0;
        timer.clone()
    };
    let deadline = if flags.contains(SleepFlags::ABSTIME) && first != 0 {
        let clock = if posix.clock == ClockId::REALTIME { cx.realtime() } else { cx.now() };
        Some(cx.now().saturating_add(first.saturating_sub(clock)))
    } else {
        after(cx, first)
    };
    let before = posix.timer.set(deadline, period);
    match old.non_null() {
        Some(old) => cx.write_struct(old, &in_nanoseconds(before)),
        None => Ok(()),
    }
}

/// timer_gettime(2)
pub fn sys_timer_gettime(cx: &Ctx<'_>, id: i32, value: UserPtr<Itimerspec>) -> Result<(), Errno> {
    let setting = posix(cx, id)?.timer.setting();
    cx.write_struct(value, &in_nanoseconds(setting))
}

/// timer_getoverrun(2)
pub fn sys_timer_getoverrun(cx: &Ctx<'_>, id: i32) -> Result<usize, Errno> {
    Ok(posix(cx, id)?.overruns as usize)
}

/// timer_delete(2)
pub fn sys_timer_delete(cx: &Ctx<'_>, id: i32) -> Result<(), Errno> {
    let gone = cx.process().timers.lock().posix.remove(&id).ok_or(Errno::EINVAL)?;
    gone.timer.set(None, 0);
    Ok(())
}
