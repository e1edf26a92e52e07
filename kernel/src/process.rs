//! The program as Linux would see it: one process with its threads, open files, limits, IDs and signals.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use abi::errno::Errno;
use abi::time::ClockId;
use logic::credentials::Credentials;
use logic::limits::Limits;
use logic::signal::ProcessSignals;
use logic::task::ids::TidAllocator;
use sync::{IrqLock, Lock};

use crate::fs::Files;
use crate::task::{self, IntervalTimer, Task};

/// The process ID, and the main thread's ID: there is one process, and it is the first.
pub const PID: u32 = 1;

/// The program.
#[derive(Debug)]
pub struct Process {
    /// Open files, working directory, file creation mask, mounts.
    pub files: Files,
    /// User and group IDs.
    pub credentials: Lock<Credentials>,
    /// Resource limits.
    pub limits: Lock<Limits>,
    /// What is done with each signal, and signals pending for the process.
    pub signals: IrqLock<ProcessSignals>,
    threads: IrqLock<BTreeMap<u32, Arc<Task>>>,
    tids: Lock<TidAllocator>,
    /// Timers that send signals.
    pub timers: Lock<SignalTimers>,
    /// CPU time of threads that have ended, in nanoseconds.
    ended_cpu_time: AtomicU64,
}

/// The program's timers: the one of setitimer(2), and those of timer_create(2) by their numbers.
#[derive(Debug, Default)]
pub struct SignalTimers {
    /// `ITIMER_REAL`.
    pub real: Option<Arc<IntervalTimer>>,
    /// POSIX timers.
    pub posix: BTreeMap<i32, PosixTimer>,
}

/// A timer of timer_create(2).
#[derive(Clone, Debug)]
pub struct PosixTimer {
    /// The timer.
    pub timer: Arc<IntervalTimer>,
    /// The clock its absolute times are on.
    pub clock: ClockId,
    /// How often it went off more than once before its last signal.
    pub overruns: Arc<AtomicU32>,
}

impl Process {
    /// The program, with `files` to work on.
    pub fn new(files: Files) -> Self {
        Self {
            files,
            credentials: Lock::new(Credentials::default()),
            limits: Lock::new(Limits::default()),
            signals: IrqLock::new(ProcessSignals::default()),
            threads: IrqLock::new(BTreeMap::new()),
            tids: Lock::new(TidAllocator::new(PID)),
            timers: Lock::new(SignalTimers::default()),
            ended_cpu_time: AtomicU64::new(0),
        }
    }

    /// Open descriptors stay below `limit` from now on (`RLIMIT_NOFILE`).
    pub fn set_open_file_limit(&self, limit: u64) {
        self.files.set_open_file_limit(limit);
    }

    /// A thread ID that no live thread has.
    ///
    /// # Errors
    /// `EAGAIN` when all are in use (clone(2)).
    pub fn allocate_tid(&self) -> Result<u32, Errno> {
        self.tids.lock().allocate().ok_or(Errno::EAGAIN)
    }

    /// Gives back an ID that no thread came to have, or whose thread has ended.
    pub fn release_tid(&self, tid: u32) {
        self.tids.lock().release(tid);
    }

    /// Takes a created thread in; it stays until it ends.
    pub fn add_thread(&self, task: Arc<Task>) {
        self.threads.lock().insert(task.tid, task);
    }

    /// Lets a thread go that is about to end. True: it was the last.
    pub fn remove_thread(&self, tid: u32) -> bool {
        let (task, last) = {
            let mut threads = self.threads.lock();
            (threads.remove(&tid), threads.is_empty())
        };
        if let Some(task) = task {
            self.ended_cpu_time.fetch_add(task::cpu_time(&task), Ordering::Relaxed);
        }
        self.release_tid(tid);
        last
    }

    /// The thread with ID `tid`.
    pub fn thread(&self, tid: u32) -> Option<Arc<Task>> {
        self.threads.lock().get(&tid).cloned()
    }

    /// IDs of all threads, ascending.
    pub fn thread_ids(&self) -> Vec<u32> {
        self.threads.lock().keys().copied().collect()
    }

    /// All threads, the first one first.
    pub fn threads(&self) -> Vec<Arc<Task>> {
        self.threads.lock().values().cloned().collect()
    }

    /// CPU time of all threads, ended ones too, in nanoseconds.
    pub fn cpu_time(&self) -> u64 {
        let live: u64 = self.threads.lock().values().map(|task| task::cpu_time(task)).sum();
        live + self.ended_cpu_time.load(Ordering::Relaxed)
    }
}
