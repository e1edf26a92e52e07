//! When connections must be looked at again. Each stands here for one time at most: a deadline that moves to later is found out when the earlier
//! one comes.

use alloc::collections::BinaryHeap;
use alloc::sync::Weak;
use core::cmp::Ordering;

use super::carried::Carried;
use super::joint::Joint;

/// What has a deadline.
#[derive(Debug)]
pub(super) enum Due {
    /// A connection to another machine.
    Carried(Weak<Carried>),
    /// One within this machine, which waits to be open.
    Joint(Weak<Joint>),
}

/// A connection and its time in monotonic nanoseconds; the soonest is the greatest.
#[derive(Debug)]
struct Entry {
    deadline_ns: u64,
    due: Due,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.deadline_ns == other.deadline_ns
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.deadline_ns.cmp(&self.deadline_ns)
    }
}

/// Connections by deadline.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BinaryHeap<Entry>);

impl Deadlines {
    /// Adds one; answers whether it is the soonest. Without memory it is left out, and looked at when something comes for it.
    pub(super) fn add(&mut self, deadline_ns: u64, due: Due) -> bool {
        if self.0.try_reserve(1).is_err() {
            return false;
        }
        self.0.push(Entry { deadline_ns, due });
        self.next() == Some(deadline_ns)
    }

    /// The soonest.
    pub(super) fn next(&self) -> Option<u64> {
        self.0.peek().map(|entry| entry.deadline_ns)
    }

    /// Takes one whose time has come.
    pub(super) fn pop_due(&mut self, now_ns: u64) -> Option<(u64, Due)> {
        let entry = self.0.peek()?;
        if entry.deadline_ns > now_ns {
            return None;
        }
        self.0.pop().map(|entry| (entry.deadline_ns, entry.due))
    }
}
