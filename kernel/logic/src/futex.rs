//! Who waits on which address: the queues under futex(2). Nobody parks here; waiting threads leave a waker.
//!
//! A waiter is queued under its bucket's lock together with the check of the value, so a wake-up that comes after the
//! value changed finds it. It learns that it was woken from its [`Waiter`], not from the waker: wake-ups of the thread for
//! other reasons change nothing here.
//!
//! There is one address space, so private and shared futexes of the same address are the same.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::task::Waker;

use abi::errno::Errno;
use sync::Lock;

/// Number of hash buckets, a power of two.
const BUCKETS: usize = 256;

/// One thread's wait on one address.
#[derive(Debug)]
pub struct Waiter {
    /// The address it waits on now; a requeue changes it.
    key: AtomicU64,
    bitset: u32,
    woken: AtomicBool,
    waker: Waker,
}

impl Waiter {
    /// Whether a wake-up has taken it out of its queue.
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }
}

type Bucket = Lock<VecDeque<Arc<Waiter>>>;

/// All queues.
pub struct Futexes {
    buckets: [Bucket; BUCKETS],
}

impl fmt::Debug for Futexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Futexes(..)")
    }
}

impl Default for Futexes {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of an address: multiplicative hashing of the word address.
fn index(key: u64) -> usize {
    ((key >> 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % BUCKETS
}

impl Futexes {
    /// Empty queues.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: [const { Lock::new(VecDeque::new()) }; BUCKETS] }
    }

    /// Queues a waiter on `key` if `value_is_expected` says so under the queue's lock.
    ///
    /// `bitset` is not zero (`FUTEX_BITSET_MATCH_ANY` for a plain wait).
    ///
    /// # Errors
    /// `EAGAIN` when the value is not the expected one, or the error of reading it.
    pub fn prepare_wait(
        &self,
        key: u64,
        bitset: u32,
        waker: Waker,
        value_is_expected: impl FnOnce() -> Result<bool, Errno>,
    ) -> Result<Arc<Waiter>, Errno> {
        let waiter =
            Arc::new(Waiter { key: AtomicU64::new(key), bitset, woken: AtomicBool::new(false), waker });
        let mut bucket = self.buckets[index(key)].lock();
        if !value_is_expected()? {
            return Err(Errno::EAGAIN);
        }
        bucket.push_back(Arc::clone(&waiter));
        Ok(waiter)
    }

    /// Takes a waiter back that gives up. False: it had been woken already, and the wake-up counts.
    pub fn cancel(&self, waiter: &Arc<Waiter>) -> bool {
        loop {
            let key = waiter.key.load(Ordering::Acquire);
            let mut bucket = self.buckets[index(key)].lock();
            if waiter.key.load(Ordering::Acquire) != key {
                // Requeued between the look and the lock.
                continue;
            }
            let at = bucket.iter().position(|other| Arc::ptr_eq(other, waiter));
            if let Some(at) = at {
                bucket.remove(at);
            }
            return at.is_some();
        }
    }

    /// Wakes up to `most` waiters of `key` whose bitset meets `bitset`, longest waiting first; says how many.
    pub fn wake(&self, key: u64, most: usize, bitset: u32) -> usize {
        let mut woken = Vec::new();
        {
            let mut bucket = self.buckets[index(key)].lock();
            if bucket.is_empty() {
                return 0;
            }
            take(&mut bucket, key, most, bitset, |waiter| woken.push(waiter));
        }
        finish(woken)
    }

    /// Wakes up to `wake` waiters of `from` and moves up to `requeue` more to `to`, if `still_expected` says so under both
    /// locks. Answers the numbers woken and moved.
    ///
    /// # Errors
    /// `EAGAIN` when the value is not the expected one, or the error of reading it.
    pub fn requeue(
        &self,
        from: u64,
        to: u64,
        wake: usize,
        requeue: usize,
        still_expected: impl FnOnce() -> Result<bool, Errno>,
    ) -> Result<(usize, usize), Errno> {
        let mut woken = Vec::new();
        let mut moved = Vec::new();
        self.with_both(from, to, |source, target| {
            if !still_expected()? {
                return Err(Errno::EAGAIN);
            }
            take(source, from, wake, u32::MAX, |waiter| woken.push(waiter));
            take(source, from, requeue, u32::MAX, |waiter| moved.push(waiter));
            let count = moved.len();
            for waiter in moved.drain(..) {
                waiter.key.store(to, Ordering::Release);
                match target {
                    Some(target) => target.push_back(waiter),
                    None => source.push_back(waiter),
                }
            }
            Ok(count)
        })
        .map(|moved| (finish(woken), moved))
    }

    /// Locks the buckets of two addresses, the lower index first; the second is `None` when both are one.
    fn with_both<R>(
        &self,
        first: u64,
        second: u64,
        body: impl FnOnce(&mut VecDeque<Arc<Waiter>>, &mut Option<&mut VecDeque<Arc<Waiter>>>) -> R,
    ) -> R {
        let (a, b) = (index(first), index(second));
        if a == b {
            return body(&mut self.buckets[a].lock(), &mut None);
        }
        let (mut low, mut high) = (self.buckets[a.min(b)].lock(), self.buckets[a.max(b)].lock());
        if a < b { body(&mut low, &mut Some(&mut high)) } else { body(&mut high, &mut Some(&mut low)) }
    }
}

/// Takes up to `most` waiters of `key` that meet `bitset` out of the bucket, in order.
fn take(
    bucket: &mut VecDeque<Arc<Waiter>>,
    key: u64,
    most: usize,
    bitset: u32,
    mut taken: impl FnMut(Arc<Waiter>),
) {
    let mut left = most;
    let mut at = 0;
    while left > 0 && at < bucket.len() {
        let waiter = &bucket[at];
        if waiter.key.load(Ordering::Relaxed) == key && waiter.bitset & bitset != 0 {
            if let Some(waiter) = bucket.remove(at) {
                taken(waiter);
            }
            left -= 1;
        } else {
            at += 1;
        }
    }
}

/// Tells the threads, outside every lock.
fn finish(woken: Vec<Arc<Waiter>>) -> usize {
    for waiter in &woken {
        waiter.woken.store(true, Ordering::Release);
        waiter.waker.wake_by_ref();
    }
    woken.len()
}

#[cfg(test)]
mod tests;
