//! A ring of bytes that takes memory as it fills: what pipes and the sockets of this machine keep.

use alloc::vec::Vec;

use abi::errno::Errno;

use super::Io;

const PAGE: usize = 4096;
/// A ring of at most this many bytes keeps its memory when it has been emptied.
const KEPT: usize = 64 * 1024;

/// A part of the ring. Whole pages are frames in the kernel's heap: they go back to where they came from.
#[derive(Clone, Debug)]
#[repr(align(4096))]
struct Page([u8; PAGE]);

impl Page {
    const ZERO: Self = Self([0; PAGE]);
}

/// Bytes in a row, the first ones first. How many there may be is its owner's business.
#[derive(Debug, Default)]
pub struct Ring {
    pages: Vec<Page>,
    start: usize,
    length: usize,
}

impl Ring {
    /// An empty one, without memory.
    pub const fn new() -> Self {
        Self { pages: Vec::new(), start: 0, length: 0 }
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that it could hold.
    pub fn size(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// Grows so that `more` bytes fit, as far as `capacity` and memory allow; answers how many do.
    ///
    /// # Errors
    /// `ENOMEM` when there is memory for none at all.
    #[inline]
    pub fn make_room(&mut self, io: &Io<'_>, more: usize, capacity: usize) -> Result<usize, Errno> {
        let wanted = (self.length + more).min(capacity);
        if wanted > self.size() && io.memory_left() > 0 {
            let bytes = wanted.next_multiple_of(PAGE).max(self.size() * 2).min(capacity);
            self.resize(bytes)?;
        }
        if wanted > 0 && self.pages.is_empty() {
            return Err(Errno::ENOMEM);
        }
        Ok(self.size().min(capacity).saturating_sub(self.length))
    }

    /// Moves to a ring of `bytes` bytes, at least what is in it.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Errno> {
        let count = bytes.div_ceil(PAGE);
        let mut pages = Vec::new();
        pages.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        pages.resize(count, Page::ZERO);
        let mut moved = Self { pages, start: 0, length: 0 };
        while self.length > 0 {
            let (from, to) = (self.filled(0), moved.free());
            let count = from.len().min(to.len());
            to[..count].copy_from_slice(&from[..count]);
            moved.add(count);
            self.start = (self.start + count) % self.size();
            self.length -= count;
        }
        *self = moved;
        Ok(())
    }

    /// The bytes from the one at `offset` on, as far as they lie in a row.
    #[inline]
    pub fn filled(&self, offset: usize) -> &[u8] {
        let left = self.length.saturating_sub(offset);
        let begin = (self.start + offset) % self.size().max(1);
        let (page, at) = (begin / PAGE, begin % PAGE);
        self.pages.get(page).map_or(&[], |page| &page.0[at..PAGE.min(at + left)])
    }

    /// The free part behind the bytes, as far as it lies in a row.
    #[inline]
    pub fn free(&mut self) -> &mut [u8] {
        let (size, left) = (self.size(), self.size() - self.length);
        let end = (self.start + self.length) % size.max(1);
        let (page, at) = (end / PAGE, end % PAGE);
        self.pages.get_mut(page).map_or(&mut [], |page| &mut page.0[at..PAGE.min(at + left)])
    }

    /// The first `count` bytes of the free part have been filled.
    #[inline]
    pub fn add(&mut self, count: usize) {
        self.length += count;
    }

    /// The last `count` bytes are none after all.
    pub fn take_back(&mut self, count: usize) {
        self.length -= count;
    }

    /// The first `count` bytes are done with.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        self.length -= count;
        self.start = if self.length == 0 { 0 } else { (self.start + count) % self.size() };
    }

    /// Gives memory back when there is much of it and nothing in it.
    #[inline]
    pub fn relax(&mut self) {
        if self.length == 0 && self.size() > KEPT {
            *self = Self::new();
        }
    }

    /// All bytes are gone, and the memory with them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}
