//! Who waits on which address: the queues under futex(2). Nobody parks here; a waiting thread is queued itself.
//!
//! A thread is queued under its bucket's lock together with the check of the value, so a wake-up that comes after the
//! value changed finds it. It learns that it was woken from its [`Waiter`], which is marked under the same lock, and not from being
//! woken up: wake-ups of the thread for other reasons change nothing here.
//!
//! There is one address space, so private and shared futexes of the same address are the same.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use abi::errno::Errno;
use sync::{Linked, Lock};

/// Number of hash buckets, a power of two.
const BUCKETS: usize = 256;

/// A thread's part in the queues. It waits on one address at a time, again and again.
#[derive(Debug, Default)]
pub struct Waiter {
    /// The address it waits on now; a requeue changes it.
    key: AtomicU64,
    bitset: AtomicU32,
    woken: AtomicBool,
}

impl Waiter {
    /// Whether the last wait's wake-up has come.
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    fn meets(&self, key: u64, bitset: u32) -> bool {
        self.key.load(Ordering::Relaxed) == key && self.bitset.load(Ordering::Relaxed) & bitset != 0
    }
}

/// The kind of a thread's link in the queues.
#[derive(Debug)]
pub enum Waits {}

/// A thread.
pub trait Thread: Linked<Waits> {
    /// Its part.
    fn waiter(&self) -> &Waiter;

    /// Wakes it up, to look at its part.
    fn wake(self: &Arc<Self>);
}

type Queue<T> = sync::Queue<T, Waits>;

/// All queues.
pub struct Futexes<T: Thread> {
    buckets: [Lock<Queue<T>>; BUCKETS],
}

impl<T: Thread> fmt::Debug for Futexes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Futexes(..)")
    }
}

impl<T: Thread> Default for Futexes<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of an address: multiplicative hashing of the word address.
fn index(key: u64) -> usize {
    ((key >> 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % BUCKETS
}

impl<T: Thread> Futexes<T> {
    /// Empty queues.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: [const { Lock::new(Queue::new()) }; BUCKETS] }
    }

    /// Queues `thread` on `key` if `value_is_expected` says so under the queue's lock.
    ///
    /// `bitset` is not zero (`FUTEX_BITSET_MATCH_ANY` for a plain wait).
    ///
    /// # Errors
    /// `EAGAIN` when the value is not the expected one, or the error of reading it.
    pub fn prepare_wait(
        &self,
        key: u64,
        bitset: u32,
        thread: &Arc<T>,
        value_is_expected: impl FnOnce() -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        let mut queue = self.buckets[index(key)].lock();
        if !value_is_expected()? {
            return Err(Errno::EAGAIN);
        }
        let waiter = thread.waiter();
        waiter.key.store(key, Ordering::Release);
        waiter.bitset.store(bitset, Ordering::Relaxed);
        waiter.woken.store(false, Ordering::Relaxed);
        queue.push_back(Arc::clone(thread));
        Ok(())
    }

    /// Takes a thread back that gives up. False: it had been woken already, and the wake-up counts.
    pub fn cancel(&self, thread: &Arc<T>) -> bool {
        let waiter = thread.waiter();
        loop {
            let key = waiter.key.load(Ordering::Acquire);
            let mut queue = self.buckets[index(key)].lock();
            if waiter.key.load(Ordering::Acquire) != key {
                // Requeued between the look and the lock.
                continue;
            }
            return queue.take_first(|other| core::ptr::eq(other, Arc::as_ptr(thread))).is_some();
        }
    }

    /// Wakes up to `most` waiters of `key` whose bitset meets `bitset`, longest waiting first; says how many.
    pub fn wake(&self, key: u64, most: usize, bitset: u32) -> usize {
        let queue = &self.buckets[index(key)];
        // Those that come later need not be woken: were they, a thread that waits again at once would keep this going for ever.
        let mut bound = usize::MAX;
        let mut woken = 0;
        while woken < most.min(bound) {
            let thread = {
                let mut queue = queue.lock();
                bound = bound.min(woken + queue.len());
                take_first(&mut queue, key, bitset)
            };
            let Some(thread) = thread else { break };
            thread.wake();
            woken += 1;
        }
        woken
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
        let mut woken = Queue::new();
        let moved = self.with_both(from, to, |source, target| {
            if !still_expected()? {
                return Err(Errno::EAGAIN);
            }
            while woken.len() < wake
                && let Some(thread) = take_first(source, from, u32::MAX)
            {
                woken.push_back(thread);
            }
            Ok(move_waiters(source, target, from, to, requeue))
        })?;
        let count = woken.len();
        while let Some(thread) = woken.pop_front() {
            thread.wake();
        }
        Ok((count, moved))
    }

    /// Locks the buckets of two addresses, the lower index first; the second is `None` when both are one.
    fn with_both<R>(
        &self,
        first: u64,
        second: u64,
        body: impl FnOnce(&mut Queue<T>, Option<&mut Queue<T>>) -> R,
    ) -> R {
        let (a, b) = (index(first), index(second));
        if a == b {
            return body(&mut self.buckets[a].lock(), None);
        }
        let (mut low, mut high) = (self.buckets[a.min(b)].lock(), self.buckets[a.max(b)].lock());
        if a < b { body(&mut low, Some(&mut high)) } else { body(&mut high, Some(&mut low)) }
    }
}

/// Takes the first thread out that waits on `key` and meets `bitset`; it counts as woken.
fn take_first<T: Thread>(queue: &mut Queue<T>, key: u64, bitset: u32) -> Option<Arc<T>> {
    let thread = queue.take_first(|thread| thread.waiter().meets(key, bitset))?;
    thread.waiter().woken.store(true, Ordering::Release);
    Some(thread)
}

/// Has up to `most` threads that wait on `from` in `source` wait on `to` in `target`, which is `source` if there is none; says how many.
fn move_waiters<T: Thread>(
    source: &mut Queue<T>,
    mut target: Option<&mut Queue<T>>,
    from: u64,
    to: u64,
    most: usize,
) -> usize {
    if from == to {
        return source.iter().filter(|thread| thread.waiter().meets(from, u32::MAX)).take(most).count();
    }
    let mut moved = 0;
    while moved < most
        && let Some(thread) = source.take_first(|thread| thread.waiter().meets(from, u32::MAX))
    {
        thread.waiter().key.store(to, Ordering::Release);
        target.as_deref_mut().unwrap_or(source).push_back(thread);
        moved += 1;
    }
    moved
}

#[cfg(test)]
mod tests;
