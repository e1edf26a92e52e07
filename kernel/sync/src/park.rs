//! The word a thread parks by: a wake-up that comes before the thread has parked is remembered, never lost.
//!
//! ```text
//!            prepare()               notify() = queue it
//!  Running ──────────▶ Parked ─────────────────────▶ Running
//!     │  notify()
//!     └─────────▶ Notified ── prepare() = do not ──▶ Running
//! ```

use crate::prim::{AtomicU32, Ordering, const_in_machines};

const RUNNING: u32 = 0;
const NOTIFIED: u32 = 1;
const PARKED: u32 = 2;

/// Where a thread stands. [`Park::prepare`] is called by the thread itself, [`Park::notify`] by anybody.
#[derive(Debug)]
pub struct Park(AtomicU32);

impl Default for Park {
    fn default() -> Self {
        Self::new()
    }
}

impl Park {
    const_in_machines! {
        /// A thread that runs, or will: it has not parked.
        #[must_use]
        pub fn new() -> Self {
            Self(AtomicU32::new(RUNNING))
        }
    }

    /// Announces that the thread is about to stop. False: a wake-up has come, it must go on.
    #[must_use]
    pub fn prepare(&self) -> bool {
        if self.0.compare_exchange(RUNNING, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return true;
        }
        self.0.store(RUNNING, Ordering::Release);
        false
    }

    /// Marks a wake-up. True: the thread had stopped, and the caller, who alone is told, must have it run.
    #[must_use]
    pub fn notify(&self) -> bool {
        match self.0.swap(NOTIFIED, Ordering::AcqRel) {
            PARKED => {
                self.0.store(RUNNING, Ordering::Release);
                true
            }
            _ => false,
        }
    }

    /// Whether the thread has stopped.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.0.load(Ordering::Relaxed) == PARKED
    }
}
