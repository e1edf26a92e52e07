//! One thread of the program (or an idle loop): its kernel stack, where it stands, and how it is woken.
//!
//! How it stops and goes on is `sync::Park`'s.
#![expect(unsafe_code, reason = "the waker's vtable counts references by hand")]

use alloc::sync::Arc;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use core::task::{RawWaker, RawWakerVTable, Waker};

use logic::futex::{Waiter, Waits};
use logic::signal::ThreadSignals;
use logic::task::run_queue::Runs;
use sync::{IrqLock, Link, Lock, Park, Stopwatch, linked};

use crate::arch::switch::Context;
use crate::mm::stack::KernelStack;

use super::sched;

/// Longest thread name, with its terminating zero (prctl(2), `PR_SET_NAME`).
pub const NAME_BYTES: usize = 16;

/// Bytes of a short table of std-shim's.
pub const FEW_KEYS_BYTES: usize = 80;

/// What the stack pointer is a multiple of where a function is called (psABI, section 3.2.2).
const STACK_ALIGNMENT: u64 = 16;

/// A thread.
#[derive(Debug)]
pub struct Task {
    /// Thread ID; the main thread's is the process ID, idle loops and the kernel's own threads have 0.
    pub tid: u32,
    pub(super) context: Context,
    stack: KernelStack,
    pub(super) park: Park,
    /// Its registers are still on a CPU: nobody else may run it yet.
    pub(super) on_cpu: AtomicBool,
    /// The CPU whose queue it goes to.
    pub(super) cpu: AtomicUsize,
    /// CPUs it may run on, bit per CPU.
    affinity: AtomicU64,
    /// Where to write 0 and wake a futex when the thread ends (set_tid_address(2)); 0 for nowhere.
    pub clear_child_tid: AtomicU64,
    /// CPU time: runs while the thread does.
    pub(super) cpu_time: Stopwatch,
    /// The next one on a CPU's list of the dead.
    pub(super) next_dead: AtomicPtr<Task>,
    /// When its turn began, in monotonic nanoseconds.
    pub(super) since: AtomicU64,
    /// A signal or the process's end wants the thread's attention: waits answer EINTR.
    pub interrupted: AtomicBool,
    /// The wait that a signal ended was not for ever: its call is not made again whatever the handler says (signal(7), `SO_RCVTIMEO`).
    pub ends_for_good: AtomicBool,
    /// Nice value (setpriority(2)): how long its turns are.
    pub nice: AtomicI32,
    /// Head of the list of robust futexes (set_robust_list(2)); 0 for none.
    pub robust_list: AtomicU64,
    /// Values of pthread_setspecific(3), std-shim's table of them; null for none.
    pub keys: AtomicPtr<u8>,
    /// Where that table lies while it is short.
    pub few_keys: [AtomicU64; FEW_KEYS_BYTES / 8],
    /// Its part in the queues of futex(2).
    pub futex: Waiter,
    waits: Link<Self, Waits>,
    runs: Link<Self, Runs>,
    /// The thread's name, zero padded.
    pub name: Lock<[u8; NAME_BYTES]>,
    /// The thread's signal mask, pending set and alternate stack.
    pub signals: IrqLock<ThreadSignals>,
}

/// What a new thread has of the one that makes it.
struct Inherited {
    name: [u8; NAME_BYTES],
    affinity: u64,
    nice: i32,
    signals: ThreadSignals,
}

impl Inherited {
    fn nothing() -> Self {
        Self { name: [0; NAME_BYTES], affinity: u64::MAX, nice: 0, signals: ThreadSignals::default() }
    }
}

impl Task {
    /// A thread that starts in `entry(argument)` on `stack`.
    pub(super) fn starting(
        tid: u32,
        stack: KernelStack,
        entry: extern "C" fn(u64) -> !,
        argument: u64,
    ) -> Self {
        // SAFETY: the stack is fresh, its top is aligned, and it lives in the task.
        let context = unsafe { Context::starting(stack.top(), entry, argument) };
        Self::new(tid, context, stack, Inherited::nothing())
    }

    /// A thread that starts in `entry` on `stack`, told where at the top of it `argument` lies: there until the thread enters the program. It
    /// takes the name, the signal mask and the CPUs over from `parent` (clone(2)).
    pub(super) fn child<T: Copy>(
        parent: &Self,
        tid: u32,
        stack: KernelStack,
        entry: extern "C" fn(u64) -> !,
        argument: impl FnOnce() -> T,
    ) -> Self {
        let at = (stack.top() - size_of::<T>() as u64) & !(STACK_ALIGNMENT - 1);
        const { assert!(align_of::<T>() as u64 <= STACK_ALIGNMENT) };
        // SAFETY: the stack is fresh and mapped, it is larger than any argument, and nobody uses it yet.
        unsafe { (at as *mut T).write(argument()) };
        // SAFETY: what is left below is fresh, its top is aligned, and it lives in the task.
        let context = unsafe { Context::starting(at, entry, at) };
        let inherited = Inherited {
            name: *parent.name.lock(),
            affinity: parent.affinity(),
            nice: parent.nice.load(Ordering::Relaxed),
            signals: parent.signals.lock().inherited(),
        };
        Self::new(tid, context, stack, inherited)
    }

    /// The thread that is running already, on `stack`: start-up code becomes one.
    pub(super) fn adopted(tid: u32, stack: KernelStack, cpu: usize) -> Self {
        let task = Self::new(tid, Context::running(), stack, Inherited::nothing());
        task.on_cpu.store(true, Ordering::Relaxed);
        task.cpu.store(cpu, Ordering::Relaxed);
        task
    }

    fn new(tid: u32, context: Context, stack: KernelStack, inherited: Inherited) -> Self {
        Self {
            tid,
            context,
            stack,
            park: Park::new(),
            on_cpu: AtomicBool::new(false),
            cpu: AtomicUsize::new(0),
            affinity: AtomicU64::new(inherited.affinity),
            clear_child_tid: AtomicU64::new(0),
            cpu_time: Stopwatch::new(),
            next_dead: AtomicPtr::new(core::ptr::null_mut()),
            since: AtomicU64::new(0),
            interrupted: AtomicBool::new(false),
            ends_for_good: AtomicBool::new(false),
            nice: AtomicI32::new(inherited.nice),
            robust_list: AtomicU64::new(0),
            keys: AtomicPtr::new(core::ptr::null_mut()),
            few_keys: [const { AtomicU64::new(0) }; FEW_KEYS_BYTES / 8],
            futex: Waiter::default(),
            waits: Link::new(),
            runs: Link::new(),
            name: Lock::new(inherited.name),
            signals: IrqLock::new(inherited.signals),
        }
    }

    /// Lowest address and top of its kernel stack.
    pub(super) fn stack_bounds(&self) -> (u64, u64) {
        (self.stack.bottom(), self.stack.top())
    }

    /// Whether it waits.
    pub fn is_parked(&self) -> bool {
        self.park.is_parked()
    }

    /// CPUs it may run on.
    pub fn affinity(&self) -> u64 {
        self.affinity.load(Ordering::Relaxed)
    }

    /// Sets the CPUs it may run on; takes effect when it is next queued.
    pub fn set_affinity(&self, mask: u64) {
        self.affinity.store(mask, Ordering::Relaxed);
    }

    /// Makes the thread attend to a signal or to the end of the process.
    pub fn interrupt(self: &Arc<Self>) {
        self.interrupted.store(true, Ordering::Release);
        sched::unpark(self);
        sched::kick(self);
    }

    /// A waker for this thread, for as long as the handle is there: `core::task`'s vocabulary is what objects below speak.
    pub fn waker(self: &Arc<Self>) -> ManuallyDrop<Waker> {
        let raw = RawWaker::new(Arc::as_ptr(self).cast(), &VTABLE);
        // SAFETY: the vtable's functions treat the pointer as the Arc<Task> it is. The count is the handle's: this waker is never
        // dropped, and its clones have their own.
        ManuallyDrop::new(unsafe { Waker::from_raw(raw) })
    }
}

linked! { Task, by runs: Runs, by waits: Waits }

impl logic::futex::Thread for Task {
    fn waiter(&self) -> &Waiter {
        &self.futex
    }

    fn wake(self: &Arc<Self>) {
        sched::unpark(self);
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(waker_clone, waker_wake, waker_wake_by_ref, waker_drop);

unsafe fn waker_clone(task: *const ()) -> RawWaker {
    // SAFETY: made by Arc::into_raw in `waker`; the waker holds one count.
    unsafe { Arc::increment_strong_count(task.cast::<Task>()) };
    RawWaker::new(task, &VTABLE)
}

unsafe fn waker_wake(task: *const ()) {
    // SAFETY: takes over the count that the waker held.
    let task = unsafe { Arc::from_raw(task.cast::<Task>()) };
    sched::unpark(&task);
}

unsafe fn waker_wake_by_ref(task: *const ()) {
    // SAFETY: borrows the count that the waker holds; ManuallyDrop leaves it.
    let task = ManuallyDrop::new(unsafe { Arc::from_raw(task.cast::<Task>()) });
    sched::unpark(&task);
}

unsafe fn waker_drop(task: *const ()) {
    // SAFETY: gives back the count that the waker held.
    drop(unsafe { Arc::from_raw(task.cast::<Task>()) });
}
