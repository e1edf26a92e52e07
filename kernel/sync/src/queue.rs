//! First come, first served, without memory of its own: the members hold the links, so joining a queue never fails and never allocates.
//!
//! A queue counts as one reference to each member. It lives inside a lock; a member's link belongs to the lock of the queue it is in.

use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// A member's place in a queue of the kind `K`.
#[derive(Debug)]
pub struct Link<T, K> {
    previous: AtomicPtr<T>,
    next: AtomicPtr<T>,
    /// It is in a queue: set before it joins, cleared after it has left.
    taken: AtomicBool,
    _kind: PhantomData<fn(K)>,
}

impl<T, K> Default for Link<T, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, K> Link<T, K> {
    /// In no queue.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            previous: AtomicPtr::new(ptr::null_mut()),
            next: AtomicPtr::new(ptr::null_mut()),
            taken: AtomicBool::new(false),
            _kind: PhantomData,
        }
    }

    /// Whether its object is in a queue of this kind. Others may take it out, or put it in, unless the lock of all of them is held.
    #[inline]
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }
}

/// What can be in a queue of the kind `K`; an object may be in one queue of each kind. [`linked!`](crate::linked) implements it.
///
/// # Safety
/// `link` always answers the same link for the same object, and another one for every other object.
pub unsafe trait Linked<K>: Sized {
    /// The object's link.
    fn link(&self) -> &Link<Self, K>;
}

/// Has objects be members of queues by a link that is one of their fields: `linked! { Thread, by runs: Runs, by waits: Waits }`.
#[macro_export]
macro_rules! linked {
    ($member:ty $(, by $field:ident: $kind:ty)+ $(,)?) => { $(
        // SAFETY: a field of the object itself; its type says the kind, so it is nobody else's link.
        unsafe impl $crate::Linked<$kind> for $member {
            #[inline]
            fn link(&self) -> &$crate::Link<Self, $kind> {
                &self.$field
            }
        }
    )+ };
}

/// The queue.
pub struct Queue<T: Linked<K>, K> {
    first: *mut T,
    last: *mut T,
    length: usize,
    _members: PhantomData<Arc<T>>,
    _kind: PhantomData<fn(K)>,
}

// SAFETY: what it consists of are references to the members, which may go wherever an `Arc` of them may.
unsafe impl<T: Linked<K> + Send + Sync, K> Send for Queue<T, K> {}

impl<T: Linked<K>, K> Default for Queue<T, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Linked<K>, K> fmt::Debug for Queue<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("length", &self.length).finish_non_exhaustive()
    }
}

impl<T: Linked<K>, K> Queue<T, K> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: ptr::null_mut(),
            last: ptr::null_mut(),
            length: 0,
            _members: PhantomData,
            _kind: PhantomData,
        }
    }

    /// How many are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it is empty.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// The one that came first.
    #[inline]
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        // SAFETY: null, or a member that the queue's count keeps.
        unsafe { self.first.as_ref() }
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        core::iter::successors(self.front(), |member| {
            // SAFETY: null, or a member that the queue's count keeps; the borrow of the queue keeps it in.
            unsafe { member.link().next.load(Ordering::Relaxed).as_ref() }
        })
    }

    /// Adds a member at the end.
    ///
    /// # Panics
    /// If it is in a queue of this kind already.
    #[inline]
    pub fn push_back(&mut self, member: Arc<T>) {
        self.insert(member, self.last, ptr::null_mut());
    }

    /// Adds a member at the front.
    ///
    /// # Panics
    /// If it is in a queue of this kind already.
    pub fn push_front(&mut self, member: Arc<T>) {
        self.insert(member, ptr::null_mut(), self.first);
    }

    /// Adds a member before the last one.
    ///
    /// # Panics
    /// If it is in a queue of this kind already.
    pub fn push_before_last(&mut self, member: Arc<T>) {
        // SAFETY: null, or a member that the queue's count keeps.
        let before = unsafe { self.last.as_ref() };
        let previous = before.map_or(ptr::null_mut(), |last| last.link().previous.load(Ordering::Relaxed));
        self.insert(member, previous, self.last);
    }

    fn insert(&mut self, member: Arc<T>, previous: *mut T, next: *mut T) {
        let link = member.link();
        assert!(!link.taken.swap(true, Ordering::Acquire), "in two queues");
        link.previous.store(previous, Ordering::Relaxed);
        link.next.store(next, Ordering::Relaxed);
        let member = Arc::into_raw(member).cast_mut();
        self.join(previous, next, member, member);
        self.length += 1;
    }

    /// Has what comes after `previous` be `after`, and what comes before `next` be `before`; null stands for the queue's ends.
    #[inline]
    fn join(&mut self, previous: *mut T, next: *mut T, after: *mut T, before: *mut T) {
        // SAFETY: null, or a member that the queue's count keeps.
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.link().next.store(after, Ordering::Relaxed),
            None => self.first = after,
        }
        // SAFETY: as above.
        match unsafe { next.as_ref() } {
            Some(next) => next.link().previous.store(before, Ordering::Relaxed),
            None => self.last = before,
        }
    }

    /// Takes the one that came first.
    #[inline]
    pub fn pop_front(&mut self) -> Option<Arc<T>> {
        (!self.first.is_null()).then(|| self.take(self.first))
    }

    /// Takes the first one that `wanted` says yes to.
    pub fn take_first(&mut self, wanted: impl FnMut(&T) -> bool) -> Option<Arc<T>> {
        self.search(self.first, |link| &link.next, wanted)
    }

    /// Takes the last one that `wanted` says yes to.
    pub fn take_last(&mut self, wanted: impl FnMut(&T) -> bool) -> Option<Arc<T>> {
        self.search(self.last, |link| &link.previous, wanted)
    }

    fn search(
        &mut self,
        from: *mut T,
        step: impl Fn(&Link<T, K>) -> &AtomicPtr<T>,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Option<Arc<T>> {
        let mut at = from;
        // SAFETY: null, or a member that the queue's count keeps.
        while let Some(member) = unsafe { at.as_ref() } {
            if wanted(member) {
                return Some(self.take(at));
            }
            at = step(member.link()).load(Ordering::Relaxed);
        }
        None
    }

    /// Takes `member`, which is in this queue, out of it.
    fn take(&mut self, member: *mut T) -> Arc<T> {
        // SAFETY: the queue's count, made by `insert`, goes to the caller: nobody finds the member here any more.
        let member = unsafe { Arc::from_raw(member) };
        let link = member.link();
        let (previous, next) = (link.previous.load(Ordering::Relaxed), link.next.load(Ordering::Relaxed));
        self.join(previous, next, next, previous);
        self.length -= 1;
        link.taken.store(false, Ordering::Release);
        member
    }
}

impl<T: Linked<K>, K> Drop for Queue<T, K> {
    fn drop(&mut self) {
        while self.pop_front().is_some() {}
    }
}

#[cfg(test)]
mod tests;
