//! The futex queues: no wake-up is lost, none counts twice.

use std::sync::Arc;

use logic::futex::Futexes;
use shuttle::sync::atomic::{AtomicU32, Ordering};
use shuttle::thread;

use super::ORDERS;
use super::sleeper::Sleeper;

const ANY: u32 = u32::MAX;
const KEY: u64 = 0x1000;
/// In another bucket.
const OTHER: u64 = 0x2004;

type Queues = Futexes<Sleeper>;

/// futex(2), `FUTEX_WAIT`: returns when it was woken, or when the word is not `expected`.
fn wait(queues: &Queues, me: &Arc<Sleeper>, word: &AtomicU32, expected: u32) {
    let is_expected = || Ok(word.load(Ordering::SeqCst) == expected);
    if queues.prepare_wait(KEY, ANY, me, is_expected).is_ok() {
        while !me.waiter.is_woken() {
            me.park();
        }
    }
}

/// A lock as std's: 0 free, 1 taken, 2 taken with somebody waiting.
fn lock(queues: &Queues, me: &Arc<Sleeper>, word: &AtomicU32) {
    if word.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
        return;
    }
    while word.swap(2, Ordering::SeqCst) != 0 {
        wait(queues, me, word, 2);
    }
}

fn unlock(queues: &Queues, word: &AtomicU32) {
    if word.swap(0, Ordering::SeqCst) == 2 {
        queues.wake(KEY, 1, ANY);
    }
}

#[test]
fn a_lock_of_stds_is_handed_on() {
    let body = || {
        let shared = Arc::new((Queues::new(), AtomicU32::new(0), AtomicU32::new(0)));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (queues, word, inside) = &*shared;
                    let me = Arc::new(Sleeper::default());
                    for _ in 0..2 {
                        lock(queues, &me, word);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold the lock");
                        inside.fetch_sub(1, Ordering::SeqCst);
                        unlock(queues, word);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    shuttle::check_random(body, ORDERS);
    shuttle::check_pct(body, ORDERS, 3);
}

/// One gives up (a timeout), one wakes a single thread, one waits for good: the wake-up reaches exactly one of those that did not give up
/// before it.
fn who_gives_up(cancel_counts: bool) {
    let shared = Arc::new((Queues::new(), AtomicU32::new(0)));
    let patient = Arc::new(Sleeper::default());
    shared.0.prepare_wait(KEY, ANY, &patient, || Ok(true)).unwrap();
    let hasty = Arc::new(Sleeper::default());
    shared.0.prepare_wait(KEY, ANY, &hasty, || Ok(true)).unwrap();
    // The hasty one is the first in the queue.
    assert!(shared.0.cancel(&patient));
    shared.0.prepare_wait(KEY, ANY, &patient, || Ok(true)).unwrap();
    let other = Arc::clone(&shared);
    let gives_up = thread::spawn(move || {
        let was_woken = !other.0.cancel(&hasty);
        // Woken after all: the wake-up counts, so it is passed on, as a lock that is let go of is.
        if was_woken && cancel_counts {
            other.0.wake(KEY, 1, ANY);
        }
    });
    let other = Arc::clone(&shared);
    let wakes = thread::spawn(move || other.0.wake(KEY, 1, ANY));
    while !patient.waiter.is_woken() {
        patient.park();
    }
    gives_up.join().unwrap();
    assert_eq!(wakes.join().unwrap(), 1);
}

#[test]
fn a_wake_up_meets_who_gives_up() {
    shuttle::check_random(|| who_gives_up(true), ORDERS);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_wake_up_that_is_dropped_is_found() {
    shuttle::check_random(|| who_gives_up(false), ORDERS);
}

#[test]
fn who_is_moved_can_give_up_or_be_woken() {
    let body = || {
        let queues = Arc::new(Queues::new());
        let sleeper = Arc::new(Sleeper::default());
        queues.prepare_wait(KEY, ANY, &sleeper, || Ok(true)).unwrap();
        let (other, moved) = (Arc::clone(&queues), Arc::clone(&queues));
        let mover = thread::spawn(move || moved.requeue(KEY, OTHER, 0, 1, || Ok(true)).unwrap());
        let waker = thread::spawn(move || other.wake(KEY, 1, ANY) + other.wake(OTHER, 1, ANY));
        let gave_up = queues.cancel(&sleeper);
        let woken = waker.join().unwrap();
        mover.join().unwrap();
        assert_eq!(woken + usize::from(gave_up), 1, "it leaves the queues once");
        assert_eq!(sleeper.waiter.is_woken(), woken == 1);
        assert_eq!(queues.wake(KEY, 9, ANY) + queues.wake(OTHER, 9, ANY), 0, "nobody is left");
    };
    shuttle::check_random(body, ORDERS);
    shuttle::check_pct(body, ORDERS, 3);
}
