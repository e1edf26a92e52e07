//! Exclusion between host threads.

use std::sync::Arc;
use std::thread;
use std::vec::Vec;

use super::*;

#[test]
fn increments_are_not_lost() {
    let lock = Arc::new(Lock::new(0u64));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || (0..10_000).for_each(|_| *lock.lock() += 1))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*lock.lock(), 40_000);
}

#[test]
fn a_held_lock_is_not_given_twice() {
    let lock = Lock::new(());
    let guard = lock.lock();
    assert!(lock.try_lock().is_none());
    drop(guard);
    assert!(lock.try_lock().is_some());
}
