//! Threads and the process: clone(2), futex(2), sched_setscheduler(2), getrlimit(2), getrusage(2), prctl(2), arch_prctl(2).
//!
//! Not here: signals ([`crate::signal`]).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::errno::Errno;
use crate::reg::{choice, from_reg_flags, number};
use crate::time::Timeval;

bitflags::bitflags! {
    /// Flags of clone(2); the low byte is the signal sent at the end.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct CloneFlags: u64 {
        /// `CSIGNAL`: the signal sent at the end.
        const CSIGNAL = 0xff;
        /// `CLONE_VM`: share memory.
        const VM = 0x100;
        /// `CLONE_FS`: share root, working directory, umask.
        const FS = 0x200;
        /// `CLONE_FILES`: share the descriptor table.
        const FILES = 0x400;
        /// `CLONE_SIGHAND`: share signal handlers.
        const SIGHAND = 0x800;
        /// `CLONE_PIDFD`: a descriptor of the child.
        const PIDFD = 0x1000;
        /// `CLONE_PTRACE`: trace the child too.
        const PTRACE = 0x2000;
        /// `CLONE_VFORK`: wait until the child lets go of the memory.
        const VFORK = 0x4000;
        /// `CLONE_PARENT`: a sibling, not a child.
        const PARENT = 0x8000;
        /// `CLONE_THREAD`: a thread, not a process.
        const THREAD = 0x1_0000;
        /// `CLONE_NEWNS`: a mount name space of its own.
        const NEWNS = 0x2_0000;
        /// `CLONE_SYSVSEM`: share System V semaphore undo.
        const SYSVSEM = 0x4_0000;
        /// `CLONE_SETTLS`: set the thread pointer.
        const SETTLS = 0x8_0000;
        /// `CLONE_PARENT_SETTID`: store the thread id for the parent.
        const PARENT_SETTID = 0x10_0000;
        /// `CLONE_CHILD_CLEARTID`: clear the thread id at the end, and wake.
        const CHILD_CLEARTID = 0x20_0000;
        /// `CLONE_DETACHED`: ignored.
        const DETACHED = 0x40_0000;
        /// `CLONE_UNTRACED`: cannot be traced by force.
        const UNTRACED = 0x80_0000;
        /// `CLONE_CHILD_SETTID`: store the thread id for the child.
        const CHILD_SETTID = 0x100_0000;
        /// `CLONE_NEWCGROUP`.
        const NEWCGROUP = 0x200_0000;
        /// `CLONE_NEWUTS`.
        const NEWUTS = 0x400_0000;
        /// `CLONE_NEWIPC`.
        const NEWIPC = 0x800_0000;
        /// `CLONE_NEWUSER`.
        const NEWUSER = 0x1000_0000;
        /// `CLONE_NEWPID`.
        const NEWPID = 0x2000_0000;
        /// `CLONE_NEWNET`.
        const NEWNET = 0x4000_0000;
        /// `CLONE_IO`: share the input/output context.
        const IO = 0x8000_0000;
    }
}

from_reg_flags! {
    // clone(2) ignores unknown flags; clone3(2) was made to refuse them.
    retain CloneFlags;
}

impl CloneFlags {
    /// What a thread library asks for at least.
    pub const THREAD_SET: Self =
        Self::VM.union(Self::FS).union(Self::FILES).union(Self::SIGHAND).union(Self::THREAD);
}

number! {
    /// The operation word of futex(2): a command and two flags.
    FutexOp: u32;
}

impl FutexOp {
    const PRIVATE: u32 = 128;
    const CLOCK_REALTIME: u32 = 256;

    /// What to do.
    ///
    /// # Errors
    /// [`Errno::ENOSYS`] for a command futex(2) does not know.
    pub fn command(self) -> Result<FutexCommand, Errno> {
        (self.0 & !(Self::PRIVATE | Self::CLOCK_REALTIME)).try_into()
    }

    /// `FUTEX_PRIVATE_FLAG`: threads of this process only.
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.0 & Self::PRIVATE != 0
    }

    /// `FUTEX_CLOCK_REALTIME`: the time-out is on the real-time clock, not the monotonic one.
    #[must_use]
    pub const fn is_clock_realtime(self) -> bool {
        self.0 & Self::CLOCK_REALTIME != 0
    }
}

choice! {
    /// Commands of futex(2).
    pub enum FutexCommand: u32, else ENOSYS {
        /// `FUTEX_WAIT`: wait if the word has this value; the time-out is a duration.
        Wait = 0,
        /// `FUTEX_WAKE`: wake some.
        Wake = 1,
        /// `FUTEX_REQUEUE`: wake some, move the others.
        Requeue = 3,
        /// `FUTEX_CMP_REQUEUE`: the same if the word has this value.
        CmpRequeue = 4,
        /// `FUTEX_WAKE_OP`: change another word, wake here and perhaps there.
        WakeOp = 5,
        /// `FUTEX_LOCK_PI`.
        LockPi = 6,
        /// `FUTEX_UNLOCK_PI`.
        UnlockPi = 7,
        /// `FUTEX_TRYLOCK_PI`.
        TrylockPi = 8,
        /// `FUTEX_WAIT_BITSET`: wait for wakers whose bits meet; the time-out is a point in time.
        WaitBitset = 9,
        /// `FUTEX_WAKE_BITSET`: wake waiters whose bits meet.
        WakeBitset = 10,
        /// `FUTEX_WAIT_REQUEUE_PI`.
        WaitRequeuePi = 11,
        /// `FUTEX_CMP_REQUEUE_PI`.
        CmpRequeuePi = 12,
        /// `FUTEX_LOCK_PI2`.
        LockPi2 = 13,
    }
}

/// `FUTEX_BITSET_MATCH_ANY`: meets every bit set.
pub const FUTEX_BITSET_MATCH_ANY: u32 = u32::MAX;
/// `FUTEX_WAITERS`: in a robust or priority-inheritance word, somebody waits.
pub const FUTEX_WAITERS: u32 = 0x8000_0000;
/// `FUTEX_OWNER_DIED`: in a robust word, its holder ended without unlocking.
pub const FUTEX_OWNER_DIED: u32 = 0x4000_0000;
/// `FUTEX_TID_MASK`: in a robust word, its holder.
pub const FUTEX_TID_MASK: u32 = 0x3fff_ffff;
/// `ROBUST_LIST_LIMIT`: entries of a robust list looked at when a thread ends.
pub const ROBUST_LIST_LIMIT: usize = 2048;

/// `struct robust_list_head`: the locks a thread holds, for the kernel to release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RobustListHead {
    /// Address of the first entry, or of this head if there is none.
    pub list: usize,
    /// From an entry to its futex word, in bytes.
    pub futex_offset: i64,
    /// Address of the entry being locked or unlocked, or zero.
    pub list_op_pending: usize,
}

choice! {
    /// Resources of getrlimit(2).
    pub enum Resource: u32, else EINVAL {
        /// `RLIMIT_CPU`: seconds of CPU time.
        Cpu = 0,
        /// `RLIMIT_FSIZE`: bytes of a file.
        Fsize = 1,
        /// `RLIMIT_DATA`: bytes of data.
        Data = 2,
        /// `RLIMIT_STACK`: bytes of the first stack.
        Stack = 3,
        /// `RLIMIT_CORE`: bytes of a core dump.
        Core = 4,
        /// `RLIMIT_RSS`: bytes of resident memory.
        Rss = 5,
        /// `RLIMIT_NPROC`: threads of the user.
        Nproc = 6,
        /// `RLIMIT_NOFILE`: highest file descriptor plus one.
        Nofile = 7,
        /// `RLIMIT_MEMLOCK`: bytes of locked memory.
        Memlock = 8,
        /// `RLIMIT_AS`: bytes of address space.
        As = 9,
        /// `RLIMIT_LOCKS`: file locks.
        Locks = 10,
        /// `RLIMIT_SIGPENDING`: queued signals.
        Sigpending = 11,
        /// `RLIMIT_MSGQUEUE`: bytes of message queues.
        Msgqueue = 12,
        /// `RLIMIT_NICE`: best nice value.
        Nice = 13,
        /// `RLIMIT_RTPRIO`: best real-time priority.
        Rtprio = 14,
        /// `RLIMIT_RTTIME`: microseconds of real-time work without waiting.
        Rttime = 15,
    }
}

impl Resource {
    /// How many there are.
    pub const COUNT: usize = 16;

    /// All of them, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).filter_map(|number| Self::try_from(number).ok())
    }
}

/// `RLIM_INFINITY`: no limit.
pub const RLIM_INFINITY: u64 = u64::MAX;

/// `struct rlimit64`, the same as `struct rlimit` on x86_64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RLimit {
    /// The limit that counts.
    pub rlim_cur: u64,
    /// How far it may be raised.
    pub rlim_max: u64,
}

choice! {
    /// Whose usage getrusage(2) tells.
    pub enum RUsageWho: i32, else EINVAL {
        /// `RUSAGE_SELF`: the process.
        Process = 0,
        /// `RUSAGE_CHILDREN`: children waited for.
        Children = -1,
        /// `RUSAGE_THREAD`: the calling thread.
        Thread = 1,
    }
}

/// `struct rusage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RUsage {
    /// CPU time in the program.
    pub ru_utime: Timeval,
    /// CPU time in the kernel.
    pub ru_stime: Timeval,
    /// Largest resident size, in KiB.
    pub ru_maxrss: i64,
    /// Unused.
    pub ru_ixrss: i64,
    /// Unused.
    pub ru_idrss: i64,
    /// Unused.
    pub ru_isrss: i64,
    /// Page faults without input/output.
    pub ru_minflt: i64,
    /// Page faults with input/output.
    pub ru_majflt: i64,
    /// Unused.
    pub ru_nswap: i64,
    /// Blocks read.
    pub ru_inblock: i64,
    /// Blocks written.
    pub ru_oublock: i64,
    /// Unused.
    pub ru_msgsnd: i64,
    /// Unused.
    pub ru_msgrcv: i64,
    /// Unused.
    pub ru_nsignals: i64,
    /// Times it gave the CPU away.
    pub ru_nvcsw: i64,
    /// Times the CPU was taken away.
    pub ru_nivcsw: i64,
}

/// `struct tms` of times(2), in ticks of 1/[`CLOCK_TICKS`] second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tms {
    /// CPU time in the program.
    pub tms_utime: i64,
    /// CPU time in the kernel.
    pub tms_stime: i64,
    /// The same of children waited for.
    pub tms_cutime: i64,
    /// The same of children waited for.
    pub tms_cstime: i64,
}

/// Ticks in a second of times(2) and /proc/self/stat (`sysconf(_SC_CLK_TCK)`).
pub const CLOCK_TICKS: u64 = 100;

number! {
    /// A scheduling policy of sched(7).
    SchedPolicy: i32;
}

impl SchedPolicy {
    /// `SCHED_OTHER`: fair shares.
    pub const OTHER: Self = Self(0);
    /// `SCHED_FIFO`: real time.
    pub const FIFO: Self = Self(1);
    /// `SCHED_RR`: real time in turns.
    pub const RR: Self = Self(2);
    /// `SCHED_BATCH`: fair shares, not interactive.
    pub const BATCH: Self = Self(3);
    /// `SCHED_IDLE`: when nobody else wants to.
    pub const IDLE: Self = Self(5);
    /// `SCHED_DEADLINE`: by deadline.
    pub const DEADLINE: Self = Self(6);
    /// `SCHED_RESET_ON_FORK`: a flag added to a policy.
    pub const RESET_ON_FORK: i32 = 0x4000_0000;
}

/// `struct sched_param`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SchedParam {
    /// Real-time priority 1..=99; 0 for the other policies.
    pub sched_priority: i32,
}

choice! {
    /// Whose priority getpriority(2) means.
    pub enum PriorityOf: i32, else EINVAL {
        /// `PRIO_PROCESS`: of a thread, in fact.
        Process = 0,
        /// `PRIO_PGRP`: of a process group.
        Group = 1,
        /// `PRIO_USER`: of a user.
        User = 2,
    }
}

choice! {
    /// Options of prctl(2).
    pub enum Prctl: i32, else EINVAL {
        /// `PR_SET_PDEATHSIG`: signal when the parent ends.
        SetPdeathsig = 1,
        /// `PR_GET_PDEATHSIG`.
        GetPdeathsig = 2,
        /// `PR_GET_DUMPABLE`.
        GetDumpable = 3,
        /// `PR_SET_DUMPABLE`.
        SetDumpable = 4,
        /// `PR_GET_KEEPCAPS`.
        GetKeepcaps = 7,
        /// `PR_SET_KEEPCAPS`.
        SetKeepcaps = 8,
        /// `PR_SET_NAME`: the thread's name, at most 15 bytes.
        SetName = 15,
        /// `PR_GET_NAME`.
        GetName = 16,
        /// `PR_GET_SECCOMP`.
        GetSeccomp = 21,
        /// `PR_SET_SECCOMP`.
        SetSeccomp = 22,
        /// `PR_CAPBSET_READ`.
        CapbsetRead = 23,
        /// `PR_CAPBSET_DROP`.
        CapbsetDrop = 24,
        /// `PR_SET_TIMERSLACK`.
        SetTimerslack = 29,
        /// `PR_GET_TIMERSLACK`.
        GetTimerslack = 30,
        /// `PR_SET_MM`.
        SetMm = 35,
        /// `PR_SET_CHILD_SUBREAPER`.
        SetChildSubreaper = 36,
        /// `PR_GET_CHILD_SUBREAPER`.
        GetChildSubreaper = 37,
        /// `PR_SET_NO_NEW_PRIVS`.
        SetNoNewPrivs = 38,
        /// `PR_GET_NO_NEW_PRIVS`.
        GetNoNewPrivs = 39,
        /// `PR_SET_THP_DISABLE`.
        SetThpDisable = 41,
        /// `PR_GET_THP_DISABLE`.
        GetThpDisable = 42,
        /// `PR_CAP_AMBIENT`.
        CapAmbient = 47,
        /// `PR_SET_VMA`: a mapping's name.
        SetVma = 0x5356_4d41,
        /// `PR_SET_PTRACER`.
        SetPtracer = 0x5961_6d61,
    }
}

choice! {
    /// Codes of arch_prctl(2).
    pub enum ArchPrctl: u32, else EINVAL {
        /// `ARCH_SET_GS`.
        SetGs = 0x1001,
        /// `ARCH_SET_FS`: the thread pointer.
        SetFs = 0x1002,
        /// `ARCH_GET_FS`.
        GetFs = 0x1003,
        /// `ARCH_GET_GS`.
        GetGs = 0x1004,
        /// `ARCH_GET_CPUID`: may the program use cpuid?
        GetCpuid = 0x1011,
        /// `ARCH_SET_CPUID`.
        SetCpuid = 0x1012,
    }
}

#[cfg(test)]
mod tests;
