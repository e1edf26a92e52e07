//! The bytes of a regular file in memory: its pages, what they are sealed against, and who maps them.
//!
//! Pages that are mapped are the program's memory too: before the file gives one up, it is taken out of all maps.

use core::ops::Range;

use abi::errno::Errno;
use abi::io::{FallocateMode, Seals};

use crate::file::Io;
use crate::file::io::{First, Source};
use crate::file::lock::FileId;
use crate::file::mapping::Mapper;
use crate::file::open::MOST_OFFSET;
use crate::fs::pages::{PAGE, Page, Pages};

/// What keeps a file from being written, for good or from now on.
const WRITE_SEALS: Seals = Seals::WRITE.union(Seals::FUTURE_WRITE);

/// The bytes of a regular file, and what may be done with them.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) pages: Pages,
    /// `None`: it cannot be sealed.
    seals: Option<Seals>,
    mapped: Option<Mapped>,
}

/// The maps of a file.
#[derive(Debug)]
struct Mapped {
    mapper: &'static dyn Mapper,
    file: FileId,
    maps: usize,
    /// Those of them that may be written.
    writable: usize,
}

impl Content {
    pub(super) fn new(pages: Pages, seals: Option<Seals>) -> Self {
        Self { pages, seals, mapped: None }
    }

    fn check(&self, against: Seals) -> Result<(), Errno> {
        if self.seals.is_some_and(|seals| seals.intersects(against)) { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Takes the bytes of `range` out of all maps.
    fn unmap(&self, range: Range<u64>) {
        if let Some(mapped) = self.mapped.as_ref().filter(|mapped| mapped.maps > 0) {
            mapped.mapper.unmap(mapped.file, range);
        }
    }

    /// Writes as far as the caller's files may reach and there is memory.
    pub(super) fn write(&mut self, io: &Io<'_>, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let (whole, room) = (from.left(), io.most_size().saturating_sub(offset));
        let mut first;
        let (count, from): (usize, &mut dyn Source) = if room >= whole as u64 {
            (whole, from)
        } else if room > 0 {
            first = First::new(from, usize::try_from(room).unwrap_or(usize::MAX));
            (first.left(), &mut first)
        } else {
            return Err(Errno::EFBIG);
        };
        self.check(WRITE_SEALS)?;
        if count == 0 {
            return Ok(0);
        }
        let end = offset.checked_add(count as u64).filter(|&end| end <= MOST_OFFSET).ok_or(Errno::EFBIG)?;
        if end > self.pages.size() {
            self.check(Seals::GROW)?;
        }
        self.pages.write(offset, count, from, &mut pages_left(io))
    }

    /// Cuts or extends the file (ftruncate(2)).
    pub(super) fn truncate(&mut self, io: &Io<'_>, size: u64) -> Result<(), Errno> {
        if size > MOST_OFFSET {
            return Err(Errno::EFBIG);
        }
        let before = self.pages.size();
        if size < before {
            self.check(Seals::SHRINK)?;
            self.unmap(size.next_multiple_of(PAGE as u64)..u64::MAX);
        } else if size > before {
            if size > io.most_size() {
                return Err(Errno::EFBIG);
            }
            self.check(Seals::GROW)?;
        }
        self.pages.truncate(size)
    }

    /// Makes room, or a hole, in `range` (fallocate(2)).
    pub(super) fn allocate(
        &mut self,
        io: &Io<'_>,
        mode: FallocateMode,
        range: Range<u64>,
    ) -> Result<(), Errno> {
        let keeps_size = mode.contains(FallocateMode::KEEP_SIZE);
        if mode.contains(FallocateMode::PUNCH_HOLE) {
            return if keeps_size { self.punch(range) } else { Err(Errno::EOPNOTSUPP) };
        }
        let zeroes = mode.contains(FallocateMode::ZERO_RANGE);
        if !zeroes && !mode.difference(FallocateMode::KEEP_SIZE).is_empty() {
            return Err(Errno::EOPNOTSUPP);
        }
        if range.end > io.most_size() {
            return Err(Errno::EFBIG);
        }
        if range.end > self.pages.size() {
            self.check(Seals::GROW)?;
        }
        if zeroes {
            self.punch(range.clone())?;
        }
        let length = range.end - range.start;
        if !self.pages.has(range.start, length) && io.memory_left() < length {
            return Err(Errno::ENOSPC);
        }
        self.pages.reserve(range.start, range.end)?;
        if !keeps_size && range.end > self.pages.size() {
            self.pages.truncate(range.end)?;
        }
        Ok(())
    }

    fn punch(&mut self, range: Range<u64>) -> Result<(), Errno> {
        self.check(WRITE_SEALS)?;
        self.unmap(range.clone());
        self.pages.punch(range.start, range.end)
    }

    pub(super) fn seals(&self) -> Result<Seals, Errno> {
        self.seals.ok_or(Errno::EINVAL)
    }

    pub(super) fn add_seals(&mut self, more: Seals) -> Result<(), Errno> {
        let seals = self.seals()?;
        if seals.contains(Seals::SEAL) {
            return Err(Errno::EPERM);
        }
        let is_written = self.mapped.as_ref().is_some_and(|mapped| mapped.writable > 0);
        if more.contains(Seals::WRITE) && is_written {
            return Err(Errno::EBUSY);
        }
        self.seals = Some(seals | more);
        Ok(())
    }

    /// `mapper` maps it once more, as `file` ([`SharedPages::attach`](crate::file::mapping::SharedPages::attach)).
    pub(super) fn attach(
        &mut self,
        mapper: &'static dyn Mapper,
        file: FileId,
        may_write: bool,
        write: bool,
    ) -> Result<bool, Errno> {
        let unsealed = self.check(WRITE_SEALS);
        if write {
            unsealed?;
        }
        let may_write = may_write && unsealed.is_ok();
        let mapped = self.mapped.get_or_insert(Mapped { mapper, file, maps: 0, writable: 0 });
        mapped.maps += 1;
        mapped.writable += usize::from(may_write);
        Ok(may_write)
    }

    /// A map is gone.
    pub(super) fn detach(&mut self, write: bool) {
        if let Some(mapped) = &mut self.mapped {
            mapped.maps -= 1;
            mapped.writable -= usize::from(write);
        }
    }

    /// The page at `offset`, to be mapped.
    pub(super) fn page(&mut self, io: &Io<'_>, offset: u64) -> Result<&mut Page, Errno> {
        if offset >= self.pages.size() {
            return Err(Errno::ENXIO);
        }
        self.pages.page(offset / PAGE as u64, &mut pages_left(io))
    }
}

/// Answers as often as there is memory for a page more. How much there is is asked once, the first time.
fn pages_left(io: &Io<'_>) -> impl FnMut() -> Result<(), Errno> {
    let mut left = None;
    move || {
        let left = left.get_or_insert_with(|| io.memory_left() / PAGE as u64);
        *left = left.checked_sub(1).ok_or(Errno::ENOSPC)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
