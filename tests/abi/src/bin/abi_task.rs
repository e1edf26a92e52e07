//! Threads: clone as std uses it, affinity, names, limits, credentials, signals to oneself.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use abi_tests::{call, cases, check, is_caracal};
use libc::{EFAULT, EINVAL, ENOSYS, EPERM, ESRCH};

cases! {
    many_threads, untold_thread_ids, ids, thread_locals_drop, spinning_thread_is_preempted, mutexes_exclude, condvars_wake,
    names, affinity, yields, priorities, nice_is_a_share, scheduling, limits, usage, credentials, process_groups, no_processes,
    arch_prctl_codes, prctl_codes, masks_and_pending, alternate_stack, actions, kill_nobody, exit_wakes_joiner, tid_address
}

// covers: clone, exit
fn many_threads() {
    let sum = Arc::new(AtomicU64::new(0));
    for _ in 0..5 {
        let threads: Vec<_> = (0..200u64)
            .map(|number| {
                let sum = Arc::clone(&sum);
                thread::spawn(move || sum.fetch_add(number, Ordering::Relaxed))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
    assert_eq!(sum.load(Ordering::Relaxed), 5 * 19_900);
    // A thread must share memory and signal handlers with the others.
    assert_eq!(call(libc::SYS_clone, [libc::CLONE_THREAD as usize, 0, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_clone, [libc::CLONE_SIGHAND as usize, 0, 0, 0, 0, 0]), Err(EINVAL));
}

/// A thread starts although its number cannot be told (`CLONE_PARENT_SETTID`, `CLONE_CHILD_SETTID`).
fn untold_thread_ids() {
    static RAN: AtomicU64 = AtomicU64::new(0);
    extern "C" fn run(_: *mut libc::c_void) -> libc::c_int {
        RAN.store(1, Ordering::SeqCst);
        0
    }
    let stack = Box::leak(vec![0_u128; 4096].into_boxed_slice()).as_mut_ptr_range().end;
    let flags = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM
        | libc::CLONE_PARENT_SETTID
        | libc::CLONE_CHILD_SETTID;
    let wild = std::ptr::without_provenance_mut::<libc::pid_t>(8);
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the function uses nothing of its thread's, on a stack that stays.
    let tid = unsafe { libc::clone(run, stack.cast(), flags, nothing, wild, nothing, wild) };
    assert!(tid > 0);
    let start = Instant::now();
    let is_there = || call(libc::SYS_tgkill, [std::process::id() as usize, tid as usize, 0, 0, 0, 0]);
    while RAN.load(Ordering::SeqCst) == 0 || is_there() == Ok(0) {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not run, or does not end");
        thread::yield_now();
    }
    assert_eq!(is_there(), Err(ESRCH));
}

// covers: getpid, gettid, getppid
fn ids() {
    let pid = call(libc::SYS_getpid, [0; 6]).unwrap();
    let tid = call(libc::SYS_gettid, [0; 6]).unwrap();
    assert_eq!(u32::try_from(pid), Ok(std::process::id()));
    assert_eq!(pid, tid, "the first thread");
    let other =
        thread::spawn(|| (call(libc::SYS_getpid, [0; 6]).unwrap(), call(libc::SYS_gettid, [0; 6]).unwrap()));
    let (other_pid, other_tid) = other.join().unwrap();
    assert_eq!(other_pid, pid);
    assert_ne!(other_tid, tid);
    assert!(call(libc::SYS_getppid, [0; 6]).unwrap() >= 0);
}

fn thread_locals_drop() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    struct Value(u32);
    impl Drop for Value {
        fn drop(&mut self) {
            DROPPED.fetch_add(self.0, Ordering::SeqCst);
        }
    }
    thread_local!(static LOCAL: Value = const { Value(1) });
    for _ in 0..10 {
        thread::spawn(|| LOCAL.with(|local| assert_eq!(local.0, 1))).join().unwrap();
    }
    assert_eq!(DROPPED.load(Ordering::SeqCst), 10);
}

/// Threads that never wait all have their turns, however long the host keeps a CPU from running.
fn spinning_thread_is_preempted() {
    let stop = AtomicBool::new(false);
    let rounds = [const { AtomicU64::new(0) }; 8];
    thread::scope(|scope| {
        for rounds in &rounds {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while rounds.iter().any(|rounds| rounds.load(Ordering::Relaxed) == 0) {
            thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

fn mutexes_exclude() {
    let count = Mutex::new(0u64);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..5000).for_each(|_| *count.lock().unwrap() += 1));
        }
    });
    assert_eq!(count.into_inner().unwrap(), 40_000);
}

fn condvars_wake() {
    let (state, changed, barrier) = (Mutex::new(0), Condvar::new(), Barrier::new(5));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                let mut guard = changed.wait_while(state.lock().unwrap(), |state| *state == 0).unwrap();
                *guard += 1;
            });
        }
        barrier.wait();
        *state.lock().unwrap() = 1;
        changed.notify_all();
    });
    assert_eq!(*state.lock().unwrap(), 5);
}

// covers: prctl
fn names() {
    let name = thread::Builder::new().name("a-rather-long-name".into()).spawn(|| {
        let mut name = [0u8; 16];
        assert_eq!(
            call(libc::SYS_prctl, [libc::PR_GET_NAME as usize, name.as_mut_ptr() as usize, 0, 0, 0, 0]),
            Ok(0)
        );
        let tid = call(libc::SYS_gettid, [0; 6]).unwrap();
        assert_eq!(std::fs::read(format!("/proc/self/task/{tid}/comm")).unwrap(), b"a-rather-long-n\n");
        name
    });
    assert_eq!(&name.unwrap().join().unwrap(), b"a-rather-long-n\0");
}

// covers: sched_setaffinity, sched_getaffinity, getcpu
fn affinity() {
    let mut mask = [0u64; 16];
    let size = size_of_val(&mask);
    let got = call(libc::SYS_sched_getaffinity, [0, size, mask.as_mut_ptr() as usize, 0, 0, 0]).unwrap();
    assert!(got >= 8 && got % 8 == 0);
    assert_eq!(
        mask.iter().map(|word| word.count_ones()).sum::<u32>() as usize,
        thread::available_parallelism().unwrap().get()
    );
    let all = mask[0];
    thread::spawn(move || {
        for cpu in (0..64).filter(|cpu| all & (1 << cpu) != 0) {
            let one = 1u64 << cpu;
            assert_eq!(call(libc::SYS_sched_setaffinity, [0, 8, &raw const one as usize, 0, 0, 0]), Ok(0));
            let mut here = 99u32;
            assert_eq!(call(libc::SYS_getcpu, [&raw mut here as usize, 0, 0, 0, 0, 0]), Ok(0));
            assert_eq!(here, cpu);
        }
    })
    .join()
    .unwrap();
    let none = 0u64;
    assert_eq!(call(libc::SYS_sched_setaffinity, [0, 8, &raw const none as usize, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_sched_getaffinity, [0, 4, &raw const none as usize, 0, 0, 0]), Err(EINVAL));
    assert_eq!(
        call(libc::SYS_sched_getaffinity, [99_999_999, size, mask.as_mut_ptr() as usize, 0, 0, 0]),
        Err(ESRCH)
    );
}

// covers: sched_yield
fn yields() {
    (0..1000).for_each(|_| thread::yield_now());
    assert_eq!(call(libc::SYS_sched_yield, [0; 6]), Ok(0));
}

// covers: getpriority, setpriority
fn priorities() {
    // What is told is 20 less the nice value, and on Linux the tests may run with any.
    let own = call(libc::SYS_getpriority, [0; 6]).unwrap();
    assert!(if is_caracal() { own == 20 } else { (1..=40).contains(&own) }, "{own}");
    assert_eq!(call(libc::SYS_getpriority, [7, 0, 0, 0, 0, 0]), Err(EINVAL));
    thread::spawn(move || {
        assert_eq!(call(libc::SYS_setpriority, [0, 0, 19, 0, 0, 0]), Ok(0));
        assert_eq!(call(libc::SYS_getpriority, [0; 6]), Ok(1));
        // A new thread is as nice as the one that makes it (setpriority(2)).
        let inherited = thread::spawn(|| call(libc::SYS_getpriority, [0; 6]));
        assert_eq!(inherited.join().unwrap(), Ok(1));
    })
    .join()
    .unwrap();
    assert_eq!(call(libc::SYS_getpriority, [0; 6]), Ok(own), "the others stay as they are");
}

/// Of two threads that compute on one CPU, one ten steps nicer gets about a ninth of what the other gets (sched(7)). A host that stops the CPU for
/// longer than a turn makes them more alike: then they are looked at again.
fn nice_is_a_share() {
    const TIMES: usize = 20;
    let seen: Vec<_> =
        (0..TIMES).map(|_| shares()).take_while(|(nice, plain)| *nice * 3 >= *plain * 2).collect();
    assert!(seen.len() < TIMES, "{seen:?}");
}

/// What a nice thread and a plain one get of one CPU.
fn shares() -> (Duration, Duration) {
    let (over, together) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(2)));
    let compute = |nice: usize, most: Duration| {
        let (over, together) = (Arc::clone(&over), Arc::clone(&together));
        thread::spawn(move || {
            let mut allowed = [0u64; 16];
            let size = size_of_val(&allowed);
            assert!(
                call(libc::SYS_sched_getaffinity, [0, size, allowed.as_mut_ptr() as usize, 0, 0, 0]).is_ok()
            );
            let one = 1u64 << allowed[0].trailing_zeros();
            assert_eq!(call(libc::SYS_sched_setaffinity, [0, 8, &raw const one as usize, 0, 0, 0]), Ok(0));
            assert_eq!(call(libc::SYS_setpriority, [0, 0, nice, 0, 0, 0]), Ok(0));
            together.wait();
            let before = own_cpu_time();
            while !over.load(Ordering::Relaxed) && own_cpu_time() - before < most {}
            over.store(true, Ordering::Relaxed);
            own_cpu_time() - before
        })
    };
    let (nice, plain) = (compute(10, Duration::MAX), compute(0, Duration::from_millis(400)));
    (nice.join().unwrap(), plain.join().unwrap())
}

fn own_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the structure.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

// covers: sched_getscheduler, sched_setscheduler, sched_getparam, sched_setparam, sched_get_priority_max, sched_get_priority_min, sched_rr_get_interval
fn scheduling() {
    let mut param = 77i32;
    let at = &raw mut param as usize;
    assert_eq!(call(libc::SYS_sched_getscheduler, [0; 6]), Ok(0));
    assert_eq!(call(libc::SYS_sched_getparam, [0, at, 0, 0, 0, 0]), Ok(0));
    assert_eq!(param, 0);
    assert_eq!(call(libc::SYS_sched_setparam, [0, at, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_sched_setscheduler, [0, 0, at, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_sched_get_priority_max, [libc::SCHED_FIFO as usize, 0, 0, 0, 0, 0]), Ok(99));
    assert_eq!(call(libc::SYS_sched_get_priority_min, [libc::SCHED_FIFO as usize, 0, 0, 0, 0, 0]), Ok(1));
    assert_eq!(call(libc::SYS_sched_get_priority_max, [77, 0, 0, 0, 0, 0]), Err(EINVAL));
    let mut slice = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    assert_eq!(call(libc::SYS_sched_rr_get_interval, [0, &raw mut slice as usize, 0, 0, 0, 0]), Ok(0));
    assert!(slice.tv_sec == 0 && slice.tv_nsec >= 0);
}

// covers: getrlimit, setrlimit, prlimit64
fn limits() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let at = &raw mut limit as usize;
    assert_eq!(call(libc::SYS_getrlimit, [libc::RLIMIT_NOFILE as usize, at, 0, 0, 0, 0]), Ok(0));
    let before = limit.rlim_cur;
    assert!(limit.rlim_cur >= 256 && limit.rlim_max >= limit.rlim_cur);
    limit.rlim_cur = 20;
    assert_eq!(call(libc::SYS_setrlimit, [libc::RLIMIT_NOFILE as usize, at, 0, 0, 0, 0]), Ok(0));
    // SAFETY: plain numbers.
    assert_eq!(check(unsafe { libc::dup2(1, 20) }), Err(libc::EBADF));
    limit.rlim_cur = before;
    assert_eq!(call(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE as usize, at, 0, 0, 0]), Ok(0));
    limit.rlim_cur = limit.rlim_max + 1;
    std::hint::black_box(&limit);
    assert_eq!(call(libc::SYS_setrlimit, [libc::RLIMIT_NOFILE as usize, at, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_getrlimit, [99, at, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_getrlimit, [7, 1, 0, 0, 0, 0]), Err(EFAULT));
}

// covers: getrusage, times
fn usage() {
    // SAFETY: all-zero structures are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let at = &raw mut usage as usize;
    let spin = Instant::now();
    while spin.elapsed() < Duration::from_millis(30) {}
    assert_eq!(call(libc::SYS_getrusage, [0, at, 0, 0, 0, 0]), Ok(0));
    assert!(
        usage.ru_utime.tv_sec + usage.ru_stime.tv_sec > 0
            || usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 10_000
    );
    assert!(usage.ru_maxrss > 0);
    assert_eq!(call(libc::SYS_getrusage, [77, at, 0, 0, 0, 0]), Err(EINVAL));
    let mut ticks = [0i64; 4];
    assert!(call(libc::SYS_times, [ticks.as_mut_ptr() as usize, 0, 0, 0, 0, 0]).is_ok());
}

// covers: getuid, geteuid, getgid, getegid, getresuid, getresgid, getgroups, setgroups, setuid, setgid, setreuid, setregid, setresuid, setresgid, setfsuid, setfsgid
fn credentials() {
    for number in [libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getegid] {
        assert_eq!(call(number, [0; 6]), Ok(0));
    }
    let mut three = [9u32; 3];
    let at = [0, 1, 2].map(|index| &raw mut three[index] as usize);
    assert_eq!(call(libc::SYS_getresuid, [at[0], at[1], at[2], 0, 0, 0]), Ok(0));
    assert_eq!(three, [0; 3]);
    assert_eq!(call(libc::SYS_getresgid, [at[0], at[1], at[2], 0, 0, 0]), Ok(0));
    for (number, count) in [
        (libc::SYS_setuid, 1),
        (libc::SYS_setgid, 1),
        (libc::SYS_setreuid, 2),
        (libc::SYS_setregid, 2),
        (libc::SYS_setresuid, 3),
        (libc::SYS_setresgid, 3),
    ] {
        let mut words = [0; 6];
        words[..count].fill(0);
        assert_eq!(call(number, words), Ok(0), "{number}");
    }
    assert_eq!(call(libc::SYS_setfsuid, [usize::MAX, 0, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_setfsgid, [usize::MAX, 0, 0, 0, 0, 0]), Ok(0));
    let groups = [4u32, 5];
    let at = groups.as_ptr() as usize;
    assert_eq!(call(libc::SYS_setgroups, [2, at, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_getgroups, [0; 6]), Ok(2));
    assert_eq!(call(libc::SYS_getgroups, [1, at, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_setgroups, [0, 0, 0, 0, 0, 0]), Ok(0));
}

// covers: getpgrp, getpgid, getsid, setsid, setpgid
fn process_groups() {
    let group = call(libc::SYS_getpgrp, [0; 6]).unwrap();
    assert_eq!(call(libc::SYS_getpgid, [0; 6]), Ok(group));
    assert!(call(libc::SYS_getsid, [0; 6]).unwrap() >= 0);
    assert_eq!(call(libc::SYS_getpgid, [99_999_999, 0, 0, 0, 0, 0]), Err(ESRCH));
    if is_caracal() {
        assert_eq!(call(libc::SYS_setsid, [0; 6]), Err(EPERM));
    }
}

// covers: exit_group
fn no_processes() {
    // Where Linux would make a process, there is only one program here.
    let spawned = std::process::Command::new("/bin/true").status();
    assert_eq!(spawned.is_err(), is_caracal());
    if is_caracal() {
        assert_eq!(call(libc::SYS_fork, [0; 6]), Err(ENOSYS));
        assert_eq!(call(libc::SYS_vfork, [0; 6]), Err(ENOSYS));
        assert_eq!(call(libc::SYS_execve, [0; 6]), Err(ENOSYS));
    }
    assert_eq!(call(9999, [0; 6]), Err(ENOSYS));
}

// covers: arch_prctl
fn arch_prctl_codes() {
    let mut base = 0u64;
    assert_eq!(call(libc::SYS_arch_prctl, [0x1003, &raw mut base as usize, 0, 0, 0, 0]), Ok(0));
    assert_ne!(base, 0);
    assert_eq!(call(libc::SYS_arch_prctl, [0x1002, usize::MAX - 100, 0, 0, 0, 0]), Err(EPERM));
    assert_eq!(call(libc::SYS_arch_prctl, [0x9999, 0, 0, 0, 0, 0]), Err(EINVAL));
}

fn prctl_codes() {
    assert_eq!(call(libc::SYS_prctl, [99_999, 0, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_prctl, [libc::PR_SET_NAME as usize, 1, 0, 0, 0, 0]), Err(EFAULT));
}

// covers: rt_sigprocmask, rt_sigpending, tkill, tgkill
fn masks_and_pending() {
    thread::spawn(|| {
        let (mut before, mut pending) = (0u64, 0u64);
        let usr1 = 1u64 << (libc::SIGUSR1 - 1);
        let mask = |how: i32, set: u64, old: usize| {
            call(libc::SYS_rt_sigprocmask, [how as usize, &raw const set as usize, old, 8, 0, 0])
        };
        assert_eq!(mask(libc::SIG_BLOCK, usr1, &raw mut before as usize), Ok(0));
        let tid = call(libc::SYS_gettid, [0; 6]).unwrap() as usize;
        assert_eq!(call(libc::SYS_tkill, [tid, libc::SIGUSR1 as usize, 0, 0, 0, 0]), Ok(0));
        assert_eq!(call(libc::SYS_rt_sigpending, [&raw mut pending as usize, 8, 0, 0, 0, 0]), Ok(0));
        assert_ne!(pending & usr1, 0);
        assert_eq!(mask(99, usr1, 0), Err(EINVAL));
        assert_eq!(call(libc::SYS_rt_sigprocmask, [0, 0, 0, 4, 0, 0]), Err(EINVAL));
        // SAFETY: ignoring a signal throws a pending one away.
        unsafe { libc::signal(libc::SIGUSR1, libc::SIG_IGN) };
        assert_eq!(mask(libc::SIG_UNBLOCK, usr1, 0), Ok(0));
        let pid = std::process::id() as usize;
        assert_eq!(call(libc::SYS_tgkill, [pid, tid, libc::SIGUSR1 as usize, 0, 0, 0]), Ok(0));
    })
    .join()
    .unwrap();
}

// covers: sigaltstack
fn alternate_stack() {
    thread::spawn(|| {
        let memory = vec![0u8; 65_536];
        let stack = libc::stack_t { ss_sp: memory.as_ptr().cast_mut().cast(), ss_flags: 0, ss_size: 65_536 };
        // SAFETY: all-zero is a valid structure.
        let mut old: libc::stack_t = unsafe { std::mem::zeroed() };
        // SAFETY: the memory outlives its use.
        unsafe {
            assert_eq!(libc::sigaltstack(&stack, std::ptr::null_mut()), 0);
            assert_eq!(libc::sigaltstack(std::ptr::null(), &mut old), 0);
            assert_eq!((old.ss_sp, old.ss_size), (stack.ss_sp, 65_536));
            let small = libc::stack_t { ss_size: 10, ..stack };
            assert_eq!(
                call(libc::SYS_sigaltstack, [&raw const small as usize, 0, 0, 0, 0, 0]),
                Err(libc::ENOMEM)
            );
            let off = libc::stack_t { ss_flags: libc::SS_DISABLE, ..stack };
            assert_eq!(libc::sigaltstack(&off, std::ptr::null_mut()), 0);
        }
    })
    .join()
    .unwrap();
}

// covers: rt_sigaction
fn actions() {
    // SAFETY: all-zero structures are valid; the handlers are constants.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = libc::SIG_IGN;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &new, &mut old), 0);
        assert_eq!(old.sa_sigaction, libc::SIG_DFL);
        assert_eq!(libc::sigaction(libc::SIGUSR2, std::ptr::null(), &mut old), 0);
        assert_eq!(old.sa_sigaction, libc::SIG_IGN);
        assert_eq!(libc::raise(libc::SIGUSR2), 0, "ignored");
        assert_eq!(check(libc::sigaction(libc::SIGKILL, &new, std::ptr::null_mut())), Err(EINVAL));
        assert_eq!(check(libc::sigaction(99, &new, std::ptr::null_mut())), Err(EINVAL));
    }
}

// covers: kill
fn kill_nobody() {
    let pid = std::process::id() as usize;
    assert_eq!(call(libc::SYS_kill, [pid, 0, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_kill, [99_999_999, 0, 0, 0, 0, 0]), Err(ESRCH));
    assert_eq!(call(libc::SYS_kill, [pid, 99, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_tkill, [0, 0, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_tgkill, [pid, 99_999_999, 0, 0, 0, 0]), Err(ESRCH));
}

fn exit_wakes_joiner() {
    for _ in 0..100 {
        thread::Builder::new().stack_size(16 * 1024).spawn(thread::yield_now).unwrap().join().unwrap();
    }
}

// covers: set_tid_address
fn tid_address() {
    thread::spawn(|| {
        let tid = call(libc::SYS_gettid, [0; 6]).unwrap();
        // The address C set for this thread is lost on purpose and put back by nobody: only the answer matters here.
        let word: &'static mut i32 = Box::leak(Box::new(0));
        let before = call(libc::SYS_set_tid_address, [std::ptr::from_mut(word) as usize, 0, 0, 0, 0, 0]);
        assert_eq!(before, Ok(tid));
        call(libc::SYS_exit, [0; 6]).unwrap();
    });
}
