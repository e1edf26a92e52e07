//! Who is to be woken: the wakers that an object keeps for threads that wait for it.

use alloc::vec::Vec;
use core::task::Waker;

/// A set of wakers, each thread at most once, in the order they came. Lives inside its object's lock.
#[derive(Debug, Default)]
pub struct WakerSet(Vec<Waker>);

impl WakerSet {
    /// An empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a waiter, unless it is there already.
    pub fn register(&mut self, waker: &Waker) {
        if !self.0.iter().any(|known| known.will_wake(waker)) {
            self.0.push(waker.clone());
        }
    }

    /// Wakes everybody and forgets them: who still waits registers again.
    pub fn wake_all(&mut self) {
        for waker in self.0.drain(..) {
            waker.wake();
        }
    }

    /// Takes the one that came first, to be woken by the caller.
    pub fn take_first(&mut self) -> Option<Waker> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
