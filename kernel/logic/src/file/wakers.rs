//! Who is to be told when an object changes: threads that wait for it, and interests of epoll instances. Lives inside the object's lock.
//!
//! Each says which events it waits for, so a reader that takes bytes wakes writers and nobody else. A thread is told once and registers
//! again if it still waits; an interest is told each time until it leaves.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;

use abi::io::PollEvents;

use super::epoll::Interest;

/// Somebody who waits.
#[derive(Debug)]
enum Waiter {
    Thread { waker: Waker, events: PollEvents },
    Interest(Arc<Interest>),
}

/// Those who wait, in the order they came.
#[derive(Debug, Default)]
pub struct WakerSet(Vec<Waiter>);

impl WakerSet {
    /// Nobody.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A thread waits for `events` too.
    pub fn register(&mut self, waker: &Waker, events: PollEvents) {
        for waiter in &mut self.0 {
            if let Waiter::Thread { waker: known, events: awaited } = waiter
                && known.will_wake(waker)
            {
                *awaited |= events;
                return;
            }
        }
        self.0.push(Waiter::Thread { waker: waker.clone(), events });
    }

    /// An interest is to be told from now on.
    pub fn join(&mut self, interest: &Arc<Interest>) {
        self.0.push(Waiter::Interest(Arc::clone(interest)));
    }

    /// An interest is not to be told any more.
    pub fn leave(&mut self, interest: &Arc<Interest>) {
        self.0.retain(|waiter| !matches!(waiter, Waiter::Interest(one) if Arc::ptr_eq(one, interest)));
    }

    /// Takes over everybody who waits in `others`: the object that they wait for is another one now. They are told.
    pub fn take_over(&mut self, others: &mut Self) {
        self.0.append(&mut others.0);
        self.wake_all();
    }

    /// The interests of `others` are to be told from now on, too.
    pub fn join_all(&mut self, others: &Self) {
        for waiter in &others.0 {
            if let Waiter::Interest(interest) = waiter {
                self.join(interest);
            }
        }
    }

    /// Tells those who wait for any of `events`.
    #[inline]
    pub fn wake(&mut self, events: PollEvents) {
        if !self.0.is_empty() {
            self.wake_some(events);
        }
    }

    /// Tells everybody.
    pub fn wake_all(&mut self) {
        self.wake(PollEvents::all());
    }

    /// Of the exclusive interests (epoll_ctl(2), `EPOLLEXCLUSIVE`) those behind one that woke a thread are passed over.
    fn wake_some(&mut self, events: PollEvents) {
        let mut is_taken = false;
        self.0.retain(|waiter| match waiter {
            Waiter::Thread { waker, events: awaited } => {
                let is_met = awaited.intersects(events);
                if is_met {
                    waker.wake_by_ref();
                }
                !is_met
            }
            Waiter::Interest(interest) => {
                if !(is_taken && interest.is_exclusive()) {
                    is_taken |= interest.wake(events) && interest.is_exclusive();
                }
                true
            }
        });
    }
}

#[cfg(test)]
pub(super) mod tests;
