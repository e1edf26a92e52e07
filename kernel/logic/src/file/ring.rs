//! A ring of bytes that takes memory as it fills: what pipes and connections within this machine keep.

use alloc::boxed::Box;
use alloc::vec::Vec;

use abi::errno::Errno;

use super::Io;
use super::io::{Sink, Source};

const PAGE: usize = 4096;
/// Bytes of the first piece of memory, if that is enough: a connection that says little costs little.
pub const SMALL: usize = 512;

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

fn new_small() -> Result<Box<[u8]>, Errno> {
    let mut small = Vec::new();
    small.try_reserve_exact(SMALL).map_err(|_| Errno::ENOMEM)?;
    small.resize(SMALL, 0);
    Ok(small.into_boxed_slice())
}

/// Bytes in a row, the first ones first. How many there may be is its owner's business.
#[derive(Debug, Default)]
pub struct Ring {
    /// Its memory while [`SMALL`] bytes are enough, else nothing.
    small: Box<[u8]>,
    pages: Vec<OnePage>,
    start: usize,
    length: usize,
}

impl Ring {
    /// An empty one, without memory.
    pub fn new() -> Self {
        Self::default()
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
        self.small.len() + self.pages.len() * PAGE
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
            let _ = self.grow(io, wanted);
        }
        let needed = self.length + least;
        if self.size() < needed && needed <= capacity {
            return Err(Errno::ENOMEM);
        }
        Ok(self.size().min(capacity).saturating_sub(self.length))
    }

    /// Takes memory for `bytes`, more than there is.
    #[cold]
    fn grow(&mut self, io: &Io<'_>, bytes: usize) -> Result<(), Errno> {
        if bytes <= SMALL && io.memory_left() > 0 {
            self.small = new_small()?;
            return Ok(());
        }
        self.leave_small(io)?;
        let count = bytes.div_ceil(PAGE);
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

    /// What is in the small piece moves to a page.
    fn leave_small(&mut self, io: &Io<'_>) -> Result<(), Errno> {
        if self.small.is_empty() {
            return Ok(());
        }
        if io.memory_left() == 0 {
            return Err(Errno::ENOMEM);
        }
        self.pages.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let mut page = new_page()?;
        let behind = SMALL - self.start;
        page[0].0[..behind].copy_from_slice(&self.small[self.start..]);
        page[0].0[behind..SMALL].copy_from_slice(&self.small[..self.start]);
        self.pages.push(page);
        (self.small, self.start) = (Box::default(), 0);
        Ok(())
    }

    /// The piece of memory with this number.
    #[inline]
    fn piece(&self, index: usize) -> &[u8] {
        self.pages.get(index).map_or(&self.small, |page| &page[0].0)
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
        let (piece, at) = (self.piece(begin / PAGE), begin % PAGE);
        &piece[at..piece.len().min(at + left)]
    }

    /// The free part behind the bytes, as far as it lies in a row.
    #[inline]
    pub fn free(&mut self) -> &mut [u8] {
        let (size, left) = (self.size(), self.size() - self.length);
        let end = (self.start + self.length) % size.max(1);
        let (page, at) = (end / PAGE, end % PAGE);
        let piece = self.pages.get_mut(page).map_or(&mut *self.small, |page| &mut page[0].0);
        let end = piece.len().min(at + left);
        &mut piece[at..end]
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

    /// Fills the free part with the next `count` bytes of `from`, for which room was made; answers how many came, and what ended that.
    pub fn fill(&mut self, from: &mut dyn Source, count: usize) -> (usize, Result<(), Errno>) {
        let mut done = 0;
        while done < count {
            let free = self.free();
            let step = free.len().min(count - done);
            if let Err(errno) = from.take(&mut free[..step]) {
                return (done, Err(errno));
            }
            self.add(step);
            done += step;
        }
        (done, Ok(()))
    }

    /// Hands over `count` bytes from the one at `offset` on, which stay; answers how many, and what ended that.
    pub fn hand_over(&self, out: &mut dyn Sink, offset: usize, count: usize) -> (usize, Result<(), Errno>) {
        let mut done = 0;
        while done < count {
            let row = self.filled(offset + done);
            let step = row.len().min(count - done);
            if let Err(errno) = out.put(&row[..step]) {
                return (done, Err(errno));
            }
            done += step;
        }
        (done, Ok(()))
    }

    /// Gives memory back when there is more than `kept` bytes of it and nothing in it.
    #[inline]
    pub fn relax(&mut self, kept: usize) {
        if self.length == 0 && self.size() > kept {
            self.clear();
        }
    }

    /// All bytes are gone, and the memory with them.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests;
