//! Signals: sigaction(2), sigprocmask(2), sigaltstack(2), sigsuspend(2), sigtimedwait(2), kill(2), tgkill(2), sigqueue(3).
//!
//! How a signal finds its thread and how a handler is run is in `crate::signal`.

use core::convert::Infallible;

use abi::errno::Errno;
use abi::prelude::*;
use abi::signal::{MINSIGSTKSZ, SigInfo, Signal, SsFlags, code};

use crate::arch::{direct_caller_stack, enter_frame};
use crate::process::PID;
use crate::signal;

use super::{Ctx, Door};

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
    let before = match set.non_null() {
        Some(set) => {
            let set = cx.read_struct(set)?;
            signal::change_mask(cx.process(), cx.task(), how?, set)
        }
        None => cx.task().signals.lock().mask,
    };
    match old.non_null() {
        Some(old) => cx.write_struct(old, &before),
        None => Ok(()),
    }
}

/// sigaltstack(2)
pub fn sys_sigaltstack(cx: &Ctx<'_>, stack: UserPtr<SigStack>, old: UserPtr<SigStack>) -> Result<(), Errno> {
    let new = stack.non_null().map(|stack| cx.read_struct(stack)).transpose()?;
    let stack_pointer = match cx.door() {
        Door::Syscall(frame) => frame.rsp,
        Door::Direct => direct_caller_stack(),
    };
    let mut signals = cx.task().signals.lock();
    let before = old.non_null().map(|_| signals.reported_stack(stack_pointer));
    if let Some(mut new) = new {
        if signals.is_on_stack(stack_pointer) {
            return Err(Errno::EPERM);
        }
        let flags = SsFlags::from_bits_retain(new.ss_flags).difference(SsFlags::ONSTACK);
        if !flags.difference(SsFlags::DISABLE | SsFlags::AUTODISARM).is_empty() {
            return Err(Errno::EINVAL);
        }
        if flags.contains(SsFlags::DISABLE) {
            new = SigStack::default();
        } else if new.ss_size < MINSIGSTKSZ {
            return Err(Errno::ENOMEM);
        }
        signals.stack = SigStack { ss_flags: flags.intersection(SsFlags::AUTODISARM).bits(), ..new };
    }
    drop(signals);
    match before {
        Some(before) => cx.write_struct(old, &before),
        None => Ok(()),
    }
}

/// sigpending(2)
pub fn sys_rt_sigpending(cx: &Ctx<'_>, set: UserPtr<SigSet>, set_size: usize) -> Result<(), Errno> {
    if set_size > SET_SIZE {
        return Err(Errno::EINVAL);
    }
    let (pending, mask) = {
        let signals = cx.task().signals.lock();
        (signals.pending.set(), signals.mask)
    };
    let pending = pending.union(cx.process().signals.lock().pending.set()).intersection(mask);
    cx.write_struct(set, &pending)
}

/// rt_sigreturn(2): what a handler returns through.
pub fn sys_rt_sigreturn(cx: &Ctx<'_>) -> Result<Infallible, Errno> {
    let Door::Syscall(frame) = cx.door() else { return Err(Errno::ENOSYS) };
    let Ok(mut next) = signal::pop_frame(cx.task(), frame) else {
        // Linux ends a program whose frame is gone the same way.
        signal::end_by(Signal::SIGSEGV)
    };
    signal::mask_changed(cx.process(), cx.task());
    signal::attend(cx.process(), cx.task(), &mut next, None);
    #[expect(unsafe_code, reason = "the jump back into the program")]
    // SAFETY: the registers that the program left in its frame; they name nothing but its own code and stack.
    unsafe {
        enter_frame(&next)
    }
}

/// Waits until a handler has run.
fn wait_for_handler(cx: &Ctx<'_>) -> Result<Infallible, Errno> {
    cx.block_on(None, |_| Err(Errno::EAGAIN))
}

/// pause(2)
pub fn sys_pause(cx: &Ctx<'_>) -> Result<Infallible, Errno> {
    wait_for_handler(cx)
}

/// sigsuspend(2)
pub fn sys_rt_sigsuspend(cx: &Ctx<'_>, mask: UserPtr<SigSet>, set_size: usize) -> Result<Infallible, Errno> {
    check_size(set_size)?;
    let mask = cx.read_struct(mask)?;
    signal::begin_wait(cx.process(), cx.task(), mask);
    wait_for_handler(cx)
}

/// sigtimedwait(2), sigwaitinfo(2)
pub fn sys_rt_sigtimedwait(
    cx: &Ctx<'_>,
    set: UserPtr<SigSet>,
    info: UserPtr<SigInfo>,
    timeout: UserPtr<Timespec>,
    set_size: usize,
) -> Result<usize, Errno> {
    check_size(set_size)?;
    let wanted = cx.read_struct(set)?.difference(SigSet::UNBLOCKABLE);
    let deadline = match timeout.non_null() {
        Some(timeout) => Some(cx.now().saturating_add(cx.read_struct(timeout)?.to_ns()?)),
        None => None,
    };
    cx.task().signals.lock().awaited = wanted;
    let taken = cx.block_on(deadline, |_| {
        let mut thread = cx.task().signals.lock();
        let taken = thread.pending.take(wanted);
        taken.or_else(|| cx.process().signals.lock().pending.take(wanted)).ok_or(Errno::EAGAIN)
    });
    cx.task().signals.lock().awaited = SigSet::EMPTY;
    let (signal, details) = taken.map_err(|errno| match errno {
        Errno::ETIMEDOUT => Errno::EAGAIN,
        other => other,
    })?;
    cx.process().signal_taken(&details);
    if let Some(info) = info.non_null() {
        cx.write_struct(info, &details)?;
    }
    Ok(signal.raw().cast_unsigned() as usize)
}

/// Who sent it.
fn from_me(cx: &Ctx<'_>, signal: Signal, code: i32) -> SigInfo {
    SigInfo::sent(signal, code, PID, cx.process().credentials.lock().user.real)
}

/// kill(2): to the one process there is.
pub fn sys_kill(cx: &Ctx<'_>, pid: Pid, signal: i32) -> Result<(), Errno> {
    let myself = [0, PID.cast_signed(), -PID.cast_signed()].contains(&pid.0);
    let signal = named(signal)?;
    if !myself {
        // -1 is everybody but the sender and the first process: nobody.
        return Err(Errno::ESRCH);
    }
    match signal {
        Some(signal) => signal::send_to_process(cx.process(), signal, from_me(cx, signal, code::SI_USER)),
        None => Ok(()),
    }
}

/// The signal of this number; 0 asks only whether it could be sent.
fn named(signal: i32) -> Result<Option<Signal>, Errno> {
    if signal == 0 { Ok(None) } else { Signal::new(signal).map(Some) }
}

/// tkill(2)
pub fn sys_tkill(cx: &Ctx<'_>, tid: Tid, signal: i32) -> Result<(), Errno> {
    if tid.0 <= 0 {
        return Err(Errno::EINVAL);
    }
    let signal = named(signal)?;
    let task = cx.process().thread(tid.0.cast_unsigned()).ok_or(Errno::ESRCH)?;
    match signal {
        Some(signal) => {
            signal::send_to_thread(cx.process(), &task, signal, from_me(cx, signal, code::SI_TKILL))
        }
        None => Ok(()),
    }
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

/// Nobody but the thread itself may be told that a signal came from the kernel or from kill(2).
fn check_code(info: &SigInfo, to_myself: bool) -> Result<(), Errno> {
    let is_claim = info.si_code >= 0 || info.si_code == code::SI_TKILL;
    if is_claim && !to_myself { Err(Errno::EPERM) } else { Ok(()) }
}

/// rt_sigqueueinfo(2): what sigqueue(3) is made of.
pub fn sys_rt_sigqueueinfo(cx: &Ctx<'_>, pid: Pid, signal: i32, info: UserPtr<SigInfo>) -> Result<(), Errno> {
    let mut details = cx.read_struct(info)?;
    check_code(&details, pid.0 == cx.task().tid.cast_signed())?;
    if pid.0 != PID.cast_signed() {
        return Err(Errno::ESRCH);
    }
    let Some(signal) = named(signal)? else { return Ok(()) };
    cx.check_memory().map_err(|_| Errno::EAGAIN)?;
    details.si_signo = signal.raw();
    signal::send_to_process(cx.process(), signal, details)
}

/// rt_tgsigqueueinfo(2)
pub fn sys_rt_tgsigqueueinfo(
    cx: &Ctx<'_>,
    pid: Pid,
    tid: Tid,
    signal: i32,
    info: UserPtr<SigInfo>,
) -> Result<(), Errno> {
    let mut details = cx.read_struct(info)?;
    if pid.0 <= 0 || tid.0 <= 0 {
        return Err(Errno::EINVAL);
    }
    check_code(&details, tid.0 == cx.task().tid.cast_signed())?;
    if pid.0 != PID.cast_signed() {
        return Err(Errno::ESRCH);
    }
    let task = cx.process().thread(tid.0.cast_unsigned()).ok_or(Errno::ESRCH)?;
    let Some(signal) = named(signal)? else { return Ok(()) };
    cx.check_memory().map_err(|_| Errno::EAGAIN)?;
    details.si_signo = signal.raw();
    signal::send_to_thread(cx.process(), &task, signal, details)
}

/// A write to a pipe that nobody reads (signal(7), `SIGPIPE`).
pub(super) fn broken_pipe(cx: &Ctx<'_>) {
    let signal = Signal::SIGPIPE;
    // A classic signal always finds room.
    let _ = signal::send_to_thread(cx.process(), cx.task(), signal, from_me(cx, signal, code::SI_USER));
}

/// A write beyond `RLIMIT_FSIZE` (signal(7), `SIGXFSZ`).
pub(super) fn too_large(cx: &Ctx<'_>) {
    let signal = Signal::SIGXFSZ;
    // A classic signal always finds room.
    let _ = signal::send_to_thread(cx.process(), cx.task(), signal, from_me(cx, signal, code::SI_USER));
}
