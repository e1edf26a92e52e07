//! Order, bitsets, requeue, and waiters that give up.

use core::sync::atomic::AtomicUsize;

use alloc::vec::Vec;

use sync::{Link, linked};

use super::*;

#[derive(Default)]
struct Counted {
    waiter: Waiter,
    link: Link<Self, Waits>,
    wakes: AtomicUsize,
}

linked! { Counted, by link: Waits }

impl Thread for Counted {
    fn waiter(&self) -> &Waiter {
        &self.waiter
    }

    fn wake(self: &Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }
}

type Counting = Futexes<Counted>;

const ANY: u32 = u32::MAX;

fn wait(futexes: &Counting, key: u64, bitset: u32) -> Arc<Counted> {
    let thread = Arc::new(Counted::default());
    futexes.prepare_wait(key, bitset, &thread, || Ok(true)).unwrap();
    thread
}

#[test]
fn a_changed_value_is_eagain_and_queues_nobody() {
    let futexes = Counting::new();
    let thread = Arc::new(Counted::default());
    assert_eq!(futexes.prepare_wait(8, ANY, &thread, || Ok(false)).unwrap_err(), Errno::EAGAIN);
    assert_eq!(futexes.prepare_wait(8, ANY, &thread, || Err(Errno::EFAULT)).unwrap_err(), Errno::EFAULT);
    assert_eq!(futexes.wake(8, 1, ANY), 0);
}

#[test]
fn wakes_the_longest_waiting_first() {
    let futexes = Counting::new();
    let waiters: Vec<_> = (0..3).map(|_| wait(&futexes, 8, ANY)).collect();
    assert_eq!(futexes.wake(8, 2, ANY), 2);
    assert_eq!(waiters.iter().map(|w| w.waiter.is_woken()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(futexes.wake(8, usize::MAX, ANY), 1);
}

#[test]
fn a_thread_is_woken_once() {
    let futexes = Counting::new();
    let thread = wait(&futexes, 8, ANY);
    futexes.wake(8, 1, ANY);
    futexes.wake(8, 1, ANY);
    assert_eq!(thread.wakes.load(Ordering::Relaxed), 1);
}

#[test]
fn a_thread_waits_again_and_again() {
    let futexes = Counting::new();
    let thread = wait(&futexes, 8, 1);
    assert_eq!(futexes.wake(8, 1, ANY), 1);
    futexes.prepare_wait(0x40_0000, 2, &thread, || Ok(true)).unwrap();
    assert!(!thread.waiter.is_woken());
    assert_eq!(futexes.wake(8, 1, ANY) + futexes.wake(0x40_0000, 1, 1), 0);
    assert_eq!(futexes.wake(0x40_0000, 1, 2), 1);
    assert!(thread.waiter.is_woken());
}

#[test]
fn who_waits_again_while_all_are_woken_is_left() {
    struct Again {
        waiter: Waiter,
        link: Link<Self, Waits>,
        wakes: AtomicUsize,
        futexes: Arc<Futexes<Again>>,
    }
    linked! { Again, by link: Waits }
    impl Thread for Again {
        fn waiter(&self) -> &Waiter {
            &self.waiter
        }
        fn wake(self: &Arc<Self>) {
            self.wakes.fetch_add(1, Ordering::Relaxed);
            self.futexes.prepare_wait(8, ANY, self, || Ok(true)).unwrap();
        }
    }
    let futexes = Arc::new(Futexes::new());
    let thread = Arc::new(Again {
        waiter: Waiter::default(),
        link: Link::new(),
        wakes: AtomicUsize::new(0),
        futexes: Arc::clone(&futexes),
    });
    futexes.prepare_wait(8, ANY, &thread, || Ok(true)).unwrap();
    assert_eq!(futexes.wake(8, usize::MAX, ANY), 1);
    assert_eq!(thread.wakes.load(Ordering::Relaxed), 1);
}

#[test]
fn bitsets_select() {
    let futexes = Counting::new();
    let (one, two) = (wait(&futexes, 8, 1), wait(&futexes, 8, 2));
    assert_eq!(futexes.wake(8, 9, 2), 1);
    assert!(!one.waiter.is_woken() && two.waiter.is_woken());
}

#[test]
fn requeued_waiters_wait_on_the_other_address() {
    let futexes = Counting::new();
    for to in [0x1000, 0x20_0000, 8 + 4096 * 256] {
        let waiters: Vec<_> = (0..4).map(|_| wait(&futexes, 8, ANY)).collect();
        assert_eq!(futexes.requeue(8, to, 1, 2, || Ok(true)), Ok((1, 2)));
        assert_eq!(futexes.wake(to, 9, ANY), 2);
        assert_eq!(waiters.iter().filter(|w| w.waiter.is_woken()).count(), 3);
        assert_eq!(futexes.wake(8, 9, ANY), 1);
    }
    assert_eq!(futexes.requeue(8, 16, 1, 1, || Ok(false)), Err(Errno::EAGAIN));
    let _waiters: Vec<_> = (0..4).map(|_| wait(&futexes, 8, ANY)).collect();
    assert_eq!(futexes.requeue(8, 8, 1, usize::MAX, || Ok(true)), Ok((1, 3)), "onto itself");
}

#[test]
fn giving_up_leaves_the_queue_even_after_a_requeue() {
    let futexes = Counting::new();
    let waiter = wait(&futexes, 8, ANY);
    futexes.requeue(8, 16, 0, 1, || Ok(true)).unwrap();
    assert!(futexes.cancel(&waiter));
    assert_eq!(futexes.wake(16, 9, ANY), 0);
    assert!(!futexes.cancel(&waiter));
}

#[test]
fn neighbours_in_a_bucket_are_left_alone() {
    let futexes = Counting::new();
    let key = 8;
    let other = (1..).map(|i| key + 4 * i).find(|&k| index(k) == index(key)).unwrap();
    let waiter = wait(&futexes, other, ANY);
    assert_eq!(futexes.wake(key, 9, ANY), 0);
    assert!(!waiter.waiter.is_woken());
}

#[test]
fn no_wake_up_is_lost_between_threads() {
    extern crate std;
    use std::thread;

    struct Parked {
        waiter: Waiter,
        link: Link<Self, Waits>,
        thread: thread::Thread,
    }
    linked! { Parked, by link: Waits }
    impl Thread for Parked {
        fn waiter(&self) -> &Waiter {
            &self.waiter
        }
        fn wake(self: &Arc<Self>) {
            self.thread.unpark();
        }
    }
    let futexes = Arc::new(Futexes::new());
    let word = Arc::new(AtomicU32::new(0));
    let (futexes2, word2) = (futexes.clone(), word.clone());
    let waiter = thread::spawn(move || {
        let me = Arc::new(Parked { waiter: Waiter::default(), link: Link::new(), thread: thread::current() });
        for round in 0..5000 {
            while word2.load(Ordering::Acquire) == round {
                let expected = || Ok(word2.load(Ordering::Acquire) == round);
                if futexes2.prepare_wait(64, ANY, &me, expected).is_err() {
                    continue;
                }
                while !me.waiter.is_woken() {
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
