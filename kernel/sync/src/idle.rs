//! Which CPUs idle. A CPU enters itself before it looks for work for the last time; who makes work makes it before it looks here. So one of
//! the two sees the other, and no work lies while its CPU sleeps. (The lock of what holds the work is taken in between on both sides, which
//! orders a plain load behind it.)

use crate::prim::{AtomicU64, Ordering, const_in_machines};

/// A bit for each CPU.
#[derive(Debug)]
pub struct IdleMask(AtomicU64);

impl Default for IdleMask {
    fn default() -> Self {
        Self::new()
    }
}

impl IdleMask {
    const_in_machines! {
        /// Nobody idles.
        #[must_use]
        pub fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    /// CPU `cpu` has nothing to do. It must look for work once more after this.
    #[inline]
    pub fn enter(&self, cpu: usize) {
        self.0.fetch_or(1 << cpu, Ordering::SeqCst);
    }

    /// CPU `cpu` has something to do.
    #[inline]
    pub fn leave(&self, cpu: usize) {
        self.0.fetch_and(!(1 << cpu), Ordering::SeqCst);
    }

    /// Those that idle, a bit each. What they could do must have been queued before this.
    #[inline]
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether CPU `cpu` idles.
    #[inline]
    #[must_use]
    pub fn contains(&self, cpu: usize) -> bool {
        self.all() & (1 << cpu) != 0
    }
}
