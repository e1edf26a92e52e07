//! The scheduler's mechanism: per-CPU queues, switching, waking, alarms. What runs next is decided in `logic::task::run_queue`.
//!
//! Invariants:
//! 1. A task is in at most one queue, and in none while it runs or is parked.
//! 2. `on_cpu` is true from before a task's first instruction on a CPU until its registers are saved; only the CPU it last ran
//!    on may pick it while it is true, so nobody runs a stack that is still in use.
//! 3. Switching happens with interrupts off and preemption allowed (count 0): no lock is held across a switch.
//! 4. An idle CPU enters itself in `smp`'s mask before it looks at its queue for the last time; a waker queues before it looks at
//!    the mask. One of the two sees the other.
//! 5. A CPU that idles touches neither the program's memory nor another stack than its own; it leaves the mask before it does.
#![expect(unsafe_code, reason = "switching stacks; the running task is a counted pointer in CpuLocal")]

use alloc::sync::Arc;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use core::task::Waker;

use logic::task::run_queue::{Arrival, RunQueue};
use logic::time::growth::Growth;
use logic::time::timers::{Alarm, Timers};
use sync::{IrqLock, Once};

use crate::arch::{apic, cpu, paging, smp, switch};
use crate::mm::{Memory, stack};
use crate::time;

use super::task::Task;

/// One CPU's share of the scheduler.
#[derive(Debug)]
struct CpuQueue {
    queue: IrqLock<RunQueue<Task>>,
    timers: IrqLock<Timers>,
    /// The loop that runs when nothing else does.
    idle: Arc<Task>,
    /// When the running thread's turn ends; `u64::MAX` while nobody waits for the CPU.
    turn_end: AtomicU64,
    /// What this CPU's timer is set to; `u64::MAX` when it is not. It is never set later, only sooner: a deadline that is gone costs
    /// one interrupt in which nothing is due, and threads that take turns do not touch the timer at all.
    armed: AtomicU64,
    /// When the TLB has to grow, if it is an emulator's.
    growth: Growth,
    /// The task just switched away from, until the next one has let go of it; tagged. Before the first switch: the start-up task.
    previous: AtomicPtr<Task>,
    /// Ended tasks, linked through `Task::next_dead`, each with a count.
    dead: AtomicPtr<Task>,
}

/// All CPUs' queues, in CPU order; a CPU appears here before it is announced as online.
static QUEUES: [Once<CpuQueue>; cpu::MAX_CPUS] = [const { Once::new() }; cpu::MAX_CPUS];

#[inline]
fn queue_of(cpu: usize) -> &'static CpuQueue {
    QUEUES[cpu].get().expect("a CPU's queue is installed before the CPU is online")
}

/// Gives the calling CPU its queue and makes `running` (start-up code) its running task.
pub(super) fn install(cpu_id: usize, idle: Arc<Task>, running: Arc<Task>) {
    prepare(cpu_id, idle, running);
    become_prepared();
    with_interrupts_off(|| {
        let here = queue_of(cpu_id);
        arm(here, time::next_comparison().min(here.growth.deadline()));
    });
}

/// Gives CPU `cpu_id`, which is about to start, its queue; it begins with `running`.
pub(super) fn prepare(cpu_id: usize, idle: Arc<Task>, running: Arc<Task>) {
    QUEUES[cpu_id].set(CpuQueue {
        queue: IrqLock::new(RunQueue::new()),
        timers: IrqLock::new(Timers::new()),
        idle,
        turn_end: AtomicU64::new(u64::MAX),
        armed: AtomicU64::new(u64::MAX),
        growth: Growth::new(cpu::is_emulated(), time::now()),
        previous: AtomicPtr::new(Arc::into_raw(running).cast_mut()),
        dead: AtomicPtr::new(core::ptr::null_mut()),
    });
}

/// Makes the task that was prepared for this CPU its running one.
pub(super) fn become_prepared() {
    let prepared = queue_of(cpu::id()).previous.swap(core::ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: `prepare` put this count there, for this CPU to take once.
    make_current(unsafe { Arc::from_raw(prepared) }, time::now());
}

/// Stores `task` as the running one of this CPU; the count moves into `CpuLocal`.
fn make_current(task: Arc<Task>, now: u64) {
    let (bottom, top) = task.stack_bounds();
    task.since.store(now, Ordering::Relaxed);
    task.cpu_time.start(now);
    cpu::set_current(Arc::into_raw(task).cast_mut().cast(), bottom, top);
}

/// The running task, while it runs: the reference is the running thread's own count.
pub(super) fn current_ptr() -> *const Task {
    cpu::current().cast_const().cast()
}

/// What becomes of the running task when it is put aside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// It goes to the end of this CPU's queue.
    Runnable,
    /// So it does, or nearly: its time was up.
    Preempted,
    /// It goes to another CPU's queue: this one is not among those it may run on.
    Migrating,
    /// It waits for a wake-up; its wakers and the process keep it.
    Parked,
    /// It never runs again.
    Ended,
}

/// Tag bits of `CpuQueue::previous`.
const TAG_COUNTED: usize = 1;
const TAG_ENDED: usize = 2;
const TAG_MIGRATES: usize = 4;

/// Runs something else in place of the current task. Interrupts must be off; they are off when it returns.
/// False: there was nothing else to run.
fn switch_away(leaving: Leaving, vectors_live: bool) -> bool {
    debug_assert!(!cpu::interrupts::enabled() && cpu::preempt_count() == 0);
    let here = queue_of(cpu::id());
    let from = current_ptr();
    cpu::set_need_resched(false);
    // SAFETY: the running task, kept by CpuLocal and then by the queue or by `previous` until finish_switch.
    let running = unsafe { &*from };
    let may_stay = running.affinity() & (1 << cpu::id()) != 0;
    let goes_on = matches!(leaving, Leaving::Runnable | Leaving::Preempted);
    let leaving = if goes_on && !may_stay { Leaving::Migrating } else { leaving };
    let from_is_idle = core::ptr::eq(from, Arc::as_ptr(&here.idle));
    let mut queue = here.queue.lock();
    if goes_on && may_stay && queue.is_empty() {
        return false;
    }
    let now = time::now();
    let ran = now.saturating_sub(running.since.load(Ordering::Relaxed));
    running.since.store(now, Ordering::Relaxed);
    let mut next = queue.pick_next(ran);
    if next.is_none() {
        drop(queue);
        next = steal();
        queue = here.queue.lock();
    }
    let next = match next {
        Some(next) => next,
        None if from_is_idle => return false,
        None => Arc::clone(&here.idle),
    };
    if core::ptr::eq(Arc::as_ptr(&next), from) {
        // It was woken between parking and here: it never left.
        return false;
    }
    next.on_cpu.store(true, Ordering::Relaxed);
    next.cpu.store(cpu::id(), Ordering::Relaxed);
    let to: *const Task = Arc::as_ptr(&next);
    running.cpu_time.stop(now);
    let tag = match leaving {
        Leaving::Runnable | Leaving::Preempted if !from_is_idle => {
            let arrival = if leaving == Leaving::Preempted { Arrival::Preempted } else { Arrival::Ready };
            // SAFETY: takes the count out of CpuLocal; make_current overwrites the pointer below.
            queue.enqueue(unsafe { Arc::from_raw(from) }, arrival);
            0
        }
        Leaving::Migrating => TAG_MIGRATES,
        Leaving::Ended => TAG_COUNTED | TAG_ENDED,
        Leaving::Runnable | Leaving::Preempted | Leaving::Parked => TAG_COUNTED,
    };
    here.previous.store(from.cast_mut().map_addr(|address| address | tag), Ordering::Relaxed);
    make_current(next, now);
    here.turn_end.store(u64::MAX, Ordering::Relaxed);
    let others_wait = !queue.is_empty();
    if others_wait {
        limit_turn(here, &queue);
    }
    drop(queue);
    if from_is_idle {
        smp::leave_idle();
        grow(here, now);
        arm(here, here.growth.deadline());
    }
    share(others_wait);
    // SAFETY: kept alive by CpuLocal.
    let to = unsafe { &*to };
    // SAFETY: interrupts are off; `from` runs here, `to` was picked from a queue under invariant 2, so its stack is nobody's.
    unsafe { switch::switch(&running.context, &to.context, vectors_live) };
    finish_switch();
    true
}

/// Has an emulator's TLB grow when it is time.
fn grow(here: &CpuQueue, now: u64) {
    if here.growth.is_due(now)
        && let Some(memory) = Memory::try_get()
    {
        paging::grow_emulated_tlb(memory.behind_image());
    }
}

/// The CPU has just taken a task: lets an idle CPU help with those that wait.
fn share(others_wait: bool) {
    if others_wait {
        let idle = smp::idle_mask();
        if idle != 0 {
            apic::send(idle.trailing_zeros() as usize, apic::vector::RESCHEDULE);
        }
    }
}

/// Has the running thread's turn end when it must, which is never later than was said before.
fn limit_turn(here: &CpuQueue, queue: &RunQueue<Task>) {
    // SAFETY: the running task, kept by CpuLocal.
    let running = unsafe { &*current_ptr() };
    let (began, nice) = (running.since.load(Ordering::Relaxed), running.nice.load(Ordering::Relaxed));
    let Some(end) = queue.turn_ends(began, nice) else { return };
    if end < here.turn_end.load(Ordering::Relaxed) {
        here.turn_end.store(end, Ordering::Relaxed);
        arm(here, end);
    }
}

/// Runs first on every switch's far side: lets go of the task that was left.
fn finish_switch() {
    let here = queue_of(cpu::id());
    let tagged = here.previous.swap(core::ptr::null_mut(), Ordering::Relaxed);
    let tag = tagged.addr() & (TAG_COUNTED | TAG_ENDED | TAG_MIGRATES);
    let previous = tagged.map_addr(|address| address - tag);
    if previous.is_null() {
        return;
    }
    // SAFETY: kept by its count in `previous`, or (uncounted) by this CPU's queue, from which only this CPU takes it.
    let task = unsafe { &*previous };
    if tag & TAG_ENDED != 0 {
        bury(here, previous);
    } else {
        task.on_cpu.store(false, Ordering::Release);
        if tag & TAG_MIGRATES != 0 {
            // SAFETY: the count that CpuLocal held was handed over in switch_away; the queue takes it.
            enqueue(unsafe { Arc::from_raw(previous) }, Arrival::Ready);
        } else if tag & TAG_COUNTED != 0 {
            // SAFETY: the count that CpuLocal held was handed over in switch_away.
            drop(unsafe { Arc::from_raw(previous) });
        }
    }
}

/// Puts an ended task on this CPU's list of the dead: its stack is given back later, with interrupts on.
fn bury(here: &CpuQueue, task: *mut Task) {
    // SAFETY: the list owns the count that CpuLocal held; interrupts are off, so this CPU's list has no other user.
    unsafe { &*task }.next_dead.store(here.dead.load(Ordering::Relaxed), Ordering::Relaxed);
    here.dead.store(task, Ordering::Relaxed);
}

/// Gives back what ended threads of this CPU left. Called where waiting for other CPUs is allowed.
pub fn reap() {
    let mut list =
        with_interrupts_off(|| queue_of(cpu::id()).dead.swap(core::ptr::null_mut(), Ordering::Relaxed));
    if list.is_null() {
        return;
    }
    while !list.is_null() {
        // SAFETY: the list owned this count; the task left its stack before it was buried.
        let task = unsafe { Arc::from_raw(list) };
        list = task.next_dead.load(Ordering::Relaxed);
    }
    if let Some(memory) = Memory::try_get() {
        stack::trim(memory);
    }
}

/// A new thread's first step on a CPU.
pub(super) fn begin() {
    finish_switch();
    cpu::interrupts::enable();
}

/// A task of another CPU's queue.
fn steal() -> Option<Arc<Task>> {
    let me = cpu::id();
    (1..smp::online()).find_map(|step| {
        let other = (me + step) % smp::online();
        let mut queue = queue_of(other).queue.lock();
        queue.steal(|task| !task.on_cpu.load(Ordering::Acquire) && task.affinity() & (1 << me) != 0)
    })
}

/// Puts a runnable task that is in no queue onto one, and makes sure some CPU looks.
fn enqueue(task: Arc<Task>, arrival: Arrival) {
    let target = choose_cpu(&task);
    let there = queue_of(target);
    let mut queue = there.queue.lock();
    queue.enqueue(task, arrival);
    if target == cpu::id() {
        attend(there, &queue);
    } else {
        drop(queue);
        apic::send(target, apic::vector::RESCHEDULE);
    }
}

/// Which CPU's queue a woken task goes to: its last one if that idles or nobody does, else an idle one.
fn choose_cpu(task: &Task) -> usize {
    let (last, allowed) = (task.cpu.load(Ordering::Relaxed), task.affinity());
    let is_in = |mask: u64| mask & (1 << last) != 0;
    let idle = smp::idle_mask() & allowed;
    // While its registers are still on the old CPU only that CPU may pick it (invariant 2).
    if task.on_cpu.load(Ordering::Acquire) || is_in(idle) || idle == 0 && is_in(allowed) {
        return last;
    }
    match if idle != 0 { idle } else { allowed & smp::online_mask() } {
        0 => last,
        some => some.trailing_zeros() as usize,
    }
}

/// Has a new task run for the first time.
pub(super) fn start(task: Arc<Task>) {
    enqueue(task, Arrival::Ready);
}

/// Wakes a parked task; remembers the wake-up for one that runs.
pub fn unpark(task: &Arc<Task>) {
    if task.park.notify() {
        enqueue(Arc::clone(task), Arrival::Woken);
    }
}

/// Has the CPU that runs `task`, if it is another one, come into the kernel: the thread has something to attend to.
pub(super) fn kick(task: &Task) {
    let there = task.cpu.load(Ordering::Relaxed);
    if task.on_cpu.load(Ordering::Acquire) {
        with_interrupts_off(|| {
            if there != cpu::id() {
                apic::send(there, apic::vector::RESCHEDULE);
            }
        });
    }
}

/// Whether threads that were woken wait for this CPU.
pub fn woken_wait() -> bool {
    with_interrupts_off(|| queue_of(cpu::id()).queue.lock().has_woken())
}

/// Parks the running task until [`unpark`]; returns at once when a wake-up is already there.
pub(super) fn park(vectors_live: bool) {
    with_interrupts_off(|| {
        // SAFETY: the running task, kept by CpuLocal.
        if unsafe { &*current_ptr() }.park.prepare() {
            switch_away(Leaving::Parked, vectors_live);
        }
    });
}

/// Lets other runnable threads of this CPU go first (sched_yield(2)).
pub fn yield_now(vectors_live: bool) {
    with_interrupts_off(|| switch_away(Leaving::Runnable, vectors_live));
}

/// Another CPU queued something here. Interrupts are off.
pub fn on_reschedule() {
    let here = queue_of(cpu::id());
    attend(here, &here.queue.lock());
}

/// Something may have been queued here: run it if this CPU idles, else share the CPU from now on.
fn attend(here: &CpuQueue, queue: &RunQueue<Task>) {
    if smp::is_idle() {
        cpu::set_need_resched(true);
    } else {
        limit_turn(here, queue);
    }
}

/// A reschedule is due and allowed: from the end of an interrupt, or when preemption comes back on.
pub fn preempt() {
    with_interrupts_off(|| switch_away(Leaving::Preempted, true));
}

/// Ends the running thread. What it leaves is let go by whoever runs next.
pub(super) fn end() -> ! {
    cpu::interrupts::disable();
    switch_away(Leaving::Ended, false);
    unreachable!("an ended thread was switched to");
}

/// The loop of an idle CPU: look for work, else halt until an interrupt.
pub(super) fn idle_loop() -> ! {
    loop {
        reap();
        cpu::interrupts::disable();
        smp::enter_idle();
        if switch_away(Leaving::Parked, false) {
            cpu::interrupts::enable();
        } else {
            cpu::interrupts::enable_and_wait();
        }
    }
}

/// Has this CPU sleep for a moment, unless interrupts are off: what it spins for may be a CPU that the host has put aside for it.
#[cold]
pub(super) fn nap() {
    const NAP_NS: u64 = 50_000;
    let Some(here) = QUEUES[cpu::id()].get().filter(|_| cpu::interrupts::enabled()) else {
        return cpu::relax();
    };
    cpu::interrupts::disable();
    arm(here, time::now() + NAP_NS);
    cpu::interrupts::enable_and_wait();
}

/// Has `waker` woken at `deadline_ns` (monotonic).
pub fn set_alarm(deadline_ns: u64, waker: Waker) -> Alarm {
    with_interrupts_off(|| {
        let cpu = cpu::id();
        let here = queue_of(cpu);
        let id = here.timers.lock().insert(deadline_ns, waker);
        arm(here, deadline_ns);
        Alarm { cpu, id }
    })
}

/// Takes an alarm back; one that has gone off is no error.
pub fn cancel_alarm(alarm: Alarm) {
    let waker = queue_of(alarm.cpu).timers.lock().cancel(alarm.id);
    drop(waker);
}

/// Has this CPU's timer go off at `deadline_ns`, if it would not before. Interrupts are off.
fn arm(here: &CpuQueue, deadline_ns: u64) {
    if deadline_ns < here.armed.load(Ordering::Relaxed) {
        here.armed.store(deadline_ns, Ordering::Relaxed);
        time::arm(deadline_ns);
    }
}

/// The timer interrupt: wakes what is due, ends a turn that is over. Interrupts are off.
pub fn on_timer() {
    time::keep_in_step();
    let here = queue_of(cpu::id());
    let now = time::now();
    loop {
        let due = here.timers.lock().pop_due(now);
        let Some(waker) = due else { break };
        waker.wake();
    }
    if now >= here.turn_end.load(Ordering::Relaxed) {
        here.turn_end.store(u64::MAX, Ordering::Relaxed);
        cpu::set_need_resched(true);
    }
    here.armed.store(u64::MAX, Ordering::Relaxed);
    let mut next = here.turn_end.load(Ordering::Relaxed).min(time::next_comparison());
    if !core::ptr::eq(current_ptr(), Arc::as_ptr(&here.idle)) {
        grow(here, now);
        next = next.min(here.growth.deadline());
    }
    let alarm = here.timers.lock().next_deadline().unwrap_or(u64::MAX);
    arm(here, alarm.min(next));
}

fn with_interrupts_off<R>(body: impl FnOnce() -> R) -> R {
    let enabled = cpu::interrupts::enabled();
    cpu::interrupts::disable();
    let result = body();
    if enabled {
        cpu::interrupts::enable();
    }
    result
}

/// CPU time of a task in nanoseconds, up to now if it runs.
pub fn cpu_time(task: &Task) -> u64 {
    task.cpu_time.read(time::now)
}
