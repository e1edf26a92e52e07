//! A stack of free objects: each holds the address of the next in its first word.

use core::ptr;

/// The stack.
#[derive(Debug)]
#[repr(C)]
pub struct List {
    head: *mut u8,
    count: u32,
}

// SAFETY: the objects belong to the list, whichever thread has it.
unsafe impl Send for List {}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    /// An empty stack.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: ptr::null_mut(), count: 0 }
    }

    /// Objects in it.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Takes the object that was put in last; null when there is none.
    #[inline]
    pub fn pop(&mut self) -> *mut u8 {
        let object = self.head;
        if !object.is_null() {
            // SAFETY: objects in the list hold the next one's address.
            self.head = unsafe { object.cast::<*mut u8>().read() };
            self.count -= 1;
        }
        object
    }

    /// Puts a free object in.
    ///
    /// # Safety
    /// The object is at least a word, aligned for it, writable, and nobody else's.
    #[inline]
    pub unsafe fn push(&mut self, object: *mut u8) {
        // SAFETY: as the caller promises.
        unsafe { object.cast::<*mut u8>().write(self.head) };
        self.head = object;
        self.count += 1;
    }

    /// Puts all of `other` in.
    pub fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let mut other = other;
        loop {
            let object = other.pop();
            if object.is_null() {
                return;
            }
            // SAFETY: it was in the other list a moment ago.
            unsafe { self.push(object) };
        }
    }

    /// Takes the `most` objects that were put in last.
    pub fn split(&mut self, most: u32) -> Self {
        let mut taken = Self::new();
        while taken.count < most {
            let object = self.pop();
            if object.is_null() {
                break;
            }
            // SAFETY: it was in this list a moment ago.
            unsafe { taken.push(object) };
        }
        taken
    }
}
