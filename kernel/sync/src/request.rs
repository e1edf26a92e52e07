//! Something that a CPU asks of others and waits for: one request at a time. Who waits for its turn answers those that come first, so two that
//! ask each other both get on.

use crate::Patience;
use crate::prim::{AtomicU32, AtomicU64, Ordering, const_in_machines};

/// A kind of request.
#[derive(Debug)]
pub struct Request {
    /// 1 while a CPU asks.
    owner: AtomicU32,
    /// How many of those that were asked have not answered.
    unanswered: AtomicU32,
    /// Those that were asked and have not begun to answer, a bit each.
    asked: AtomicU64,
}

impl Default for Request {
    fn default() -> Self {
        Self::new()
    }
}

impl Request {
    const_in_machines! {
        /// Nobody asks.
        #[must_use]
        pub fn new() -> Self {
            Self { owner: AtomicU32::new(0), unanswered: AtomicU32::new(0), asked: AtomicU64::new(0) }
        }
    }

    /// Asks the CPUs in `others` (not the caller's own), which `send` interrupts; returns when all have answered. `answer` answers what others
    /// ask of the caller meanwhile.
    pub fn ask(&self, others: u64, answer: impl Fn(), send: impl FnOnce()) {
        let mut patience = Patience::default();
        while self.owner.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            answer();
            patience.wait();
        }
        // Before the mask: who waits for its turn answers as soon as it sees its bit there.
        self.unanswered.store(others.count_ones(), Ordering::Relaxed);
        self.asked.store(others, Ordering::Release);
        send();
        let mut patience = Patience::default();
        while self.unanswered.load(Ordering::Acquire) != 0 {
            patience.wait();
        }
        self.owner.store(0, Ordering::Release);
    }

    /// Has CPU `cpu`, the caller's, do `act` if it was asked.
    pub fn answer(&self, cpu: usize, act: impl FnOnce()) {
        let bit = 1 << cpu;
        if self.asked.load(Ordering::Acquire) & bit == 0 {
            return;
        }
        if self.asked.fetch_and(!bit, Ordering::AcqRel) & bit != 0 {
            act();
            self.unanswered.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
