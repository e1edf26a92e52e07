//! Thread IDs: ascending, reused only after a wrap-around, as Linux gives them.

use alloc::collections::BTreeSet;

/// Highest ID plus one (`/proc/sys/kernel/pid_max`).
pub const MOST_TIDS: u32 = 4_194_304;

/// Gives out IDs that no live thread has.
#[derive(Debug)]
pub struct TidAllocator {
    first: u32,
    next: u32,
    live: BTreeSet<u32>,
}

impl TidAllocator {
    /// An allocator whose ID `first` is in use by the main thread.
    #[must_use]
    pub fn new(first: u32) -> Self {
        Self { first, next: first + 1, live: BTreeSet::from([first]) }
    }

    /// The next free ID; `None` when all are in use.
    pub fn allocate(&mut self) -> Option<u32> {
        if self.live.len() >= (MOST_TIDS - self.first) as usize {
            return None;
        }
        loop {
            let id = self.next;
            self.next = if id + 1 >= MOST_TIDS { self.first + 1 } else { id + 1 };
            if self.live.insert(id) {
                return Some(id);
            }
        }
    }

    /// Gives an ID back.
    pub fn release(&mut self, id: u32) {
        self.live.remove(&id);
    }
}

#[cfg(test)]
mod tests;
