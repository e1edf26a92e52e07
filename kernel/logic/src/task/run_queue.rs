//! One CPU's queue of runnable threads, and how long the one that runs may go on.
//!
//! Threads that were waiting and have been woken go before those that compute, for a short turn each, and cut the turn of one that computes.
//! They are charged for it: what they used ahead of others is [`RunQueue::owed_ns`], what the others get is taken off, and above a limit nobody
//! goes ahead. So a woken thread runs at once, and in the long run those that were woken have no more than half of the CPU while others compute.
//! Among equals it is first come, first served; other CPUs may steal from the end.
//!
//! Threads whose time was up come back in an order that varies a little. Were it always the same, a thread that undoes in its turn what another
//! did would keep those behind it from ever seeing it (crossbeam-deque's `no_starvation` is such a program).
//!
//! Generic over the handle `T`; performs nothing itself.

use alloc::sync::Arc;

use sync::{Linked, Queue};

/// How long a thread that computes runs while others wait, in nanoseconds, at nice 0.
const SLICE_NS: u64 = 4_000_000;
/// How long a woken thread runs before it is one of those that compute.
const PROMPT_SLICE_NS: u64 = 1_000_000;
/// How long any thread runs before a woken one takes its place: what two switches cost is then little.
const LEAST_TURN_NS: u64 = 200_000;
/// How far ahead woken threads may get of those that compute.
const MOST_OWED_NS: u64 = 8_000_000;

/// Why a thread comes to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It was waiting, and what it waited for has come.
    Woken,
    /// It was started or moved here, or lets others go first (sched_yield(2)).
    Ready,
    /// Its time was up, or a woken one took its place.
    Preempted,
}

/// The kind of a thread's link in run queues.
#[derive(Debug)]
pub enum Runs {}

/// Threads that are ready to run, in the order they will.
#[derive(Debug)]
pub struct RunQueue<T: Linked<Runs>> {
    /// Woken ones, which go first.
    prompt: Queue<T, Runs>,
    regular: Queue<T, Runs>,
    /// The thread that runs now came from `prompt`.
    runs_prompt: bool,
    /// How much more of the CPU woken threads had than those that waited meanwhile.
    owed_ns: u64,
    /// xorshift32: coins, the same at every run.
    coins: u32,
}

/// How long a thread with this nice value runs while others wait: each step is a quarter more or a fifth less, as on Linux, and as those
/// that compute take turns, so is its share of the CPU (sched(7)).
#[must_use]
pub fn slice_ns(nice: i32) -> u64 {
    let steps = nice.clamp(-20, 19);
    (0..steps.abs()).fold(SLICE_NS, |slice, _| if steps > 0 { slice * 4 / 5 } else { slice * 5 / 4 })
}

impl<T: Linked<Runs>> Default for RunQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Linked<Runs>> RunQueue<T> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            prompt: Queue::new(),
            regular: Queue::new(),
            runs_prompt: false,
            owed_ns: 0,
            coins: 0x9e37_79b9,
        }
    }

    /// Adds a thread.
    pub fn enqueue(&mut self, task: Arc<T>, arrival: Arrival) {
        match arrival {
            Arrival::Woken => self.prompt.push_back(task),
            Arrival::Ready => self.regular.push_back(task),
            Arrival::Preempted => self.enqueue_preempted(task),
        }
    }

    /// Adds a thread at the end, or by the toss of a coin one before it, but never before all others.
    fn enqueue_preempted(&mut self, task: Arc<T>) {
        self.coins ^= self.coins << 13;
        self.coins ^= self.coins >> 17;
        self.coins ^= self.coins << 5;
        if self.regular.len() > 1 && self.coins & 1 != 0 {
            self.regular.push_before_last(task);
        } else {
            self.regular.push_back(task);
        }
    }

    /// Takes the thread that goes next. The one that ran until now did so for `ran_ns`.
    pub fn pick_next(&mut self, ran_ns: u64) -> Option<Arc<T>> {
        if !self.runs_prompt {
            self.owed_ns = self.owed_ns.saturating_sub(ran_ns);
        } else if !self.regular.is_empty() {
            self.owed_ns += ran_ns;
        }
        let ahead = self.owed_ns < MOST_OWED_NS || self.regular.is_empty();
        let prompt = if ahead { self.prompt.pop_front() } else { None };
        self.runs_prompt = prompt.is_some();
        prompt.or_else(|| self.regular.pop_front())
    }

    /// When the thread that runs must let another one go, if one waits: it has run since `began_ns` and has the nice value `nice`.
    #[must_use]
    pub fn turn_ends(&self, began_ns: u64, nice: i32) -> Option<u64> {
        let turn = if self.is_empty() {
            return None;
        } else if self.runs_prompt {
            PROMPT_SLICE_NS
        } else if self.prompt.is_empty() || self.owed_ns >= MOST_OWED_NS {
            slice_ns(nice)
        } else {
            LEAST_TURN_NS
        };
        Some(began_ns.saturating_add(turn))
    }

    /// Takes the last thread that `allowed` lets go: the one that would have waited longest here.
    pub fn steal(&mut self, allowed: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        self.regular.take_last(&allowed).or_else(|| self.prompt.take_last(&allowed))
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prompt.len() + self.regular.len()
    }

    /// Whether woken threads wait.
    #[must_use]
    pub fn has_woken(&self) -> bool {
        !self.prompt.is_empty()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prompt.is_empty() && self.regular.is_empty()
    }
}

#[cfg(test)]
mod tests;
