//! A ring of bytes that takes memory as it fills: what pipes and the sockets of this machine keep.

use alloc::boxed::Box;
use alloc::vec::Vec;

use abi::errno::Errno;

use super::Io;

const PAGE: usize = 4096;
/// A ring of at most this many bytes keeps its memory when it has been emptied.
const KEPT: usize = 64 * 1024;

/// A part of the ring. Each is a frame of its own in the kernel's heap: nothing has to lie in a row, and it goes back to where it came from.
#[derive(Clone, Debug)]
#[repr(align(4096))]
struct Page([u8; PAGE]);

impl Page {
    const ZERO: Self = Self([0; PAGE]);
}

/// One page. (A box of one cannot be asked for without a panic when there is none.)
type OnePage = Box<[Page]>;

fn new_page() -> Result<OnePage, Errno> {
    let mut page = Vec::new();
    page.try_reserve_exact(1).map_err(|_| Errno::ENOMEM)?;
    page.resize(1, Page::ZERO);
    Ok(page.into_boxed_slice())
}

/// Bytes in a row, the first ones first. How many there may be is its owner's business.
#[derive(Debug, Default)]
pub struct Ring {
    pages: Vec<OnePage>,
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
    /// `ENOMEM` when `least` of them, one or more, would fit if there were memory.
    #[inline]
    pub fn make_room(
        &mut self,
        io: &Io<'_>,
        (least, more): (usize, usize),
        capacity: usize,
    ) -> Result<usize, Errno> {
        let wanted = (self.length + more).min(capacity);
        if wanted > self.size() {
            // Without memory for all there is what there is.
            let _ = self.grow(io, wanted.div_ceil(PAGE));
        }
        let needed = self.length + least;
        if self.size() < needed && needed <= capacity {
            return Err(Errno::ENOMEM);
        }
        Ok(self.size().min(capacity).saturating_sub(self.length))
    }

    /// Adds pages up to `count`.
    #[cold]
    fn grow(&mut self, io: &Io<'_>, count: usize) -> Result<(), Errno> {
        self.begin_at_first_page();
        let before = self.size();
        self.pages.try_reserve(count - self.pages.len()).map_err(|_| Errno::ENOMEM)?;
        while self.pages.len() < count && io.memory_left() > 0 {
            let mut page = new_page()?;
            if self.size() == before {
                // What lay before the start, in the same page, comes behind the rest.
                let wrapped = (self.start + self.length).saturating_sub(before);
                if let Some(first) = self.pages.first() {
                    page[0].0[..wrapped].copy_from_slice(&first[0].0[..wrapped]);
                }
            }
            self.pages.push(page);
        }
        Ok(())
    }

    /// Gives pages up that `bytes` bytes, at least what is in it, do not need.
    pub fn shrink(&mut self, bytes: usize) {
        let count = bytes.div_ceil(PAGE);
        if count >= self.pages.len() {
            return;
        }
        self.begin_at_first_page();
        // What lies behind the new end comes before the start, in the same page: there is room for it.
        let behind = (self.start + self.length).saturating_sub(count * PAGE);
        if let Ok([first, last]) = self.pages.get_disjoint_mut([0, count]) {
            first[0].0[..behind].copy_from_slice(&last[0].0[..behind]);
        }
        self.pages.truncate(count);
        self.pages.shrink_to_fit();
    }

    /// Turns the pages so that the first byte is in the first one.
    fn begin_at_first_page(&mut self) {
        self.pages.rotate_left(self.start / PAGE);
        self.start %= PAGE;
    }

    /// The bytes from the one at `offset` on, as far as they lie in a row.
    #[inline]
    pub fn filled(&self, offset: usize) -> &[u8] {
        let left = self.length.saturating_sub(offset);
        let begin = (self.start + offset) % self.size().max(1);
        let (page, at) = (begin / PAGE, begin % PAGE);
        self.pages.get(page).map_or(&[], |page| &page[0].0[at..PAGE.min(at + left)])
    }

    /// The free part behind the bytes, as far as it lies in a row.
    #[inline]
    pub fn free(&mut self) -> &mut [u8] {
        let (size, left) = (self.size(), self.size() - self.length);
        let end = (self.start + self.length) % size.max(1);
        let (page, at) = (end / PAGE, end % PAGE);
        self.pages.get_mut(page).map_or(&mut [], |page| &mut page[0].0[at..PAGE.min(at + left)])
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

#[cfg(test)]
mod tests;
