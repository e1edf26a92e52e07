//! Signals: sigaction(2), sigprocmask(2), sigaltstack(2), kill(2), tgkill(2).
//!
//! Dispositions, masks and alternate stacks are kept; a signal whose default is to end the process ends it, with 128 + its number. Running
//! handlers comes with the signals issue: until then a handled signal stays pending.

use abi::errno::Errno;
use abi::prelude::*;
use abi::signal::{MINSIGSTKSZ, Signal, SsFlags};
use logic::signal::Effect;

use crate::end;
use crate::process::PID;
use crate::task::Task;

use super::Ctx;

/// Bytes of a signal set, which the caller must name.
const SET_SIZE: usize = size_of::<SigSet>();

fn check_size(set_size: usize) -> Result<(), Errno> {
    if set_size == SET_SIZE { Ok(()) } else { Err(Errno::EINVAL) }
}

/// sigaction(2)
pub fn sys_rt_sigaction(
    cx: &Ctx<'_>,
    signal: i32,
    act: UserPtr<SigAction>,
    old: UserPtr<SigAction>,
    set_size: usize,
) -> Result<(), Errno> {
    check_size(set_size)?;
    let new = act.non_null().map(|act| cx.read_struct(act)).transpose()?;
    let signal = Signal::new(signal)?;
    let before = {
        let mut signals = cx.process().signals.lock();
        let before = signals.action(signal);
        if let Some(new) = new {
            signals.set_action(signal, new)?;
        }
        before
    };
    match old.non_null() {
        Some(old) => cx.write_struct(old, &before),
        None => Ok(()),
    }
}

/// sigprocmask(2)
pub fn sys_rt_sigprocmask(
    cx: &Ctx<'_>,
    how: Late<SigHow>,
    set: UserPtr<SigSet>,
    old: UserPtr<SigSet>,
    set_size: usize,
) -> Result<(), Errno> {
    check_size(set_size)?;
    let before = cx.task().signals.lock().mask;
    if let Some(set) = set.non_null() {
        let set = cx.read_struct(set)?;
        cx.task().signals.lock().change_mask(how?, set);
        deliver_pending(cx);
    }
    match old.non_null() {
        Some(old) => cx.write_struct(old, &before),
        None => Ok(()),
    }
}

/// A change of the mask lets what was pending through.
fn deliver_pending(cx: &Ctx<'_>) {
    let released = {
        let thread = cx.task().signals.lock();
        let pending = thread.pending.union(cx.process().signals.lock().pending);
        pending.difference(thread.mask)
    };
    if let Some(signal) = released.first() {
        act_on(cx, signal);
    }
}

/// sigaltstack(2)
pub fn sys_sigaltstack(cx: &Ctx<'_>, stack: UserPtr<SigStack>, old: UserPtr<SigStack>) -> Result<(), Errno> {
    let new = stack.non_null().map(|stack| cx.read_struct(stack)).transpose()?;
    let before = cx.task().signals.lock().stack;
    if let Some(mut new) = new {
        let flags = SsFlags::from_bits_retain(new.ss_flags);
        if !flags.difference(SsFlags::DISABLE | SsFlags::AUTODISARM).difference(SsFlags::ONSTACK).is_empty() {
            return Err(Errno::EINVAL);
        }
        if flags.contains(SsFlags::DISABLE) {
            new = SigStack { ss_flags: SsFlags::DISABLE.bits(), ..SigStack::default() };
        } else if new.ss_size < MINSIGSTKSZ {
            return Err(Errno::ENOMEM);
        }
        cx.task().signals.lock().stack = new;
    }
    match old.non_null() {
        Some(old) => {
            let disabled = before.ss_size == 0;
            let flags = if disabled { SsFlags::DISABLE.bits() } else { before.ss_flags };
            cx.write_struct(old, &SigStack { ss_flags: flags, ..before })
        }
        None => Ok(()),
    }
}

/// sigpending(2)
pub fn sys_rt_sigpending(cx: &Ctx<'_>, set: UserPtr<SigSet>, set_size: usize) -> Result<(), Errno> {
    if set_size > SET_SIZE {
        return Err(Errno::EINVAL);
    }
    let pending = cx.task().signals.lock().pending.union(cx.process().signals.lock().pending);
    cx.write_struct(set, &pending)
}

/// kill(2): to the one process there is.
pub fn sys_kill(cx: &Ctx<'_>, pid: Pid, signal: i32) -> Result<(), Errno> {
    let myself = [0, PID.cast_signed(), -PID.cast_signed()].contains(&pid.0);
    if pid.0 == -1 {
        // Everybody but the sender and the first process: nobody.
        return Signal::new(signal).map(|_| ()).and(Err(Errno::ESRCH));
    }
    if !myself {
        return Err(Errno::ESRCH);
    }
    send_to_process(cx, signal)
}

fn send_to_process(cx: &Ctx<'_>, signal: i32) -> Result<(), Errno> {
    if signal == 0 {
        return Ok(());
    }
    let signal = Signal::new(signal)?;
    if cx.task().signals.lock().mask.contains(signal) {
        let mut signals = cx.process().signals.lock();
        signals.pending = signals.pending.union(SigSet::of(signal));
        return Ok(());
    }
    act_on(cx, signal);
    Ok(())
}

/// tkill(2)
pub fn sys_tkill(cx: &Ctx<'_>, tid: Tid, signal: i32) -> Result<(), Errno> {
    if tid.0 <= 0 {
        return Err(Errno::EINVAL);
    }
    cx.with_thread(tid, |task| send_to_thread(cx, task, signal))?
}

/// tgkill(2)
pub fn sys_tgkill(cx: &Ctx<'_>, pid: Pid, tid: Tid, signal: i32) -> Result<(), Errno> {
    if pid.0 <= 0 || tid.0 <= 0 {
        return Err(Errno::EINVAL);
    }
    if pid.0 != PID.cast_signed() {
        return Err(Errno::ESRCH);
    }
    sys_tkill(cx, tid, signal)
}

fn send_to_thread(cx: &Ctx<'_>, task: &Task, signal: i32) -> Result<(), Errno> {
    if signal == 0 {
        return Ok(());
    }
    let signal = Signal::new(signal)?;
    let mut signals = task.signals.lock();
    let blocked = signals.mask.contains(signal);
    if blocked || matches!(cx.process().signals.lock().effect(signal), Effect::Handle(_)) {
        signals.pending = signals.pending.union(SigSet::of(signal));
        return Ok(());
    }
    drop(signals);
    act_on(cx, signal);
    Ok(())
}

/// A write to a pipe that nobody reads (signal(7), `SIGPIPE`).
pub(super) fn broken_pipe(cx: &Ctx<'_>) {
    // The number is valid; a signal that cannot be acted on stays pending.
    let _ = send_to_thread(cx, cx.task(), Signal::SIGPIPE.raw());
}

/// Does what the signal's disposition says.
fn act_on(cx: &Ctx<'_>, signal: Signal) {
    let effect = cx.process().signals.lock().effect(signal);
    match effect {
        Effect::Ignore | Effect::StopOrContinue => {}
        Effect::Kill => end::exit(128 + u8::try_from(signal.raw()).unwrap_or(0)),
        Effect::Handle(_) => {
            let mut signals = cx.task().signals.lock();
            signals.pending = signals.pending.union(SigSet::of(signal));
        }
    }
}
