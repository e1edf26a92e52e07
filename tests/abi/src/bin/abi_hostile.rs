//! A hostile pointer in each argument of each system call that looks behind it: `EFAULT`, and the program lives.
//!
//! Not here: calls that take addresses without looking behind them (`abi_mm`), pointers that are looked behind only when something
//! has happened meanwhile (what is left of a sleep, the signal that came), messages of sockets (`abi_message`).
#![expect(unsafe_code, reason = "C functions are what is tested")]

use abi_tests::sockets::{self, Address};
use abi_tests::{Scratch, call, cases, open};
use libc::{
    AT_FDCWD, CLOCK_MONOTONIC, CLOCK_REALTIME, EFAULT, MAP_ANONYMOUS, MAP_PRIVATE, O_CREAT, O_RDWR,
    PROT_NONE, PROT_READ, PROT_WRITE, RLIMIT_NOFILE, RUSAGE_SELF, S_IFIFO, SIG_BLOCK, SIGUSR1,
};

cases! { files, readiness, paths, signals, clocks, threads, facts, vectors, sockets, long_buffers_end_where_memory_does }

const PAGE: usize = 4096;
/// Stands for the hostile pointer in a list of arguments.
const P: usize = 0xbad_0000_0bad;
/// The working directory.
const HERE: usize = AT_FDCWD as usize;

/// Addresses behind which there is nothing for a program, aligned for any type.
fn hostile() -> Vec<usize> {
    // SAFETY: fresh memory, never touched.
    let none =
        unsafe { libc::mmap(std::ptr::null_mut(), 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };
    // SAFETY: a part of the memory above.
    assert_eq!(unsafe { libc::munmap(none.byte_add(PAGE), PAGE) }, 0);
    vec![
        8,
        none.addr(),
        none.addr() + PAGE,
        0x0000_7fff_ffff_f000,
        0x0000_8000_0000_0000,
        0x8000_0000_0000_0000,
        0xffff_8800_0000_0000,
        usize::MAX - 7,
    ]
}

/// Each call with each hostile pointer in the place of `P`.
fn refused(calls: &[(i64, &[usize])]) {
    for &(number, given) in calls {
        assert!(given.contains(&P), "{number} has no place for a hostile pointer");
        for pointer in hostile() {
            let mut words = [0; 6];
            words[..given.len()].copy_from_slice(given);
            for word in words.iter_mut().filter(|word| **word == P) {
                *word = pointer;
            }
            assert_eq!(call(number, words), Err(EFAULT), "call {number} {words:x?}");
        }
    }
}

// covers: read, write, pread64, pwrite64, fstat, getdents64, pipe, pipe2, poll, ppoll, select, pselect6, sendfile, copy_file_range
// covers: fstatfs, getrandom, memfd_create
fn files() {
    let scratch = Scratch::new("hostile");
    let file = open(scratch.path("file"), O_CREAT | O_RDWR).unwrap();
    std::fs::write(scratch.path("file"), [7; 64]).unwrap();
    let other = open(scratch.path("other"), O_CREAT | O_RDWR).unwrap();
    let (folder, zero) = (open("/", 0).unwrap(), open("/dev/zero", 0).unwrap());
    let [fd, other, folder, zero] = [file.0 as usize, other.0 as usize, folder.0 as usize, zero.0 as usize];
    let timeout = [0_i64, 1];
    let now = timeout.as_ptr().addr();
    refused(&[
        (libc::SYS_read, &[zero, P, 16]),
        (libc::SYS_read, &[fd, P, 16]),
        (libc::SYS_write, &[fd, P, 16]),
        (libc::SYS_pread64, &[fd, P, 16, 0]),
        (libc::SYS_pwrite64, &[fd, P, 16, 0]),
        (libc::SYS_fstat, &[fd, P]),
        (libc::SYS_fstatfs, &[fd, P]),
        (libc::SYS_getdents64, &[folder, P, PAGE]),
        (libc::SYS_pipe, &[P]),
        (libc::SYS_pipe2, &[P, 0]),
        (libc::SYS_poll, &[P, 1, 0]),
        (libc::SYS_ppoll, &[P, 1, now, 0, 8]),
        (libc::SYS_ppoll, &[0, 0, P, 0, 8]),
        (libc::SYS_ppoll, &[0, 0, now, P, 8]),
        (libc::SYS_select, &[1, P, 0, 0, now]),
        (libc::SYS_select, &[1, 0, P, 0, now]),
        (libc::SYS_select, &[1, 0, 0, P, now]),
        (libc::SYS_select, &[0, 0, 0, 0, P]),
        (libc::SYS_pselect6, &[1, P, 0, 0, now, 0]),
        (libc::SYS_pselect6, &[0, 0, 0, 0, P, 0]),
        (libc::SYS_pselect6, &[0, 0, 0, 0, now, P]),
        (libc::SYS_sendfile, &[other, fd, P, 16]),
        (libc::SYS_copy_file_range, &[fd, P, other, 0, 16, 0]),
        (libc::SYS_copy_file_range, &[fd, 0, other, P, 16, 0]),
        (libc::SYS_getrandom, &[P, 16, 0]),
        (libc::SYS_memfd_create, &[P, 0]),
    ]);
    // What was there is still there.
    assert_eq!(std::fs::read(scratch.path("file")).unwrap(), [7; 64]);
}

// covers: epoll_ctl, epoll_wait, epoll_pwait, epoll_pwait2, timerfd_settime, timerfd_gettime, signalfd, signalfd4
fn readiness() {
    let descriptor = |number: i64, words: [usize; 6]| call(number, words).unwrap().cast_unsigned() as usize;
    let epoll = descriptor(libc::SYS_epoll_create1, [0; 6]);
    let counter = descriptor(libc::SYS_eventfd2, [1, 0, 0, 0, 0, 0]);
    let timer = descriptor(libc::SYS_timerfd_create, [CLOCK_MONOTONIC as usize, 0, 0, 0, 0, 0]);
    let event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
    let now = [0_i64; 4];
    let (event, now) = ((&raw const event).addr(), now.as_ptr().addr());
    let [add, modify] = [libc::EPOLL_CTL_ADD, libc::EPOLL_CTL_MOD].map(|op| op as usize);
    call(libc::SYS_epoll_ctl, [epoll, add, counter, event, 0, 0]).unwrap();
    refused(&[
        (libc::SYS_epoll_ctl, &[epoll, add, timer, P]),
        (libc::SYS_epoll_ctl, &[epoll, modify, counter, P]),
        (libc::SYS_epoll_wait, &[epoll, P, 1, 0]),
        (libc::SYS_epoll_wait, &[epoll, P, 100, 1000]),
        (libc::SYS_epoll_pwait, &[epoll, P, 1, 0, 0, 8]),
        (libc::SYS_epoll_pwait, &[epoll, event, 1, 0, P, 8]),
        (libc::SYS_epoll_pwait2, &[epoll, P, 1, now, 0, 8]),
        (libc::SYS_epoll_pwait2, &[epoll, event, 1, P, 0, 8]),
        (libc::SYS_epoll_pwait2, &[epoll, event, 1, now, P, 8]),
        (libc::SYS_timerfd_settime, &[timer, 0, P, 0]),
        (libc::SYS_timerfd_settime, &[timer, 0, now, P]),
        (libc::SYS_timerfd_gettime, &[timer, P]),
        (libc::SYS_signalfd, &[usize::MAX, P, 8]),
        (libc::SYS_signalfd4, &[usize::MAX, P, 8, 0]),
    ]);
    for fd in [epoll, counter, timer] {
        call(libc::SYS_close, [fd, 0, 0, 0, 0, 0]).unwrap();
    }
}

// covers: open, openat, creat, stat, lstat, newfstatat, statx, access, faccessat, faccessat2, truncate, getcwd, chdir, rename, renameat
// covers: renameat2, mkdir, mkdirat, rmdir, link, linkat, unlink, unlinkat, symlink, symlinkat, readlink, readlinkat, chmod, fchmodat
// covers: fchmodat2, chown, lchown, fchownat, mknod, mknodat, statfs, utimensat
fn paths() {
    let scratch = Scratch::new("hostile-paths");
    std::fs::write(scratch.path("file"), "x").unwrap();
    std::os::unix::fs::symlink("file", scratch.path("link")).unwrap();
    let (file, link) = (scratch.c("file"), scratch.c("link"));
    let (file, link) = (file.as_ptr().addr(), link.as_ptr().addr());
    refused(&[
        (libc::SYS_open, &[P, 0]),
        (libc::SYS_openat, &[HERE, P, 0]),
        (libc::SYS_creat, &[P, 0o644]),
        (libc::SYS_stat, &[P, file]),
        (libc::SYS_stat, &[file, P]),
        (libc::SYS_lstat, &[P, file]),
        (libc::SYS_lstat, &[file, P]),
        (libc::SYS_newfstatat, &[HERE, P, file, 0]),
        (libc::SYS_newfstatat, &[HERE, file, P, 0]),
        (libc::SYS_statx, &[HERE, P, 0, 0x7ff, file]),
        (libc::SYS_statx, &[HERE, file, 0, 0x7ff, P]),
        (libc::SYS_access, &[P, 0]),
        (libc::SYS_faccessat, &[HERE, P, 0]),
        (libc::SYS_faccessat2, &[HERE, P, 0, 0]),
        (libc::SYS_truncate, &[P, 0]),
        (libc::SYS_getcwd, &[P, 4096]),
        (libc::SYS_chdir, &[P]),
        (libc::SYS_rename, &[P, file]),
        (libc::SYS_rename, &[file, P]),
        (libc::SYS_renameat, &[HERE, P, HERE, file]),
        (libc::SYS_renameat2, &[HERE, file, HERE, P, 0]),
        (libc::SYS_mkdir, &[P, 0o755]),
        (libc::SYS_mkdirat, &[HERE, P, 0o755]),
        (libc::SYS_rmdir, &[P]),
        (libc::SYS_link, &[P, file]),
        (libc::SYS_link, &[file, P]),
        (libc::SYS_linkat, &[HERE, P, HERE, file, 0]),
        (libc::SYS_unlink, &[P]),
        (libc::SYS_unlinkat, &[HERE, P, 0]),
        (libc::SYS_symlink, &[P, file]),
        (libc::SYS_symlink, &[file, P]),
        (libc::SYS_symlinkat, &[P, HERE, file]),
        (libc::SYS_readlink, &[P, file, 16]),
        (libc::SYS_readlink, &[link, P, 16]),
        (libc::SYS_readlinkat, &[HERE, link, P, 16]),
        (libc::SYS_chmod, &[P, 0o644]),
        (libc::SYS_fchmodat, &[HERE, P, 0o644]),
        (libc::SYS_chown, &[P, 0, 0]),
        (libc::SYS_lchown, &[P, 0, 0]),
        (libc::SYS_fchownat, &[HERE, P, 0, 0, 0]),
        (libc::SYS_mknod, &[P, S_IFIFO as usize | 0o644, 0]),
        (libc::SYS_mknodat, &[HERE, P, S_IFIFO as usize | 0o644, 0]),
        (libc::SYS_statfs, &[P, file]),
        (libc::SYS_statfs, &[file, P]),
        (libc::SYS_utimensat, &[HERE, P, 0, 0]),
        (libc::SYS_utimensat, &[HERE, file, P, 0]),
    ]);
    assert_eq!(std::fs::read_to_string(scratch.path("link")).unwrap(), "x");
}

// covers: rt_sigaction, rt_sigprocmask, rt_sigpending, rt_sigtimedwait, rt_sigqueueinfo, rt_tgsigqueueinfo, rt_sigsuspend, sigaltstack
fn signals() {
    let (user, block) = (SIGUSR1 as usize, SIG_BLOCK as usize);
    let me = std::process::id() as usize;
    let set = [0_u64];
    let set = set.as_ptr().addr();
    refused(&[
        (libc::SYS_rt_sigaction, &[user, P, 0, 8]),
        (libc::SYS_rt_sigaction, &[user, 0, P, 8]),
        (libc::SYS_rt_sigprocmask, &[block, P, 0, 8]),
        (libc::SYS_rt_sigprocmask, &[block, 0, P, 8]),
        (libc::SYS_rt_sigpending, &[P, 8]),
        (libc::SYS_rt_sigtimedwait, &[P, 0, 0, 8]),
        (libc::SYS_rt_sigtimedwait, &[set, 0, P, 8]),
        (libc::SYS_rt_sigqueueinfo, &[me, user, P]),
        (libc::SYS_rt_tgsigqueueinfo, &[me, me, user, P]),
        (libc::SYS_rt_sigsuspend, &[P, 8]),
        (libc::SYS_sigaltstack, &[P, 0]),
        (libc::SYS_sigaltstack, &[0, P]),
    ]);
}

// covers: nanosleep, clock_nanosleep, clock_gettime, clock_getres, gettimeofday, time, times, getitimer, setitimer, timer_create
// covers: timer_settime, timer_gettime
fn clocks() {
    let monotonic = CLOCK_MONOTONIC as usize;
    let realtime = CLOCK_REALTIME as usize;
    let mut timer = [0_i32];
    assert_eq!(call(libc::SYS_timer_create, [monotonic, 0, timer.as_mut_ptr().addr(), 0, 0, 0]), Ok(0));
    let timer = timer[0] as usize;
    refused(&[
        (libc::SYS_nanosleep, &[P, 0]),
        (libc::SYS_clock_nanosleep, &[monotonic, 0, P, 0]),
        (libc::SYS_clock_gettime, &[monotonic, P]),
        (libc::SYS_clock_gettime, &[realtime, P]),
        (libc::SYS_clock_getres, &[monotonic, P]),
        (libc::SYS_gettimeofday, &[P, 0]),
        (libc::SYS_gettimeofday, &[0, P]),
        (libc::SYS_time, &[P]),
        (libc::SYS_times, &[P]),
        (libc::SYS_getitimer, &[0, P]),
        (libc::SYS_setitimer, &[0, P, 0]),
        (libc::SYS_setitimer, &[0, 0, P]),
        (libc::SYS_timer_create, &[monotonic, P, 0]),
        (libc::SYS_timer_create, &[monotonic, 0, P]),
        (libc::SYS_timer_settime, &[timer, 0, P, 0]),
        (libc::SYS_timer_gettime, &[timer, P]),
    ]);
    assert_eq!(call(libc::SYS_timer_delete, [timer, 0, 0, 0, 0, 0]), Ok(0));
}

// covers: futex, sched_setaffinity, sched_getaffinity, sched_setparam, sched_getparam, sched_setscheduler, sched_rr_get_interval
// covers: get_robust_list
fn threads() {
    const WAIT: usize = 128;
    let word = [1_u32];
    let word = word.as_ptr().addr();
    refused(&[
        (libc::SYS_futex, &[P, WAIT, 1, 0]),
        (libc::SYS_futex, &[word, WAIT, 1, P]),
        (libc::SYS_sched_setaffinity, &[0, 8, P]),
        (libc::SYS_sched_getaffinity, &[0, 128, P]),
        (libc::SYS_sched_setparam, &[0, P]),
        (libc::SYS_sched_getparam, &[0, P]),
        (libc::SYS_sched_setscheduler, &[0, 0, P]),
        (libc::SYS_sched_rr_get_interval, &[0, P]),
        (libc::SYS_get_robust_list, &[0, P, word]),
        (libc::SYS_get_robust_list, &[0, word, P]),
    ]);
}

// covers: uname, sysinfo, getrlimit, setrlimit, prlimit64, getrusage, getresuid, getresgid, setgroups, getcpu
fn facts() {
    let files = RLIMIT_NOFILE as usize;
    let mut room = [0_u64; 64];
    let room = room.as_mut_ptr().addr();
    refused(&[
        (libc::SYS_uname, &[P]),
        (libc::SYS_sysinfo, &[P]),
        (libc::SYS_getrlimit, &[files, P]),
        (libc::SYS_setrlimit, &[files, P]),
        (libc::SYS_prlimit64, &[0, files, P, 0]),
        (libc::SYS_prlimit64, &[0, files, 0, P]),
        (libc::SYS_getrusage, &[RUSAGE_SELF as usize, P]),
        (libc::SYS_getresuid, &[P, room, room]),
        (libc::SYS_getresuid, &[room, P, room]),
        (libc::SYS_getresuid, &[room, room, P]),
        (libc::SYS_getresgid, &[P, room, room]),
        (libc::SYS_getresgid, &[room, room, P]),
        (libc::SYS_setgroups, &[1, P]),
        (libc::SYS_getcpu, &[P, 0, 0]),
        (libc::SYS_getcpu, &[0, P, 0]),
    ]);
}

// covers: readv, writev, preadv, pwritev, preadv2, pwritev2
fn vectors() {
    let scratch = Scratch::new("hostile-vectors");
    std::fs::write(scratch.path("file"), [7; 64]).unwrap();
    let file = open(scratch.path("file"), O_RDWR).unwrap();
    let fd = file.0 as usize;
    refused(&[
        (libc::SYS_readv, &[fd, P, 1]),
        (libc::SYS_writev, &[fd, P, 1]),
        (libc::SYS_preadv, &[fd, P, 1, 0]),
        (libc::SYS_pwritev, &[fd, P, 1, 0]),
        (libc::SYS_preadv2, &[fd, P, 1, 0, 0, 0]),
        (libc::SYS_pwritev2, &[fd, P, 1, 0, 0, 0]),
    ]);
    // The vector is there, what it names is not.
    for pointer in hostile() {
        let vector = [pointer, 16_usize];
        for number in [libc::SYS_readv, libc::SYS_writev] {
            assert_eq!(
                call(number, [fd, vector.as_ptr().addr(), 1, 0, 0, 0]),
                Err(EFAULT),
                "{number} {pointer:x}"
            );
        }
    }
    assert_eq!(std::fs::read(scratch.path("file")).unwrap(), [7; 64]);
}

// covers: bind, connect, getsockname, getpeername, getsockopt, setsockopt, sendmsg, recvmsg, sendmmsg, recvmmsg, sendto, recvfrom
// covers: socketpair, accept, accept4
fn sockets() {
    let (listener, peer) = (sockets::socket(libc::SOCK_STREAM), sockets::socket(libc::SOCK_STREAM));
    let at = Address::hidden("hostile");
    sockets::bind(&listener, &at).unwrap();
    sockets::listen(&listener, 100).unwrap();
    let (one, other) = sockets::pair(libc::SOCK_DGRAM);
    let [fd, listening] = [one.0 as usize, listener.0 as usize];
    let length = [16u32; 4];
    let here = length.as_ptr().addr();
    for _ in hostile() {
        sockets::send(&other, b"one for each", 0).unwrap();
    }
    let clients: Vec<_> = (0..2 * hostile().len()).map(|_| sockets::socket(libc::SOCK_STREAM)).collect();
    for client in &clients {
        sockets::connect(client, &at).unwrap();
    }
    drop(peer);
    refused(&[
        (libc::SYS_bind, &[fd, P, 16]),
        (libc::SYS_connect, &[fd, P, 16]),
        (libc::SYS_getsockname, &[fd, P, here]),
        (libc::SYS_getsockname, &[fd, here, P]),
        (libc::SYS_getpeername, &[fd, P, here]),
        (libc::SYS_getsockopt, &[fd, 1, libc::SO_TYPE as usize, P, here]),
        (libc::SYS_getsockopt, &[fd, 1, libc::SO_TYPE as usize, here, P]),
        (libc::SYS_setsockopt, &[fd, 1, libc::SO_KEEPALIVE as usize, P, 4]),
        (libc::SYS_sendto, &[fd, P, 16]),
        (libc::SYS_sendto, &[fd, here, 4, 0, P, 16]),
        (libc::SYS_sendmsg, &[fd, P]),
        (libc::SYS_recvmsg, &[fd, P]),
        (libc::SYS_sendmmsg, &[fd, P, 1]),
        (libc::SYS_recvmmsg, &[fd, P, 1]),
        (libc::SYS_socketpair, &[1, 1, 0, P]),
        (libc::SYS_recvfrom, &[fd, here, 4, 0, here, P]),
        (libc::SYS_accept, &[listening, P, here]),
        (libc::SYS_accept4, &[listening, here, P]),
    ]);
}

// covers: read, write
fn long_buffers_end_where_memory_does() {
    // SAFETY: fresh memory of two pages, the second of which goes.
    let at = unsafe {
        let at = libc::mmap(
            std::ptr::null_mut(),
            2 * PAGE,
            PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_eq!(libc::munmap(at.byte_add(PAGE), PAGE), 0);
        at.addr()
    };
    let scratch = Scratch::new("hostile-long");
    std::fs::write(scratch.path("file"), [7; 2 * PAGE]).unwrap();
    let file = open(scratch.path("file"), O_RDWR).unwrap();
    let fd = file.0 as usize;
    // What could be moved was; the rest is refused.
    assert_eq!(call(libc::SYS_pread64, [fd, at, 2 * PAGE, 0, 0, 0]), Ok(PAGE as i64));
    assert_eq!(call(libc::SYS_pwrite64, [fd, at, 2 * PAGE, 0, 0, 0]), Ok(PAGE as i64));
    assert_eq!(call(libc::SYS_pread64, [fd, at + PAGE, 1, 0, 0, 0]), Err(EFAULT));
    // A length that goes round the end of the address space.
    for number in [libc::SYS_pread64, libc::SYS_pwrite64] {
        assert_eq!(call(number, [fd, usize::MAX - 7, 64, 0, 0, 0]), Err(EFAULT));
    }
}
