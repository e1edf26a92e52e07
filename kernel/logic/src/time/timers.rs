//! The deadline queue: who is to be woken when. Time is an argument; nothing here looks at a clock.

use alloc::collections::BTreeMap;
use core::task::Waker;

/// Names a deadline that was inserted: its time and a number that makes it unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    deadline_ns: u64,
    serial: u64,
}

/// Names a deadline in one of several queues: that of which CPU, and which one there.
#[derive(Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The CPU.
    pub cpu: usize,
    /// Its deadline.
    pub id: TimerId,
}

/// Wakers by deadline, soonest first.
#[derive(Debug, Default)]
pub struct Timers {
    queue: BTreeMap<TimerId, Waker>,
    serial: u64,
}

impl Timers {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self { queue: BTreeMap::new(), serial: 0 }
    }

    /// Has `waker` woken at `deadline_ns`.
    pub fn insert(&mut self, deadline_ns: u64, waker: Waker) -> TimerId {
        let id = TimerId { deadline_ns, serial: self.serial };
        self.serial += 1;
        self.queue.insert(id, waker);
        id
    }

    /// Takes a deadline back; `None` when it has passed already.
    pub fn cancel(&mut self, id: TimerId) -> Option<Waker> {
        self.queue.remove(&id)
    }

    /// The soonest deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(id, _)| id.deadline_ns)
    }

    /// Takes one waker whose deadline is not after `now_ns`, soonest first.
    pub fn pop_due(&mut self, now_ns: u64) -> Option<Waker> {
        let first = self.queue.first_entry()?;
        (first.key().deadline_ns <= now_ns).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests;
