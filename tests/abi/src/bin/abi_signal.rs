//! Signals: handlers, masks, alternate stacks, faults, interrupted calls, waiting for signals.
//!
//! Each case uses signals of its own, because handlers belong to the whole process.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use abi_tests::{call, cases, check, handle};
use libc::{EAGAIN, EINTR, EINVAL, ESRCH, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_SIGINFO};

cases! {
    handler_is_told, both_doors_deliver, masks_nest, alternate_stack, fault_is_repaired, fault_codes, vectors_survive,
    interrupted_read, interrupted_every_time, interrupted_sleep, interrupted_futex, poll_with_mask, suspend, wait_for_signals, queued_in_order, thread_is_interrupted,
    once_and_nested, pause_ends, one_thread_takes_it
}

fn set_of(signals: &[c_int]) -> libc::sigset_t {
    // SAFETY: sigemptyset makes the set valid.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for &signal in signals {
            libc::sigaddset(&mut set, signal);
        }
        set
    }
}

fn mask(how: c_int, signals: &[c_int]) {
    // SAFETY: a valid set.
    unsafe { libc::pthread_sigmask(how, &set_of(signals), std::ptr::null_mut()) };
}

fn raise(signal: c_int) {
    // SAFETY: sends to the calling thread.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

fn kill(signal: c_int) {
    // SAFETY: sends to this process.
    assert_eq!(unsafe { libc::kill(libc::getpid(), signal) }, 0);
}

/// Counts itself.
static COUNT: AtomicU32 = AtomicU32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static CODE: AtomicI32 = AtomicI32::new(0);
static SENDER: AtomicI32 = AtomicI32::new(0);
static ADDRESS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    SIGNAL.store(signal, Ordering::SeqCst);
    // SAFETY: the kernel passes a valid siginfo.
    unsafe {
        CODE.store((*info).si_code, Ordering::SeqCst);
        SENDER.store((*info).si_pid(), Ordering::SeqCst);
    }
    COUNT.fetch_add(1, Ordering::SeqCst);
}

// covers: rt_sigaction, rt_sigreturn, tkill, kill
fn handler_is_told() {
    handle(libc::SIGUSR1, 0, count);
    COUNT.store(0, Ordering::SeqCst);
    raise(libc::SIGUSR1);
    assert_eq!(COUNT.load(Ordering::SeqCst), 1);
    assert_eq!(SIGNAL.load(Ordering::SeqCst), libc::SIGUSR1);
    assert_eq!(CODE.load(Ordering::SeqCst), libc::SI_TKILL);
    // SAFETY: always succeeds.
    assert_eq!(SENDER.load(Ordering::SeqCst), unsafe { libc::getpid() });
    kill(libc::SIGUSR1);
    assert_eq!((COUNT.load(Ordering::SeqCst), CODE.load(Ordering::SeqCst)), (2, libc::SI_USER));
}

fn both_doors_deliver() {
    handle(libc::SIGUSR1, 0, count);
    COUNT.store(0, Ordering::SeqCst);
    // SAFETY: always succeed.
    let (pid, tid) = unsafe { (libc::getpid() as usize, libc::syscall(libc::SYS_gettid) as usize) };
    let words = [pid, tid, libc::SIGUSR1 as usize, 0, 0, 0];
    assert_eq!(abi_tests::raw(libc::SYS_tgkill, words), 0);
    assert_eq!(COUNT.load(Ordering::SeqCst), 1);
    assert_eq!(call(libc::SYS_tgkill, words), Ok(0));
    assert_eq!(COUNT.load(Ordering::SeqCst), 2);
}

static INSIDE: AtomicU32 = AtomicU32::new(0);

extern "C" fn sends_two(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    let before = COUNT.load(Ordering::SeqCst);
    // Blocked by sa_mask, and by itself: both wait until this handler returns.
    raise(libc::SIGUSR2);
    raise(libc::SIGUSR1);
    INSIDE.store(COUNT.load(Ordering::SeqCst) - before, Ordering::SeqCst);
}

fn masks_nest() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn first_only(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        if RUNS.fetch_add(1, Ordering::SeqCst) == 0 {
            sends_two(signal, info, context);
        }
    }
    COUNT.store(0, Ordering::SeqCst);
    handle(libc::SIGUSR2, 0, count);
    // SAFETY: as in `handle`, with a mask.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = first_only as *const () as usize;
        new.sa_flags = SA_SIGINFO;
        new.sa_mask = set_of(&[libc::SIGUSR2]);
        assert_eq!(libc::sigaction(libc::SIGUSR1, &new, std::ptr::null_mut()), 0);
    }
    raise(libc::SIGUSR1);
    assert_eq!(INSIDE.load(Ordering::SeqCst), 0, "a blocked handler ran inside");
    assert_eq!(COUNT.load(Ordering::SeqCst), 1);
    assert_eq!(RUNS.load(Ordering::SeqCst), 2);
    // SAFETY: reads the mask.
    let left = unsafe {
        let mut set = set_of(&[]);
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut set);
        libc::sigismember(&set, libc::SIGUSR1) + libc::sigismember(&set, libc::SIGUSR2)
    };
    assert_eq!(left, 0, "the mask came back");
}

// covers: sigaltstack
fn alternate_stack() {
    extern "C" fn where_am_i(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
        let here = 0_u8;
        ADDRESS.store(std::ptr::from_ref(&here).addr(), Ordering::SeqCst);
        // SAFETY: an all-zero stack_t is valid; reads it.
        unsafe {
            let mut now: libc::stack_t = std::mem::zeroed();
            libc::sigaltstack(std::ptr::null(), &mut now);
            CODE.store(now.ss_flags, Ordering::SeqCst);
            // It is in use: EPERM.
            SENDER.store(libc::sigaltstack(&now, std::ptr::null_mut()), Ordering::SeqCst);
        }
    }
    std::thread::spawn(|| {
        let mut stack = vec![0_u8; 65536];
        let place = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
        let mut before = place;
        // SAFETY: the stack outlives its use.
        unsafe { assert_eq!(libc::sigaltstack(&place, &mut before), 0) };
        handle(libc::SIGUSR1, SA_ONSTACK, where_am_i);
        raise(libc::SIGUSR1);
        let range = stack.as_ptr_range();
        let at = ADDRESS.load(Ordering::SeqCst);
        assert!(range.start.addr() < at && at < range.end.addr());
        assert_eq!(CODE.load(Ordering::SeqCst), libc::SS_ONSTACK);
        assert_eq!(SENDER.load(Ordering::SeqCst), -1);
        handle(libc::SIGUSR1, 0, where_am_i);
        raise(libc::SIGUSR1);
        let at = ADDRESS.load(Ordering::SeqCst);
        assert!(!(range.start.addr() < at && at < range.end.addr()));
        // SAFETY: back to what std gave the thread.
        unsafe { assert_eq!(libc::sigaltstack(&before, std::ptr::null_mut()), 0) };
    })
    .join()
    .unwrap();
}

fn fault_is_repaired() {
    extern "C" fn point_elsewhere(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        static VALUE: u64 = 0x1234_5678;
        // SAFETY: the kernel passes a siginfo and a ucontext.
        unsafe {
            ADDRESS.store((*info).si_addr().addr(), Ordering::SeqCst);
            CODE.store((*info).si_code, Ordering::SeqCst);
            let context: *mut libc::ucontext_t = context.cast();
            (*context).uc_mcontext.gregs[libc::REG_RSI as usize] = (&raw const VALUE) as i64;
        }
    }
    handle(libc::SIGSEGV, SA_ONSTACK, point_elsewhere);
    for _ in 0..100 {
        let value: u64;
        // SAFETY: the handler gives rsi an address that can be read.
        unsafe { std::arch::asm!("mov {}, [rsi]", out(reg) value, inout("rsi") 0x18_usize => _) };
        assert_eq!(value, 0x1234_5678);
    }
    assert_eq!((ADDRESS.load(Ordering::SeqCst), CODE.load(Ordering::SeqCst)), (0x18, 1), "SEGV_MAPERR");
    // SAFETY: a page of the case's own.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    // SAFETY: as above.
    unsafe { std::arch::asm!("mov {}, [rsi]", out(reg) _, inout("rsi") page => _) };
    assert_eq!(
        (ADDRESS.load(Ordering::SeqCst), CODE.load(Ordering::SeqCst)),
        (page.addr(), 2),
        "SEGV_ACCERR"
    );
}

fn fault_codes() {
    extern "C" fn skip(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        SIGNAL.store(signal, Ordering::SeqCst);
        // SAFETY: the kernel passes both; every faulting instruction below is two bytes long.
        unsafe {
            CODE.store((*info).si_code, Ordering::SeqCst);
            let context: *mut libc::ucontext_t = context.cast();
            (*context).uc_mcontext.gregs[libc::REG_RIP as usize] += 2;
        }
    }
    for signal in [libc::SIGFPE, libc::SIGILL, libc::SIGBUS] {
        handle(signal, 0, skip);
    }
    let seen = || (SIGNAL.load(Ordering::SeqCst), CODE.load(Ordering::SeqCst));
    // SAFETY: div ecx by zero: the handler steps over it.
    unsafe { std::arch::asm!("div ecx", in("ecx") 0, inout("eax") 1 => _, inout("edx") 0 => _) };
    assert_eq!(seen(), (libc::SIGFPE, 1));
    // SAFETY: ud2: the handler steps over it.
    unsafe { std::arch::asm!("ud2") };
    assert_eq!(seen(), (libc::SIGILL, 2));
    let file = abi_tests::Scratch::new("signal");
    let path = file.path("short");
    std::fs::write(&path, b"x").unwrap();
    let open = std::fs::File::open(&path).unwrap();
    // SAFETY: a map of the case's own, longer than its file.
    let map = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            8192,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            std::os::fd::AsRawFd::as_raw_fd(&open),
            0,
        )
    };
    // SAFETY: mov al, [rsi] is two bytes; the handler steps over it.
    unsafe { std::arch::asm!("mov al, [rsi]", in("rsi") map.byte_add(4096), out("al") _) };
    assert_eq!(seen(), (libc::SIGBUS, 2));
}

/// What the interrupted code has in vector registers comes back, whatever the handler does with them.
fn vectors_survive() {
    extern "C" fn spoil(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
        COUNT.fetch_add(1, Ordering::SeqCst);
        // SAFETY: changes registers that a handler may change.
        unsafe {
            std::arch::asm!(
                "pcmpeqb xmm0, xmm0", "pcmpeqb xmm7, xmm7", "pcmpeqb xmm15, xmm15",
                out("xmm0") _, out("xmm7") _, out("xmm15") _
            )
        };
    }
    handle(libc::SIGALRM, 0, spoil);
    COUNT.store(0, Ordering::SeqCst);
    let every = libc::timeval { tv_sec: 0, tv_usec: 1000 };
    let value = libc::itimerval { it_interval: every, it_value: every };
    assert_eq!(call(libc::SYS_setitimer, [0, (&raw const value) as usize, 0, 0, 0, 0]), Ok(0));
    let start = Instant::now();
    let mut rounds = 0_u64;
    while COUNT.load(Ordering::SeqCst) < 50 && start.elapsed() < Duration::from_secs(20) {
        let (mut a, mut b): (u64, u64) = (rounds, !rounds);
        // SAFETY: moves two words through vector registers, with time in between for a signal.
        unsafe {
            std::arch::asm!(
                "movq xmm0, {a}", "movq xmm15, {b}", "mov {n:e}, 2000",
                "2: dec {n:e}", "jnz 2b",
                "movq {a}, xmm0", "movq {b}, xmm15",
                a = inout(reg) a, b = inout(reg) b, n = out(reg) _, out("xmm0") _, out("xmm15") _
            )
        };
        assert_eq!((a, b), (rounds, !rounds));
        rounds += 1;
    }
    let off = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval { tv_sec: 0, tv_usec: 0 },
    };
    assert_eq!(call(libc::SYS_setitimer, [0, (&raw const off) as usize, 0, 0, 0, 0]), Ok(0));
    assert!(COUNT.load(Ordering::SeqCst) >= 50, "the timer went off {COUNT:?} times");
}

/// Sends `signal` to the thread `tid` again and again until told to stop.
fn pester<R>(signal: c_int, body: impl FnOnce() -> R) -> R {
    // SAFETY: always succeeds.
    let (pid, tid) = unsafe { (libc::getpid() as usize, libc::syscall(libc::SYS_gettid) as usize) };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            mask(libc::SIG_BLOCK, &[signal]);
            std::thread::sleep(Duration::from_millis(60));
            assert_eq!(call(libc::SYS_tgkill, [pid, tid, signal as usize, 0, 0, 0]), Ok(0));
        });
        body()
    })
}

fn interrupted_read() {
    for through_libc in [true, false] {
        let mut fds = [0; 2];
        // SAFETY: room for two numbers.
        unsafe { assert_eq!(libc::pipe(fds.as_mut_ptr()), 0) };
        let mut byte = 0_u8;
        let at = (&raw mut byte) as usize;
        let read = || -> Result<i64, i32> {
            if through_libc {
                // SAFETY: room for a byte.
                check(unsafe { libc::read(fds[0], at as *mut c_void, 1) } as i64)
            } else {
                match abi_tests::raw(libc::SYS_read, [fds[0] as usize, at, 1, 0, 0, 0]) {
                    answer @ 0.. => Ok(answer),
                    errno => Err(-errno as i32),
                }
            }
        };
        COUNT.store(0, Ordering::SeqCst);
        handle(libc::SIGUSR1, 0, count);
        assert_eq!(pester(libc::SIGUSR1, read), Err(EINTR));
        assert_eq!(COUNT.load(Ordering::SeqCst), 1);
        // With SA_RESTART it goes on and gets what is written later.
        handle(libc::SIGUSR1, SA_RESTART, count);
        let writer = std::thread::spawn(move || {
            mask(libc::SIG_BLOCK, &[libc::SIGUSR1]);
            std::thread::sleep(Duration::from_millis(300));
            // SAFETY: one byte.
            unsafe { libc::write(fds[1], c"x".as_ptr().cast(), 1) }
        });
        assert_eq!(pester(libc::SIGUSR1, read), Ok(1));
        assert_eq!(COUNT.load(Ordering::SeqCst), 2);
        assert_eq!((writer.join().unwrap(), byte), (1, b'x'));
        // SAFETY: the case's own.
        unsafe { (libc::close(fds[0]), libc::close(fds[1])) };
    }
}

/// Whether the thread `tid` of this process waits.
fn is_waiting(tid: usize) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat")).unwrap();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
}

/// A read that waits is interrupted by one signal, each time: whatever comes between its answer and the handler, the signal is not lost.
fn interrupted_every_time() {
    const ROUNDS: usize = 1000;
    let (mut fds, mut byte) = ([0; 2], 0_u8);
    // SAFETY: room for two numbers.
    unsafe { assert_eq!(libc::pipe(fds.as_mut_ptr()), 0) };
    handle(libc::SIGUSR1, 0, count);
    COUNT.store(0, Ordering::SeqCst);
    // SAFETY: always succeeds.
    let (pid, tid) = unsafe { (libc::getpid() as usize, libc::syscall(libc::SYS_gettid) as usize) };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            mask(libc::SIG_BLOCK, &[libc::SIGUSR1]);
            for round in 0..ROUNDS {
                while COUNT.load(Ordering::SeqCst) as usize != round || !is_waiting(tid) {
                    std::thread::yield_now();
                }
                assert_eq!(call(libc::SYS_tgkill, [pid, tid, libc::SIGUSR1 as usize, 0, 0, 0]), Ok(0));
            }
        });
        // Timer interrupts at any moment.
        scope.spawn(|| {
            mask(libc::SIG_BLOCK, &[libc::SIGUSR1]);
            while COUNT.load(Ordering::SeqCst) as usize != ROUNDS {
                std::thread::sleep(Duration::from_micros(20));
            }
        });
        for _ in 0..ROUNDS {
            // SAFETY: room for a byte.
            let answer = check(unsafe { libc::read(fds[0], (&raw mut byte).cast(), 1) } as i64);
            assert_eq!(answer, Err(EINTR));
        }
    });
    assert_eq!(COUNT.load(Ordering::SeqCst) as usize, ROUNDS);
    // SAFETY: the case's own.
    unsafe { (libc::close(fds[0]), libc::close(fds[1])) };
}

// covers: nanosleep
fn interrupted_sleep() {
    handle(libc::SIGUSR1, SA_RESTART, count);
    let request = libc::timespec { tv_sec: 30, tv_nsec: 0 };
    let mut left = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let at = (&raw mut left) as usize;
    let answer =
        pester(libc::SIGUSR1, || call(libc::SYS_nanosleep, [(&raw const request) as usize, at, 0, 0, 0, 0]));
    assert_eq!(answer, Err(EINTR));
    assert!(left.tv_sec >= 20 && left.tv_sec < 30);
}

fn interrupted_futex() {
    handle(libc::SIGUSR1, 0, count);
    let word = AtomicU32::new(1);
    let answer = pester(libc::SIGUSR1, || {
        call(libc::SYS_futex, [word.as_ptr() as usize, libc::FUTEX_WAIT as usize, 1, 0, 0, 0])
    });
    assert_eq!(answer, Err(EINTR));
}

// covers: ppoll
fn poll_with_mask() {
    handle(libc::SIGUSR1, 0, count);
    COUNT.store(0, Ordering::SeqCst);
    mask(libc::SIG_BLOCK, &[libc::SIGUSR1]);
    raise(libc::SIGUSR1);
    assert_eq!(COUNT.load(Ordering::SeqCst), 0);
    // Pending: unblocked for the wait alone.
    let timeout = libc::timespec { tv_sec: 20, tv_nsec: 0 };
    // SAFETY: no descriptors, a valid time and set.
    let answer = check(unsafe { libc::ppoll(std::ptr::null_mut(), 0, &timeout, &set_of(&[])) });
    assert_eq!(answer, Err(EINTR));
    assert_eq!(COUNT.load(Ordering::SeqCst), 1);
    raise(libc::SIGUSR1);
    assert_eq!(COUNT.load(Ordering::SeqCst), 1, "blocked again");
    mask(libc::SIG_UNBLOCK, &[libc::SIGUSR1]);
    assert_eq!(COUNT.load(Ordering::SeqCst), 2);
}

// covers: rt_sigsuspend
fn suspend() {
    handle(libc::SIGUSR1, 0, count);
    COUNT.store(0, Ordering::SeqCst);
    mask(libc::SIG_BLOCK, &[libc::SIGUSR1]);
    // SAFETY: a valid set.
    let answer = pester(libc::SIGUSR1, || check(unsafe { libc::sigsuspend(&set_of(&[])) }));
    assert_eq!((answer, COUNT.load(Ordering::SeqCst)), (Err(EINTR), 1));
    raise(libc::SIGUSR1);
    assert_eq!(COUNT.load(Ordering::SeqCst), 1);
    mask(libc::SIG_UNBLOCK, &[libc::SIGUSR1]);
    assert_eq!(COUNT.load(Ordering::SeqCst), 2);
}

// covers: rt_sigtimedwait
fn wait_for_signals() {
    let signals = [libc::SIGUSR2, libc::SIGHUP];
    mask(libc::SIG_BLOCK, &signals);
    let set = set_of(&signals);
    let wait = |ms: i64| {
        let timeout = libc::timespec { tv_sec: 0, tv_nsec: ms * 1_000_000 };
        // SAFETY: an all-zero siginfo is valid; the pointers are.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            check(libc::sigtimedwait(&set, &mut info, &timeout)).map(|signal| (signal, info.si_signo))
        }
    };
    assert_eq!(wait(10), Err(EAGAIN));
    raise(libc::SIGUSR2);
    assert_eq!(wait(0), Ok((libc::SIGUSR2, libc::SIGUSR2)));
    assert_eq!(pester(libc::SIGHUP, || wait(900)), Ok((libc::SIGHUP, libc::SIGHUP)));
    mask(libc::SIG_UNBLOCK, &signals);
}

// covers: rt_sigqueueinfo, rt_tgsigqueueinfo
fn queued_in_order() {
    static SUM: AtomicU64 = AtomicU64::new(0);
    extern "C" fn append(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: a queued signal has a value.
        let value = unsafe { (*info).si_value().sival_ptr.addr() } as u64;
        SUM.store(SUM.load(Ordering::SeqCst) * 10 + value, Ordering::SeqCst);
    }
    // musl and glibc keep the first ones for themselves.
    let signal = libc::SIGRTMIN() + 2;
    handle(signal, 0, append);
    mask(libc::SIG_BLOCK, &[signal]);
    for value in 1..=4_usize {
        let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(value) };
        // SAFETY: to this process.
        assert_eq!(unsafe { libc::sigqueue(libc::getpid(), signal, value) }, 0);
    }
    assert_eq!(SUM.load(Ordering::SeqCst), 0);
    mask(libc::SIG_UNBLOCK, &[signal]);
    assert_eq!(SUM.load(Ordering::SeqCst), 1234);
    let wrong = 99_999_999_usize;
    // SAFETY: an all-zero siginfo is valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let at = (&raw mut info) as usize;
    // SAFETY: always succeeds.
    let pid = unsafe { libc::getpid() } as usize;
    assert_eq!(
        call(libc::SYS_rt_tgsigqueueinfo, [pid, wrong, signal as usize, at, 0, 0]),
        Err(libc::EPERM),
        "only a thread itself may say SI_USER"
    );
    info.si_code = libc::SI_QUEUE;
    std::hint::black_box(&info);
    assert_eq!(call(libc::SYS_rt_tgsigqueueinfo, [pid, wrong, signal as usize, at, 0, 0]), Err(ESRCH));
    assert_eq!(call(libc::SYS_rt_tgsigqueueinfo, [pid, 0, signal as usize, at, 0, 0]), Err(EINVAL));
}

// covers: tgkill
fn thread_is_interrupted() {
    static WHO: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn note(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: always succeeds.
        WHO.store(unsafe { libc::syscall(libc::SYS_gettid) } as usize, Ordering::SeqCst);
    }
    handle(libc::SIGUSR2, 0, note);
    let tid = std::sync::Arc::new(AtomicUsize::new(0));
    let theirs = std::sync::Arc::clone(&tid);
    // It never enters the kernel by itself.
    let spinner = std::thread::spawn(move || {
        // SAFETY: always succeeds.
        theirs.store(unsafe { libc::syscall(libc::SYS_gettid) } as usize, Ordering::SeqCst);
        while WHO.load(Ordering::SeqCst) == 0 {
            std::hint::spin_loop();
        }
    });
    while tid.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    // SAFETY: always succeeds.
    let pid = unsafe { libc::getpid() } as usize;
    let words = [pid, tid.load(Ordering::SeqCst), libc::SIGUSR2 as usize, 0, 0, 0];
    assert_eq!(call(libc::SYS_tgkill, words), Ok(0));
    spinner.join().unwrap();
    assert_eq!(WHO.load(Ordering::SeqCst), tid.load(Ordering::SeqCst));
}

fn once_and_nested() {
    static DEPTH: AtomicU32 = AtomicU32::new(0);
    extern "C" fn deeper(signal: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
        if DEPTH.fetch_add(1, Ordering::SeqCst) < 3 {
            raise(signal);
        }
    }
    handle(libc::SIGUSR1, SA_NODEFER, deeper);
    raise(libc::SIGUSR1);
    assert_eq!(DEPTH.load(Ordering::SeqCst), 4);
    handle(libc::SIGURG, SA_RESETHAND, count);
    COUNT.store(0, Ordering::SeqCst);
    raise(libc::SIGURG);
    // The default, to ignore it, is back.
    raise(libc::SIGURG);
    assert_eq!(COUNT.load(Ordering::SeqCst), 1);
}

// covers: pause
fn pause_ends() {
    handle(libc::SIGUSR1, SA_RESTART, count);
    // SAFETY: waits for a signal.
    assert_eq!(pester(libc::SIGUSR1, || check(unsafe { libc::pause() })), Err(EINTR));
}

/// A signal for the process goes to a thread that does not block it, even if that one sleeps.
fn one_thread_takes_it() {
    static TAKER: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn note(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: always succeeds.
        TAKER.store(unsafe { libc::syscall(libc::SYS_gettid) } as usize, Ordering::SeqCst);
    }
    handle(libc::SIGUSR1, 0, note);
    mask(libc::SIG_BLOCK, &[libc::SIGUSR1]);
    let sleeper = std::thread::spawn(|| {
        mask(libc::SIG_UNBLOCK, &[libc::SIGUSR1]);
        let start = Instant::now();
        while TAKER.load(Ordering::SeqCst) == 0 && start.elapsed() < Duration::from_secs(20) {
            // SAFETY: a valid time.
            unsafe { libc::usleep(1_000_000) };
        }
        // SAFETY: always succeeds.
        unsafe { libc::syscall(libc::SYS_gettid) as usize }
    });
    std::thread::sleep(Duration::from_millis(50));
    kill(libc::SIGUSR1);
    assert_eq!(sleeper.join().unwrap(), TAKER.load(Ordering::SeqCst));
    mask(libc::SIG_UNBLOCK, &[libc::SIGUSR1]);
}
