//! Threads: clone(2), exit(2), gettid(2), set_tid_address(2), prctl(2), arch_prctl(2) and their like.
//!
//! Scheduling attributes, credentials and limits have files of their own below this one. There is one process, so a "process" call acts
//! on it or answers `ESRCH`.

mod credentials;
mod limits;
mod schedule;

pub use credentials::*;
pub use limits::*;
pub use schedule::*;

use core::convert::Infallible;
use core::sync::atomic::Ordering;

use abi::errno::Errno;
use abi::prelude::*;

use crate::arch::{TrapFrame, cpu, enter_frame, fpu};
use crate::kernel::Kernel;
use crate::mm::frames;
use crate::task::{self, NAME_BYTES};
use crate::{end, process};

use super::{Ctx, Door};

/// Longest user address plus one: what a thread pointer must lie below.
const USER_END: u64 = 1 << 47;

/// Whether memory is left for one more thread: for its kernel stack, and for what it touches first on a stack that nobody has promised
/// it. With less it would begin, and the program end a little later for want of a page.
fn check_room() -> Result<(), Errno> {
    const ENOUGH: u64 = 256;
    if frames::free_count() >= frames::MOST_RESERVE + ENOUGH {
        return Ok(());
    }
    let (_, all) = frames::usage();
    if frames::available() < ENOUGH.min(all / 32) { Err(Errno::EAGAIN) } else { Ok(()) }
}

/// Starts a thread (clone(2)). A new process (no `CLONE_VM`, or `CLONE_VFORK`) is not supported.
pub fn sys_clone(
    cx: &Ctx<'_>,
    flags: CloneFlags,
    stack: UserPtr<u8>,
    parent_tid: UserPtr<i32>,
    child_tid: UserPtr<i32>,
    tls: usize,
) -> Result<usize, Errno> {
    let thread = CloneFlags::VM | CloneFlags::SIGHAND | CloneFlags::THREAD;
    if flags.contains(CloneFlags::THREAD) && !flags.contains(CloneFlags::SIGHAND | CloneFlags::VM)
        || flags.contains(CloneFlags::SIGHAND) && !flags.contains(CloneFlags::VM)
    {
        return Err(Errno::EINVAL);
    }
    if !flags.contains(thread | CloneFlags::FS | CloneFlags::FILES) {
        return Err(Errno::ENOSYS);
    }
    let Door::Syscall(parent) = cx.door() else { return Err(Errno::ENOSYS) };
    check_room()?;
    let tid = cx.process().allocate_tid()?;
    let thread_pointer = if flags.contains(CloneFlags::SETTLS) { tls as u64 } else { cpu::thread_pointer() };
    if thread_pointer >= USER_END {
        cx.process().release_tid(tid);
        return Err(Errno::EPERM);
    }
    let rsp = if stack.is_null() { parent.rsp } else { stack.addr() as u64 };
    let born = || Born {
        frame: TrapFrame { rax: 0, rsp, ..*parent },
        thread_pointer,
        child_set_tid: flags.contains(CloneFlags::CHILD_SETTID).then_some(child_tid),
    };
    let created = task::create(cx.task(), tid, cx.kernel().memory, first_step, born);
    let task = created.inspect_err(|_| cx.process().release_tid(tid))?;
    if flags.contains(CloneFlags::CHILD_CLEARTID) {
        task.clear_child_tid.store(child_tid.addr() as u64, Ordering::Relaxed);
    }
    let tid_value = tid.cast_signed();
    if flags.contains(CloneFlags::PARENT_SETTID) {
        // As Linux does: there is a thread now, whether its number can be told or not.
        let _ = cx.write_struct(parent_tid, &tid_value);
    }
    cx.process().add_thread(alloc::sync::Arc::clone(&task));
    task::start(task);
    Ok(tid as usize)
}

/// What a new thread needs before its first instruction.
#[derive(Clone, Copy)]
struct Born {
    frame: TrapFrame,
    thread_pointer: u64,
    child_set_tid: Option<UserPtr<i32>>,
}

extern "C" fn first_step(argument: u64) -> ! {
    task::begin();
    #[expect(unsafe_code, reason = "the argument is an address")]
    // SAFETY: sys_clone had it put on this thread's own kernel stack, above everything that runs there now.
    let born = unsafe { &*(argument as *const Born) };
    if let Some(pointer) = born.child_set_tid {
        // As Linux does: a wild pointer here is the program's loss, not an error of clone.
        let _ = crate::mm::user::write_struct(pointer, &task::current().tid.cast_signed());
    }
    cpu::set_thread_pointer(born.thread_pointer);
    fpu::reset();
    #[expect(unsafe_code, reason = "the jump into the program")]
    // SAFETY: the registers of the parent's clone call, with the stack it gave.
    unsafe {
        enter_frame(&born.frame)
    }
}

/// Ends the calling thread; the last thread's exit ends the process (exit(2)).
pub fn sys_exit(cx: &Ctx<'_>, status: i32) -> Result<Infallible, Errno> {
    end_thread(cx.kernel(), status)
}

/// Ends the calling thread: clears and wakes its tid address, leaves the process, never returns.
fn end_thread(kernel: &'static Kernel, status: i32) -> ! {
    let tid = {
        let task = task::current();
        super::futex::release_robust_list(kernel, &task);
        let address = task.clear_child_tid.load(Ordering::Relaxed);
        if address != 0 {
            let pointer = UserPtr::<u32>::new(address as usize);
            if crate::mm::user::write_struct(pointer, &0u32).is_ok() {
                kernel.futexes.wake(address, usize::MAX, u32::MAX);
            }
        }
        task.tid
    };
    if kernel.process.remove_thread(tid) {
        end::exit(exit_status(status));
    }
    task::end()
}

/// Ends the process (exit_group(2)).
pub fn sys_exit_group(_cx: &Ctx<'_>, status: i32) -> Result<Infallible, Errno> {
    end::exit(exit_status(status))
}

/// The low eight bits, as wait(2) reports them.
fn exit_status(status: i32) -> u8 {
    status.to_le_bytes()[0]
}

/// The caller's thread ID (gettid(2)).
pub fn sys_gettid(cx: &Ctx<'_>) -> Result<usize, Errno> {
    Ok(cx.task().tid as usize)
}

/// The process ID (getpid(2)).
pub fn sys_getpid(_cx: &Ctx<'_>) -> Result<usize, Errno> {
    Ok(process::PID as usize)
}

/// There is no parent inside this machine: 0, as for Linux's own first process (getppid(2)).
pub fn sys_getppid(_cx: &Ctx<'_>) -> Result<usize, Errno> {
    Ok(0)
}

/// Remembers where to write 0 when the thread ends (set_tid_address(2)).
pub fn sys_set_tid_address(cx: &Ctx<'_>, tid: UserPtr<i32>) -> Result<usize, Errno> {
    cx.task().clear_child_tid.store(tid.addr() as u64, Ordering::Relaxed);
    Ok(cx.task().tid as usize)
}

/// Remembers the head of the thread's robust futex list (set_robust_list(2)).
pub fn sys_set_robust_list(cx: &Ctx<'_>, head: UserPtr<RobustListHead>, len: usize) -> Result<(), Errno> {
    if len != size_of::<RobustListHead>() {
        return Err(Errno::EINVAL);
    }
    cx.task().robust_list.store(head.addr() as u64, Ordering::Relaxed);
    Ok(())
}

/// Reports the head of a thread's robust futex list (get_robust_list(2)).
pub fn sys_get_robust_list(
    cx: &Ctx<'_>,
    tid: Tid,
    head: UserPtr<usize>,
    len: UserPtr<usize>,
) -> Result<(), Errno> {
    let address = cx.with_thread(tid, |task| task.robust_list.load(Ordering::Relaxed))?;
    cx.write_struct(len, &size_of::<RobustListHead>())?;
    cx.write_struct(head, &(address as usize))
}

/// Sets or reads the thread pointer (arch_prctl(2)). GS belongs to the kernel.
pub fn sys_arch_prctl(cx: &Ctx<'_>, code: ArchPrctl, addr: usize) -> Result<(), Errno> {
    match code {
        ArchPrctl::SetFs if addr as u64 >= USER_END => Err(Errno::EPERM),
        ArchPrctl::SetFs => {
            cpu::set_thread_pointer(addr as u64);
            Ok(())
        }
        ArchPrctl::GetFs => cx.write_struct(UserPtr::<u64>::new(addr), &cpu::thread_pointer()),
        _ => Err(Errno::EINVAL),
    }
}

/// Thread names and the few attributes that mean something here (prctl(2)).
pub fn sys_prctl(
    cx: &Ctx<'_>,
    option: Prctl,
    arg2: usize,
    arg3: usize,
    arg4: usize,
    arg5: usize,
) -> Result<usize, Errno> {
    match option {
        Prctl::SetName => {
            let mut name = [0u8; NAME_BYTES];
            let text = cx.read_c_string(UserPtr::new(arg2), NAME_BYTES - 1)?;
            name[..text.len()].copy_from_slice(&text);
            *cx.task().name.lock() = name;
            Ok(0)
        }
        Prctl::GetName => {
            let name = *cx.task().name.lock();
            cx.write_struct(UserPtr::<[u8; NAME_BYTES]>::new(arg2), &name)?;
            Ok(0)
        }
        Prctl::SetNoNewPrivs if (arg2, arg3, arg4, arg5) == (1, 0, 0, 0) => Ok(0),
        Prctl::GetNoNewPrivs => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}
