//! Waiting for readiness: several threads, signals, and epoll instances in others.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use abi_tests::epoll::{Epoll, count_up, counter, pipe, read, short_pause, write};
use abi_tests::{Fd, call, cases, check, handle};
use libc::{EAGAIN, EINTR, EINVAL, ELOOP, c_int};
use libc::{EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP};
use libc::{EPOLLERR, EPOLLIN, EPOLLONESHOT, EPOLLOUT};

cases! {
    oneshot_rearmed_by_another_thread, closed_while_waiting, deleted_while_waiting, added_while_waiting,
    wait_with_mask, signal_during_wait, wait_with_timespec, epoll_in_epoll, edge_in_epoll, epoll_in_poll,
    nested_loops, nested_too_deep, one_event_one_thread, several_threads_several_events, exclusive_wakes_one,
    shared_wakes_all, exclusive_refusals, timers_and_signals, wake_ups_are_not_lost, come_and_go,
}

fn oneshot_rearmed_by_another_thread() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, EPOLLIN | EPOLLONESHOT);
    write(&writer, b"a").unwrap();
    for _ in 0..20 {
        assert_eq!(epoll.events(&reader, 10_000), EPOLLIN);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| epoll.events(&reader, 10_000));
            thread::sleep(Duration::from_millis(1));
            epoll.modify(&reader, EPOLLIN | EPOLLONESHOT);
            assert_eq!(waiter.join().unwrap(), EPOLLIN);
        });
        epoll.modify(&reader, EPOLLIN | EPOLLONESHOT);
    }
}

fn closed_while_waiting() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, EPOLLIN);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| epoll.wait_for(8, 100));
        short_pause();
        drop(reader);
        let _ = write(&writer, b"").map(|_| ());
        assert_eq!(waiter.join().unwrap(), Ok(vec![]));
    });
    // The instance itself is closed while a thread waits: the wait goes on.
    let fd = counter(0);
    epoll.add(&fd, EPOLLIN);
    let number = epoll.0.0;
    thread::scope(|scope| {
        let waiter = scope.spawn(move || epoll_wait_by_number(number, 10_000));
        short_pause();
        drop(epoll);
        count_up(&fd);
        assert_eq!(waiter.join().unwrap(), Ok(1));
    });
}

fn epoll_wait_by_number(epoll: c_int, timeout: c_int) -> Result<c_int, i32> {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: one event.
    check(unsafe { libc::epoll_wait(epoll, &mut event, 1, timeout) })
}

fn deleted_while_waiting() {
    let (epoll, fd, other) = (Epoll::new(), counter(0), counter(0));
    epoll.add(&fd, EPOLLIN);
    epoll.add(&other, EPOLLIN);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| epoll.events(&other, 10_000));
        short_pause();
        epoll.delete(&fd).unwrap();
        count_up(&fd);
        short_pause();
        count_up(&other);
        assert_eq!(waiter.join().unwrap(), EPOLLIN);
    });
}

fn added_while_waiting() {
    let (epoll, fd, late) = (Epoll::new(), counter(1), counter(0));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| epoll.events(&fd, 10_000));
        short_pause();
        epoll.add(&fd, EPOLLIN | EPOLLET);
        assert_eq!(waiter.join().unwrap(), EPOLLIN);
        epoll.add(&late, 0);
        let waiter = scope.spawn(|| epoll.events(&late, 10_000));
        count_up(&late);
        short_pause();
        epoll.modify(&late, EPOLLIN);
        assert_eq!(waiter.join().unwrap(), EPOLLIN);
    });
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_signal(_: c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    HANDLED.fetch_add(1, Ordering::SeqCst);
}

fn set_of(signal: c_int) -> libc::sigset_t {
    // SAFETY: an all-zero set is valid and empty.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigaddset(&mut set, signal);
        set
    }
}

// covers: epoll_pwait
fn wait_with_mask() {
    let epoll = Epoll::new();
    handle(libc::SIGUSR1, 0, count_signal);
    HANDLED.store(0, Ordering::SeqCst);
    let (usr1, none) = (set_of(libc::SIGUSR1), set_of(libc::SIGUSR2));
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: sets, one event, a signal for this thread.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, &usr1, null_mut());
        libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1);
        assert_eq!(libc::epoll_pwait(epoll.0.0, &mut event, 1, 5, &usr1), 0, "it stays blocked");
        assert_eq!(HANDLED.load(Ordering::SeqCst), 0);
        assert_eq!(check(libc::epoll_pwait(epoll.0.0, &mut event, 1, 10_000, &none)), Err(EINTR));
        assert_eq!(HANDLED.load(Ordering::SeqCst), 1);
        assert_eq!(libc::epoll_pwait(epoll.0.0, &mut event, 1, 0, null()), 0);
        let mut now = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &usr1, &mut now);
        assert_eq!(libc::sigismember(&now, libc::SIGUSR1), 1, "the mask is back");
    }
    let at = epoll.0.0.cast_unsigned() as usize;
    let (to, mask) = ((&raw mut event).addr(), (&raw const usr1).addr());
    assert_eq!(call(libc::SYS_epoll_pwait, [at, to, 1, 0, mask, 4]), Err(EINVAL));
}

fn signal_during_wait() {
    let (epoll, fd) = (Epoll::new(), counter(0));
    epoll.add(&fd, EPOLLIN);
    handle(libc::SIGUSR2, libc::SA_RESTART, count_signal);
    HANDLED.store(0, Ordering::SeqCst);
    thread::scope(|scope| {
        let me = call(libc::SYS_gettid, [0; 6]).unwrap().cast_unsigned() as usize;
        scope.spawn(move || {
            short_pause();
            call(libc::SYS_tkill, [me, libc::SIGUSR2.cast_unsigned() as usize, 0, 0, 0, 0]).unwrap();
        });
        assert_eq!(epoll.wait_for(1, 10_000), Err(EINTR), "never restarted");
    });
    assert_eq!(HANDLED.load(Ordering::SeqCst), 1);
    count_up(&fd);
    assert_eq!(epoll.events(&fd, 0), EPOLLIN);
}

// covers: epoll_pwait2
fn wait_with_timespec() {
    let (epoll, fd) = (Epoll::new(), counter(0));
    epoll.add(&fd, EPOLLIN);
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    let mut wait = |ns: Option<i64>| {
        let time = libc::timespec { tv_sec: 0, tv_nsec: ns.unwrap_or(0) };
        let at = ns.map_or(0, |_| (&raw const time).addr());
        let words = [epoll.0.0.cast_unsigned() as usize, (&raw mut event).addr(), 1, at, 0, 8];
        call(libc::SYS_epoll_pwait2, words)
    };
    let start = Instant::now();
    assert_eq!(wait(Some(3_000_000)), Ok(0));
    assert!(start.elapsed() >= Duration::from_millis(3));
    assert_eq!(wait(Some(0)), Ok(0));
    assert_eq!(wait(Some(-1)), Err(EINVAL));
    assert_eq!(wait(Some(1_000_000_000)), Err(EINVAL));
    count_up(&fd);
    assert_eq!(wait(None), Ok(1));
}

fn epoll_in_epoll() {
    let (outer, inner, fd) = (Epoll::new(), Epoll::new(), counter(0));
    inner.add(&fd, EPOLLIN);
    outer.add(&inner.0, EPOLLIN);
    assert_eq!(outer.events(&inner.0, 0), 0);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| outer.events(&inner.0, 10_000));
        short_pause();
        count_up(&fd);
        assert_eq!(waiter.join().unwrap(), EPOLLIN);
    });
    assert_eq!(outer.events(&inner.0, 0), EPOLLIN);
    assert_eq!(inner.events(&fd, 0), EPOLLIN);
    read(&fd, 8).unwrap();
    assert_eq!(outer.events(&inner.0, 0), 0, "the inner list was looked through");
    count_up(&fd);
    drop(fd);
    assert_eq!(outer.events(&inner.0, 0), 0);
}

fn edge_in_epoll() {
    let (outer, inner, (reader, writer)) = (Epoll::new(), Epoll::new(), pipe());
    inner.add(&reader, EPOLLIN);
    outer.add(&inner.0, EPOLLIN | EPOLLET);
    write(&writer, b"a").unwrap();
    assert_eq!(outer.events(&inner.0, -1), EPOLLIN);
    assert_eq!(outer.events(&inner.0, 0), 0);
    write(&writer, b"b").unwrap();
    assert_eq!(outer.events(&inner.0, 0), EPOLLIN, "a change below is one above");
}

fn epoll_in_poll() {
    let (epoll, fd) = (Epoll::new(), counter(0));
    epoll.add(&fd, EPOLLIN);
    let poll = |timeout| {
        let mut entry = libc::pollfd { fd: epoll.0.0, events: libc::POLLIN | libc::POLLOUT, revents: 0 };
        // SAFETY: one entry.
        unsafe { libc::poll(&mut entry, 1, timeout) };
        entry.revents
    };
    assert_eq!(poll(0), 0);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| poll(10_000));
        short_pause();
        count_up(&fd);
        assert_eq!(waiter.join().unwrap(), libc::POLLIN);
    });
    assert_eq!(epoll.events(&fd, 0), EPOLLIN, "to be polled changes nothing");
    read(&fd, 8).unwrap();
    assert_eq!(poll(0), 0);
}

fn nested_loops() {
    let (one, two, three) = (Epoll::new(), Epoll::new(), Epoll::new());
    one.add(&two.0, EPOLLIN);
    two.add(&three.0, EPOLLIN);
    assert_eq!(two.ctl(EPOLL_CTL_ADD, one.0.0, EPOLLIN, 0), Err(ELOOP));
    assert_eq!(three.ctl(EPOLL_CTL_ADD, one.0.0, EPOLLIN, 0), Err(ELOOP));
    one.add(&three.0, EPOLLIN);
    two.delete(&three.0).unwrap();
    three.add(&two.0, EPOLLIN);
}

fn nested_too_deep() {
    let levels: Vec<Epoll> = (0..8).map(|_| Epoll::new()).collect();
    let add = |outer: usize, inner: usize| levels[outer].ctl(EPOLL_CTL_ADD, levels[inner].0.0, EPOLLIN, 0);
    for inner in 0..4 {
        assert_eq!(add(inner + 1, inner), Ok(()));
    }
    assert_eq!(add(5, 4), Err(ELOOP));
    // A change at the bottom is seen at the top.
    let fd = counter(0);
    levels[0].add(&fd, EPOLLIN);
    assert_eq!(levels[4].wait_for(1, 0), Ok(vec![]));
    count_up(&fd);
    assert_eq!(levels[4].wait_for(1, 0).unwrap().len(), 1);
    levels[1].delete(&levels[0].0).unwrap();
    assert_eq!(add(5, 4), Ok(()));
    assert_eq!(levels[4].wait_for(1, 0), Ok(vec![]));
}

/// Runs `count` threads that wait on `epoll` once, has `act` done when all of them wait; how many were woken.
fn woken(epolls: &[&Epoll], timeout: c_int, act: impl FnOnce()) -> usize {
    thread::scope(|scope| {
        let waiters: Vec<_> = epolls
            .iter()
            .map(|epoll| scope.spawn(move || epoll.wait_for(1, timeout).unwrap().len()))
            .collect();
        thread::sleep(Duration::from_millis(60));
        act();
        waiters.into_iter().map(|waiter| waiter.join().unwrap()).sum()
    })
}

fn one_event_one_thread() {
    let (epoll, fd) = (Epoll::new(), counter(0));
    epoll.add(&fd, EPOLLIN | EPOLLET);
    assert_eq!(woken(&[&epoll; 4], 300, || count_up(&fd)), 1);
}

fn several_threads_several_events() {
    let epoll = Epoll::new();
    let fds: Vec<Fd> = (0..4).map(|_| counter(0)).collect();
    fds.iter().for_each(|fd| epoll.add(fd, EPOLLIN | EPOLLONESHOT));
    assert_eq!(woken(&[&epoll; 4], 10_000, || fds.iter().for_each(count_up)), 4);
}

fn exclusive_wakes_one() {
    let (epolls, fd) = ([(); 4].map(|()| Epoll::new()), counter(0));
    epolls.iter().for_each(|epoll| epoll.add(&fd, EPOLLIN | EPOLLEXCLUSIVE));
    let all: Vec<&Epoll> = epolls.iter().collect();
    assert_eq!(woken(&all, 300, || count_up(&fd)), 1);
    read(&fd, 8).unwrap();
    // Nobody waits for the first ones: the event goes to one who does.
    assert_eq!(woken(&all[2..], 300, || count_up(&fd)), 1);
}

fn shared_wakes_all() {
    let (epolls, fd) = ([(); 3].map(|()| Epoll::new()), counter(0));
    epolls.iter().for_each(|epoll| epoll.add(&fd, EPOLLIN));
    let all: Vec<&Epoll> = epolls.iter().collect();
    assert_eq!(woken(&all, 10_000, || count_up(&fd)), 3);
}

fn exclusive_refusals() {
    let (epoll, inner, fd) = (Epoll::new(), Epoll::new(), counter(0));
    for flags in [EPOLLONESHOT, libc::EPOLLRDHUP, libc::EPOLLPRI] {
        assert_eq!(epoll.ctl(EPOLL_CTL_ADD, fd.0, EPOLLIN | EPOLLEXCLUSIVE | flags, 0), Err(EINVAL));
    }
    assert_eq!(epoll.ctl(EPOLL_CTL_ADD, inner.0.0, EPOLLIN | EPOLLEXCLUSIVE, 0), Err(EINVAL));
    let fine = EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR | EPOLLET | EPOLLEXCLUSIVE | libc::EPOLLWAKEUP;
    epoll.add(&fd, fine);
    assert_eq!(epoll.ctl(EPOLL_CTL_MOD, fd.0, fine, 0), Err(EINVAL));
    assert_eq!(epoll.ctl(EPOLL_CTL_MOD, fd.0, EPOLLIN, 0), Err(EINVAL));
    assert_eq!(epoll.delete(&fd), Ok(()));
}

fn timers_and_signals() {
    let epoll = Epoll::new();
    // SAFETY: sets, structures, and a signal that is blocked.
    unsafe {
        let set = set_of(libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, null_mut());
        let timer = Fd(check(libc::timerfd_create(libc::CLOCK_MONOTONIC, 0)).unwrap());
        let signals = Fd(check(libc::signalfd(-1, &set, 0)).unwrap());
        epoll.add(&timer, EPOLLIN | EPOLLET);
        epoll.add(&signals, EPOLLIN);
        let time = |ns| libc::timespec { tv_sec: 0, tv_nsec: ns };
        let new = libc::itimerspec { it_interval: time(10_000_000), it_value: time(10_000_000) };
        assert_eq!(libc::timerfd_settime(timer.0, 0, &new, null_mut()), 0);
        for _ in 0..3 {
            assert_eq!(epoll.events(&timer, 10_000), EPOLLIN);
            assert_eq!(epoll.events(&timer, 30), 0, "not read, so not told again");
            assert_eq!(read(&timer, 8), Ok(8));
        }
        assert_eq!(epoll.events(&timer, 10_000), EPOLLIN);
        thread::scope(|scope| {
            scope.spawn(|| {
                short_pause();
                libc::kill(libc::getpid(), libc::SIGUSR1);
            });
            assert_eq!(epoll.events(&signals, 10_000), EPOLLIN);
        });
        assert_eq!(read(&signals, 128), Ok(128));
        assert_eq!(epoll.events(&signals, 0), 0);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, null_mut());
    }
}

/// Two threads hand a byte to and fro, each waiting for it with epoll: one wake-up that is lost, and they wait for ever.
fn wake_ups_are_not_lost() {
    for flags in [0, EPOLLET, EPOLLONESHOT] {
        let ((reader, writer), (back_reader, back_writer)) = (pipe(), pipe());
        let turn = |from: &Fd, to: &Fd, rounds: usize| {
            let epoll = Epoll::new();
            epoll.add(from, EPOLLIN | flags);
            for _ in 0..rounds {
                while read(from, 1) == Err(EAGAIN) {
                    assert_eq!(epoll.events(from, 20_000), EPOLLIN);
                    if flags == EPOLLONESHOT {
                        epoll.modify(from, EPOLLIN | flags);
                    }
                }
                write(to, b"x").unwrap();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| turn(&reader, &back_writer, 1000));
            write(&writer, b"x").unwrap();
            turn(&back_reader, &writer, 1000);
        });
    }
}

/// Files come and go while several threads wait for them.
fn come_and_go() {
    let (epoll, stop) = (Epoll::new(), counter(0));
    epoll.add(&stop, EPOLLIN);
    let end = u64::from(stop.0.cast_unsigned());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let events = epoll.wait_for(4, 20_000).unwrap();
                    assert!(!events.is_empty());
                    if events.iter().any(|&(_, data)| data == end) {
                        break;
                    }
                }
            });
        }
        for step in 0..500 {
            let fd = counter(0);
            epoll.add(&fd, if step % 2 == 0 { EPOLLIN } else { EPOLLIN | EPOLLET });
            count_up(&fd);
            if step % 3 == 0 {
                let _ = epoll.delete(&fd);
            }
        }
        count_up(&stop);
    });
    assert_eq!(epoll.events(&stop, 0), EPOLLIN);
}
