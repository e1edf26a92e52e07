//! The bytes of a regular file in memory: pages where something was written, holes elsewhere, and perhaps a part of the image or
//! of an archive below, whose pages are copied when they are first written.

mod table;

use alloc::vec::Vec;

use abi::errno::Errno;

use crate::file::io::{Sink, Source, partial};

use table::{Held, PageTable};

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// A page of data, aligned as one so that the kernel's allocator makes it a physical frame.
#[derive(Clone, Debug)]
#[repr(align(4096))]
pub struct Page([u8; PAGE]);

impl Page {
    /// A page of zeros.
    ///
    /// # Errors
    /// `ENOSPC` when there is no memory for it (tmpfs(5)).
    fn zeroed() -> Result<Held, Errno> {
        // A vector of one, because only vectors can be allocated fallibly.
        let mut page = Vec::new();
        page.try_reserve_exact(1).map_err(|_| Errno::ENOSPC)?;
        page.push(Self([0; PAGE]));
        page.into_boxed_slice().try_into().map_err(|_| Errno::EIO)
    }
}

/// Asked before a file takes memory for one more page.
pub type MayGrow<'a> = &'a mut dyn FnMut() -> Result<(), Errno>;

/// The bytes of a file.
#[derive(Debug, Default)]
pub struct Pages {
    size: u64,
    pages: PageTable,
    /// What lies below pages that were never written; shorter than the file or as long.
    base: &'static [u8],
}

/// Where a position lies in its page.
fn within_page(offset: u64) -> usize {
    usize::try_from(offset % PAGE as u64).unwrap_or(0)
}

/// What lies at a position, in a row.
enum Run<'a> {
    Bytes(&'a [u8]),
    Hole(usize),
}

impl Pages {
    /// A file whose bytes are `base` until they are written.
    pub fn over(base: &'static [u8]) -> Self {
        Self { size: base.len() as u64, pages: PageTable::default(), base }
    }

    /// Bytes in the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether `count` bytes from `offset` on lie in pages that are there.
    pub fn has(&self, offset: u64, count: u64) -> bool {
        const FEW: u64 = 64;
        let (first, last) = (offset / PAGE as u64, offset.saturating_add(count.max(1) - 1) / PAGE as u64);
        last - first < FEW && (first..=last).all(|index| self.pages.get(index).is_some())
    }

    /// Units of 512 bytes in use.
    pub fn blocks(&self) -> u64 {
        (self.pages.len() + self.base.len().div_ceil(PAGE)) as u64 * (PAGE / 512) as u64
    }

    /// Whether something of page `index` lies in the base: the whole page is data then.
    fn is_over_base(&self, index: u64) -> bool {
        index * (PAGE as u64) < self.base.len() as u64
    }

    /// What lies from `offset` on, up to the end of its page or of `most` bytes.
    fn run(&self, offset: u64, most: usize) -> Run<'_> {
        let within = within_page(offset);
        let count = most.min(PAGE - within);
        if let Some(page) = self.pages.get(offset / PAGE as u64) {
            return Run::Bytes(&page.0[within..within + count]);
        }
        match usize::try_from(offset).ok().and_then(|start| self.base.get(start..)) {
            Some(rest) if !rest.is_empty() => Run::Bytes(&rest[..count.min(rest.len())]),
            _ => Run::Hole(count),
        }
    }

    /// Reads from `offset` on.
    ///
    /// # Errors
    /// `EFAULT` when the first byte could not be handed over.
    pub fn read(&self, offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        let behind = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let whole = behind.min(out.room());
        let mut done = 0;
        while done < whole {
            let (count, put) = match self.run(offset + done as u64, whole - done) {
                Run::Bytes(bytes) => (bytes.len(), out.put(bytes)),
                Run::Hole(count) => (count, out.put_zeros(count)),
            };
            if let Err(errno) = put {
                return partial(done, Err(errno));
            }
            done += count;
        }
        Ok(done)
    }

    /// The page at `index`, made if it is not there, with what lies below.
    ///
    /// # Errors
    /// `ENOSPC` when there is no memory for it; what `may_grow` says.
    pub fn page(&mut self, index: u64, may_grow: MayGrow<'_>) -> Result<&mut Page, Errno> {
        if self.pages.get(index).is_none() {
            return self.made(index, may_grow);
        }
        self.pages.get_mut(index).ok_or(Errno::EIO)
    }

    /// The page at `index`, which is not there, made.
    #[cold]
    fn made(&mut self, index: u64, may_grow: MayGrow<'_>) -> Result<&mut Page, Errno> {
        let page = self.copied(index, may_grow)?;
        Ok(self.pages.insert(index, page))
    }

    /// The page at `index`, where it or something below it is to be changed.
    fn page_mut(&mut self, index: u64) -> Result<&mut [u8; PAGE], Errno> {
        self.page(index, &mut || Ok(())).map(|page| &mut page.0)
    }

    /// A new page with what lies below page `index`.
    fn copied(&self, index: u64, may_grow: MayGrow<'_>) -> Result<Held, Errno> {
        may_grow()?;
        let mut page = Page::zeroed()?;
        let start = usize::try_from(index * PAGE as u64).unwrap_or(usize::MAX);
        if let Some(below) = self.base.get(start..) {
            let count = below.len().min(PAGE);
            page[0].0[..count].copy_from_slice(&below[..count]);
        }
        Ok(page)
    }

    /// Writes `count` bytes, which `from` has, from `offset` on; the file grows.
    ///
    /// # Errors
    /// `EFAULT`, `ENOSPC` or what `may_grow` says, when nothing was written.
    pub fn write(
        &mut self,
        offset: u64,
        count: usize,
        from: &mut dyn Source,
        may_grow: MayGrow<'_>,
    ) -> Result<usize, Errno> {
        let mut done = 0;
        while done < count {
            let at = offset + done as u64;
            let (index, within) = (at / PAGE as u64, within_page(at));
            let step = (count - done).min(PAGE - within);
            let range = within..within + step;
            let taken = match self.pages.get_mut(index) {
                Some(page) => from.take(&mut page.0[range]),
                None => self.made(index, may_grow).and_then(|page| from.take(&mut page.0[range])),
            };
            if let Err(errno) = taken {
                return partial(done, Err(errno));
            }
            done += step;
            self.size = self.size.max(at + step as u64);
        }
        Ok(done)
    }

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// `ENOSPC` when the page at the cut lies in the base and cannot be copied.
    pub fn truncate(&mut self, size: u64) -> Result<(), Errno> {
        if size < self.size {
            self.clear_tail(size)?;
            self.pages.cut(size.div_ceil(PAGE as u64));
            let base = usize::try_from(size).unwrap_or(usize::MAX).min(self.base.len());
            self.base = &self.base[..base];
        }
        self.size = size;
        Ok(())
    }

    /// Zeros the rest of the page that `size` cuts: it must read as zeros when the file grows again.
    fn clear_tail(&mut self, size: u64) -> Result<(), Errno> {
        let within = within_page(size);
        if within > 0 && self.pages.get(size / PAGE as u64).is_some() {
            self.page_mut(size / PAGE as u64)?[within..].fill(0);
        }
        Ok(())
    }

    /// Makes `start..end` read as zeros; whole pages become holes.
    ///
    /// # Errors
    /// `ENOSPC` when the base cannot be copied.
    pub fn punch(&mut self, start: u64, end: u64) -> Result<(), Errno> {
        let end = end.min(self.size.next_multiple_of(PAGE as u64));
        let mut at = start;
        while at < end {
            let index = at / PAGE as u64;
            let page_end = (index + 1) * PAGE as u64;
            let next = page_end.min(end);
            let over_base = self.is_over_base(index);
            if !over_base && next - at == PAGE as u64 {
                self.pages.remove(index);
                // Over a hole: on to the next page that is there.
                let further = self.pages.next(index).map_or(end, |found| found * PAGE as u64);
                at = next.max(further.min(end));
                continue;
            }
            if over_base || self.pages.get(index).is_some() {
                let (from, to) = (within_page(at), within_page(at) + within_page(next - at - 1) + 1);
                self.page_mut(index)?[from..to].fill(0);
            }
            at = next;
        }
        Ok(())
    }

    /// Makes sure that `start..end` has pages (fallocate(2)); the size stays.
    ///
    /// # Errors
    /// `ENOSPC`; pages made before stay.
    pub fn reserve(&mut self, start: u64, end: u64) -> Result<(), Errno> {
        (start / PAGE as u64..end.div_ceil(PAGE as u64))
            .try_for_each(|index| self.page_mut(index).map(|_| ()))
    }

    /// First byte from `offset` on that is not in a hole.
    ///
    /// # Errors
    /// `ENXIO` when only a hole follows, or nothing.
    pub fn next_data(&self, offset: u64) -> Result<u64, Errno> {
        if offset >= self.size {
            return Err(Errno::ENXIO);
        }
        if self.is_over_base(offset / PAGE as u64) {
            return Ok(offset);
        }
        let index = self.pages.next(offset / PAGE as u64).ok_or(Errno::ENXIO)?;
        Some((index * PAGE as u64).max(offset)).filter(|&found| found < self.size).ok_or(Errno::ENXIO)
    }

    /// First byte from `offset` on that is in a hole, or the end.
    ///
    /// # Errors
    /// `ENXIO` behind the end.
    pub fn next_hole(&self, offset: u64) -> Result<u64, Errno> {
        if offset >= self.size {
            return Err(Errno::ENXIO);
        }
        let mut at = offset;
        while at < self.size {
            let index = at / PAGE as u64;
            if !self.is_over_base(index) && self.pages.get(index).is_none() {
                return Ok(at);
            }
            at = (index + 1) * PAGE as u64;
        }
        Ok(self.size)
    }
}

#[cfg(test)]
mod tests;
