//! One CPU's free objects.

use super::class;
use super::list::List;

/// A stack of free objects for each class. Nothing else may run on the CPU while it is used.
#[derive(Debug)]
pub struct Cache {
    lists: [List; class::COUNT],
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub const fn new() -> Self {
        Self { lists: [const { List::new() }; class::COUNT] }
    }

    /// Takes an object of `class`; null: refill.
    #[inline]
    pub fn pop(&mut self, class: usize) -> *mut u8 {
        self.lists[class].pop()
    }

    /// Puts a free object of `class` in. True: there are enough now, [`Cache::take`] some out.
    ///
    /// # Safety
    /// As for [`List::push`].
    #[inline]
    pub unsafe fn push(&mut self, class: usize, object: *mut u8) -> bool {
        // SAFETY: as the caller promises.
        unsafe { self.lists[class].push(object) };
        self.lists[class].len() > 2 * class::batch(class)
    }

    /// Puts free objects of `class` in, linked already.
    pub fn append(&mut self, class: usize, objects: List) {
        self.lists[class].append(objects);
    }

    /// Takes a batch of free objects of `class` out.
    pub fn take(&mut self, class: usize) -> List {
        self.lists[class].split(class::batch(class))
    }
}
