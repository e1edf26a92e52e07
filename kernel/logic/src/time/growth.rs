//! When an emulator's TLB is made to grow (decision 0023).

use core::sync::atomic::{AtomicU64, Ordering};

/// For how long a CPU is awake first: a program that ends at once has nothing of it.
const FIRST_NS: u64 = 50_000_000;
/// From one time to the next: others empty it too, and then it shrinks if little of it was in use.
const EVERY_NS: u64 = 5_000_000_000;

/// One CPU's. Nobody else looks at it.
#[derive(Debug)]
pub struct Growth {
    /// Monotonic nanoseconds; `u64::MAX` for never.
    next: AtomicU64,
}

impl Growth {
    /// Of a CPU that is or is not emulated, from `now_ns` on.
    pub const fn new(is_emulated: bool, now_ns: u64) -> Self {
        Self { next: AtomicU64::new(if is_emulated { now_ns + FIRST_NS } else { u64::MAX }) }
    }

    /// When it is time for it, if the CPU is busy then.
    pub fn deadline(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Whether it is time: said once.
    pub fn is_due(&self, now_ns: u64) -> bool {
        let is_due = now_ns >= self.deadline();
        if is_due {
            self.next.store(now_ns + EVERY_NS, Ordering::Relaxed);
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
