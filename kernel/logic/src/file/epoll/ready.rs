//! The list of interests whose files may be ready, and who waits for it.
//!
//! Its lock is taken under the locks of files, where things happen, and in interrupts. So nothing is looked at while it is held.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;

use sync::{IrqLock, Queue};

use super::super::Io;
use super::super::poll::READABLE;
use super::super::wakers::WakerSet;
use super::interest::{Interest, Listed};

/// Ended interests that may be left on the list before it is looked through for them.
const MOST_ENDED: usize = 16;

#[derive(Debug)]
struct List {
    queue: Queue<Interest, Listed>,
    /// How many of those on the list have ended meanwhile.
    ended: usize,
    /// Threads in epoll_wait(2), each to be woken for one interest. The one that came last is woken first: its CPU still knows it.
    waiting: Vec<Waker>,
    /// Who polls the epoll instance itself: poll(2), and other epoll instances.
    wakers: WakerSet,
}

/// The list.
#[derive(Debug)]
pub(super) struct Ready {
    /// Something is on the list, or is being looked at: what a look costs that finds nothing is this.
    is_any: AtomicBool,
    list: IrqLock<List>,
}

impl Ready {
    /// Nothing is ready.
    pub(super) const fn new() -> Self {
        let list = List { queue: Queue::new(), ended: 0, waiting: Vec::new(), wakers: WakerSet::new() };
        Self { is_any: AtomicBool::new(false), list: IrqLock::new(list) }
    }

    /// Whether something may be ready.
    #[inline]
    pub(super) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// An interest's file may be ready: puts it on the list unless it is there or has ended, and wakes a thread for it. Whether there was one.
    pub(super) fn add(&self, interest: &Arc<Interest>) -> bool {
        let mut list = self.list.lock();
        if interest.has_ended() {
            return false;
        }
        let mut woken = None;
        if !interest.link.is_taken() {
            list.queue.push_back(Arc::clone(interest));
            self.is_any.store(true, Ordering::Release);
            woken = list.waiting.pop();
        }
        list.wakers.wake(READABLE);
        drop(list);
        woken.is_some_and(|waker| {
            waker.wake();
            true
        })
    }

    /// An interest has ended. What is left of it on the list goes when the list is looked through.
    pub(super) fn end(&self, interest: &Interest) {
        let mut list = self.list.lock();
        if !interest.set_ended() && interest.link.is_taken() {
            list.ended += 1;
        }
    }

    /// Takes the first one off the list, and tells how many were on it; `last`, which was taken before, goes to its end.
    pub(super) fn next(&self, last: Option<Arc<Interest>>) -> Option<(Arc<Interest>, usize)> {
        let mut list = self.list.lock();
        list.put_back(last);
        let count = list.queue.len();
        let first = list.queue.pop_front()?;
        if first.has_ended() {
            list.ended -= 1;
        }
        Some((first, count))
    }

    /// Puts one that was taken back where it was.
    pub(super) fn give_back(&self, interest: Arc<Interest>) {
        let mut list = self.list.lock();
        if !interest.link.is_taken() && !interest.has_ended() {
            list.queue.push_front(interest);
        }
    }

    /// How many are on the list.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.list.lock().queue.len()
    }

    /// Ends a look through the list; `last`, which was taken from it, goes to its end. What is on it is the next thread's.
    pub(super) fn finish(&self, last: Option<Arc<Interest>>) {
        let mut list = self.list.lock();
        list.put_back(last);
        let is_any = !list.queue.is_empty();
        self.is_any.store(is_any, Ordering::Release);
        let next = if is_any { list.waiting.pop() } else { None };
        drop(list);
        if let Some(next) = next {
            next.wake();
        }
    }

    /// Has `waker` woken when something comes on the list; false: something is on it.
    pub(super) fn wait(&self, waker: &Waker) -> bool {
        let mut list = self.list.lock();
        if self.is_any() {
            return false;
        }
        if !list.waiting.iter().any(|known| known.will_wake(waker)) {
            list.waiting.push(waker.clone());
        }
        true
    }

    /// A thread that has looked waits no longer.
    pub(super) fn leave(&self, waker: &Waker) {
        let _ = self.list.lock().leave(waker);
    }

    /// A thread waits no longer, and does not look. One that was woken meanwhile passes that on.
    pub(super) fn give_up(&self, waker: &Waker) {
        let mut list = self.list.lock();
        let next =
            if list.leave(waker).is_some() || list.queue.is_empty() { None } else { list.waiting.pop() };
        drop(list);
        if let Some(next) = next {
            next.wake();
        }
    }

    /// Tells who polls the epoll instance of changes.
    pub(super) fn watch(&self, io: &Io<'_>) {
        io.watch(&mut self.list.lock().wakers);
    }

    /// Takes ended interests off the list when they are as many as the others. Not while the list is looked through.
    pub(super) fn tidy(&self) {
        let count = {
            let list = self.list.lock();
            if list.ended <= MOST_ENDED.max(list.queue.len() / 2) { 0 } else { list.queue.len() }
        };
        let mut last = None;
        for _ in 0..count {
            // One at a time: interrupts are off for a moment only.
            last = self.next(last).map(|(first, _)| first);
        }
        if count > 0 {
            self.finish(last);
        }
    }

    /// Takes everything off the list, for good: all interests have ended.
    pub(super) fn clear(&self) {
        while self.next(None).is_some() {}
    }
}

impl List {
    /// A thread waits no longer; its waker, if it did.
    fn leave(&mut self, waker: &Waker) -> Option<Waker> {
        let at = self.waiting.iter().position(|known| known.will_wake(waker))?;
        Some(self.waiting.remove(at))
    }

    /// Puts one that was taken at the end, unless it has come back by itself or has ended.
    fn put_back(&mut self, taken: Option<Arc<Interest>>) {
        if let Some(interest) = taken
            && !interest.link.is_taken()
            && !interest.has_ended()
        {
            self.queue.push_back(interest);
        }
    }
}
