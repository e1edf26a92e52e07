//! THE table: every Linux x86_64 system call, what serves it, and how far.
//!
//! A row is `number name => family::handler(argument: Type, …) [level];` where the handler is
//! `kernel/src/syscall/<family>.rs::<handler>`, or `number name => none [NotSupported "why", ERRNO];`.
//! Dispatch, strace, documentation and test coverage are all derived from these rows. To use them, write a
//! macro that takes all rows at once and hand its name to [`for_each_syscall!`](crate::for_each_syscall):
//!
//! ```
//! use abi::errno::Errno;
//! use abi::reg::{Args, ToRet};
//!
//! /// Turns one row into its answer.
//! macro_rules! answer {
//!     ($args:ident, none [$errno:ident]) => { Err::<usize, Errno>(Errno::$errno).to_ret() };
//!     ($args:ident, $family:ident :: $handler:ident ($($arg:ident)*) []) => {
//!         // The kernel writes `$family::$handler(cx $(, $args.take()?)*)`; this example only counts arguments.
//!         { let count: usize = 0 $(+ { stringify!($arg); 1 })*; count.to_ret() }
//!     };
//! }
//!
//! macro_rules! dispatch {
//!     ($(
//!         $number:literal $name:ident => $family:ident $(:: $handler:ident ($($arg:ident: $ty:ty),*))?
//!         [$level:ident $($note:literal $(, $errno:ident)?)?];
//!     )*) => {
//!         fn dispatch(number: usize, words: [u64; 6]) -> isize {
//!             let _args = Args::new(&words);
//!             match number {
//!                 $($number => answer!(_args, $family $(:: $handler ($($arg)*))? [$($($errno)?)?]),)*
//!                 _ => Err::<usize, Errno>(Errno::ENOSYS).to_ret(),
//!             }
//!         }
//!     };
//! }
//! abi::for_each_syscall!(dispatch);
//!
//! assert_eq!(dispatch(0, [0; 6]), 3);
//! assert_eq!(dispatch(57, [0; 6]), -38);
//! ```
//!
//! Every type a row names is in [`crate::prelude`].
//! Levels are promises to programs: change one together with the handler, never before it.
//!
//! Source of numbers: Linux `arch/x86/entry/syscalls/syscall_64.tbl`; of arguments: section 2 of the manual.

mod row;

pub use row::{Arg, Level, Row, name, number, row, rows};

/// Hands all rows of the table to a macro; see [`crate::table`] for their form and an example.
#[macro_export]
macro_rules! for_each_syscall {
    ($callback:ident) => {
        $callback! {
            0 read => io::sys_read(fd: Fd, buf: UserPtr<u8>, count: usize) [Full];
            1 write => io::sys_write(fd: Fd, buf: UserPtr<u8>, count: usize) [Full];
            2 open => fs::sys_open(path: UserPtr<u8>, flags: OpenFlags, mode: Mode) [Full];
            3 close => io::sys_close(fd: Fd) [Full];
            4 stat => fs::sys_stat(path: UserPtr<u8>, stat: UserPtr<Stat>) [Full];
            5 fstat => fs::sys_fstat(fd: Fd, stat: UserPtr<Stat>) [Full];
            6 lstat => fs::sys_lstat(path: UserPtr<u8>, stat: UserPtr<Stat>) [Full];
            7 poll => poll::sys_poll(fds: UserPtr<PollFd>, count: u32, timeout_ms: i32) [Full];
            8 lseek => io::sys_lseek(fd: Fd, offset: i64, whence: Late<Whence>) [Full];
            9 mmap => mm::sys_mmap(addr: UserPtr<u8>, len: usize, prot: Prot, flags: MapFlags, fd: Fd,
                offset: usize) [Partial "MAP_32BIT and MAP_GROWSDOWN have no effect; the pool of MAP_HUGETLB is empty (ENOMEM)"];
            10 mprotect => mm::sys_mprotect(addr: UserPtr<u8>, len: usize, prot: Prot) [Full];
            11 munmap => mm::sys_munmap(addr: UserPtr<u8>, len: usize) [Full];
            12 brk => mm::sys_brk(addr: UserPtr<u8>) [Full];
            13 rt_sigaction => signal::sys_rt_sigaction(signal: i32, act: UserPtr<SigAction>,
                old: UserPtr<SigAction>, set_size: usize) [Full];
            14 rt_sigprocmask => signal::sys_rt_sigprocmask(how: Late<SigHow>, set: UserPtr<SigSet>,
                old: UserPtr<SigSet>, set_size: usize) [Full];
            15 rt_sigreturn => signal::sys_rt_sigreturn() [Full];
            16 ioctl => io::sys_ioctl(fd: Fd, request: Ioctl, arg: usize)
                [Partial "terminals, pipes, FIONBIO, FIOCLEX, FIONREAD, SIOCGIF* of interfaces; others are ENOTTY"];
            17 pread64 => io::sys_pread64(fd: Fd, buf: UserPtr<u8>, count: usize, offset: i64) [Full];
            18 pwrite64 => io::sys_pwrite64(fd: Fd, buf: UserPtr<u8>, count: usize, offset: i64) [Full];
            19 readv => io::sys_readv(fd: Fd, iov: UserPtr<IoVec>, count: usize) [Full];
            20 writev => io::sys_writev(fd: Fd, iov: UserPtr<IoVec>, count: usize) [Full];
            21 access => fs::sys_access(path: UserPtr<u8>, mode: AccessMode) [Full];
            22 pipe => io::sys_pipe(fds: UserPtr<[i32; 2]>) [Full];
            23 select => poll::sys_select(count: i32, read: UserPtr<u64>, write: UserPtr<u64>,
                except: UserPtr<u64>, timeout: UserPtr<Timeval>) [Full];
            24 sched_yield => task::sys_sched_yield() [Full];
            25 mremap => mm::sys_mremap(addr: UserPtr<u8>, old_len: usize, new_len: usize, flags: MremapFlags,
                new_addr: UserPtr<u8>) [Full];
            26 msync => mm::sys_msync(addr: UserPtr<u8>, len: usize, flags: MsyncFlags) [Full];
            27 mincore => none
                [NotSupported "nothing is ever swapped out; comes when a program needs it", ENOSYS];
            28 madvise => mm::sys_madvise(addr: UserPtr<u8>, len: usize, advice: Advice)
                [Partial "advice about other processes and swapping changes nothing"];
            29 shmget => none [NotSupported "System V IPC serves several processes", ENOSYS];
            30 shmat => none [NotSupported "System V IPC serves several processes", ENOSYS];
            31 shmctl => none [NotSupported "System V IPC serves several processes", ENOSYS];
            32 dup => io::sys_dup(fd: Fd) [Full];
            33 dup2 => io::sys_dup2(fd: Fd, new_fd: Fd) [Full];
            34 pause => signal::sys_pause() [Full];
            35 nanosleep => time::sys_nanosleep(request: UserPtr<Timespec>, remain: UserPtr<Timespec>) [Full];
            36 getitimer => timer::sys_getitimer(which: i32, value: UserPtr<Itimerval>)
                [Partial "ITIMER_REAL; timers of CPU time are EINVAL"];
            37 alarm => timer::sys_alarm(seconds: u32) [Full];
            38 setitimer => timer::sys_setitimer(which: i32, new: UserPtr<Itimerval>, old: UserPtr<Itimerval>)
                [Partial "ITIMER_REAL; timers of CPU time are EINVAL"];
            39 getpid => task::sys_getpid() [Full];
            40 sendfile => io::sys_sendfile(out_fd: Fd, in_fd: Fd, offset: UserPtr<i64>, count: usize) [Full];
            41 socket => net::sys_socket(family: Late<Family>, kind: TypeAndFlags, protocol: i32)
                [Partial "AF_UNIX, AF_INET, AF_INET6; AF_NETLINK to ask for links, addresses and routes, without groups; raw ones are EPERM, other families EAFNOSUPPORT"];
            42 connect => net::sys_connect(fd: Fd, addr: UserPtr<u8>, len: u32) [Full];
            43 accept => net::sys_accept(fd: Fd, addr: UserPtr<u8>, len: UserPtr<u32>) [Full];
            44 sendto => net::sys_sendto(fd: Fd, buf: UserPtr<u8>, count: usize, flags: MsgFlags,
                addr: UserPtr<u8>, len: u32)
                [Partial "no urgent data: EOPNOTSUPP"];
            45 recvfrom => net::sys_recvfrom(fd: Fd, buf: UserPtr<u8>, count: usize, flags: MsgFlags,
                addr: UserPtr<u8>, len: UserPtr<u32>)
                [Partial "no urgent data: EOPNOTSUPP"];
            46 sendmsg => net::sys_sendmsg(fd: Fd, msg: UserPtr<MsgHdr>, flags: MsgFlags)
                [Partial "SCM_RIGHTS, SCM_CREDENTIALS; PKTINFO, TTL, TOS, TCLASS, UDP_SEGMENT; sockets on their way to themselves are bounded, not found (ETOOMANYREFS)"];
            47 recvmsg => net::sys_recvmsg(fd: Fd, msg: UserPtr<MsgHdr>, flags: MsgFlags) [Full];
            48 shutdown => net::sys_shutdown(fd: Fd, how: Late<Shutdown>) [Full];
            49 bind => net::sys_bind(fd: Fd, addr: UserPtr<u8>, len: u32) [Full];
            50 listen => net::sys_listen(fd: Fd, backlog: i32) [Full];
            51 getsockname => net::sys_getsockname(fd: Fd, addr: UserPtr<u8>, len: UserPtr<u32>) [Full];
            52 getpeername => net::sys_getpeername(fd: Fd, addr: UserPtr<u8>, len: UserPtr<u32>) [Full];
            53 socketpair => net::sys_socketpair(family: Late<Family>, kind: TypeAndFlags, protocol: i32,
                fds: UserPtr<[i32; 2]>)
                [Partial "AF_UNIX; other families are EAFNOSUPPORT"];
            54 setsockopt => net::sys_setsockopt(fd: Fd, level: i32, option: i32, value: UserPtr<u8>,
                len: u32)
                [Partial "what programs use: REUSEADDR to LINGER, BUF, TIMEO, CRED; TTL, TOS, PKTINFO, MULTICAST, UDP_SEGMENT of datagrams; RCVLOWAT is kept, not heeded; others, UDP_GRO and RECVERR too, are ENOPROTOOPT"];
            55 getsockopt => net::sys_getsockopt(fd: Fd, level: i32, option: i32, value: UserPtr<u8>,
                len: UserPtr<u32>)
                [Partial "what programs use: REUSEADDR to LINGER, BUF, TIMEO, CRED; TTL, TOS, PKTINFO, MULTICAST, UDP_SEGMENT of datagrams; RCVLOWAT is kept, not heeded; others, UDP_GRO and RECVERR too, are ENOPROTOOPT"];
            56 clone => task::sys_clone(flags: CloneFlags, stack: UserPtr<u8>, parent_tid: UserPtr<i32>,
                child_tid: UserPtr<i32>, tls: usize) [Partial "threads only; a new process is ENOSYS"];
            57 fork => none [NotSupported "one address space, one process", ENOSYS];
            58 vfork => none [NotSupported "one address space, one process", ENOSYS];
            59 execve => none [NotSupported "one address space, one program", ENOSYS];
            60 exit => task::sys_exit(status: i32) [Full];
            61 wait4 => none [NotSupported "there are no child processes", ECHILD];
            62 kill => signal::sys_kill(pid: Pid, signal: i32) [Full];
            63 uname => sys::sys_uname(name: UserPtr<Utsname>) [Full];
            64 semget => none [NotSupported "System V IPC serves several processes", ENOSYS];
            65 semop => none [NotSupported "System V IPC serves several processes", ENOSYS];
            66 semctl => none [NotSupported "System V IPC serves several processes", ENOSYS];
            67 shmdt => none [NotSupported "System V IPC serves several processes", ENOSYS];
            68 msgget => none [NotSupported "System V IPC serves several processes", ENOSYS];
            69 msgsnd => none [NotSupported "System V IPC serves several processes", ENOSYS];
            70 msgrcv => none [NotSupported "System V IPC serves several processes", ENOSYS];
            71 msgctl => none [NotSupported "System V IPC serves several processes", ENOSYS];
            72 fcntl => io::sys_fcntl(fd: Fd, command: Late<FcntlCommand>, arg: usize)
                [Partial "no leases, no directory notification, no signal-driven input/output"];
            73 flock => io::sys_flock(fd: Fd, operation: FlockOp) [Full];
            74 fsync => io::sys_fsync(fd: Fd) [Full];
            75 fdatasync => io::sys_fdatasync(fd: Fd) [Full];
            76 truncate => io::sys_truncate(path: UserPtr<u8>, len: i64) [Full];
            77 ftruncate => io::sys_ftruncate(fd: Fd, len: i64) [Full];
            78 getdents => none [NotSupported "replaced by getdents64", ENOSYS];
            79 getcwd => fs::sys_getcwd(buf: UserPtr<u8>, size: usize) [Full];
            80 chdir => fs::sys_chdir(path: UserPtr<u8>) [Full];
            81 fchdir => fs::sys_fchdir(fd: Fd) [Full];
            82 rename => fs::sys_rename(old: UserPtr<u8>, new: UserPtr<u8>) [Full];
            83 mkdir => fs::sys_mkdir(path: UserPtr<u8>, mode: Mode) [Full];
            84 rmdir => fs::sys_rmdir(path: UserPtr<u8>) [Full];
            85 creat => fs::sys_creat(path: UserPtr<u8>, mode: Mode) [Full];
            86 link => fs::sys_link(old: UserPtr<u8>, new: UserPtr<u8>) [Full];
            87 unlink => fs::sys_unlink(path: UserPtr<u8>) [Full];
            88 symlink => fs::sys_symlink(target: UserPtr<u8>, path: UserPtr<u8>) [Full];
            89 readlink => fs::sys_readlink(path: UserPtr<u8>, buf: UserPtr<u8>, size: i32) [Full];
            90 chmod => fs::sys_chmod(path: UserPtr<u8>, mode: Mode) [Full];
            91 fchmod => fs::sys_fchmod(fd: Fd, mode: Mode) [Full];
            92 chown => fs::sys_chown(path: UserPtr<u8>, uid: Uid, gid: Gid) [Full];
            93 fchown => fs::sys_fchown(fd: Fd, uid: Uid, gid: Gid) [Full];
            94 lchown => fs::sys_lchown(path: UserPtr<u8>, uid: Uid, gid: Gid) [Full];
            95 umask => fs::sys_umask(mask: Mode) [Full];
            96 gettimeofday => time::sys_gettimeofday(time: UserPtr<Timeval>, zone: UserPtr<Timezone>) [Full];
            97 getrlimit => task::sys_getrlimit(resource: Resource, limit: UserPtr<RLimit>) [Full];
            98 getrusage => task::sys_getrusage(who: RUsageWho, usage: UserPtr<RUsage>)
                [Partial "times and the largest resident size; other counts are zero"];
            99 sysinfo => sys::sys_sysinfo(info: UserPtr<Sysinfo>) [Full];
            100 times => task::sys_times(buf: UserPtr<Tms>) [Full];
            101 ptrace => none
                [NotSupported "there is no other process to trace; gdb attaches to the VM", ENOSYS];
            102 getuid => task::sys_getuid() [Full];
            103 syslog => none [NotSupported "the kernel's log leaves by its own port", EPERM];
            104 getgid => task::sys_getgid() [Full];
            105 setuid => task::sys_setuid(uid: Uid) [Full];
            106 setgid => task::sys_setgid(gid: Gid) [Full];
            107 geteuid => task::sys_geteuid() [Full];
            108 getegid => task::sys_getegid() [Full];
            109 setpgid => none [NotSupported "the process leads its session", EPERM];
            110 getppid => task::sys_getppid() [Full];
            111 getpgrp => task::sys_getpgrp() [Full];
            112 setsid => task::sys_setsid() [Full];
            113 setreuid => task::sys_setreuid(ruid: Uid, euid: Uid) [Full];
            114 setregid => task::sys_setregid(rgid: Gid, egid: Gid) [Full];
            115 getgroups => task::sys_getgroups(count: i32, list: UserPtr<u32>) [Full];
            116 setgroups => task::sys_setgroups(count: i32, list: UserPtr<u32>) [Full];
            117 setresuid => task::sys_setresuid(ruid: Uid, euid: Uid, suid: Uid) [Full];
            118 getresuid => task::sys_getresuid(ruid: UserPtr<u32>, euid: UserPtr<u32>, suid: UserPtr<u32>)
                [Full];
            119 setresgid => task::sys_setresgid(rgid: Gid, egid: Gid, sgid: Gid) [Full];
            120 getresgid => task::sys_getresgid(rgid: UserPtr<u32>, egid: UserPtr<u32>, sgid: UserPtr<u32>)
                [Full];
            121 getpgid => task::sys_getpgid(pid: Pid) [Full];
            122 setfsuid => task::sys_setfsuid(uid: Uid) [Full];
            123 setfsgid => task::sys_setfsgid(gid: Gid) [Full];
            124 getsid => task::sys_getsid(pid: Pid) [Full];
            125 capget => none [NotSupported "no capabilities: the machine is the program's", ENOSYS];
            126 capset => none [NotSupported "no capabilities: the machine is the program's", ENOSYS];
            127 rt_sigpending => signal::sys_rt_sigpending(set: UserPtr<SigSet>, set_size: usize) [Full];
            128 rt_sigtimedwait => signal::sys_rt_sigtimedwait(set: UserPtr<SigSet>, info: UserPtr<SigInfo>,
                timeout: UserPtr<Timespec>, set_size: usize) [Full];
            129 rt_sigqueueinfo => signal::sys_rt_sigqueueinfo(pid: Pid, signal: i32, info: UserPtr<SigInfo>) [Full];
            130 rt_sigsuspend => signal::sys_rt_sigsuspend(mask: UserPtr<SigSet>, set_size: usize) [Full];
            131 sigaltstack => signal::sys_sigaltstack(stack: UserPtr<SigStack>, old: UserPtr<SigStack>)
                [Full];
            132 utime => none [NotSupported "replaced by utimensat", ENOSYS];
            133 mknod => fs::sys_mknod(path: UserPtr<u8>, mode: Mode, device: u32)
                [Partial "regular files and FIFOs; device nodes are EPERM"];
            134 uselib => none [NotSupported "no shared libraries of this kind", ENOSYS];
            135 personality => none [NotSupported "one personality", ENOSYS];
            136 ustat => none [NotSupported "replaced by statfs", ENOSYS];
            137 statfs => fs::sys_statfs(path: UserPtr<u8>, buf: UserPtr<Statfs>) [Full];
            138 fstatfs => fs::sys_fstatfs(fd: Fd, buf: UserPtr<Statfs>) [Full];
            139 sysfs => none [NotSupported "replaced by /proc/filesystems", ENOSYS];
            140 getpriority => task::sys_getpriority(which: PriorityOf, who: i32) [Full];
            141 setpriority => task::sys_setpriority(which: PriorityOf, who: i32, nice: i32) [Full];
            142 sched_setparam => task::sys_sched_setparam(pid: Pid, param: UserPtr<SchedParam>)
                [Partial "SCHED_OTHER only"];
            143 sched_getparam => task::sys_sched_getparam(pid: Pid, param: UserPtr<SchedParam>) [Full];
            144 sched_setscheduler => task::sys_sched_setscheduler(pid: Pid, policy: SchedPolicy,
                param: UserPtr<SchedParam>)
                [Partial "SCHED_OTHER, SCHED_BATCH and SCHED_IDLE; real-time policies are EPERM"];
            145 sched_getscheduler => task::sys_sched_getscheduler(pid: Pid) [Full];
            146 sched_get_priority_max => task::sys_sched_get_priority_max(policy: SchedPolicy) [Full];
            147 sched_get_priority_min => task::sys_sched_get_priority_min(policy: SchedPolicy) [Full];
            148 sched_rr_get_interval => task::sys_sched_rr_get_interval(pid: Pid,
                interval: UserPtr<Timespec>) [Full];
            149 mlock => mm::sys_mlock(addr: UserPtr<u8>, len: usize) [Full];
            150 munlock => mm::sys_munlock(addr: UserPtr<u8>, len: usize) [Full];
            151 mlockall => mm::sys_mlockall(flags: MlockallFlags) [Full];
            152 munlockall => mm::sys_munlockall() [Full];
            153 vhangup => none [NotSupported "the terminal is the VM's", EPERM];
            154 modify_ldt => none [NotSupported "64-bit code only", ENOSYS];
            155 pivot_root => none [NotSupported "no mounting by the program", EPERM];
            156 _sysctl => none [NotSupported "removed from Linux too; see /proc/sys", ENOSYS];
            157 prctl => task::sys_prctl(option: Prctl, arg2: usize, arg3: usize, arg4: usize, arg5: usize)
                [Partial "names, death signal, dumpable, no_new_privs, timer slack; others are EINVAL"];
            158 arch_prctl => task::sys_arch_prctl(code: ArchPrctl, addr: usize)
                [Partial "FS and GS base; others are EINVAL"];
            159 adjtimex => none [NotSupported "the host owns the clock", EPERM];
            160 setrlimit => task::sys_setrlimit(resource: Resource, limit: UserPtr<RLimit>)
                [Partial "NOFILE, FSIZE and SIGPENDING are enforced; the others are kept and reported"];
            161 chroot => none [NotSupported "the root is the image's", EPERM];
            162 sync => io::sys_sync() [Full];
            163 acct => none [NotSupported "no process accounting", ENOSYS];
            164 settimeofday => none [NotSupported "the host owns the clock", EPERM];
            165 mount => none [NotSupported "no mounting by the program", EPERM];
            166 umount2 => none [NotSupported "no mounting by the program", EPERM];
            167 swapon => none [NotSupported "no swapping", EPERM];
            168 swapoff => none [NotSupported "no swapping", EPERM];
            169 reboot => none [NotSupported "the machine ends when the program does", EPERM];
            170 sethostname => none [NotSupported "the name is given at boot", EPERM];
            171 setdomainname => none [NotSupported "the name is given at boot", EPERM];
            172 iopl => none [NotSupported "devices belong to the kernel", EPERM];
            173 ioperm => none [NotSupported "devices belong to the kernel", EPERM];
            174 create_module => none [NotSupported "removed from Linux too", ENOSYS];
            175 init_module => none [NotSupported "no modules", EPERM];
            176 delete_module => none [NotSupported "no modules", EPERM];
            177 get_kernel_syms => none [NotSupported "removed from Linux too", ENOSYS];
            178 query_module => none [NotSupported "removed from Linux too", ENOSYS];
            179 quotactl => none [NotSupported "no quotas", ENOSYS];
            180 nfsservctl => none [NotSupported "removed from Linux too", ENOSYS];
            181 getpmsg => none [NotSupported "never was in Linux", ENOSYS];
            182 putpmsg => none [NotSupported "never was in Linux", ENOSYS];
            183 afs_syscall => none [NotSupported "never was in Linux", ENOSYS];
            184 tuxcall => none [NotSupported "never was in Linux", ENOSYS];
            185 security => none [NotSupported "never was in Linux", ENOSYS];
            186 gettid => task::sys_gettid() [Full];
            187 readahead => none [NotSupported "files are in memory", ENOSYS];
            188 setxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            189 lsetxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            190 fsetxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            191 getxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            192 lgetxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            193 fgetxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            194 listxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            195 llistxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            196 flistxattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            197 removexattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            198 lremovexattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            199 fremovexattr => none [NotSupported "no extended attributes", EOPNOTSUPP];
            200 tkill => signal::sys_tkill(tid: Tid, signal: i32) [Full];
            201 time => time::sys_time(time: UserPtr<i64>) [Full];
            // For operations that move waiters `timeout` is a count: `timeout.addr()`.
            202 futex => futex::sys_futex(word: UserPtr<u32>, op: FutexOp, val: u32,
                timeout: UserPtr<Timespec>, word2: UserPtr<u32>, val3: u32)
                [Partial "no priority-inheritance operations"];
            203 sched_setaffinity => task::sys_sched_setaffinity(pid: Pid, len: u32, mask: UserPtr<u64>)
                [Full];
            204 sched_getaffinity => task::sys_sched_getaffinity(pid: Pid, len: u32, mask: UserPtr<u64>)
                [Full];
            205 set_thread_area => none [NotSupported "32-bit programs only; see arch_prctl", ENOSYS];
            206 io_setup => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            207 io_destroy => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            208 io_getevents => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            209 io_submit => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            210 io_cancel => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            211 get_thread_area => none [NotSupported "32-bit programs only; see arch_prctl", ENOSYS];
            212 lookup_dcookie => none [NotSupported "removed from Linux too", ENOSYS];
            213 epoll_create => epoll::sys_epoll_create(size: i32) [Full];
            214 epoll_ctl_old => none [NotSupported "never was in Linux", ENOSYS];
            215 epoll_wait_old => none [NotSupported "never was in Linux", ENOSYS];
            216 remap_file_pages => none [NotSupported "replaced by mmap", ENOSYS];
            217 getdents64 => fs::sys_getdents64(fd: Fd, buf: UserPtr<u8>, size: u32) [Full];
            218 set_tid_address => task::sys_set_tid_address(tid: UserPtr<i32>) [Full];
            219 restart_syscall => none [NotSupported "calls are restarted by the kernel itself", EINTR];
            220 semtimedop => none [NotSupported "System V IPC serves several processes", ENOSYS];
            221 fadvise64 => io::sys_fadvise64(fd: Fd, offset: i64, len: usize, advice: Late<FileAdvice>)
                [Full];
            222 timer_create => timer::sys_timer_create(clock: ClockId, event: UserPtr<SigEvent>, id: UserPtr<i32>)
                [Partial "real and monotonic clocks; clocks of CPU time are EINVAL"];
            223 timer_settime => timer::sys_timer_settime(id: i32, flags: SleepFlags, new: UserPtr<Itimerspec>,
                old: UserPtr<Itimerspec>) [Full];
            224 timer_gettime => timer::sys_timer_gettime(id: i32, value: UserPtr<Itimerspec>) [Full];
            225 timer_getoverrun => timer::sys_timer_getoverrun(id: i32) [Full];
            226 timer_delete => timer::sys_timer_delete(id: i32) [Full];
            227 clock_settime => none [NotSupported "the host owns the clock", EPERM];
            228 clock_gettime => time::sys_clock_gettime(clock: ClockId, time: UserPtr<Timespec>) [Full];
            229 clock_getres => time::sys_clock_getres(clock: ClockId, resolution: UserPtr<Timespec>) [Full];
            230 clock_nanosleep => time::sys_clock_nanosleep(clock: ClockId, flags: SleepFlags,
                request: UserPtr<Timespec>, remain: UserPtr<Timespec>) [Full];
            231 exit_group => task::sys_exit_group(status: i32) [Full];
            232 epoll_wait => epoll::sys_epoll_wait(fd: Fd, events: UserPtr<EpollEvent>, most: i32,
                timeout_ms: i32) [Full];
            233 epoll_ctl => epoll::sys_epoll_ctl(epfd: Fd, op: Late<EpollOp>, fd: Fd,
                event: UserPtr<EpollEvent>) [Full];
            234 tgkill => signal::sys_tgkill(pid: Pid, tid: Tid, signal: i32) [Full];
            235 utimes => none [NotSupported "replaced by utimensat", ENOSYS];
            236 vserver => none [NotSupported "never was in Linux", ENOSYS];
            237 mbind => none [NotSupported "one memory node", ENOSYS];
            238 set_mempolicy => none [NotSupported "one memory node", ENOSYS];
            239 get_mempolicy => none [NotSupported "one memory node", ENOSYS];
            240 mq_open => none [NotSupported "message queues serve several processes", ENOSYS];
            241 mq_unlink => none [NotSupported "message queues serve several processes", ENOSYS];
            242 mq_timedsend => none [NotSupported "message queues serve several processes", ENOSYS];
            243 mq_timedreceive => none [NotSupported "message queues serve several processes", ENOSYS];
            244 mq_notify => none [NotSupported "message queues serve several processes", ENOSYS];
            245 mq_getsetattr => none [NotSupported "message queues serve several processes", ENOSYS];
            246 kexec_load => none [NotSupported "the kernel is part of the image", EPERM];
            247 waitid => none [NotSupported "there are no child processes", ECHILD];
            248 add_key => none [NotSupported "no key rings", ENOSYS];
            249 request_key => none [NotSupported "no key rings", ENOSYS];
            250 keyctl => none [NotSupported "no key rings", ENOSYS];
            251 ioprio_set => none [NotSupported "no input/output priorities", ENOSYS];
            252 ioprio_get => none [NotSupported "no input/output priorities", ENOSYS];
            253 inotify_init => none [NotSupported "comes with the network", ENOSYS];
            254 inotify_add_watch => none [NotSupported "comes with the network", ENOSYS];
            255 inotify_rm_watch => none [NotSupported "comes with the network", ENOSYS];
            256 migrate_pages => none [NotSupported "one memory node", ENOSYS];
            257 openat => fs::sys_openat(dir: DirFd, path: UserPtr<u8>, flags: OpenFlags, mode: Mode) [Full];
            258 mkdirat => fs::sys_mkdirat(dir: DirFd, path: UserPtr<u8>, mode: Mode) [Full];
            259 mknodat => fs::sys_mknodat(dir: DirFd, path: UserPtr<u8>, mode: Mode, device: u32)
                [Partial "regular files and FIFOs; device nodes are EPERM"];
            260 fchownat => fs::sys_fchownat(dir: DirFd, path: UserPtr<u8>, uid: Uid, gid: Gid,
                flags: AtFlags) [Full];
            261 futimesat => none [NotSupported "replaced by utimensat", ENOSYS];
            262 newfstatat => fs::sys_newfstatat(dir: DirFd, path: UserPtr<u8>, stat: UserPtr<Stat>,
                flags: AtFlags) [Full];
            263 unlinkat => fs::sys_unlinkat(dir: DirFd, path: UserPtr<u8>, flags: AtFlags) [Full];
            264 renameat => fs::sys_renameat(old_dir: DirFd, old: UserPtr<u8>, new_dir: DirFd,
                new: UserPtr<u8>) [Full];
            265 linkat => fs::sys_linkat(old_dir: DirFd, old: UserPtr<u8>, new_dir: DirFd, new: UserPtr<u8>,
                flags: AtFlags) [Full];
            266 symlinkat => fs::sys_symlinkat(target: UserPtr<u8>, dir: DirFd, path: UserPtr<u8>) [Full];
            267 readlinkat => fs::sys_readlinkat(dir: DirFd, path: UserPtr<u8>, buf: UserPtr<u8>, size: i32)
                [Full];
            268 fchmodat => fs::sys_fchmodat(dir: DirFd, path: UserPtr<u8>, mode: Mode) [Full];
            269 faccessat => fs::sys_faccessat(dir: DirFd, path: UserPtr<u8>, mode: AccessMode) [Full];
            270 pselect6 => poll::sys_pselect6(count: i32, read: UserPtr<u64>, write: UserPtr<u64>,
                except: UserPtr<u64>, timeout: UserPtr<Timespec>, mask: UserPtr<SigSetArg>) [Full];
            271 ppoll => poll::sys_ppoll(fds: UserPtr<PollFd>, count: u32, timeout: UserPtr<Timespec>,
                mask: UserPtr<SigSet>, set_size: usize) [Full];
            272 unshare => none [NotSupported "no name spaces", EPERM];
            273 set_robust_list => task::sys_set_robust_list(head: UserPtr<RobustListHead>, len: usize)
                [Full];
            274 get_robust_list => task::sys_get_robust_list(tid: Tid, head: UserPtr<usize>,
                len: UserPtr<usize>) [Full];
            275 splice => none [NotSupported "no data moves between pipes without copying yet", ENOSYS];
            276 tee => none [NotSupported "no data moves between pipes without copying yet", ENOSYS];
            277 sync_file_range => io::sys_sync_file_range(fd: Fd, offset: i64, len: i64,
                flags: Late<SyncRangeFlags>) [Full];
            278 vmsplice => none [NotSupported "no data moves between pipes without copying yet", ENOSYS];
            279 move_pages => none [NotSupported "one memory node", ENOSYS];
            280 utimensat => fs::sys_utimensat(dir: DirFd, path: UserPtr<u8>, times: UserPtr<[Timespec; 2]>,
                flags: AtFlags) [Full];
            281 epoll_pwait => epoll::sys_epoll_pwait(fd: Fd, events: UserPtr<EpollEvent>, most: i32,
                timeout_ms: i32, mask: UserPtr<SigSet>, set_size: usize) [Full];
            282 signalfd => event::sys_signalfd(fd: Fd, mask: UserPtr<SigSet>, set_size: usize) [Full];
            283 timerfd_create => event::sys_timerfd_create(clock: ClockId, flags: TimerFdFlags) [Full];
            284 eventfd => event::sys_eventfd(initial: u32) [Full];
            285 fallocate => io::sys_fallocate(fd: Fd, mode: FallocateMode, offset: i64, len: i64)
                [Partial "plain, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE; others are EOPNOTSUPP"];
            286 timerfd_settime => event::sys_timerfd_settime(fd: Fd, flags: TimerFdSetFlags,
                new: UserPtr<Itimerspec>, old: UserPtr<Itimerspec>) [Full];
            287 timerfd_gettime => event::sys_timerfd_gettime(fd: Fd, value: UserPtr<Itimerspec>) [Full];
            288 accept4 => net::sys_accept4(fd: Fd, addr: UserPtr<u8>, len: UserPtr<u32>, flags: SocketFlags)
                [Full];
            289 signalfd4 => event::sys_signalfd4(fd: Fd, mask: UserPtr<SigSet>, set_size: usize,
                flags: SignalFdFlags) [Full];
            290 eventfd2 => event::sys_eventfd2(initial: u32, flags: EventFdFlags) [Full];
            291 epoll_create1 => epoll::sys_epoll_create1(flags: EpollCreateFlags) [Full];
            292 dup3 => io::sys_dup3(fd: Fd, new_fd: Fd, flags: DupFlags) [Full];
            293 pipe2 => io::sys_pipe2(fds: UserPtr<[i32; 2]>, flags: PipeFlags)
                [Partial "no O_DIRECT (packet mode), no O_NOTIFICATION_PIPE"];
            294 inotify_init1 => none [NotSupported "comes with the network", ENOSYS];
            // `offset_high` belongs to 32-bit machines; Linux ignores it here.
            295 preadv => io::sys_preadv(fd: Fd, iov: UserPtr<IoVec>, count: usize, offset: i64,
                offset_high: usize) [Full];
            296 pwritev => io::sys_pwritev(fd: Fd, iov: UserPtr<IoVec>, count: usize, offset: i64,
                offset_high: usize) [Full];
            297 rt_tgsigqueueinfo => signal::sys_rt_tgsigqueueinfo(pid: Pid, tid: Tid, signal: i32,
                info: UserPtr<SigInfo>) [Full];
            298 perf_event_open => none [NotSupported "no performance counters", ENOSYS];
            299 recvmmsg => net::sys_recvmmsg(fd: Fd, msgs: UserPtr<MMsgHdr>, count: u32, flags: MsgFlags,
                timeout: UserPtr<Timespec>)
                [Partial "an error after the first message is not kept for the next call"];
            300 fanotify_init => none [NotSupported "no file notification of this kind", ENOSYS];
            301 fanotify_mark => none [NotSupported "no file notification of this kind", ENOSYS];
            302 prlimit64 => task::sys_prlimit64(pid: Pid, resource: Late<Resource>, new: UserPtr<RLimit>,
                old: UserPtr<RLimit>)
                [Partial "NOFILE, FSIZE and SIGPENDING are enforced; the others are kept and reported"];
            303 name_to_handle_at => none [NotSupported "no file handles", EOPNOTSUPP];
            304 open_by_handle_at => none [NotSupported "no file handles", EPERM];
            305 clock_adjtime => none [NotSupported "the host owns the clock", EPERM];
            306 syncfs => io::sys_syncfs(fd: Fd) [Full];
            307 sendmmsg => net::sys_sendmmsg(fd: Fd, msgs: UserPtr<MMsgHdr>, count: u32, flags: MsgFlags)
                [Full];
            308 setns => none [NotSupported "no name spaces", EPERM];
            309 getcpu => task::sys_getcpu(cpu: UserPtr<u32>, node: UserPtr<u32>, cache: UserPtr<u8>) [Full];
            310 process_vm_readv => none [NotSupported "there is no other process", ENOSYS];
            311 process_vm_writev => none [NotSupported "there is no other process", ENOSYS];
            312 kcmp => none [NotSupported "there is no other process", ENOSYS];
            313 finit_module => none [NotSupported "no modules", EPERM];
            314 sched_setattr => none [NotSupported "sched_setscheduler is enough for now", ENOSYS];
            315 sched_getattr => none [NotSupported "sched_getscheduler is enough for now", ENOSYS];
            316 renameat2 => fs::sys_renameat2(old_dir: DirFd, old: UserPtr<u8>, new_dir: DirFd,
                new: UserPtr<u8>, flags: RenameFlags) [Partial "no RENAME_WHITEOUT"];
            317 seccomp => none [NotSupported "one privilege level; the hypervisor is the boundary", ENOSYS];
            318 getrandom => sys::sys_getrandom(buf: UserPtr<u8>, count: usize, flags: GetrandomFlags) [Full];
            319 memfd_create => fs::sys_memfd_create(name: UserPtr<u8>, flags: MemfdFlags)
                [Partial "no huge pages"];
            320 kexec_file_load => none [NotSupported "the kernel is part of the image", EPERM];
            321 bpf => none [NotSupported "no programs inside the kernel", EPERM];
            322 execveat => none [NotSupported "one address space, one program", ENOSYS];
            323 userfaultfd => none [NotSupported "faults are the kernel's", ENOSYS];
            324 membarrier => mm::sys_membarrier(command: MembarrierCommand, flags: u32, cpu: i32)
                [Partial "no restartable-sequence commands"];
            325 mlock2 => mm::sys_mlock2(addr: UserPtr<u8>, len: usize, flags: Mlock2Flags) [Full];
            326 copy_file_range => io::sys_copy_file_range(in_fd: Fd, in_offset: UserPtr<i64>, out_fd: Fd,
                out_offset: UserPtr<i64>, count: usize, flags: u32) [Full];
            327 preadv2 => io::sys_preadv2(fd: Fd, iov: UserPtr<IoVec>, count: usize, offset: i64,
                offset_high: usize, flags: RwFlags) [Full];
            328 pwritev2 => io::sys_pwritev2(fd: Fd, iov: UserPtr<IoVec>, count: usize, offset: i64,
                offset_high: usize, flags: RwFlags) [Full];
            329 pkey_mprotect => none [NotSupported "no protection keys", ENOSYS];
            330 pkey_alloc => none [NotSupported "no protection keys", ENOSYS];
            331 pkey_free => none [NotSupported "no protection keys", ENOSYS];
            332 statx => fs::sys_statx(dir: DirFd, path: UserPtr<u8>, flags: AtFlags, mask: StatxMask,
                stat: UserPtr<Statx>) [Full];
            333 io_pgetevents => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            334 rseq => none [NotSupported "no restartable sequences", ENOSYS];
            335 uretprobe => none [NotSupported "no probes", ENOSYS];
            336 uprobe => none [NotSupported "no probes", ENOSYS];
            424 pidfd_send_signal => none [NotSupported "no process file descriptors", ENOSYS];
            425 io_uring_setup => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            426 io_uring_enter => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            427 io_uring_register => none [NotSupported "no asynchronous input/output of this kind", ENOSYS];
            428 open_tree => none [NotSupported "no mounting by the program", EPERM];
            429 move_mount => none [NotSupported "no mounting by the program", EPERM];
            430 fsopen => none [NotSupported "no mounting by the program", EPERM];
            431 fsconfig => none [NotSupported "no mounting by the program", EPERM];
            432 fsmount => none [NotSupported "no mounting by the program", EPERM];
            433 fspick => none [NotSupported "no mounting by the program", EPERM];
            434 pidfd_open => none [NotSupported "no process file descriptors", ENOSYS];
            435 clone3 => none [NotSupported "clone is enough for now; libraries fall back to it", ENOSYS];
            436 close_range => io::sys_close_range(first: u32, last: u32, flags: CloseRangeFlags) [Full];
            437 openat2 => none [NotSupported "openat is enough for now; libraries fall back to it", ENOSYS];
            438 pidfd_getfd => none [NotSupported "no process file descriptors", ENOSYS];
            439 faccessat2 => fs::sys_faccessat2(dir: DirFd, path: UserPtr<u8>, mode: AccessMode,
                flags: AtFlags) [Full];
            440 process_madvise => none [NotSupported "there is no other process", ENOSYS];
            441 epoll_pwait2 => epoll::sys_epoll_pwait2(fd: Fd, events: UserPtr<EpollEvent>, most: i32,
                timeout: UserPtr<Timespec>, mask: UserPtr<SigSet>, set_size: usize) [Full];
            442 mount_setattr => none [NotSupported "no mounting by the program", EPERM];
            443 quotactl_fd => none [NotSupported "no quotas", ENOSYS];
            444 landlock_create_ruleset => none [NotSupported "one privilege level", ENOSYS];
            445 landlock_add_rule => none [NotSupported "one privilege level", ENOSYS];
            446 landlock_restrict_self => none [NotSupported "one privilege level", ENOSYS];
            447 memfd_secret => none [NotSupported "one address space", ENOSYS];
            448 process_mrelease => none [NotSupported "there is no other process", ENOSYS];
            449 futex_waitv => none [NotSupported "futex is enough for now", ENOSYS];
            450 set_mempolicy_home_node => none [NotSupported "one memory node", ENOSYS];
            451 cachestat => none [NotSupported "files are in memory", ENOSYS];
            452 fchmodat2 => fs::sys_fchmodat2(dir: DirFd, path: UserPtr<u8>, mode: Mode, flags: AtFlags)
                [Full];
            453 map_shadow_stack => none [NotSupported "no shadow stacks", ENOSYS];
            454 futex_wake => none [NotSupported "futex is enough for now", ENOSYS];
            455 futex_wait => none [NotSupported "futex is enough for now", ENOSYS];
            456 futex_requeue => none [NotSupported "futex is enough for now", ENOSYS];
            457 statmount => none [NotSupported "see /proc/self/mountinfo", ENOSYS];
            458 listmount => none [NotSupported "see /proc/self/mountinfo", ENOSYS];
            459 lsm_get_self_attr => none [NotSupported "no security modules", ENOSYS];
            460 lsm_set_self_attr => none [NotSupported "no security modules", ENOSYS];
            461 lsm_list_modules => none [NotSupported "no security modules", ENOSYS];
            462 mseal => none [NotSupported "mappings cannot be sealed yet", ENOSYS];
            463 setxattrat => none [NotSupported "no extended attributes", EOPNOTSUPP];
            464 getxattrat => none [NotSupported "no extended attributes", EOPNOTSUPP];
            465 listxattrat => none [NotSupported "no extended attributes", EOPNOTSUPP];
            466 removexattrat => none [NotSupported "no extended attributes", EOPNOTSUPP];
            467 open_tree_attr => none [NotSupported "no mounting by the program", EPERM];
            468 file_getattr => none [NotSupported "no file attributes of this kind", EOPNOTSUPP];
            469 file_setattr => none [NotSupported "no file attributes of this kind", EOPNOTSUPP];
        }
    };
}

#[cfg(test)]
mod tests;
