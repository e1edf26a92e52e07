//! Counters, timers and signals that are descriptors: eventfd, timerfd, signalfd.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::ptr::{null, null_mut};
use std::thread;
use std::time::{Duration, Instant};

use abi_tests::{Fd, call, cases, check};
use libc::{EAGAIN, EBADF, EFAULT, EINVAL, ESPIPE, POLLIN, POLLOUT, c_int};

cases! {
    counter_adds_up, counter_counts_down, counter_is_full, counter_sizes, counter_wakes_reader, counter_wakes_writer,
    counter_polls, counter_flags, names_and_kinds, timer_once, timer_again_and_again, timer_at_a_time, timer_in_the_past,
    timer_settings, timer_wakes, timer_refusals, timer_is_stopped, timer_set_anew_while_awaited, signal_is_read,
    signals_in_order, signal_with_value, signal_of_another_thread, signal_wakes, signal_set_changes, signal_refusals,
    signals_bad_memory,
}

fn eventfd(initial: u32, flags: c_int) -> Fd {
    // SAFETY: takes two numbers.
    Fd(check(unsafe { libc::eventfd(initial, flags) }).unwrap())
}

fn read_number(fd: &Fd) -> Result<u64, i32> {
    let mut number = 0u64;
    // SAFETY: room for the number.
    let count = check(unsafe { libc::read(fd.0, (&raw mut number).cast(), 8) })?;
    assert_eq!(count, 8);
    Ok(number)
}

fn write_number(fd: &Fd, number: u64) -> Result<isize, i32> {
    // SAFETY: the number's bytes.
    check(unsafe { libc::write(fd.0, (&raw const number).cast(), 8) })
}

fn poll(fd: &Fd, events: i16, timeout: i32) -> i16 {
    let mut entry = libc::pollfd { fd: fd.0, events, revents: 0 };
    // SAFETY: one entry.
    unsafe { libc::poll(&mut entry, 1, timeout) };
    entry.revents
}

// covers: eventfd
// covers: eventfd2
fn counter_adds_up() {
    let fd = eventfd(3, 0);
    assert_eq!(write_number(&fd, 4), Ok(8));
    assert_eq!(read_number(&fd), Ok(7));
    let plain = call(libc::SYS_eventfd, [5, 0x80800, 0, 0, 0, 0]).unwrap();
    let plain = Fd(i32::try_from(plain).unwrap());
    assert_eq!(read_number(&plain), Ok(5));
    // SAFETY: asks for flags.
    assert_eq!(unsafe { libc::fcntl(plain.0, libc::F_GETFL) } & libc::O_NONBLOCK, 0, "it has no flags");
}

fn counter_counts_down() {
    let fd = eventfd(2, libc::EFD_SEMAPHORE | libc::EFD_NONBLOCK);
    assert_eq!(read_number(&fd), Ok(1));
    assert_eq!(read_number(&fd), Ok(1));
    assert_eq!(read_number(&fd), Err(EAGAIN));
}

fn counter_is_full() {
    let fd = eventfd(0, libc::EFD_NONBLOCK);
    assert_eq!(write_number(&fd, u64::MAX), Err(EINVAL));
    assert_eq!(write_number(&fd, u64::MAX - 1), Ok(8));
    assert_eq!(write_number(&fd, 1), Err(EAGAIN));
    assert_eq!(write_number(&fd, 0), Ok(8));
    assert_eq!(poll(&fd, POLLIN | POLLOUT, 0), POLLIN);
    assert_eq!(read_number(&fd), Ok(u64::MAX - 1));
    assert_eq!(poll(&fd, POLLIN | POLLOUT, 0), POLLOUT);
}

fn counter_sizes() {
    let fd = eventfd(1, libc::EFD_NONBLOCK);
    let mut bytes = [0u8; 64];
    // SAFETY: the buffer is as long as is said.
    unsafe {
        assert_eq!(check(libc::read(fd.0, bytes.as_mut_ptr().cast(), 7)), Err(EINVAL));
        assert_eq!(check(libc::write(fd.0, bytes.as_ptr().cast(), 7)), Err(EINVAL));
        assert_eq!(check(libc::read(fd.0, bytes.as_mut_ptr().cast(), 64)), Ok(8));
        assert_eq!(check(libc::read(fd.0, bytes.as_mut_ptr().cast(), 0)), Err(EINVAL));
        assert_eq!(check(libc::pread(fd.0, bytes.as_mut_ptr().cast(), 8, 0)), Err(ESPIPE));
        assert_eq!(check(libc::lseek(fd.0, 5, libc::SEEK_SET)), Ok(0));
        write_number(&fd, 9).unwrap();
        assert_eq!(check(libc::read(fd.0, 8 as *mut _, 8)), Err(EFAULT));
    }
}

fn counter_wakes_reader() {
    for round in 1..30 {
        let fd = eventfd(0, 0);
        thread::scope(|scope| {
            scope.spawn(|| write_number(&fd, round).unwrap());
            assert_eq!(read_number(&fd), Ok(round));
        });
    }
}

fn counter_wakes_writer() {
    let fd = eventfd(0, 0);
    write_number(&fd, u64::MAX - 1).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(write_number(&fd, 5), Ok(8)));
        thread::sleep(Duration::from_millis(20));
        assert_eq!(read_number(&fd), Ok(u64::MAX - 1));
    });
    assert_eq!(read_number(&fd), Ok(5));
}

fn counter_polls() {
    let fd = eventfd(0, 0);
    assert_eq!(poll(&fd, POLLIN, 10), 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(10));
            write_number(&fd, 1).unwrap();
        });
        assert_eq!(poll(&fd, POLLIN, 10_000), POLLIN);
    });
}

fn counter_flags() {
    let fd = eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
    // SAFETY: asks for flags.
    unsafe {
        assert_eq!(libc::fcntl(fd.0, libc::F_GETFD), libc::FD_CLOEXEC);
        assert_eq!(libc::fcntl(fd.0, libc::F_GETFL), libc::O_RDWR | libc::O_NONBLOCK);
        assert_eq!(check(libc::eventfd(0, 2)), Err(EINVAL));
    }
}

fn timerfd(clock: c_int, flags: c_int) -> Fd {
    // SAFETY: takes two numbers.
    Fd(check(unsafe { libc::timerfd_create(clock, flags) }).unwrap())
}

fn time(ns: i64) -> libc::timespec {
    libc::timespec { tv_sec: ns / 1_000_000_000, tv_nsec: ns % 1_000_000_000 }
}

fn in_ns(time: libc::timespec) -> i64 {
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

const MS: i64 = 1_000_000;

/// Sets a timer; answers its setting from before: what was left, and the period.
fn set(fd: &Fd, flags: c_int, value_ns: i64, period_ns: i64) -> Result<(i64, i64), i32> {
    let new = libc::itimerspec { it_interval: time(period_ns), it_value: time(value_ns) };
    let mut old = libc::itimerspec { it_interval: time(7), it_value: time(7) };
    // SAFETY: two structures.
    check(unsafe { libc::timerfd_settime(fd.0, flags, &new, &mut old) })?;
    Ok((in_ns(old.it_value), in_ns(old.it_interval)))
}

fn setting(fd: &Fd) -> Result<(i64, i64), i32> {
    let mut now = libc::itimerspec { it_interval: time(7), it_value: time(7) };
    // SAFETY: a structure.
    check(unsafe { libc::timerfd_gettime(fd.0, &mut now) })?;
    Ok((in_ns(now.it_value), in_ns(now.it_interval)))
}

fn clock(clock: c_int) -> i64 {
    let mut now = time(0);
    // SAFETY: a structure.
    unsafe { libc::clock_gettime(clock, &mut now) };
    in_ns(now)
}

fn names_and_kinds() {
    let mut set = empty_set();
    let epoll = Fd(check(unsafe_epoll()).unwrap());
    // SAFETY: a set.
    unsafe { libc::sigaddset(&mut set, libc::SIGUSR1) };
    let objects = [
        (eventfd(0, 0), "anon_inode:[eventfd]"),
        (timerfd(libc::CLOCK_MONOTONIC, 0), "anon_inode:[timerfd]"),
        (signalfd(-1, &set, 0).unwrap(), "anon_inode:[signalfd]"),
        (epoll, "anon_inode:[eventpoll]"),
    ];
    for (fd, name) in objects {
        let path = format!("/proc/self/fd/{}", fd.0);
        assert_eq!(std::fs::read_link(&path).unwrap().to_str(), Some(name));
        // SAFETY: all-zero structures to be filled.
        let (stat, system) = unsafe {
            let (mut stat, mut system) =
                (std::mem::zeroed::<libc::stat>(), std::mem::zeroed::<libc::statfs>());
            assert_eq!(libc::fstat(fd.0, &mut stat), 0);
            assert_eq!(libc::fstatfs(fd.0, &mut system), 0);
            (stat, system)
        };
        assert_eq!((stat.st_mode, stat.st_nlink, stat.st_size), (0o600, 1, 0), "{name}");
        assert_eq!(system.f_type, 0x0904_1934, "{name}");
    }
}

fn unsafe_epoll() -> c_int {
    // SAFETY: takes a number.
    unsafe { libc::epoll_create1(0) }
}

// covers: timerfd_create
// covers: timerfd_settime
fn timer_once() {
    for kind in [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME, libc::CLOCK_BOOTTIME] {
        let fd = timerfd(kind, 0);
        let start = Instant::now();
        assert_eq!(set(&fd, 0, 20 * MS, 0), Ok((0, 0)));
        assert_eq!(read_number(&fd), Ok(1));
        assert!(start.elapsed() >= Duration::from_millis(20));
        assert_eq!(setting(&fd), Ok((0, 0)));
    }
}

fn timer_again_and_again() {
    let fd = timerfd(libc::CLOCK_MONOTONIC, 0);
    set(&fd, 0, 10 * MS, 10 * MS).unwrap();
    thread::sleep(Duration::from_millis(55));
    let count = read_number(&fd).unwrap();
    assert!(count >= 5, "{count}");
    let start = Instant::now();
    let more: u64 = (0..3).map(|_| read_number(&fd).unwrap()).sum();
    assert!(more >= 3 && start.elapsed() >= Duration::from_millis(15));
}

fn timer_at_a_time() {
    for kind in [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME] {
        let fd = timerfd(kind, 0);
        let at = clock(kind) + 20 * MS;
        set(&fd, libc::TFD_TIMER_ABSTIME, at, 0).unwrap();
        assert_eq!(read_number(&fd), Ok(1));
        assert!(clock(kind) >= at);
    }
    let fd = timerfd(libc::CLOCK_REALTIME, 0);
    let flags = libc::TFD_TIMER_ABSTIME | libc::TFD_TIMER_CANCEL_ON_SET;
    set(&fd, flags, clock(libc::CLOCK_REALTIME) + MS, 0).unwrap();
    assert_eq!(read_number(&fd), Ok(1));
}

fn timer_in_the_past() {
    let fd = timerfd(libc::CLOCK_REALTIME, libc::TFD_NONBLOCK);
    let period = 3600 * 1_000_000_000;
    set(&fd, libc::TFD_TIMER_ABSTIME, clock(libc::CLOCK_REALTIME) - 10 * period - period / 2, period)
        .unwrap();
    assert_eq!(poll(&fd, POLLIN, 1000), POLLIN);
    assert_eq!(read_number(&fd), Ok(11), "all that were missed");
    assert_eq!(read_number(&fd), Err(EAGAIN));
    let (left, _) = setting(&fd).unwrap();
    assert!(left > 0 && left <= period / 2, "{left}");
}

// covers: timerfd_gettime
fn timer_settings() {
    let fd = timerfd(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK);
    assert_eq!(setting(&fd), Ok((0, 0)));
    set(&fd, 0, 1000 * MS, 300 * MS).unwrap();
    let (left, period) = setting(&fd).unwrap();
    assert!(left > 0 && left <= 1000 * MS && period == 300 * MS);
    let (left, period) = set(&fd, 0, MS, 0).unwrap();
    assert!(left > 0 && left <= 1000 * MS && period == 300 * MS);
    thread::sleep(Duration::from_millis(3));
    assert_eq!(setting(&fd), Ok((0, 0)), "it went off");
    assert_eq!(read_number(&fd), Ok(1));
    set(&fd, 0, 0, 5 * MS).unwrap();
    assert_eq!(setting(&fd), Ok((0, 5 * MS)), "it is stopped; the period is kept");
    set(&fd, 0, MS, 0).unwrap();
    thread::sleep(Duration::from_millis(3));
    set(&fd, 0, 1000 * MS, 0).unwrap();
    assert_eq!(read_number(&fd), Err(EAGAIN), "what was counted is forgotten");
    // SAFETY: the old setting may be left out.
    unsafe {
        let new = libc::itimerspec { it_interval: time(0), it_value: time(0) };
        assert_eq!(libc::timerfd_settime(fd.0, 0, &new, null_mut()), 0);
    }
}

fn timer_wakes() {
    let fd = timerfd(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK);
    assert_eq!(read_number(&fd), Err(EAGAIN));
    set(&fd, 0, 15 * MS, 15 * MS).unwrap();
    for _ in 0..4 {
        let start = Instant::now();
        assert_eq!(poll(&fd, POLLIN, 10_000), POLLIN);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(read_number(&fd).unwrap() >= 1);
        assert_eq!(poll(&fd, POLLIN, 0), 0);
    }
}

fn timer_refusals() {
    let fd = timerfd(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC);
    let counter = eventfd(0, 0);
    // SAFETY: numbers, buffers as long as is said, wild pointers on purpose.
    unsafe {
        assert_eq!(libc::fcntl(fd.0, libc::F_GETFD), libc::FD_CLOEXEC);
        assert_eq!(check(libc::timerfd_create(libc::CLOCK_PROCESS_CPUTIME_ID, 0)), Err(EINVAL));
        assert_eq!(check(libc::timerfd_create(libc::CLOCK_MONOTONIC, 1)), Err(EINVAL));
        let mut bytes = [0u8; 8];
        assert_eq!(check(libc::read(fd.0, bytes.as_mut_ptr().cast(), 7)), Err(EINVAL));
        assert_eq!(check(libc::write(fd.0, bytes.as_ptr().cast(), 8)), Err(EINVAL));
    }
    assert_eq!(set(&fd, 4, MS, 0), Err(EINVAL));
    assert_eq!(set(&fd, 0, -1, 0), Err(EINVAL));
    assert_eq!(set(&counter, 0, MS, 0), Err(EINVAL));
    assert_eq!(setting(&counter), Err(EINVAL));
    assert_eq!(set(&Fd(-1), 0, MS, 0), Err(EBADF));
    assert_eq!(call(libc::SYS_timerfd_settime, [fd.0.cast_unsigned() as usize, 0, 8, 0, 0, 0]), Err(EFAULT));
    assert_eq!(call(libc::SYS_timerfd_gettime, [fd.0.cast_unsigned() as usize, 8, 0, 0, 0, 0]), Err(EFAULT));
}

fn timer_is_stopped() {
    let fd = timerfd(libc::CLOCK_MONOTONIC, 0);
    set(&fd, 0, 30 * MS, 0).unwrap();
    set(&fd, 0, 0, 0).unwrap();
    assert_eq!(poll(&fd, POLLIN, 60), 0);
}

fn timer_set_anew_while_awaited() {
    let fd = timerfd(libc::CLOCK_MONOTONIC, 0);
    set(&fd, 0, 3600 * 1000 * MS, 0).unwrap();
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_number(&fd));
        thread::sleep(Duration::from_millis(20));
        set(&fd, 0, 10 * MS, 0).unwrap();
        assert_eq!(reader.join().unwrap(), Ok(1));
    });
}

fn empty_set() -> libc::sigset_t {
    // SAFETY: an all-zero set is valid and empty.
    unsafe { std::mem::zeroed() }
}

/// Blocks these signals in the calling thread; the set of them.
fn blocked(signals: &[c_int]) -> libc::sigset_t {
    let mut set = empty_set();
    for &signal in signals {
        // SAFETY: a set.
        unsafe { libc::sigaddset(&mut set, signal) };
    }
    // SAFETY: two sets, one of them left out.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, null_mut()) };
    set
}

fn signalfd(fd: c_int, set: &libc::sigset_t, flags: c_int) -> Result<Fd, i32> {
    // SAFETY: a set.
    check(unsafe { libc::signalfd(fd, set, flags) }).map(Fd)
}

fn read_signals(fd: &Fd, most: usize) -> Result<Vec<libc::signalfd_siginfo>, i32> {
    // SAFETY: all-zero structures are valid, and there is room for as many as is said.
    unsafe {
        let mut signals = vec![std::mem::zeroed::<libc::signalfd_siginfo>(); most];
        let count = check(libc::read(fd.0, signals.as_mut_ptr().cast(), most * 128))?;
        assert_eq!(count % 128, 0);
        signals.truncate(count.cast_unsigned() / 128);
        Ok(signals)
    }
}

// covers: signalfd
// covers: signalfd4
fn signal_is_read() {
    let set = blocked(&[libc::SIGUSR1]);
    let fd = signalfd(-1, &set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC).unwrap();
    assert_eq!(read_signals(&fd, 1).map(|_| ()), Err(EAGAIN));
    assert_eq!(poll(&fd, POLLIN | POLLOUT, 0), 0);
    // SAFETY: a blocked signal for this process.
    unsafe { libc::kill(libc::getpid(), libc::SIGUSR1) };
    assert_eq!(poll(&fd, POLLIN | POLLOUT, 0), POLLIN);
    let signals = read_signals(&fd, 4).unwrap();
    let [signal] = signals[..] else { panic!("{} signals", signals.len()) };
    assert_eq!(signal.ssi_signo.cast_signed(), libc::SIGUSR1);
    // SAFETY: asks for numbers.
    unsafe {
        assert_eq!((signal.ssi_code, signal.ssi_pid), (libc::SI_USER, libc::getpid().cast_unsigned()));
        assert_eq!(signal.ssi_uid, libc::getuid());
    }
    assert_eq!(read_signals(&fd, 1).map(|_| ()), Err(EAGAIN));
    let plain = call(libc::SYS_signalfd, [usize::MAX, (&raw const set).addr(), 8, 0, 0, 0]).unwrap();
    drop(Fd(i32::try_from(plain).unwrap()));
}

fn signals_in_order() {
    let set = blocked(&[libc::SIGUSR1, libc::SIGUSR2, libc::SIGHUP]);
    let fd = signalfd(-1, &set, libc::SFD_NONBLOCK).unwrap();
    // SAFETY: blocked signals for this process and this thread.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGUSR2);
        libc::kill(libc::getpid(), libc::SIGHUP);
        libc::kill(libc::getpid(), libc::SIGHUP);
        libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1);
    }
    let numbers = |signals: Vec<libc::signalfd_siginfo>| -> Vec<i32> {
        signals.iter().map(|signal| signal.ssi_signo.cast_signed()).collect()
    };
    assert_eq!(read_signals(&fd, 2).map(numbers), Ok(vec![libc::SIGUSR1, libc::SIGHUP]));
    assert_eq!(read_signals(&fd, 9).map(numbers), Ok(vec![libc::SIGUSR2]));
}

fn signal_with_value() {
    let set = blocked(&[libc::SIGRTMIN() + 3]);
    let fd = signalfd(-1, &set, 0).unwrap();
    for number in [5usize, 6] {
        let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(number) };
        // SAFETY: a blocked signal for this process.
        assert_eq!(unsafe { libc::sigqueue(libc::getpid(), libc::SIGRTMIN() + 3, value) }, 0);
    }
    let signals = read_signals(&fd, 5).unwrap();
    let values: Vec<_> =
        signals.iter().map(|signal| (signal.ssi_code, signal.ssi_int, signal.ssi_ptr)).collect();
    assert_eq!(values, [(libc::SI_QUEUE, 5, 5), (libc::SI_QUEUE, 6, 6)]);
}

fn signal_of_another_thread() {
    let set = blocked(&[libc::SIGUSR2]);
    let fd = signalfd(-1, &set, libc::SFD_NONBLOCK).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: a blocked signal for this thread.
            unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR2) };
            assert_eq!(poll(&fd, POLLIN, 0), POLLIN);
            thread::sleep(Duration::from_millis(30));
            assert_eq!(read_signals(&fd, 1).unwrap().len(), 1);
        });
        thread::sleep(Duration::from_millis(15));
        assert_eq!(poll(&fd, POLLIN, 0), 0, "it is the other thread's");
        assert_eq!(read_signals(&fd, 1).map(|_| ()), Err(EAGAIN));
    });
}

fn signal_wakes() {
    let set = blocked(&[libc::SIGUSR1, libc::SIGALRM]);
    let fd = signalfd(-1, &set, 0).unwrap();
    for polls in [false, true] {
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(10));
                // SAFETY: a signal that all threads block.
                unsafe { libc::kill(libc::getpid(), libc::SIGUSR1) };
            });
            if polls {
                assert_eq!(poll(&fd, POLLIN, 10_000), POLLIN);
            }
            assert_eq!(read_signals(&fd, 1).unwrap()[0].ssi_signo.cast_signed(), libc::SIGUSR1);
        });
    }
    let timer = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval { tv_sec: 0, tv_usec: 10_000 },
    };
    // SAFETY: a structure; the old one is left out.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, null_mut()) };
    let signal = read_signals(&fd, 1).unwrap()[0];
    assert_eq!((signal.ssi_signo.cast_signed(), signal.ssi_code), (libc::SIGALRM, libc::SI_KERNEL));
}

fn signal_set_changes() {
    let both = blocked(&[libc::SIGUSR1, libc::SIGUSR2]);
    let mut one = empty_set();
    // SAFETY: a set.
    unsafe { libc::sigaddset(&mut one, libc::SIGUSR1) };
    let fd = signalfd(-1, &one, libc::SFD_NONBLOCK).unwrap();
    // SAFETY: a blocked signal for this process.
    unsafe { libc::kill(libc::getpid(), libc::SIGUSR2) };
    assert_eq!(poll(&fd, POLLIN, 0), 0);
    let same = signalfd(fd.0, &both, 0).unwrap();
    assert_eq!(same.0, fd.0);
    std::mem::forget(same);
    assert_eq!(poll(&fd, POLLIN, 0), POLLIN);
    assert_eq!(read_signals(&fd, 1).unwrap()[0].ssi_signo.cast_signed(), libc::SIGUSR2);
}

fn signal_refusals() {
    let set = blocked(&[libc::SIGUSR1]);
    let counter = eventfd(0, 0);
    assert_eq!(signalfd(counter.0, &set, 0).map(|_| ()), Err(EINVAL));
    assert_eq!(signalfd(9999, &set, 0).map(|_| ()), Err(EBADF));
    assert_eq!(signalfd(-1, &set, 1).map(|_| ()), Err(EINVAL));
    let at = (&raw const set).addr();
    assert_eq!(call(libc::SYS_signalfd4, [usize::MAX, at, 4, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_signalfd4, [usize::MAX, 8, 8, 0, 0, 0]), Err(EFAULT));
    let fd = signalfd(-1, &set, libc::SFD_NONBLOCK).unwrap();
    let mut bytes = [0u8; 128];
    // SAFETY: the buffer is as long as is said.
    unsafe {
        assert_eq!(check(libc::read(fd.0, bytes.as_mut_ptr().cast(), 127)), Err(EINVAL));
        assert_eq!(check(libc::write(fd.0, bytes.as_ptr().cast(), 128)), Err(EINVAL));
        assert_eq!(libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, null_mut()), 0);
    }
}

/// A buffer whose page is not there yet, and one that never will be.
fn signals_bad_memory() {
    let set = blocked(&[libc::SIGUSR1, libc::SIGUSR2]);
    let fd = signalfd(-1, &set, libc::SFD_NONBLOCK).unwrap();
    // SAFETY: blocked signals for this process; fresh memory, a wild pointer on purpose.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGUSR1);
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let fresh = libc::mmap(null_mut(), 4096, prot, flags, -1, 0);
        assert_eq!(libc::read(fd.0, fresh, 4096), 128);
        assert_eq!((*fresh.cast::<libc::signalfd_siginfo>()).ssi_signo.cast_signed(), libc::SIGUSR1);
        libc::munmap(fresh, 4096);
        assert_eq!(check(libc::read(fd.0, null::<u8>().cast_mut().cast(), 128)), Err(EAGAIN));
    }
}
