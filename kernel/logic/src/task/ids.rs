//! Thread IDs: ascending, reused only after a wrap-around, as Linux gives them.

/// Highest ID plus one (`/proc/sys/kernel/pid_max`).
pub const MOST_TIDS: u32 = 4_194_304;

/// Gives out IDs that no live thread has. Who has which is the caller's to know.
#[derive(Debug)]
pub struct TidAllocator {
    first: u32,
    next: u32,
}

impl TidAllocator {
    /// An allocator whose ID `first` is the main thread's.
    #[must_use]
    pub fn new(first: u32) -> Self {
        Self { first, next: first + 1 }
    }

    /// The next ID that is not `taken`, while `live` are; `None` when all are in use.
    pub fn allocate(&mut self, live: usize, taken: impl Fn(u32) -> bool) -> Option<u32> {
        if live >= (MOST_TIDS - self.first) as usize {
            return None;
        }
        loop {
            let id = self.next;
            self.next = if id + 1 >= MOST_TIDS { self.first + 1 } else { id + 1 };
            if !taken(id) {
                return Some(id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
