//! futex(2), and the list of robust futexes.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use abi_tests::{call, cases};
use libc::{EAGAIN, EFAULT, EINVAL, ENOSYS, ETIMEDOUT};

cases! { futex_waits_and_wakes, futex_refusals, futex_times_out, futex_bitsets, futex_requeues, futex_wake_op, robust_list }

fn futex(word: &AtomicU32, op: i32, val: u32, timeout: usize, word2: usize, val3: u32) -> Result<i64, i32> {
    call(libc::SYS_futex, [word.as_ptr() as usize, op as usize, val as usize, timeout, word2, val3 as usize])
}

// covers: futex
fn futex_waits_and_wakes() {
    let word = Arc::new(AtomicU32::new(0));
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let word = Arc::clone(&word);
            thread::spawn(move || {
                while word.load(Ordering::SeqCst) == 0 {
                    let _ = futex(&word, libc::FUTEX_WAIT, 0, 0, 0, 0);
                }
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(20));
    word.store(1, Ordering::SeqCst);
    let woken = futex(&word, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, i32::MAX as u32, 0, 0, 0).unwrap();
    assert!(woken <= 4);
    // Who waited without the private flag is found by it here and on Linux alike only through a shared wake.
    futex(&word, libc::FUTEX_WAKE, i32::MAX as u32, 0, 0, 0).unwrap();
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    assert_eq!(futex(&word, libc::FUTEX_WAKE, 1, 0, 0, 0), Ok(0));
}

fn futex_refusals() {
    let word = AtomicU32::new(5);
    assert_eq!(futex(&word, libc::FUTEX_WAIT, 4, 0, 0, 0), Err(EAGAIN));
    assert_eq!(call(libc::SYS_futex, [2, libc::FUTEX_WAIT as usize, 0, 0, 0, 0]), Err(EINVAL));
    assert_eq!(call(libc::SYS_futex, [4, libc::FUTEX_WAIT as usize, 0, 0, 0, 0]), Err(EFAULT));
    assert_eq!(futex(&word, 99, 4, 0, 0, 0), Err(ENOSYS));
    assert_eq!(futex(&word, libc::FUTEX_WAIT_BITSET, 5, 0, 0, 0), Err(EINVAL));
    let time = libc::timespec { tv_sec: 0, tv_nsec: -1 };
    assert_eq!(futex(&word, libc::FUTEX_WAIT, 5, &raw const time as usize, 0, 0), Err(EINVAL));
    assert_eq!(futex(&word, libc::FUTEX_WAIT, 5, 1, 0, 0), Err(EFAULT));
}

fn futex_times_out() {
    let word = AtomicU32::new(5);
    let start = Instant::now();
    let time = libc::timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    assert_eq!(futex(&word, libc::FUTEX_WAIT, 5, &raw const time as usize, 0, 0), Err(ETIMEDOUT));
    assert!(start.elapsed() >= Duration::from_millis(20));
    for (flag, clock) in [(0, libc::CLOCK_MONOTONIC), (libc::FUTEX_CLOCK_REALTIME, libc::CLOCK_REALTIME)] {
        let mut until = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: room for a time.
        unsafe { libc::clock_gettime(clock, &mut until) };
        until.tv_nsec += 10_000_000;
        until.tv_sec += until.tv_nsec / 1_000_000_000;
        until.tv_nsec %= 1_000_000_000;
        let start = Instant::now();
        let op = libc::FUTEX_WAIT_BITSET | flag;
        assert_eq!(futex(&word, op, 5, &raw const until as usize, 0, u32::MAX), Err(ETIMEDOUT));
        assert!(start.elapsed() >= Duration::from_millis(9));
    }
}

fn futex_bitsets() {
    let word = Arc::new(AtomicU32::new(0));
    let waiter = {
        let word = Arc::clone(&word);
        thread::spawn(move || futex(&word, libc::FUTEX_WAIT_BITSET, 0, 0, 0, 0b10))
    };
    thread::sleep(Duration::from_millis(30));
    assert_eq!(futex(&word, libc::FUTEX_WAKE_BITSET, 1, 0, 0, 0b01), Ok(0));
    while futex(&word, libc::FUTEX_WAKE_BITSET, 1, 0, 0, 0b11) != Ok(1) {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(waiter.join().unwrap(), Ok(0));
}

fn futex_requeues() {
    let (from, to) = (Arc::new(AtomicU32::new(7)), Arc::new(AtomicU32::new(0)));
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let from = Arc::clone(&from);
            thread::spawn(move || futex(&from, libc::FUTEX_WAIT, 7, 0, 0, 0))
        })
        .collect();
    thread::sleep(Duration::from_millis(50));
    let target = to.as_ptr() as usize;
    assert_eq!(futex(&from, libc::FUTEX_CMP_REQUEUE, 1, 10, target, 8), Err(EAGAIN));
    assert_eq!(futex(&from, libc::FUTEX_CMP_REQUEUE, 1, 10, target, 7), Ok(3));
    assert_eq!(futex(&from, libc::FUTEX_WAKE, 10, 0, 0, 0), Ok(0));
    assert_eq!(futex(&to, libc::FUTEX_WAKE, 10, 0, 0, 0), Ok(2));
    waiters.into_iter().for_each(|waiter| assert_eq!(waiter.join().unwrap(), Ok(0)));
}

fn futex_wake_op() {
    let (one, two) = (AtomicU32::new(0), AtomicU32::new(5));
    // *two = *two + 3; wake one; wake two if the old value was 5.
    let op = (libc::FUTEX_OP_ADD << 28) | (libc::FUTEX_OP_CMP_EQ << 24) | (3 << 12) | 5;
    assert_eq!(futex(&one, libc::FUTEX_WAKE_OP, 1, 1, two.as_ptr() as usize, op as u32), Ok(0));
    assert_eq!(two.load(Ordering::SeqCst), 8);
}

// covers: set_robust_list, get_robust_list
fn robust_list() {
    thread::spawn(|| {
        let head = [0usize; 3];
        let at = head.as_ptr() as usize;
        assert_eq!(call(libc::SYS_set_robust_list, [at, 24, 0, 0, 0, 0]), Ok(0));
        assert_eq!(call(libc::SYS_set_robust_list, [at, 23, 0, 0, 0, 0]), Err(EINVAL));
        let (mut found, mut length) = (0usize, 0usize);
        assert_eq!(
            call(libc::SYS_get_robust_list, [0, &raw mut found as usize, &raw mut length as usize, 0, 0, 0]),
            Ok(0)
        );
        assert_eq!((found, length), (at, 24));
        assert_eq!(call(libc::SYS_set_robust_list, [0, 24, 0, 0, 0, 0]), Ok(0));
    })
    .join()
    .unwrap();
    // A robust lock whose owner ends: the word says so, and a waiter is woken.
    let word = Arc::new(AtomicU32::new(0));
    let owner = Arc::clone(&word);
    thread::spawn(move || {
        let tid = call(libc::SYS_gettid, [0; 6]).unwrap() as u32;
        owner.store(tid, Ordering::SeqCst);
        // entry -> head; the word lies `offset` bytes behind the entry.
        let list: &'static mut [usize; 4] = Box::leak(Box::new([0; 4]));
        let (head, entry) = (list.as_ptr() as usize, list.as_ptr() as usize + 24);
        list[0] = entry;
        list[1] = (owner.as_ptr() as usize).wrapping_sub(entry);
        list[3] = head;
        assert_eq!(call(libc::SYS_set_robust_list, [head, 24, 0, 0, 0, 0]), Ok(0));
        // Left by the plain system call, so that C's own list does not come back.
        call(libc::SYS_exit, [0; 6]).unwrap();
    });
    let start = Instant::now();
    while word.load(Ordering::SeqCst) & 0x4000_0000 == 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "FUTEX_OWNER_DIED never came");
        thread::yield_now();
    }
}
