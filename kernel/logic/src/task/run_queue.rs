//! One CPU's queue of runnable threads: first come, first served; others may steal from its end.
//!
//! Generic over the handle `T`; performs nothing itself.

use alloc::collections::VecDeque;

/// Threads that are ready to run, in the order they will.
#[derive(Debug)]
pub struct RunQueue<T>(VecDeque<T>);

impl<T> Default for RunQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RunQueue<T> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Adds a thread at the end.
    pub fn enqueue(&mut self, task: T) {
        self.0.push_back(task);
    }

    /// Takes the thread that has waited longest.
    pub fn pick_next(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    /// Takes the last thread that `allowed` lets go: the one that would have waited longest here.
    pub fn steal(&mut self, allowed: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.0.iter().rposition(allowed)?;
        self.0.remove(at)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
