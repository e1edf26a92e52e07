//! The program as Linux would see it: one process with its threads, open files, limits, IDs and signals.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use abi::errno::Errno;
use abi::net::Ucred;
use abi::signal::SigInfo;
use abi::task::Resource;
use abi::time::ClockId;
use litemap::LiteMap;
use logic::credentials::Credentials;
use logic::file::Identity;
use logic::file::wakers::WakerSet;
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
    /// Who waits for signals with a descriptor (signalfd(2)).
    pub signal_readers: IrqLock<WakerSet>,
    threads: IrqLock<Threads>,
    /// There is one thread, and none is being made.
    is_alone: AtomicBool,
    /// Timers that send signals.
    pub timers: Lock<SignalTimers>,
    /// `RLIMIT_FSIZE` once more: files ask at every write.
    file_size_limit: AtomicU64,
}

/// Who has which thread ID.
#[derive(Debug)]
pub struct Threads {
    /// `None`: the ID is a thread's that is being made.
    by_tid: BTreeMap<u32, Option<Arc<Task>>>,
    ids: TidAllocator,
    /// CPU time of threads that have ended, in nanoseconds.
    ended_cpu_time: u64,
    /// The most that was said of all threads' CPU time. A thread that leaves its CPU meanwhile is counted a moment too long.
    shown_cpu_time: u64,
}

impl Threads {
    /// The first one first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.by_tid.values().flatten()
    }
}

/// The program's timers: the one of setitimer(2), and those of timer_create(2) by their numbers.
#[derive(Debug, Default)]
pub struct SignalTimers {
    /// `ITIMER_REAL`.
    pub real: Option<Arc<IntervalTimer>>,
    /// POSIX timers.
    pub posix: LiteMap<i32, PosixTimer>,
}

/// A timer of timer_create(2).
#[derive(Clone, Debug)]
pub struct PosixTimer {
    /// The timer.
    pub timer: Arc<IntervalTimer>,
    /// The clock its absolute times are on.
    pub clock: ClockId,
    /// How often it went off besides the one time that its last signal was taken for (timer_getoverrun(2)).
    pub overruns: u32,
}

impl Process {
    /// The program, with `files` to work on.
    pub fn new(files: Files) -> Self {
        Self {
            files,
            credentials: Lock::new(Credentials::default()),
            limits: Lock::new(Limits::default()),
            signals: IrqLock::new(ProcessSignals::default()),
            signal_readers: IrqLock::new(WakerSet::new()),
            threads: IrqLock::new(Threads {
                by_tid: BTreeMap::new(),
                ids: TidAllocator::new(PID),
                ended_cpu_time: 0,
                shown_cpu_time: 0,
            }),
            is_alone: AtomicBool::new(false),
            timers: Lock::new(SignalTimers::default()),
            file_size_limit: AtomicU64::new(u64::MAX),
        }
    }

    /// Who the program is.
    pub fn identity(&self) -> Identity {
        let credentials = self.credentials.lock();
        let (user, group) = (credentials.user, credentials.group);
        let named = |uid, gid| Ucred { pid: PID.cast_signed(), uid, gid };
        Identity { real: named(user.real, group.real), effective: named(user.effective, group.effective) }
    }

    /// How large files may become (`RLIMIT_FSIZE`).
    #[inline]
    pub fn file_size_limit(&self) -> u64 {
        self.file_size_limit.load(Ordering::Relaxed)
    }

    /// Files may become `limit` bytes large from now on.
    pub fn set_file_size_limit(&self, limit: u64) {
        self.file_size_limit.store(limit, Ordering::Relaxed);
    }

    /// How many descriptors there may be (`RLIMIT_NOFILE`).
    pub fn open_file_limit(&self) -> usize {
        usize::try_from(self.limits.lock().get(Resource::Nofile).rlim_cur).unwrap_or(usize::MAX)
    }

    /// Open descriptors stay below `limit` from now on (`RLIMIT_NOFILE`).
    pub fn set_open_file_limit(&self, limit: u64) {
        self.files.set_open_file_limit(limit);
    }

    /// A thread ID that no live thread has, kept for a thread that is being made.
    ///
    /// # Errors
    /// `EAGAIN` when all are in use (clone(2)).
    pub fn allocate_tid(&self) -> Result<u32, Errno> {
        let Threads { by_tid, ids, .. } = &mut *self.threads.lock();
        let tid = ids.allocate(by_tid.len(), |tid| by_tid.contains_key(&tid)).ok_or(Errno::EAGAIN)?;
        by_tid.insert(tid, None);
        self.count(by_tid);
        Ok(tid)
    }

    /// Gives back an ID that no thread came to have.
    pub fn release_tid(&self, tid: u32) {
        let by_tid = &mut self.threads.lock().by_tid;
        by_tid.remove(&tid);
        self.count(by_tid);
    }

    /// Takes a created thread in; it stays until it ends.
    pub fn add_thread(&self, task: Arc<Task>) {
        let by_tid = &mut self.threads.lock().by_tid;
        by_tid.insert(task.tid, Some(task));
        self.count(by_tid);
    }

    /// Lets a thread go that is about to end. True: it was the last.
    pub fn remove_thread(&self, tid: u32) -> bool {
        let (task, last) = {
            let threads = &mut *self.threads.lock();
            let task = threads.by_tid.remove(&tid).flatten();
            // In the same moment: `cpu_time` finds it among the living or here.
            threads.ended_cpu_time += task.as_deref().map_or(0, task::cpu_time);
            self.count(&threads.by_tid);
            (task, threads.by_tid.is_empty())
        };
        drop(task);
        last
    }

    /// A thread more or less: says whether one is alone.
    fn count(&self, by_tid: &BTreeMap<u32, Option<Arc<Task>>>) {
        self.is_alone.store(by_tid.len() == 1, Ordering::Release);
    }

    /// Whether the caller is the only thread. It stays so until the caller makes another one, and everything that others ever did has been
    /// seen: they ended before.
    #[inline]
    pub fn is_alone(&self) -> bool {
        self.is_alone.load(Ordering::Acquire)
    }

    /// The thread with ID `tid`.
    pub fn thread(&self, tid: u32) -> Option<Arc<Task>> {
        self.threads.lock().by_tid.get(&tid)?.clone()
    }

    /// IDs of all threads, ascending.
    pub fn thread_ids(&self) -> Vec<u32> {
        self.threads.lock().iter().map(|task| task.tid).collect()
    }

    /// What `body` makes of all threads. Interrupts are off meanwhile, and none of them ends.
    pub fn with_threads<R>(&self, body: impl FnOnce(&Threads) -> R) -> R {
        body(&self.threads.lock())
    }

    /// A signal has come, for a thread or for the process: tells who waits for it with a descriptor.
    pub fn signal_came(&self) {
        self.signal_readers.lock().wake_all();
    }

    /// A signal has been taken: if it is a timer's, what timer_getoverrun(2) says now.
    pub fn signal_taken(&self, info: &SigInfo) {
        if let Some((number, overruns)) = info.expiry()
            && let Some(timer) = self.timers.lock().posix.get_mut(&number)
        {
            timer.overruns = overruns;
        }
    }

    /// CPU time of all threads, ended ones too, in nanoseconds: never less than it was before.
    pub fn cpu_time(&self) -> u64 {
        let threads = &mut *self.threads.lock();
        let live: u64 = threads.iter().map(|task| task::cpu_time(task)).sum();
        threads.shown_cpu_time = threads.shown_cpu_time.max(live + threads.ended_cpu_time);
        threads.shown_cpu_time
    }
}
