//! Signals on their way: who gets one, and how a handler comes to run on the program's stack (signal(7)).
//!
//! ```text
//!  kill, fault, timer ─▶ pending ─▶ Task::interrupt ─▶ the thread leaves the kernel ─▶ attend: SigFrame on its stack ─▶ handler
//!                                   (wakes, kicks)      (end of a call or interrupt)                    rt_sigreturn ◀─┘
//! ```
//! What comes next is decided in `logic::signal`; the frame is drawn in `abi::signal::frame`. A call that came through std-shim has no
//! registers to put in a frame: it goes through the `syscall` door once more (`std-shim/src/door.rs`).

mod descriptor;

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use abi::errno::Errno;
use abi::reg::UserPtr;
use abi::signal::frame::{
    FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC2, FpxSwBytes, McContext, SigFrame, UC_FP_XSTATE, UC_SIGCONTEXT_SS,
    UC_STRICT_RESTORE_SS, UContext,
};
use abi::signal::{SaFlags, SigHow, SigInfo, SigSet, Signal, code};
use logic::signal::{self, Delivery, Effect, Step};
use zerocopy::IntoBytes as _;

use crate::arch::fpu::State;
use crate::arch::{self, Arguments, TrapFrame, apic, cpu, fpu, interrupts};
use crate::kernel::Kernel;
use crate::mm::user;
use crate::process::Process;
use crate::task::{self, Task};
use crate::{console, end};

pub use descriptor::Descriptors;

/// Bytes below the stack pointer that belong to the interrupted function (psABI, section 3.2.2).
const RED_ZONE: u64 = 128;
/// Flags that a program may change: carry, parity, adjust, zero, sign, trap, direction, overflow, alignment check.
const PROGRAM_FLAGS: u64 = 0x4_0dd5;
/// Flags that a handler begins without: trap, direction, resume (arch/x86/kernel/signal.c).
const CLEARED_FLAGS: u64 = 0x1_0500;

/// The process ends by a signal.
pub fn end_by(signal: Signal) -> ! {
    end::exit(128 + u8::try_from(signal.raw()).unwrap_or(0))
}

/// Sends a signal to the process: to whichever thread does not block it.
///
/// # Errors
/// `EAGAIN` when too many real-time signals wait.
pub fn send_to_process(process: &Process, signal: Signal, info: SigInfo) -> Result<(), Errno> {
    let is_open = |task: &&Arc<Task>| !task.signals.lock().mask.contains(signal);
    let effect = process.signals.lock().effect(signal);
    // No thread is counted here: an interrupt must never be the last to let go of one.
    let is_fatal = process.with_threads(|threads| {
        match effect {
            Effect::Handle(_) => {}
            // What all of them block waits, whatever becomes of it.
            _ if !threads.iter().any(|task| is_open(&task)) => {}
            effect => return Ok(effect == Effect::Kill),
        }
        {
            let mut signals = process.signals.lock();
            let most = signals.most_queued;
            signals.pending.add(signal, info, most)?;
        }
        // Looked for only now that it is there: who unblocks it later finds it.
        match threads.iter().find(is_open) {
            Some(task) => task.interrupt(),
            None => threads.iter().filter(|task| awaits(task, signal)).for_each(task::unpark),
        }
        Ok(false)
    })?;
    if is_fatal {
        end_by(signal);
    }
    process.signal_came();
    Ok(())
}

/// A signal that comes from outside: from the terminal, the power button, the tool that runs the guest. At interrupt time.
pub fn from_host(signal: Signal) {
    // Only a real-time signal can find the queue full; it is lost, as on Linux when there is no memory for it.
    let _ = send_to_process(&Kernel::get().process, signal, SigInfo::sent(signal, code::SI_KERNEL, 0, 0));
}

/// Sends a signal to one thread.
///
/// # Errors
/// As for [`send_to_process`].
pub fn send_to_thread(
    process: &Process,
    task: &Arc<Task>,
    signal: Signal,
    info: SigInfo,
) -> Result<(), Errno> {
    let is_blocked = {
        let mut signals = task.signals.lock();
        let is_blocked = signals.mask.contains(signal);
        let (effect, most) = {
            let process = process.signals.lock();
            (process.effect(signal), process.most_queued)
        };
        match effect {
            Effect::Ignore | Effect::StopOrContinue if !is_blocked => return Ok(()),
            Effect::Kill if !is_blocked => end_by(signal),
            _ => signals.pending.add(signal, info, most)?,
        }
        is_blocked
    };
    if !is_blocked {
        task.interrupt();
    } else if awaits(task, signal) {
        task::unpark(task);
    }
    process.signal_came();
    Ok(())
}

fn awaits(task: &Arc<Task>, signal: Signal) -> bool {
    task.signals.lock().awaited.contains(signal)
}

/// Changes the running thread's mask (sigprocmask(2)); answers the one from before.
pub fn change_mask(process: &Process, task: &Task, how: SigHow, set: SigSet) -> SigSet {
    let mut thread = task.signals.lock();
    let before = thread.mask;
    thread.change_mask(how, set);
    // Only what is not blocked any more may have waited for that.
    if !before.difference(thread.mask).is_empty() && signal::wants_attention(&thread, &process.signals.lock())
    {
        task.interrupted.store(true, Ordering::Release);
    }
    before
}

/// Looks again whether the running thread has to attend to something: its mask has changed.
pub fn mask_changed(process: &Process, task: &Task) {
    let wants = signal::wants_attention(&task.signals.lock(), &process.signals.lock());
    if wants {
        task.interrupted.store(true, Ordering::Release);
    }
}

/// What a fault tells its handler besides `siginfo` (sigcontext.h).
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultWords {
    /// The exception.
    pub vector: u64,
    /// Its error code.
    pub error: u64,
    /// The address of a page fault.
    pub address: u64,
}

/// A fault of the program: lets its handler run in place of the faulting instruction. False: there is none that may run.
pub fn deliver_fault(frame: &mut TrapFrame, signal: Signal, info: SigInfo, words: FaultWords) -> bool {
    let Some(kernel) = Kernel::try_get() else { return false };
    if cpu::current().is_null() {
        return false;
    }
    let task = task::current();
    let delivery = {
        let (mut thread, mut process) = (task.signals.lock(), kernel.process.signals.lock());
        match process.effect(signal) {
            // A blocked fault is not kept for later: the instruction would fault again for ever.
            Effect::Handle(action) if !thread.mask.contains(signal) => {
                signal::begin(&mut thread, &mut process, signal, info, action)
            }
            _ => return false,
        }
    };
    push_frame(&task, frame, &delivery, words).is_ok()
}

/// Does what the running thread's signals ask for, before it goes on as `frame` says. `call` is the system call that has just answered.
/// True: the thread goes on elsewhere than it would have.
pub fn attend(process: &Process, task: &Task, frame: &mut TrapFrame, mut call: Option<u64>) -> bool {
    let before = frame.rip;
    task.interrupted.store(false, Ordering::Release);
    loop {
        let step = signal::next(&mut task.signals.lock(), &mut process.signals.lock());
        let ends_for_good = task.ends_for_good.swap(false, Ordering::Relaxed);
        let interrupted = call.take().filter(|_| frame.rax == interrupted_answer() && !ends_for_good);
        match step {
            Some(Step::Kill(signal)) => end_by(signal),
            Some(Step::Handle(delivery)) => {
                process.signal_taken(&delivery.info);
                let flags = SaFlags::from_bits_retain(delivery.action.sa_flags);
                if let Some(call) = interrupted
                    && flags.contains(SaFlags::RESTART)
                    && signal::restarts(usize::try_from(call).unwrap_or(usize::MAX), frame.arguments.r10)
                {
                    repeat(frame, call);
                }
                if push_frame(task, frame, &delivery, FaultWords::default()).is_err() {
                    console::emergency(format_args!(
                        "no room on the stack for the handler of {}\n",
                        delivery.signal
                    ));
                    end_by(Signal::SIGSEGV);
                }
            }
            None => {
                // Nothing was for this thread after all (another one took it): the call goes on.
                if let Some(call) = interrupted {
                    repeat(frame, call);
                }
                let mut signals = task.signals.lock();
                if signals.saved_mask.is_none() {
                    return frame.rip != before;
                }
                // The wait is over; what its mask kept away may come now.
                signals.end_wait();
            }
        }
    }
}

/// What a call that a signal interrupted leaves in rax.
fn interrupted_answer() -> u64 {
    i64::from(-Errno::EINTR.raw()).cast_unsigned()
}

/// Has the program execute its `syscall` instruction again.
fn repeat(frame: &mut TrapFrame, call: u64) {
    const SYSCALL_BYTES: u64 = 2;
    frame.rax = call;
    frame.rip -= SYSCALL_BYTES;
}

/// Bytes of stack that a handler's start takes at most (`AT_MINSIGSTKSZ`, getauxval(3)).
pub fn least_stack() -> u64 {
    const ALIGNMENT: usize = 64 + 16 + 8;
    RED_ZONE + (State::used() + size_of::<u32>() + size_of::<SigFrame>() + ALIGNMENT) as u64
}

/// Puts a handler's frame on the program's stack and points `frame` at the handler.
fn push_frame(
    task: &Task,
    frame: &mut TrapFrame,
    delivery: &Delivery,
    words: FaultWords,
) -> Result<(), Errno> {
    let flags = SaFlags::from_bits_retain(delivery.action.sa_flags);
    let (top, stack) = {
        let signals = task.signals.lock();
        let top = signals.stack_for(flags, frame.rsp).unwrap_or(frame.rsp.wrapping_sub(RED_ZONE));
        (top, signals.reported_stack(frame.rsp))
    };
    let mut state = State::default();
    state.save();
    let used = State::used();
    let has_xsave = fpu::features() != 0;
    if has_xsave {
        let software = FpxSwBytes {
            magic1: FP_XSTATE_MAGIC1,
            extended_size: (used + size_of::<u32>()) as u32,
            xfeatures: fpu::features(),
            xstate_size: used as u32,
            ..FpxSwBytes::default()
        };
        state.0[FpxSwBytes::OFFSET..][..size_of::<FpxSwBytes>()].copy_from_slice(software.as_bytes());
    }
    let state_at = top.wrapping_sub((used + size_of::<u32>()) as u64) & !63;
    user::write_bytes(UserPtr::new(state_at as usize), &state.0[..used])?;
    if has_xsave {
        user::write_struct(UserPtr::new(state_at as usize + used), &FP_XSTATE_MAGIC2)?;
    }
    let at = ((state_at - size_of::<SigFrame>() as u64) & !15) - 8;
    let f = *frame;
    let registers = McContext {
        r8: f.arguments.r8,
        r9: f.arguments.r9,
        r10: f.arguments.r10,
        r11: f.r11,
        r12: f.r12,
        r13: f.r13,
        r14: f.r14,
        r15: f.r15,
        rdi: f.arguments.rdi,
        rsi: f.arguments.rsi,
        rbp: f.rbp,
        rbx: f.rbx,
        rdx: f.arguments.rdx,
        rax: f.rax,
        rcx: f.rcx,
        rsp: f.rsp,
        rip: f.rip,
        rflags: f.rflags,
        cs: arch::CODE_SELECTOR,
        ss: arch::DATA_SELECTOR,
        err: words.error,
        trapno: words.vector,
        oldmask: delivery.mask_before.0,
        cr2: words.address,
        fpstate: state_at as usize,
        ..McContext::default()
    };
    let context = UContext {
        uc_flags: UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | if has_xsave { UC_FP_XSTATE } else { 0 },
        uc_stack: stack,
        uc_mcontext: registers,
        uc_sigmask: delivery.mask_before,
        ..UContext::default()
    };
    let pushed = SigFrame { restorer: delivery.action.sa_restorer, context, info: delivery.info };
    user::write_struct(UserPtr::new(at as usize), &pushed)?;
    frame.rip = delivery.action.sa_handler as u64;
    frame.rsp = at;
    frame.arguments.rdi = u64::from(delivery.signal.raw().cast_unsigned());
    frame.arguments.rsi = at + core::mem::offset_of!(SigFrame, info) as u64;
    frame.arguments.rdx = at + core::mem::offset_of!(SigFrame, context) as u64;
    frame.rax = 0;
    frame.rflags &= !CLEARED_FLAGS;
    Ok(())
}

/// What rt_sigreturn(2) goes back to: the registers, the mask and the alternate stack that the handler's frame holds.
///
/// # Errors
/// `EFAULT` when the frame cannot be read.
pub fn pop_frame(task: &Task, frame: &TrapFrame) -> Result<TrapFrame, Errno> {
    // The handler's `ret` has taken the restorer's address off.
    let popped: SigFrame = user::read_struct(UserPtr::new(frame.rsp.wrapping_sub(8) as usize))?;
    let registers = popped.context.uc_mcontext;
    if registers.fpstate != 0 {
        restore_state(registers.fpstate)?;
    }
    {
        let mut signals = task.signals.lock();
        signals.change_mask(SigHow::SetMask, popped.context.uc_sigmask);
        let stack = popped.context.uc_stack;
        if !signals.is_on_stack(registers.rsp) && stack.ss_size == signals.stack.ss_size {
            signals.stack.ss_sp = stack.ss_sp;
        }
    }
    let r = registers;
    Ok(TrapFrame {
        r15: r.r15,
        r14: r.r14,
        r13: r.r13,
        r12: r.r12,
        rbp: r.rbp,
        rbx: r.rbx,
        arguments: Arguments { rdi: r.rdi, rsi: r.rsi, rdx: r.rdx, r10: r.r10, r8: r.r8, r9: r.r9 },
        r11: r.r11,
        rcx: r.rcx,
        rax: r.rax,
        rip: r.rip,
        rflags: r.rflags & PROGRAM_FLAGS | frame.rflags & !PROGRAM_FLAGS,
        rsp: r.rsp,
        ..*frame
    })
}

/// Loads the extended state that a frame points at.
fn restore_state(at: usize) -> Result<(), Errno> {
    let mut state = State::default();
    user::read_bytes(UserPtr::new(at), &mut state.0[..512])?;
    let software = &state.0[FpxSwBytes::OFFSET..];
    let magic = u32::from_le_bytes([software[0], software[1], software[2], software[3]]);
    if magic == FP_XSTATE_MAGIC1 && fpu::features() != 0 {
        user::read_bytes(UserPtr::new(at), &mut state.0[..State::used()])?;
    } else {
        state.keep_legacy();
    }
    state.restore();
    Ok(())
}

/// The calling thread's mask in a wait, from the arguments of ppoll(2) and its like. The old one comes back when the call ends.
pub fn begin_wait(process: &Process, task: &Task, mask: SigSet) {
    task.signals.lock().begin_wait(mask);
    mask_changed(process, task);
}

/// Ends what [`begin_wait`] began, unless a handler is about to run: it then brings the old mask back.
pub fn end_wait(task: &Task) {
    if !task.interrupted.load(Ordering::Acquire) {
        task.signals.lock().end_wait();
    }
}

#[expect(unsafe_code, reason = "linked by name: a door from arch")]
#[unsafe(no_mangle)]
extern "Rust" fn caracal_up_return(frame: &mut TrapFrame) {
    if cpu::current().is_null() || !task::current().interrupted.load(Ordering::Acquire) {
        return;
    }
    let Some(kernel) = Kernel::try_get() else { return };
    if cpu::preempt_count() > 0 {
        // In the middle of std-shim's own work, a few instructions long: again right after it.
        apic::send(cpu::id(), apic::vector::RESCHEDULE);
        return;
    }
    // On the thread's own kernel stack, with nothing held: copies to its stack may bring pages in.
    interrupts::enable();
    attend(&kernel.process, &task::current(), frame, None);
    interrupts::disable();
}
