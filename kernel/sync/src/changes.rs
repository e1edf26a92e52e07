//! Changes that a CPU must act on before it uses what was changed. One that idles uses nothing, so it need not be told: it catches up when it
//! stops to idle.
//!
//! Who changes counts the change and then looks who idles; who stops to idle leaves the [`IdleMask`](crate::IdleMask) and then looks at the
//! count. One of the two sees the other.

use crate::prim::{AtomicU64, Ordering, const_in_machines, fence};

/// How many changes there were.
#[derive(Debug)]
pub struct Changes(AtomicU64);

/// How many of them a CPU has acted on.
#[derive(Debug)]
pub struct Seen(AtomicU64);

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}

impl Changes {
    const_in_machines! {
        /// None yet.
        #[must_use]
        pub fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    /// There was a change. Who is not in the mask of the idle after this must be told.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// Has the calling CPU `act` if there was a change since it last did. It is not in the mask of the idle any more.
    #[inline]
    pub fn catch_up(&self, seen: &Seen, act: impl FnOnce()) {
        fence(Ordering::SeqCst);
        // Before it acts: of a change that comes meanwhile it may not have seen all.
        let count = self.0.load(Ordering::Acquire);
        if seen.0.load(Ordering::Relaxed) != count {
            act();
            seen.0.store(count, Ordering::Relaxed);
        }
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self::new()
    }
}

impl Seen {
    const_in_machines! {
        /// None yet.
        #[must_use]
        pub fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }
}
