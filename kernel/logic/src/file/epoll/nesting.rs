//! Epoll instances in epoll instances: no loops, and not too deep (epoll_ctl(2), `ELOOP`).
//!
//! A change goes up from instance to instance with the locks of all of them held, so that there is a top and it is near.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use sync::{Lock, LockGuard};

use super::super::open::OpenFile;

/// Most epoll instances one above the other, the lowest one not counted (Linux, `EP_MAX_NESTS`).
const MOST_NESTED: usize = 4;

/// Held while an epoll instance goes into another one: two that go into each other at a time would not see that.
#[derive(Debug, Default)]
pub struct Nesting(Lock<()>);

impl Nesting {
    /// Nothing is nested.
    pub const fn new() -> Self {
        Self(Lock::new(()))
    }

    /// Checks that `outer` may become interested in `inner`, another epoll instance. So it stays while the answer is kept.
    ///
    /// # Errors
    /// `ELOOP`.
    pub(super) fn check(
        &self,
        outer: &Arc<OpenFile>,
        inner: &Arc<OpenFile>,
    ) -> Result<LockGuard<'_, ()>, Errno> {
        let guard = self.0.lock();
        let is_outer = |open: &Arc<OpenFile>| Arc::ptr_eq(open, outer);
        let below =
            levels(inner, |open| open.file.epoll().map_or_else(Vec::new, |epoll| epoll.nested()), is_outer)?;
        let above = levels(outer, |open| open.interested(), |_| false)?;
        if below + above < MOST_NESTED { Ok(guard) } else { Err(Errno::ELOOP) }
    }
}

/// How many steps can be made from `start`, each to all that `step` answers.
///
/// # Errors
/// `ELOOP` for too many, or when one meets `end`.
fn levels(
    start: &Arc<OpenFile>,
    step: impl Fn(&OpenFile) -> Vec<Arc<OpenFile>>,
    end: impl Fn(&Arc<OpenFile>) -> bool,
) -> Result<usize, Errno> {
    let mut level = alloc::vec![Arc::clone(start)];
    for count in 0..=MOST_NESTED {
        if level.iter().any(&end) {
            return Err(Errno::ELOOP);
        }
        level = level.iter().flat_map(|open| step(open)).collect();
        if level.is_empty() {
            return Ok(count);
        }
        // Each once: there may be many ways to it.
        level.sort_unstable_by_key(|open| Arc::as_ptr(open).addr());
        level.dedup_by(|one, other| Arc::ptr_eq(one, other));
    }
    Err(Errno::ELOOP)
}
