//! Threads: the task object, the scheduler's mechanism, and the one place where a thread waits.

mod clocks;
mod cpu;
mod interval;
mod sched;
#[expect(clippy::module_inception, reason = "the file of the type Task")]
mod task;
pub mod wait;

use alloc::sync::Arc;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::errno::Errno;

use crate::arch::smp;
use crate::mm::Memory;
use crate::mm::stack::KernelStack;

pub use clocks::Clocks;
pub use interval::{Action, IntervalTimer};
pub use sched::{
    cancel_alarm, cpu_time, on_reschedule, on_timer, preempt, reap, set_alarm, unpark, woken_wait, yield_now,
};
pub use task::{FEW_KEYS_BYTES, NAME_BYTES, Task};

/// Where a task has its flag that a signal or the process's end wants its attention, in bytes: std-shim looks there after each call.
pub const INTERRUPTED: usize = core::mem::offset_of!(Task, interrupted);

/// The running task. The count belongs to the running thread, so the handle must not outlive the call it was got in.
#[expect(unsafe_code, reason = "the running task is a counted pointer in CpuLocal")]
#[inline]
pub fn current() -> ManuallyDrop<Arc<Task>> {
    // SAFETY: CpuLocal holds one count of the running task for as long as it runs; ManuallyDrop borrows it.
    ManuallyDrop::new(unsafe { Arc::from_raw(sched::current_ptr()) })
}

/// Makes the start-up code of CPU `cpu` a thread with ID `tid`, and gives the CPU its idle loop.
///
/// `stack` is the thread's kernel stack from now on; what the caller runs on is for start-up only.
pub fn adopt(cpu: usize, tid: u32, stack: KernelStack, memory: &'static Memory) -> Result<Arc<Task>, Errno> {
    let idle = Arc::new(Task::starting(0, KernelStack::new(memory)?, idle_entry, 0));
    let running = Arc::new(Task::adopted(tid, stack, cpu));
    sched::install(cpu, idle, Arc::clone(&running));
    CREATED.fetch_add(1, Ordering::Relaxed);
    Ok(running)
}

extern "C" fn idle_entry(_: u64) -> ! {
    sched::begin();
    sched::idle_loop()
}

/// Turns start-up code of an application processor into nothing: the CPU idles from here on.
pub fn become_idle() -> ! {
    sched::become_prepared();
    smp::announce();
    sched::end()
}

/// Starts the CPU with local APIC ID `apic_id` as CPU `cpu`.
///
/// # Errors
/// `ENOMEM` for its stack; `ETIMEDOUT` when it does not come up.
pub fn start_cpu(
    starter: &smp::Starter,
    cpu: usize,
    apic_id: u32,
    memory: &'static Memory,
) -> Result<(), Errno> {
    let stack = KernelStack::new(memory)?;
    let top = stack.top();
    // The CPU's first task is the start-up code; what idles is made with it.
    let idle = Arc::new(Task::starting(0, KernelStack::new(memory)?, idle_entry, 0));
    sched::prepare(cpu, idle, Arc::new(Task::adopted(0, stack, cpu)));
    #[expect(unsafe_code, reason = "another CPU begins to run on this stack")]
    // SAFETY: the stack is mapped and belongs to the prepared task, which is kept until the CPU has left it.
    let up = unsafe { starter.start(cpu, apic_id, top) };
    if up { Ok(()) } else { Err(Errno::ETIMEDOUT) }
}

/// Makes a thread of `parent`'s that starts in `entry`; it does not run before [`start`]. What `argument` answers is put on its own kernel
/// stack, and `entry` is told where.
///
/// # Errors
/// `EAGAIN` when there is no memory for its stack.
pub fn create<T: Copy>(
    parent: &Task,
    tid: u32,
    memory: &'static Memory,
    entry: extern "C" fn(u64) -> !,
    argument: impl FnOnce() -> T,
) -> Result<Arc<Task>, Errno> {
    reap();
    Ok(Arc::new(Task::child(parent, tid, KernelStack::new(memory)?, entry, argument)))
}

/// Lets a created thread run.
pub fn start(task: Arc<Task>) {
    CREATED.fetch_add(1, Ordering::Relaxed);
    sched::start(task);
}

/// Makes a thread of the kernel's own, with no ID, that is not the program's; it does not run before [`start`]. `entry` calls [`begin`] first, and is given
/// `argument`.
///
/// # Errors
/// `EAGAIN` when there is no memory for its stack.
pub fn create_kernel_thread(
    memory: &'static Memory,
    name: &str,
    entry: extern "C" fn(u64) -> !,
    argument: u64,
) -> Result<Arc<Task>, Errno> {
    let task = Arc::new(Task::starting(0, KernelStack::new(memory)?, entry, argument));
    let count = name.len().min(NAME_BYTES - 1);
    task.name.lock()[..count].copy_from_slice(&name.as_bytes()[..count]);
    Ok(task)
}

/// A new thread calls this first.
pub fn begin() {
    sched::begin();
}

/// Ends the running thread; its resources are given back once its stack is left.
pub fn end() -> ! {
    // Those that ended before: this CPU may not be idle for long.
    reap();
    sched::end()
}

/// Threads started since boot.
static CREATED: AtomicU64 = AtomicU64::new(0);

/// Number of threads started since boot, for `/proc/stat`.
pub fn created() -> u64 {
    CREATED.load(Ordering::Relaxed)
}
