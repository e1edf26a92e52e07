//! Flags and choices have the values of Linux' headers, by way of the libc and linux-raw-sys crates.

use abi::signal::code;
use abi::sys::aux;
use abi::tty::control;
use abi::{fs, io, net, signal, task};
use linux_raw_sys::{general as linux, ioctl, prctl};

/// Any integer as one type, so that signs and widths of the two sides need not agree.
fn wide<T: TryInto<i128>>(value: T) -> i128 {
    value.try_into().unwrap_or_else(|_| panic!("every constant fits"))
}

/// The low 32 bits: where one side calls bit 31 a sign.
fn low<T: TryInto<i128>>(value: T) -> i128 {
    wide(value) & 0xffff_ffff
}

/// Compares pairs of values, e.g. `same! { 1 => libc::O_WRONLY, }`.
macro_rules! same {
    ($($ours:expr => $theirs:expr,)*) => {
        $(assert_eq!(low($ours), low($theirs), "{}", stringify!($theirs));)*
    };
}

/// Compares flags of one type by name, e.g. `flags! { OpenFlags, libc: CREAT O_CREAT, }`.
macro_rules! flags {
    ($ours:ty, $theirs:ident: $($flag:ident $name:ident,)*) => {
        $(assert_eq!(low(<$ours>::$flag.bits()), low($theirs::$name), stringify!($name));)*
    };
}

/// Compares choices of one type by name, e.g. `choices! { Whence, libc: Set SEEK_SET, }`.
macro_rules! choices {
    ($ours:ty, $theirs:ident: $($choice:ident $name:ident,)*) => {
        $(assert_eq!(low(<$ours>::$choice.raw()), low($theirs::$name), stringify!($name));)*
    };
}

/// Compares newtyped numbers by name, e.g. `numbers! { ClockId, libc: TAI CLOCK_TAI, }`.
macro_rules! numbers {
    ($ours:ty, $theirs:ident: $($number:ident $name:ident,)*) => {
        $(assert_eq!(low(<$ours>::$number.0), low($theirs::$name), stringify!($name));)*
    };
}

/// Compares plain constants that carry the same name, e.g. `plain! { fs, libc: UTIME_NOW, }`.
macro_rules! plain {
    ($ours:ident, $theirs:ident: $($name:ident,)*) => {
        $(assert_eq!(low($ours::$name), low($theirs::$name), stringify!($name));)*
    };
}

#[test]
fn opening() {
    use abi::fs::{AccessMode, AtFlags, MemfdFlags, OpenFlags, RenameFlags, Whence};
    flags! { OpenFlags, linux: WRONLY O_WRONLY, RDWR O_RDWR, CREAT O_CREAT, EXCL O_EXCL, NOCTTY O_NOCTTY,
    TRUNC O_TRUNC, APPEND O_APPEND, NONBLOCK O_NONBLOCK, DSYNC O_DSYNC, ASYNC FASYNC, DIRECT O_DIRECT,
    LARGEFILE O_LARGEFILE, DIRECTORY O_DIRECTORY, NOFOLLOW O_NOFOLLOW, NOATIME O_NOATIME, CLOEXEC O_CLOEXEC,
    SYNC O_SYNC, PATH O_PATH, TMPFILE O_TMPFILE, }
    same! { OpenFlags::ACCMODE => linux::O_ACCMODE, abi::reg::DirFd::CWD.0 => linux::AT_FDCWD, }
    flags! { AtFlags, linux: SYMLINK_NOFOLLOW AT_SYMLINK_NOFOLLOW, REMOVEDIR AT_REMOVEDIR, EACCESS AT_EACCESS,
    SYMLINK_FOLLOW AT_SYMLINK_FOLLOW, NO_AUTOMOUNT AT_NO_AUTOMOUNT, EMPTY_PATH AT_EMPTY_PATH,
    STATX_FORCE_SYNC AT_STATX_FORCE_SYNC, STATX_DONT_SYNC AT_STATX_DONT_SYNC, }
    flags! { AccessMode, libc: X_OK X_OK, W_OK W_OK, R_OK R_OK, }
    flags! { RenameFlags, linux: NOREPLACE RENAME_NOREPLACE, EXCHANGE RENAME_EXCHANGE, WHITEOUT RENAME_WHITEOUT, }
    flags! { MemfdFlags, libc: CLOEXEC MFD_CLOEXEC, ALLOW_SEALING MFD_ALLOW_SEALING, HUGETLB MFD_HUGETLB,
    NOEXEC_SEAL MFD_NOEXEC_SEAL, EXEC MFD_EXEC, }
    choices! { Whence, linux: Set SEEK_SET, Cur SEEK_CUR, End SEEK_END, Data SEEK_DATA, Hole SEEK_HOLE, }
}

#[test]
fn file_properties() {
    use abi::fs::{FileType, Mode, StatxMask};
    flags! { StatxMask, linux: TYPE STATX_TYPE, MODE STATX_MODE, NLINK STATX_NLINK, UID STATX_UID, GID STATX_GID,
    ATIME STATX_ATIME, MTIME STATX_MTIME, CTIME STATX_CTIME, INO STATX_INO, SIZE STATX_SIZE,
    BLOCKS STATX_BLOCKS, BASIC_STATS STATX_BASIC_STATS, BTIME STATX_BTIME, MNT_ID STATX_MNT_ID,
    RESERVED STATX__RESERVED, }
    for (kind, bits, entry) in [
        (FileType::Fifo, libc::S_IFIFO, libc::DT_FIFO),
        (FileType::CharDevice, libc::S_IFCHR, libc::DT_CHR),
        (FileType::Directory, libc::S_IFDIR, libc::DT_DIR),
        (FileType::BlockDevice, libc::S_IFBLK, libc::DT_BLK),
        (FileType::Regular, libc::S_IFREG, libc::DT_REG),
        (FileType::Symlink, libc::S_IFLNK, libc::DT_LNK),
        (FileType::Socket, libc::S_IFSOCK, libc::DT_SOCK),
    ] {
        assert_eq!((kind.mode_bits(), kind.dirent_type()), (bits, entry));
        assert_eq!(Mode(bits).file_type(), Some(kind));
    }
    same! { Mode::FMT => libc::S_IFMT, Mode::SUID => libc::S_ISUID, Mode::SGID => libc::S_ISGID,
    Mode::STICKY => libc::S_ISVTX, }
    plain! { fs, libc: PATH_MAX, UTIME_NOW, UTIME_OMIT, TMPFS_MAGIC, PROC_SUPER_MAGIC, SYSFS_MAGIC,
    STATX_ATTR_MOUNT_ROOT, }
    plain! { fs, linux: NAME_MAX, PIPEFS_MAGIC, SOCKFS_MAGIC, ANON_INODE_FS_MAGIC, }
}

#[test]
fn readiness() {
    use abi::event::TimerFdSetFlags;
    use abi::event::{EpollCreateFlags, EpollFlags, EpollOp, EventFdFlags, SignalFdFlags, TimerFdFlags};
    flags! { EpollFlags, libc: EXCLUSIVE EPOLLEXCLUSIVE, WAKEUP EPOLLWAKEUP, ONESHOT EPOLLONESHOT, ET EPOLLET, }
    choices! { EpollOp, libc: Add EPOLL_CTL_ADD, Delete EPOLL_CTL_DEL, Modify EPOLL_CTL_MOD, }
    flags! { EpollCreateFlags, libc: CLOEXEC EPOLL_CLOEXEC, }
    flags! { EventFdFlags, libc: SEMAPHORE EFD_SEMAPHORE, NONBLOCK EFD_NONBLOCK, CLOEXEC EFD_CLOEXEC, }
    flags! { TimerFdFlags, libc: NONBLOCK TFD_NONBLOCK, CLOEXEC TFD_CLOEXEC, }
    flags! { TimerFdSetFlags, libc: ABSTIME TFD_TIMER_ABSTIME, CANCEL_ON_SET TFD_TIMER_CANCEL_ON_SET, }
    flags! { SignalFdFlags, libc: NONBLOCK SFD_NONBLOCK, CLOEXEC SFD_CLOEXEC, }
}

#[test]
fn reading_and_writing() {
    use abi::io::{CloseRangeFlags, DupFlags, FallocateMode, FileAdvice, FlockKind, PipeFlags, PollEvents};
    use abi::io::{RwFlags, SyncRangeFlags};
    flags! { PollEvents, libc: IN POLLIN, PRI POLLPRI, OUT POLLOUT, ERR POLLERR, HUP POLLHUP, NVAL POLLNVAL,
    RDNORM POLLRDNORM, RDBAND POLLRDBAND, WRNORM POLLWRNORM, WRBAND POLLWRBAND, RDHUP POLLRDHUP, }
    flags! { PipeFlags, libc: NONBLOCK O_NONBLOCK, DIRECT O_DIRECT, CLOEXEC O_CLOEXEC, NOTIFICATION O_EXCL, }
    flags! { DupFlags, libc: CLOEXEC O_CLOEXEC, }
    flags! { CloseRangeFlags, libc: UNSHARE CLOSE_RANGE_UNSHARE, CLOEXEC CLOSE_RANGE_CLOEXEC, }
    flags! { RwFlags, libc: HIPRI RWF_HIPRI, DSYNC RWF_DSYNC, SYNC RWF_SYNC, NOWAIT RWF_NOWAIT,
    APPEND RWF_APPEND, NOAPPEND RWF_NOAPPEND, }
    flags! { FallocateMode, libc: KEEP_SIZE FALLOC_FL_KEEP_SIZE, PUNCH_HOLE FALLOC_FL_PUNCH_HOLE,
    COLLAPSE_RANGE FALLOC_FL_COLLAPSE_RANGE, ZERO_RANGE FALLOC_FL_ZERO_RANGE,
    INSERT_RANGE FALLOC_FL_INSERT_RANGE, UNSHARE_RANGE FALLOC_FL_UNSHARE_RANGE, }
    flags! { SyncRangeFlags, libc: WAIT_BEFORE SYNC_FILE_RANGE_WAIT_BEFORE, WRITE SYNC_FILE_RANGE_WRITE,
    WAIT_AFTER SYNC_FILE_RANGE_WAIT_AFTER, }
    choices! { FileAdvice, libc: Normal POSIX_FADV_NORMAL, Random POSIX_FADV_RANDOM,
    Sequential POSIX_FADV_SEQUENTIAL, WillNeed POSIX_FADV_WILLNEED, DontNeed POSIX_FADV_DONTNEED,
    NoReuse POSIX_FADV_NOREUSE, }
    choices! { FlockKind, libc: Shared LOCK_SH, Exclusive LOCK_EX, Unlock LOCK_UN, }
    plain! { io, libc: PIPE_BUF, FD_CLOEXEC, }
    same! { io::IOV_MAX => libc::UIO_MAXIOV, }
}

#[test]
fn controlling_files() {
    use abi::io::{FcntlCommand, Ioctl, LockType, Seals};
    choices! { FcntlCommand, linux: DupFd F_DUPFD, GetFd F_GETFD, SetFd F_SETFD, GetFl F_GETFL, SetFl F_SETFL,
    GetLk F_GETLK, SetLk F_SETLK, SetLkW F_SETLKW, SetOwn F_SETOWN, GetOwn F_GETOWN, SetSig F_SETSIG,
    GetSig F_GETSIG, SetOwnEx F_SETOWN_EX, GetOwnEx F_GETOWN_EX, OfdGetLk F_OFD_GETLK,
    OfdSetLk F_OFD_SETLK, OfdSetLkW F_OFD_SETLKW, SetLease F_SETLEASE, GetLease F_GETLEASE, Notify F_NOTIFY,
    DupFdQuery F_DUPFD_QUERY, DupFdCloexec F_DUPFD_CLOEXEC, SetPipeSz F_SETPIPE_SZ,
    GetPipeSz F_GETPIPE_SZ, AddSeals F_ADD_SEALS, GetSeals F_GET_SEALS, }
    choices! { LockType, linux: Read F_RDLCK, Write F_WRLCK, Unlock F_UNLCK, }
    flags! { Seals, linux: SEAL F_SEAL_SEAL, SHRINK F_SEAL_SHRINK, GROW F_SEAL_GROW, WRITE F_SEAL_WRITE,
    FUTURE_WRITE F_SEAL_FUTURE_WRITE, EXEC F_SEAL_EXEC, }
    numbers! { Ioctl, ioctl: TCGETS TCGETS, TCSETS TCSETS, TCSETSW TCSETSW, TCSETSF TCSETSF, TCSBRK TCSBRK,
    TCXONC TCXONC, TCFLSH TCFLSH, TIOCSCTTY TIOCSCTTY, TIOCGPGRP TIOCGPGRP, TIOCSPGRP TIOCSPGRP,
    TIOCOUTQ TIOCOUTQ, TIOCGWINSZ TIOCGWINSZ, TIOCSWINSZ TIOCSWINSZ, FIONREAD FIONREAD, FIONBIO FIONBIO,
    TIOCNOTTY TIOCNOTTY, TIOCGSID TIOCGSID, FIONCLEX FIONCLEX, FIOCLEX FIOCLEX, FIOASYNC FIOASYNC,
    FIOQSIZE FIOQSIZE, FICLONE FICLONE, FS_IOC_GETFLAGS FS_IOC_GETFLAGS, }
    numbers! { Ioctl, libc: SIOCGIFNAME SIOCGIFNAME, SIOCGIFFLAGS SIOCGIFFLAGS, SIOCGIFADDR SIOCGIFADDR,
    SIOCGIFBRDADDR SIOCGIFBRDADDR, SIOCGIFNETMASK SIOCGIFNETMASK, SIOCGIFMTU SIOCGIFMTU, SIOCGIFHWADDR SIOCGIFHWADDR,
    SIOCGIFINDEX SIOCGIFINDEX, }
}

#[test]
fn terminals() {
    use abi::tty::{InputFlags, LocalFlags, OutputFlags};
    plain! { control, libc: VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSTART, VSTOP, VSUSP, VEOL,
    VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2, }
    flags! { InputFlags, libc: BRKINT BRKINT, ISTRIP ISTRIP, INLCR INLCR, IGNCR IGNCR, ICRNL ICRNL, IXON IXON,
    IMAXBEL IMAXBEL, IUTF8 IUTF8, }
    flags! { OutputFlags, libc: OPOST OPOST, ONLCR ONLCR, }
    flags! { LocalFlags, libc: ISIG ISIG, ICANON ICANON, ECHO ECHO, ECHOE ECHOE, ECHOK ECHOK, ECHONL ECHONL,
    NOFLSH NOFLSH, TOSTOP TOSTOP, ECHOCTL ECHOCTL, ECHOKE ECHOKE, IEXTEN IEXTEN, }
    same! { abi::tty::CFLAG_DEFAULT => libc::B38400 | libc::CS8 | libc::CREAD | libc::HUPCL,
    abi::tty::NCCS => linux::NCCS, }
}

#[test]
fn memory() {
    use abi::mm::{
        Advice, MapFlags, MembarrierCommand, Mlock2Flags, MlockallFlags, MremapFlags, MsyncFlags, Prot,
    };
    use linux_raw_sys::general::membarrier_cmd as membarrier;
    flags! { Prot, linux: READ PROT_READ, WRITE PROT_WRITE, EXEC PROT_EXEC, SEM PROT_SEM,
    GROWSDOWN PROT_GROWSDOWN, GROWSUP PROT_GROWSUP, }
    flags! { MapFlags, linux: SHARED MAP_SHARED, PRIVATE MAP_PRIVATE, SHARED_VALIDATE MAP_SHARED_VALIDATE,
    FIXED MAP_FIXED, ANONYMOUS MAP_ANONYMOUS, LOW_32BIT MAP_32BIT, GROWSDOWN MAP_GROWSDOWN,
    DENYWRITE MAP_DENYWRITE, EXECUTABLE MAP_EXECUTABLE, LOCKED MAP_LOCKED, NORESERVE MAP_NORESERVE,
    POPULATE MAP_POPULATE, NONBLOCK MAP_NONBLOCK, STACK MAP_STACK, HUGETLB MAP_HUGETLB, SYNC MAP_SYNC,
    FIXED_NOREPLACE MAP_FIXED_NOREPLACE, }
    same! { MapFlags::TYPE => linux::MAP_TYPE,
    MapFlags::HUGE_SIZE.bits() => libc::MAP_HUGE_MASK.cast_unsigned() << libc::MAP_HUGE_SHIFT, }
    flags! { MremapFlags, linux: MAYMOVE MREMAP_MAYMOVE, FIXED MREMAP_FIXED, DONTUNMAP MREMAP_DONTUNMAP, }
    flags! { MsyncFlags, linux: ASYNC MS_ASYNC, INVALIDATE MS_INVALIDATE, SYNC MS_SYNC, }
    flags! { Mlock2Flags, linux: ONFAULT MLOCK_ONFAULT, }
    flags! { MlockallFlags, linux: CURRENT MCL_CURRENT, FUTURE MCL_FUTURE, ONFAULT MCL_ONFAULT, }
    choices! { Advice, linux: Normal MADV_NORMAL, Random MADV_RANDOM, Sequential MADV_SEQUENTIAL,
    WillNeed MADV_WILLNEED, DontNeed MADV_DONTNEED, Free MADV_FREE, Remove MADV_REMOVE,
    DontFork MADV_DONTFORK, DoFork MADV_DOFORK, Mergeable MADV_MERGEABLE, Unmergeable MADV_UNMERGEABLE,
    HugePage MADV_HUGEPAGE, NoHugePage MADV_NOHUGEPAGE, DontDump MADV_DONTDUMP, DoDump MADV_DODUMP,
    WipeOnFork MADV_WIPEONFORK, KeepOnFork MADV_KEEPONFORK, Cold MADV_COLD, PageOut MADV_PAGEOUT,
    PopulateRead MADV_POPULATE_READ, PopulateWrite MADV_POPULATE_WRITE,
    DontNeedLocked MADV_DONTNEED_LOCKED, Collapse MADV_COLLAPSE, }
    same! {
        MembarrierCommand::Query.raw() => membarrier::MEMBARRIER_CMD_QUERY as u32,
        MembarrierCommand::Global.raw() => membarrier::MEMBARRIER_CMD_GLOBAL as u32,
        MembarrierCommand::GlobalExpedited.raw() => membarrier::MEMBARRIER_CMD_GLOBAL_EXPEDITED as u32,
        MembarrierCommand::RegisterGlobalExpedited.raw() =>
            membarrier::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED as u32,
        MembarrierCommand::PrivateExpedited.raw() => membarrier::MEMBARRIER_CMD_PRIVATE_EXPEDITED as u32,
        MembarrierCommand::RegisterPrivateExpedited.raw() =>
            membarrier::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED as u32,
        MembarrierCommand::PrivateExpeditedSyncCore.raw() =>
            membarrier::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE as u32,
        MembarrierCommand::RegisterPrivateExpeditedSyncCore.raw() =>
            membarrier::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE as u32,
    }
}

#[test]
fn threads() {
    use abi::task::{CloneFlags, FutexCommand, FutexOp, PriorityOf, RUsageWho, Resource, SchedPolicy};
    flags! { CloneFlags, linux: CSIGNAL CSIGNAL, VM CLONE_VM, FS CLONE_FS, FILES CLONE_FILES,
    SIGHAND CLONE_SIGHAND, PIDFD CLONE_PIDFD, PTRACE CLONE_PTRACE, VFORK CLONE_VFORK, PARENT CLONE_PARENT,
    THREAD CLONE_THREAD, NEWNS CLONE_NEWNS, SYSVSEM CLONE_SYSVSEM, SETTLS CLONE_SETTLS,
    PARENT_SETTID CLONE_PARENT_SETTID, CHILD_CLEARTID CLONE_CHILD_CLEARTID, DETACHED CLONE_DETACHED,
    UNTRACED CLONE_UNTRACED, CHILD_SETTID CLONE_CHILD_SETTID, NEWCGROUP CLONE_NEWCGROUP,
    NEWUTS CLONE_NEWUTS, NEWIPC CLONE_NEWIPC, NEWUSER CLONE_NEWUSER, NEWPID CLONE_NEWPID,
    NEWNET CLONE_NEWNET, IO CLONE_IO, }
    choices! { FutexCommand, linux: Wait FUTEX_WAIT, Wake FUTEX_WAKE, Requeue FUTEX_REQUEUE,
    CmpRequeue FUTEX_CMP_REQUEUE, WakeOp FUTEX_WAKE_OP, LockPi FUTEX_LOCK_PI, UnlockPi FUTEX_UNLOCK_PI,
    TrylockPi FUTEX_TRYLOCK_PI, WaitBitset FUTEX_WAIT_BITSET, WakeBitset FUTEX_WAKE_BITSET,
    WaitRequeuePi FUTEX_WAIT_REQUEUE_PI, CmpRequeuePi FUTEX_CMP_REQUEUE_PI, LockPi2 FUTEX_LOCK_PI2, }
    assert!(FutexOp(linux::FUTEX_PRIVATE_FLAG).is_private());
    assert!(FutexOp(linux::FUTEX_CLOCK_REALTIME).is_clock_realtime());
    plain! { task, linux: FUTEX_BITSET_MATCH_ANY, FUTEX_WAITERS, FUTEX_OWNER_DIED, FUTEX_TID_MASK,
    ROBUST_LIST_LIMIT, }
    choices! { Resource, libc: Cpu RLIMIT_CPU, Fsize RLIMIT_FSIZE, Data RLIMIT_DATA, Stack RLIMIT_STACK,
    Core RLIMIT_CORE, Rss RLIMIT_RSS, Nproc RLIMIT_NPROC, Nofile RLIMIT_NOFILE, Memlock RLIMIT_MEMLOCK,
    As RLIMIT_AS, Locks RLIMIT_LOCKS, Sigpending RLIMIT_SIGPENDING, Msgqueue RLIMIT_MSGQUEUE,
    Nice RLIMIT_NICE, Rtprio RLIMIT_RTPRIO, Rttime RLIMIT_RTTIME, }
    assert_eq!(task::RLIM_INFINITY, libc::RLIM_INFINITY);
    choices! { RUsageWho, libc: Process RUSAGE_SELF, Children RUSAGE_CHILDREN, Thread RUSAGE_THREAD, }
    choices! { PriorityOf, libc: Process PRIO_PROCESS, Group PRIO_PGRP, User PRIO_USER, }
    numbers! { SchedPolicy, libc: OTHER SCHED_OTHER, FIFO SCHED_FIFO, RR SCHED_RR, BATCH SCHED_BATCH,
    IDLE SCHED_IDLE, DEADLINE SCHED_DEADLINE, }
    same! { SchedPolicy::RESET_ON_FORK => libc::SCHED_RESET_ON_FORK, }
}

#[test]
fn process_control() {
    use abi::task::{ArchPrctl, Prctl};
    choices! { Prctl, prctl: SetPdeathsig PR_SET_PDEATHSIG, GetPdeathsig PR_GET_PDEATHSIG,
    GetDumpable PR_GET_DUMPABLE, SetDumpable PR_SET_DUMPABLE, GetKeepcaps PR_GET_KEEPCAPS,
    SetKeepcaps PR_SET_KEEPCAPS, SetName PR_SET_NAME, GetName PR_GET_NAME, GetSeccomp PR_GET_SECCOMP,
    SetSeccomp PR_SET_SECCOMP, CapbsetRead PR_CAPBSET_READ, CapbsetDrop PR_CAPBSET_DROP,
    SetTimerslack PR_SET_TIMERSLACK, GetTimerslack PR_GET_TIMERSLACK, SetMm PR_SET_MM,
    SetChildSubreaper PR_SET_CHILD_SUBREAPER, GetChildSubreaper PR_GET_CHILD_SUBREAPER,
    SetNoNewPrivs PR_SET_NO_NEW_PRIVS, GetNoNewPrivs PR_GET_NO_NEW_PRIVS,
    SetThpDisable PR_SET_THP_DISABLE, GetThpDisable PR_GET_THP_DISABLE, CapAmbient PR_CAP_AMBIENT,
    SetVma PR_SET_VMA, SetPtracer PR_SET_PTRACER, }
    // Linux `arch/x86/include/uapi/asm/prctl.h`; in neither crate.
    same! { ArchPrctl::SetGs.raw() => 0x1001, ArchPrctl::SetFs.raw() => 0x1002, ArchPrctl::GetFs.raw() => 0x1003,
    ArchPrctl::GetGs.raw() => 0x1004, ArchPrctl::GetCpuid.raw() => 0x1011, ArchPrctl::SetCpuid.raw() => 0x1012, }
}

#[test]
fn clocks() {
    use abi::time::{ClockId, SleepFlags};
    numbers! { ClockId, libc: REALTIME CLOCK_REALTIME, MONOTONIC CLOCK_MONOTONIC,
    PROCESS_CPUTIME_ID CLOCK_PROCESS_CPUTIME_ID, THREAD_CPUTIME_ID CLOCK_THREAD_CPUTIME_ID,
    MONOTONIC_RAW CLOCK_MONOTONIC_RAW, REALTIME_COARSE CLOCK_REALTIME_COARSE,
    MONOTONIC_COARSE CLOCK_MONOTONIC_COARSE, BOOTTIME CLOCK_BOOTTIME, REALTIME_ALARM CLOCK_REALTIME_ALARM,
    BOOTTIME_ALARM CLOCK_BOOTTIME_ALARM, TAI CLOCK_TAI, }
    flags! { SleepFlags, libc: ABSTIME TIMER_ABSTIME, }
}

#[test]
fn signals() {
    use abi::signal::{SaFlags, SigHow, Signal, SsFlags};
    macro_rules! signals {
        ($($name:ident)*) => { $(assert_eq!(Signal::$name.raw(), libc::$name, stringify!($name));)* };
    }
    signals! { SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE
    SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM
    SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS }
    choices! { SigHow, libc: Block SIG_BLOCK, Unblock SIG_UNBLOCK, SetMask SIG_SETMASK, }
    flags! { SaFlags, linux: NOCLDSTOP SA_NOCLDSTOP, NOCLDWAIT SA_NOCLDWAIT, SIGINFO SA_SIGINFO,
    UNSUPPORTED SA_UNSUPPORTED, EXPOSE_TAGBITS SA_EXPOSE_TAGBITS, RESTORER SA_RESTORER, ONSTACK SA_ONSTACK,
    RESTART SA_RESTART, NODEFER SA_NODEFER, RESETHAND SA_RESETHAND, }
    flags! { SsFlags, linux: ONSTACK SS_ONSTACK, DISABLE SS_DISABLE, AUTODISARM SS_AUTODISARM, }
    plain! { signal, libc: SIG_DFL, SIG_IGN, MINSIGSTKSZ, }
    plain! { code, libc: SI_USER, SI_KERNEL, SI_QUEUE, SI_TIMER, SI_TKILL, TRAP_BRKPT, TRAP_TRACE, }
    plain! { code, linux: SEGV_MAPERR, SEGV_ACCERR, BUS_ADRALN, BUS_ADRERR, ILL_ILLOPN, FPE_INTDIV,
    FPE_FLTUNK, }
}

#[test]
fn system() {
    use abi::sys::GetrandomFlags;
    use linux_raw_sys::auxvec;
    flags! { GetrandomFlags, libc: NONBLOCK GRND_NONBLOCK, RANDOM GRND_RANDOM, INSECURE GRND_INSECURE, }
    plain! { aux, auxvec: AT_NULL, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY,
    AT_UID, AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_SECURE, AT_RANDOM, AT_HWCAP2,
    AT_EXECFN, AT_SYSINFO_EHDR, AT_MINSIGSTKSZ, }
}

#[test]
fn sockets() {
    use abi::net::{
        Family, IpOption, Ipv6Option, Level, MsgFlags, ScmType, Shutdown, SocketFlags, SocketOption,
        SocketType, TcpOption, UdpOption,
    };
    choices! { Family, libc: Unspecified AF_UNSPEC, Unix AF_UNIX, Inet AF_INET, Inet6 AF_INET6, Netlink AF_NETLINK,
    Packet AF_PACKET, Vsock AF_VSOCK, }
    choices! { SocketType, libc: Stream SOCK_STREAM, Datagram SOCK_DGRAM, Raw SOCK_RAW, Reliable SOCK_RDM,
    SeqPacket SOCK_SEQPACKET, Dccp SOCK_DCCP, }
    flags! { SocketFlags, libc: NONBLOCK SOCK_NONBLOCK, CLOEXEC SOCK_CLOEXEC, }
    flags! { MsgFlags, libc: OOB MSG_OOB, PEEK MSG_PEEK, DONTROUTE MSG_DONTROUTE, CTRUNC MSG_CTRUNC, TRUNC MSG_TRUNC,
    DONTWAIT MSG_DONTWAIT, EOR MSG_EOR, WAITALL MSG_WAITALL, CONFIRM MSG_CONFIRM, ERRQUEUE MSG_ERRQUEUE,
    NOSIGNAL MSG_NOSIGNAL, MORE MSG_MORE, WAITFORONE MSG_WAITFORONE, ZEROCOPY MSG_ZEROCOPY, FASTOPEN MSG_FASTOPEN,
    CMSG_CLOEXEC MSG_CMSG_CLOEXEC, }
    choices! { Shutdown, libc: Read SHUT_RD, Write SHUT_WR, Both SHUT_RDWR, }
    choices! { ScmType, libc: Rights SCM_RIGHTS, Credentials SCM_CREDENTIALS, Timestamp SCM_TIMESTAMP,
    TimestampNs SCM_TIMESTAMPNS, Timestamping SCM_TIMESTAMPING, }
    choices! { Level, libc: Ip IPPROTO_IP, Socket SOL_SOCKET, Tcp IPPROTO_TCP, Udp IPPROTO_UDP, Ipv6 IPPROTO_IPV6, }
    choices! { SocketOption, libc: Debug SO_DEBUG, ReuseAddr SO_REUSEADDR, Type SO_TYPE, Error SO_ERROR, DontRoute SO_DONTROUTE, Broadcast SO_BROADCAST, SendBuffer SO_SNDBUF, ReceiveBuffer SO_RCVBUF, KeepAlive SO_KEEPALIVE, OobInline SO_OOBINLINE, NoCheck SO_NO_CHECK, Priority SO_PRIORITY, Linger SO_LINGER, ReusePort SO_REUSEPORT, PassCred SO_PASSCRED, PeerCred SO_PEERCRED, ReceiveLowAt SO_RCVLOWAT, SendLowAt SO_SNDLOWAT, ReceiveTimeout SO_RCVTIMEO, SendTimeout SO_SNDTIMEO, BindToDevice SO_BINDTODEVICE, AttachFilter SO_ATTACH_FILTER, DetachFilter SO_DETACH_FILTER, Timestamp SO_TIMESTAMP, AcceptConn SO_ACCEPTCONN, PeerSec SO_PEERSEC, SendBufferForce SO_SNDBUFFORCE, ReceiveBufferForce SO_RCVBUFFORCE, TimestampNs SO_TIMESTAMPNS, Mark SO_MARK, Protocol SO_PROTOCOL, Domain SO_DOMAIN, ReceiveOverflow SO_RXQ_OVFL, PeekOffset SO_PEEK_OFF, BusyPoll SO_BUSY_POLL, IncomingCpu SO_INCOMING_CPU, Cookie SO_COOKIE, PeerGroups SO_PEERGROUPS, ZeroCopy SO_ZEROCOPY, }
    choices! { TcpOption, libc: NoDelay TCP_NODELAY, MaxSegment TCP_MAXSEG, Cork TCP_CORK, KeepIdle TCP_KEEPIDLE, KeepInterval TCP_KEEPINTVL, KeepCount TCP_KEEPCNT, SynCount TCP_SYNCNT, Linger2 TCP_LINGER2, DeferAccept TCP_DEFER_ACCEPT, WindowClamp TCP_WINDOW_CLAMP, Info TCP_INFO, QuickAck TCP_QUICKACK, Congestion TCP_CONGESTION, UserTimeout TCP_USER_TIMEOUT, FastOpen TCP_FASTOPEN, Timestamp TCP_TIMESTAMP, NotSentLowAt TCP_NOTSENT_LOWAT, FastOpenConnect TCP_FASTOPEN_CONNECT, }
    choices! { UdpOption, libc: Segment UDP_SEGMENT, Gro UDP_GRO, }
    choices! { IpOption, libc: Tos IP_TOS, Ttl IP_TTL, HeaderIncluded IP_HDRINCL, Options IP_OPTIONS, ReceiveOptions IP_RECVOPTS, PktInfo IP_PKTINFO, MtuDiscover IP_MTU_DISCOVER, ReceiveError IP_RECVERR, ReceiveTtl IP_RECVTTL, ReceiveTos IP_RECVTOS, Mtu IP_MTU, FreeBind IP_FREEBIND, Transparent IP_TRANSPARENT, OriginalDestination IP_RECVORIGDSTADDR, MinTtl IP_MINTTL, BindNoPort IP_BIND_ADDRESS_NO_PORT, MulticastInterface IP_MULTICAST_IF, MulticastTtl IP_MULTICAST_TTL, MulticastLoop IP_MULTICAST_LOOP, AddMembership IP_ADD_MEMBERSHIP, DropMembership IP_DROP_MEMBERSHIP, MulticastAll IP_MULTICAST_ALL, }
    choices! { Ipv6Option, libc: UnicastHops IPV6_UNICAST_HOPS, MulticastInterface IPV6_MULTICAST_IF, MulticastHops IPV6_MULTICAST_HOPS, MulticastLoop IPV6_MULTICAST_LOOP, AddMembership IPV6_ADD_MEMBERSHIP, DropMembership IPV6_DROP_MEMBERSHIP, MtuDiscover IPV6_MTU_DISCOVER, Mtu IPV6_MTU, ReceiveError IPV6_RECVERR, V6Only IPV6_V6ONLY, ReceivePktInfo IPV6_RECVPKTINFO, PktInfo IPV6_PKTINFO, ReceiveHopLimit IPV6_RECVHOPLIMIT, HopLimit IPV6_HOPLIMIT, DontFragment IPV6_DONTFRAG, ReceiveTrafficClass IPV6_RECVTCLASS, TrafficClass IPV6_TCLASS, }
    {
        use net::netlink::{NETLINK_ROUTE, flag, ifa, iff, ifla, kind, rta, scope};
        same! { NETLINK_ROUTE => libc::NETLINK_ROUTE, kind::ERROR => libc::NLMSG_ERROR, kind::DONE => libc::NLMSG_DONE,
        kind::NEW_LINK => libc::RTM_NEWLINK, kind::GET_LINK => libc::RTM_GETLINK, kind::NEW_ADDRESS => libc::RTM_NEWADDR,
        kind::GET_ADDRESS => libc::RTM_GETADDR, kind::NEW_ROUTE => libc::RTM_NEWROUTE, kind::GET_ROUTE => libc::RTM_GETROUTE,
        flag::REQUEST => libc::NLM_F_REQUEST, flag::MULTI => libc::NLM_F_MULTI, flag::ACK => libc::NLM_F_ACK,
        flag::DUMP => libc::NLM_F_DUMP, ifla::ADDRESS => libc::IFLA_ADDRESS, ifla::BROADCAST => libc::IFLA_BROADCAST,
        ifla::IFNAME => libc::IFLA_IFNAME, ifla::MTU => libc::IFLA_MTU, ifla::OPERSTATE => libc::IFLA_OPERSTATE,
        ifa::ADDRESS => libc::IFA_ADDRESS, ifa::LOCAL => libc::IFA_LOCAL, ifa::LABEL => libc::IFA_LABEL,
        ifa::BROADCAST => libc::IFA_BROADCAST, rta::DST => libc::RTA_DST, rta::OIF => libc::RTA_OIF,
        rta::GATEWAY => libc::RTA_GATEWAY, rta::PREFSRC => libc::RTA_PREFSRC, rta::TABLE => libc::RTA_TABLE,
        iff::UP => libc::IFF_UP, iff::BROADCAST => libc::IFF_BROADCAST, iff::LOOPBACK => libc::IFF_LOOPBACK,
        iff::RUNNING => libc::IFF_RUNNING, iff::MULTICAST => libc::IFF_MULTICAST, iff::LOWER_UP => 1 << 16,
        scope::UNIVERSE => libc::RT_SCOPE_UNIVERSE, scope::LINK => libc::RT_SCOPE_LINK, scope::HOST => libc::RT_SCOPE_HOST,
        net::netlink::arphrd::ETHER => libc::ARPHRD_ETHER, net::netlink::arphrd::LOOPBACK => libc::ARPHRD_LOOPBACK, }
    }
    // Linux `include/net/scm.h` and `include/linux/socket.h`; in neither crate.
    same! { net::message::SCM_MAX_FD => 253, net::SOMAXCONN => 4096, }
}
