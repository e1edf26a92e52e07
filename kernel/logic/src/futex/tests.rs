//! Order, bitsets, requeue, and waiters that give up.

use alloc::task::Wake;
use core::sync::atomic::AtomicUsize;

use super::*;

#[derive(Default)]
struct Thread(AtomicUsize);

impl Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const ANY: u32 = u32::MAX;

fn wait(futexes: &Futexes, key: u64, bitset: u32) -> Arc<Waiter> {
    futexes.prepare_wait(key, bitset, Arc::new(Thread::default()).into(), || Ok(true)).unwrap()
}

#[test]
fn a_changed_value_is_eagain_and_queues_nobody() {
    let futexes = Futexes::new();
    let waker: Waker = Arc::new(Thread::default()).into();
    assert_eq!(futexes.prepare_wait(8, ANY, waker.clone(), || Ok(false)).unwrap_err(), Errno::EAGAIN);
    assert_eq!(futexes.prepare_wait(8, ANY, waker, || Err(Errno::EFAULT)).unwrap_err(), Errno::EFAULT);
    assert_eq!(futexes.wake(8, 1, ANY), 0);
}

#[test]
fn wakes_the_longest_waiting_first() {
    let futexes = Futexes::new();
    let waiters: Vec<_> = (0..3).map(|_| wait(&futexes, 8, ANY)).collect();
    assert_eq!(futexes.wake(8, 2, ANY), 2);
    assert_eq!(waiters.iter().map(|w| w.is_woken()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(futexes.wake(8, usize::MAX, ANY), 1);
}

#[test]
fn wakers_are_called_once() {
    let futexes = Futexes::new();
    let thread = Arc::new(Thread::default());
    let _waiter = futexes.prepare_wait(8, ANY, thread.clone().into(), || Ok(true)).unwrap();
    futexes.wake(8, 1, ANY);
    futexes.wake(8, 1, ANY);
    assert_eq!(thread.0.load(Ordering::Relaxed), 1);
}

#[test]
fn bitsets_select() {
    let futexes = Futexes::new();
    let (one, two) = (wait(&futexes, 8, 1), wait(&futexes, 8, 2));
    assert_eq!(futexes.wake(8, 9, 2), 1);
    assert!(!one.is_woken() && two.is_woken());
}

#[test]
fn requeued_waiters_wait_on_the_other_address() {
    let futexes = Futexes::new();
    for to in [0x1000, 0x20_0000, 8 + 4096 * 256] {
        let waiters: Vec<_> = (0..4).map(|_| wait(&futexes, 8, ANY)).collect();
        assert_eq!(futexes.requeue(8, to, 1, 2, || Ok(true)), Ok((1, 2)));
        assert_eq!(futexes.wake(to, 9, ANY), 2);
        assert_eq!(waiters.iter().filter(|w| w.is_woken()).count(), 3);
        assert_eq!(futexes.wake(8, 9, ANY), 1);
    }
    assert_eq!(futexes.requeue(8, 16, 1, 1, || Ok(false)), Err(Errno::EAGAIN));
}

#[test]
fn giving_up_leaves_the_queue_even_after_a_requeue() {
    let futexes = Futexes::new();
    let waiter = wait(&futexes, 8, ANY);
    futexes.requeue(8, 16, 0, 1, || Ok(true)).unwrap();
    assert!(futexes.cancel(&waiter));
    assert_eq!(futexes.wake(16, 9, ANY), 0);
    assert!(!futexes.cancel(&waiter));
}

#[test]
fn neighbours_in_a_bucket_are_left_alone() {
    let futexes = Futexes::new();
    let key = 8;
    let other = (1..).map(|i| key + 4 * i).find(|&k| index(k) == index(key)).unwrap();
    let waiter = wait(&futexes, other, ANY);
    assert_eq!(futexes.wake(key, 9, ANY), 0);
    assert!(!waiter.is_woken());
}

#[test]
fn no_wake_up_is_lost_between_threads() {
    extern crate std;
    use core::sync::atomic::AtomicU32;
    use std::thread;

    struct Parked(thread::Thread);
    impl Wake for Parked {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let futexes = Arc::new(Futexes::new());
    let word = Arc::new(AtomicU32::new(0));
    let (futexes2, word2) = (futexes.clone(), word.clone());
    let waiter = thread::spawn(move || {
        for round in 0..5000 {
            while word2.load(Ordering::Acquire) == round {
                let waker = Arc::new(Parked(thread::current())).into();
                let expected = || Ok(word2.load(Ordering::Acquire) == round);
                let Ok(waiter) = futexes2.prepare_wait(64, ANY, waker, expected) else { continue };
                while !waiter.is_woken() {
                    thread::park();
                }
            }
        }
    });
    for round in 0..5000 {
        word.store(round + 1, Ordering::Release);
        while futexes.wake(64, 1, ANY) == 0 && !waiter.is_finished() && round % 7 != 0 {
            thread::yield_now();
            break;
        }
    }
    while !waiter.is_finished() {
        futexes.wake(64, usize::MAX, ANY);
    }
    waiter.join().unwrap();
}
