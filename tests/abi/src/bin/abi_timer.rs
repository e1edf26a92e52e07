//! Timers that send signals: setitimer, alarm, timer_create and relatives.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use abi_tests::{call, cases, handle};
use libc::{EINVAL, SA_RESTART};

cases! { interval_timer, posix_timers, one_signal_at_a_time, timer_refusals }

static COUNT: AtomicU32 = AtomicU32::new(0);
static CODE: AtomicI32 = AtomicI32::new(0);

extern "C" fn count(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    COUNT.fetch_add(1, Ordering::SeqCst);
}

// covers: setitimer, getitimer, alarm
fn interval_timer() {
    handle(libc::SIGALRM, SA_RESTART, count);
    COUNT.store(0, Ordering::SeqCst);
    let ms = |ms: i64| libc::timeval { tv_sec: 0, tv_usec: ms * 1000 };
    let set = |value: libc::itimerval| {
        let mut old = libc::itimerval { it_interval: ms(0), it_value: ms(0) };
        let words = [0, (&raw const value) as usize, (&raw mut old) as usize, 0, 0, 0];
        assert_eq!(call(libc::SYS_setitimer, words), Ok(0));
        old
    };
    set(libc::itimerval { it_interval: ms(5), it_value: ms(20) });
    let start = Instant::now();
    while COUNT.load(Ordering::SeqCst) < 5 && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(COUNT.load(Ordering::SeqCst) >= 5);
    let old = set(libc::itimerval { it_interval: ms(0), it_value: ms(0) });
    assert_eq!(old.it_interval.tv_usec, 5000);
    let mut now = old;
    assert_eq!(call(libc::SYS_getitimer, [0, (&raw mut now) as usize, 0, 0, 0, 0]), Ok(0));
    assert_eq!((now.it_value.tv_sec, now.it_value.tv_usec), (0, 0));
    assert_eq!(call(libc::SYS_getitimer, [9, (&raw mut now) as usize, 0, 0, 0, 0]), Err(EINVAL));
    // SAFETY: sets and takes back.
    unsafe {
        assert_eq!(libc::alarm(1000), 0);
        let left = libc::alarm(0);
        assert!((990..=1000).contains(&left), "{left} s left");
        assert_eq!(libc::alarm(0), 0);
    }
}

// covers: timer_create, timer_settime, timer_gettime, timer_getoverrun, timer_delete
fn posix_timers() {
    static VALUE: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn value(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: a timer's signal has a value.
        VALUE.store(unsafe { (*info).si_value().sival_ptr.addr() }, Ordering::SeqCst);
        // SAFETY: as above.
        CODE.store(unsafe { (*info).si_code }, Ordering::SeqCst);
        COUNT.fetch_add(1, Ordering::SeqCst);
    }
    handle(libc::SIGUSR1, 0, value);
    COUNT.store(0, Ordering::SeqCst);
    // SAFETY: an all-zero sigevent is valid.
    let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
    event.sigev_value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(77) };
    event.sigev_signo = libc::SIGUSR1;
    // SIGEV_THREAD_ID: this thread.
    event.sigev_notify = 4;
    // SAFETY: always succeeds.
    event.sigev_notify_thread_id = unsafe { libc::syscall(libc::SYS_gettid) } as c_int;
    let mut id = -1_i32;
    let clock = libc::CLOCK_MONOTONIC as usize;
    let words = [clock, (&raw const event) as usize, (&raw mut id) as usize, 0, 0, 0];
    assert_eq!(call(libc::SYS_timer_create, words), Ok(0));
    let time = |ns: i64| libc::timespec { tv_sec: 0, tv_nsec: ns };
    let set = libc::itimerspec { it_interval: time(0), it_value: time(20_000_000) };
    assert_eq!(call(libc::SYS_timer_settime, [id as usize, 0, (&raw const set) as usize, 0, 0, 0]), Ok(0));
    let start = Instant::now();
    while COUNT.load(Ordering::SeqCst) == 0 && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(
        (COUNT.load(Ordering::SeqCst), VALUE.load(Ordering::SeqCst), CODE.load(Ordering::SeqCst)),
        (1, 77, libc::SI_TIMER)
    );
    let mut left = set;
    assert_eq!(call(libc::SYS_timer_gettime, [id as usize, (&raw mut left) as usize, 0, 0, 0, 0]), Ok(0));
    assert_eq!(left.it_value.tv_nsec, 0);
    assert_eq!(call(libc::SYS_timer_getoverrun, [id as usize, 0, 0, 0, 0, 0]), Ok(0));
    // A point in the past: at once.
    let past = libc::itimerspec { it_interval: time(0), it_value: time(1) };
    assert_eq!(call(libc::SYS_timer_settime, [id as usize, 1, (&raw const past) as usize, 0, 0, 0]), Ok(0));
    while COUNT.load(Ordering::SeqCst) < 2 && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(COUNT.load(Ordering::SeqCst), 2);
    assert_eq!(call(libc::SYS_timer_delete, [id as usize, 0, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_timer_delete, [id as usize, 0, 0, 0, 0, 0]), Err(EINVAL));
}

/// A timer whose signal is blocked goes off many times: one signal waits, and counts the others (timer_getoverrun(2)).
fn one_signal_at_a_time() {
    for signal in [libc::SIGRTMIN() + 2, libc::SIGUSR2] {
        // SAFETY: an all-zero set is filled in below; an all-zero sigevent and siginfo are valid.
        let (mut set, mut event, mut info): (libc::sigset_t, libc::sigevent, libc::siginfo_t) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        // SAFETY: the set is here.
        unsafe { libc::sigaddset(&mut set, signal) };
        // SAFETY: as above; the old mask is not asked for.
        assert_eq!(unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) }, 0);
        event.sigev_signo = signal;
        let mut id = -1_i32;
        let clock = libc::CLOCK_MONOTONIC as usize;
        let words = [clock, (&raw const event) as usize, (&raw mut id) as usize, 0, 0, 0];
        assert_eq!(call(libc::SYS_timer_create, words), Ok(0));
        let overruns = || call(libc::SYS_timer_getoverrun, [id as usize, 0, 0, 0, 0, 0]).unwrap();
        let time = |ms: i64| libc::timespec { tv_sec: 0, tv_nsec: ms * 1_000_000 };
        let set_to = |first, period| {
            let set = libc::itimerspec { it_interval: time(period), it_value: time(first) };
            call(libc::SYS_timer_settime, [id as usize, 0, (&raw const set) as usize, 0, 0, 0])
        };
        let mut take = || {
            // SAFETY: set, information and time are here.
            let taken = unsafe { libc::sigtimedwait(&set, &mut info, &time(0)) };
            (taken == signal).then_some(info)
        };
        assert_eq!(set_to(1, 5), Ok(0));
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(overruns(), 0, "before one is taken");
        let first = take().expect("one waits");
        assert_eq!(first.si_code, libc::SI_TIMER);
        // SAFETY: a timer's signal has this field.
        assert_eq!(i64::from(unsafe { first.si_overrun() }), overruns());
        assert!((10..1000).contains(&overruns()), "{} besides the first in 100 ms", overruns());
        assert_eq!(set_to(0, 0), Ok(0));
        while take().is_some() {}
        // Once more, alone.
        assert_eq!(set_to(1, 0), Ok(0));
        std::thread::sleep(Duration::from_millis(20));
        assert!(take().is_some() && take().is_none());
        assert_eq!(overruns(), 0);
        assert_eq!(call(libc::SYS_timer_delete, [id as usize, 0, 0, 0, 0, 0]), Ok(0));
    }
}

fn timer_refusals() {
    let mut id = -1_i32;
    let at = (&raw mut id) as usize;
    assert_eq!(call(libc::SYS_timer_create, [99, 0, at, 0, 0, 0]), Err(EINVAL));
    let bad = libc::itimerspec {
        it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: libc::timespec { tv_sec: 0, tv_nsec: 2_000_000_000 },
    };
    assert_eq!(call(libc::SYS_timer_create, [libc::CLOCK_REALTIME as usize, 0, at, 0, 0, 0]), Ok(0));
    let words = [id as usize, 0, (&raw const bad) as usize, 0, 0, 0];
    assert_eq!(call(libc::SYS_timer_settime, words), Err(EINVAL));
    assert_eq!(call(libc::SYS_timer_delete, [id as usize, 0, 0, 0, 0, 0]), Ok(0));
}
