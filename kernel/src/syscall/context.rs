//! What a handler is given: who calls, through which door, and the ways to the caller's memory, files and clock.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use core::task::Waker;

use abi::errno::Errno;
use abi::reg::{Fd, Pid, Tid, UserPtr};
use abi::time::Timespec;
use logic::file::{Around, Io};
use logic::fs::inode::Clock;
use logic::mm::frames::FRAME;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::arch::TrapFrame;
use crate::fs::Held;
use crate::kernel::Kernel;
use crate::mm::{frames, user};
use crate::process::{PID, Process};
use crate::task::{Task, wait};
use crate::time;

fn wall_time() -> Timespec {
    time::wall()
}

/// Bytes that are free, not the kernel's own, and not promised to the program.
fn memory_left() -> u64 {
    let memory = Kernel::get().memory;
    frames::available().saturating_sub(memory.promised_pages()) * FRAME
}

/// What files may ask of this kernel.
pub(super) const AROUND: &Around = &Around {
    clock: wall_time,
    most_size: || Kernel::get().process.file_size_limit(),
    memory_left,
    identity: || Kernel::get().process.identity(),
};

/// How the caller came in.
#[derive(Clone, Copy, Debug)]
pub enum Door<'a> {
    /// A C call from std-shim: vector registers are dead.
    Direct,
    /// The `syscall` instruction, with the registers it came with: vector registers are live.
    Syscall(&'a TrapFrame),
}

/// One system call in progress.
#[derive(Debug)]
pub struct Ctx<'a> {
    task: &'a Arc<Task>,
    door: Door<'a>,
}

impl<'a> Ctx<'a> {
    /// A call by `task`, the running one.
    #[inline]
    pub fn new(task: &'a Arc<Task>, door: Door<'a>) -> Self {
        Self { task, door }
    }

    /// The system.
    pub fn kernel(&self) -> &'static Kernel {
        Kernel::get()
    }

    /// The program.
    #[inline]
    pub fn process(&self) -> &'static Process {
        &Kernel::get().process
    }

    /// The calling thread.
    pub fn task(&self) -> &'a Arc<Task> {
        self.task
    }

    /// How the caller came in.
    pub fn door(&self) -> Door<'a> {
        self.door
    }

    /// Whether the caller's vector registers must survive a switch.
    pub fn vectors_live(&self) -> bool {
        matches!(self.door, Door::Syscall(_))
    }

    /// Monotonic time in nanoseconds.
    pub fn now(&self) -> u64 {
        time::now()
    }

    /// Wall-clock time in nanoseconds since 1970.
    pub fn realtime(&self) -> u64 {
        time::realtime()
    }

    /// Waits for `attempt` to answer something else than `EAGAIN` (see [`wait::block_on`]).
    ///
    /// # Errors
    /// `attempt`'s; `ETIMEDOUT` at `deadline_ns`; `EINTR` when a signal comes.
    pub fn block_on<R>(
        &self,
        deadline_ns: Option<u64>,
        attempt: impl FnMut(Option<&Waker>) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        wait::block_on(self.vectors_live(), deadline_ns, attempt)
    }

    /// [`Ctx::block_on`] for at most `patience` nanoseconds, if that is said.
    ///
    /// # Errors
    /// `attempt`'s; `EAGAIN` when it has waited that long; `EINTR`.
    pub fn block_for<R>(
        &self,
        patience: Option<u64>,
        mut attempt: impl FnMut(&Io<'_>) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        match attempt(&self.io(None)) {
            Err(Errno::EAGAIN) => self.block_again_for(patience, attempt),
            answer => answer,
        }
    }

    /// [`Ctx::block_for`] after an attempt that answered `EAGAIN`.
    ///
    /// # Errors
    /// As for [`Ctx::block_for`].
    pub fn block_again_for<R>(
        &self,
        patience: Option<u64>,
        mut attempt: impl FnMut(&Io<'_>) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let vectors_live = self.vectors_live();
        let Some(patience) = patience else {
            return wait::block_again_on(vectors_live, None, |waker| attempt(&self.io(Some(waker))));
        };
        let deadline = self.now().saturating_add(patience);
        // An attempt's own ETIMEDOUT is not the deadline's.
        let answer = wait::block_again_on(vectors_live, Some(deadline), |waker| {
            match attempt(&self.io(Some(waker))) {
                Err(Errno::EAGAIN) => Err(Errno::EAGAIN),
                answer => Ok(answer),
            }
        });
        match answer {
            Err(Errno::ETIMEDOUT) => Err(Errno::EAGAIN),
            Err(Errno::EINTR) => {
                self.task.ends_for_good.store(true, Ordering::Relaxed);
                Err(Errno::EINTR)
            }
            answer => answer.and_then(|answer| answer),
        }
    }

    /// Copies a `T` from the program.
    ///
    /// # Errors
    /// `EFAULT` for memory that is not the program's to read.
    pub fn read_struct<T: FromBytes + IntoBytes>(&self, from: UserPtr<T>) -> Result<T, Errno> {
        user::read_struct(from)
    }

    /// Copies a `T` to the program.
    ///
    /// # Errors
    /// `EFAULT` for memory that is not the program's to write.
    pub fn write_struct<T: IntoBytes + Immutable + KnownLayout>(
        &self,
        to: UserPtr<T>,
        value: &T,
    ) -> Result<(), Errno> {
        user::write_struct(to, value)
    }

    /// Fills `buffer` from the program.
    ///
    /// # Errors
    /// `EFAULT` for memory that is not the program's to read.
    pub fn read_bytes(&self, from: UserPtr<u8>, buffer: &mut [u8]) -> Result<(), Errno> {
        user::read_bytes(from, buffer)
    }

    /// Copies `bytes` to the program.
    ///
    /// # Errors
    /// `EFAULT` for memory that is not the program's to write.
    pub fn write_bytes(&self, to: UserPtr<u8>, bytes: &[u8]) -> Result<(), Errno> {
        user::write_bytes(to, bytes)
    }

    /// The open file that `fd` stands for, to work on. A call does not close a descriptor whose file it works on.
    ///
    /// # Errors
    /// `EBADF`.
    #[expect(unsafe_code, reason = "a thread that is alone needs no lock and no count")]
    #[inline(always)]
    pub fn file(&self, fd: Fd) -> Result<Held<'_>, Errno> {
        let process = self.process();
        if !process.is_alone() {
            return self.shared_file(fd);
        }
        // SAFETY: only threads change the table. This one is alone, and does not while it looks.
        let table = unsafe { process.files.table.get_unlocked() };
        // SAFETY: only this call could close `fd` before it ends, and the handle does not outlive it.
        table.get(fd).map(|file| unsafe { Held::lent(file) })
    }

    /// [`Ctx::file`] among other threads.
    #[inline(never)]
    fn shared_file(&self, fd: Fd) -> Result<Held<'_>, Errno> {
        self.process().files.get(fd).map(Held::counted)
    }

    /// Wall-clock time.
    pub fn wall_time(&self) -> Timespec {
        wall_time()
    }

    /// The wall clock, for who may not need it.
    pub fn clock(&self) -> Clock {
        Clock::Running(AROUND.clock)
    }

    /// What a file's operation is told: to wake `waker`, the wall clock, and how large files may become.
    #[inline]
    pub fn io<'w>(&self, waker: Option<&'w Waker>) -> Io<'w> {
        Io::new(waker, AROUND)
    }

    /// Checks that the kernel has memory for one more object of the program's. Half of what it keeps for itself is for what has no
    /// way to fail.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn check_memory(&self) -> Result<(), Errno> {
        let free = frames::free_count();
        let is_short = || free < frames::reserve(frames::usage().1) / 2;
        if free < frames::MOST_RESERVE / 2 && is_short() { Err(Errno::ENOMEM) } else { Ok(()) }
    }

    /// A zero-terminated string of at most `most` bytes; longer ones are cut there.
    ///
    /// # Errors
    /// `EFAULT` for memory that is not the program's to read.
    pub fn read_c_string(&self, from: UserPtr<u8>, most: usize) -> Result<Vec<u8>, Errno> {
        user::read_c_string(from, most)
    }

    /// Calls `visit` with the thread `tid`; 0 is the caller.
    ///
    /// # Errors
    /// `EINVAL` for a negative ID, `ESRCH` for one that no thread has.
    pub fn with_thread<R>(&self, tid: Tid, visit: impl FnOnce(&Task) -> R) -> Result<R, Errno> {
        let tid = u32::try_from(tid.0).map_err(|_| Errno::EINVAL)?;
        if tid == 0 || tid == self.task.tid {
            return Ok(visit(self.task));
        }
        self.process().thread(tid).map(|task| visit(&task)).ok_or(Errno::ESRCH)
    }

    /// Checks that `tid` names a thread; 0 is the caller.
    ///
    /// # Errors
    /// As for [`Ctx::with_thread`].
    pub fn check_thread(&self, tid: Tid) -> Result<(), Errno> {
        self.with_thread(tid, |_| ())
    }

    /// Checks that `pid` names the process: 0, its ID, or a thread's.
    ///
    /// # Errors
    /// `ESRCH` for any other.
    pub fn check_pid(&self, pid: Pid) -> Result<(), Errno> {
        match u32::try_from(pid.0) {
            Ok(0 | PID) => Ok(()),
            Ok(tid) if self.process().thread(tid).is_some() => Ok(()),
            _ => Err(Errno::ESRCH),
        }
    }
}
