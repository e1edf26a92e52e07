//! One CPU's queue of runnable threads: first come, first served; others may steal from its end.
//!
//! Threads whose time was up come back in an order that varies a little. Were it always the same, a thread that undoes in its turn what another
//! did would keep those behind it from ever seeing it (crossbeam-deque's `no_starvation` is such a program).
//!
//! Generic over the handle `T`; performs nothing itself.

use alloc::collections::VecDeque;

/// Threads that are ready to run, in the order they will.
#[derive(Debug)]
pub struct RunQueue<T> {
    threads: VecDeque<T>,
    /// xorshift32: coins, the same at every run.
    coins: u32,
}

impl<T> Default for RunQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RunQueue<T> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self { threads: VecDeque::new(), coins: 0x9e37_79b9 }
    }

    /// Adds a thread at the end.
    pub fn enqueue(&mut self, task: T) {
        self.threads.push_back(task);
    }

    /// Adds a thread whose time was up: at the end, or by the toss of a coin one before it, but never before all others.
    pub fn enqueue_preempted(&mut self, task: T) {
        self.coins ^= self.coins << 13;
        self.coins ^= self.coins >> 17;
        self.coins ^= self.coins << 5;
        let waiting = self.threads.len();
        let overtakes = waiting > 1 && self.coins & 1 != 0;
        self.threads.insert(if overtakes { waiting - 1 } else { waiting }, task);
    }

    /// Takes the thread that has waited longest.
    pub fn pick_next(&mut self) -> Option<T> {
        self.threads.pop_front()
    }

    /// Takes the last thread that `allowed` lets go: the one that would have waited longest here.
    pub fn steal(&mut self, allowed: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.threads.iter().rposition(allowed)?;
        self.threads.remove(at)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.threads.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }
}

#[cfg(test)]
mod tests;
