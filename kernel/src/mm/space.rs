//! Areas and page tables as one, with the lock on them held: what a step on areas means for the pages under them.

use alloc::vec::Vec;
use core::ops::Range;

use abi::errno::Errno;
use logic::file::lock::FileId;
use logic::mm::frames::{FRAME, For};
use logic::mm::vma::{Access, Area, Areas, Backing as _, Touched};

use crate::arch::paging::{Mapped, PageTables, Protection, Sweep, Visitor};

use super::frames::{self, LARGE};
use super::gone::Gone;
use super::resident::{Owner, Resident};
use super::source::Source;

/// Memory to read and write.
pub const READ_WRITE: Access = Access { read: true, write: true, execute: false };
/// The break grows up to here: the small code model's end, short of its last megabytes.
pub(super) const BREAK_END: u64 = 0x7000_0000;

/// What [`Memory`](super::Memory)'s lock guards.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) areas: Areas<Source>,
    pub(super) tables: PageTables,
    /// Pages promised to charged areas, touched or not.
    pub(super) charged: u64,
    pub(super) resident: Resident,
    /// Start and end of the break's heap.
    pub(super) break_start: u64,
    pub(super) break_end: u64,
}

/// Frames for page tables: the kernel's.
pub(super) fn table_frame() -> Option<u64> {
    frames::allocate_zeroed(For::Kernel)
}

/// What the page tables are told of an area's access.
pub(super) fn protection(access: Access) -> Protection {
    let none = !(access.read || access.write || access.execute);
    Protection { write: access.write, execute: access.execute, none, ..Protection::default() }
}

/// The large pages that hold the ends of ranges in a range that goes: a table there may be left with nothing in it.
struct Ends {
    /// Those of the whole range.
    first: u64,
    last: u64,
    /// Those in between.
    inner: Option<Vec<u64>>,
}

impl Ends {
    fn of(start: u64, end: u64) -> Self {
        Self { first: large_of(start), last: large_of(end - 1), inner: None }
    }

    /// Notes those of a range within; most ranges are so short that there is nothing in between.
    #[inline]
    fn note(&mut self, start: u64, end: u64) {
        if self.last - self.first > LARGE {
            self.note_inner(large_of(start));
            self.note_inner(large_of(end - 1));
        }
    }

    #[inline(never)]
    fn note_inner(&mut self, base: u64) {
        if base == self.first || base == self.last {
            return;
        }
        let inner = self.inner.get_or_insert_default();
        // Without memory to note it the table stays, and is used again one day.
        if inner.last() != Some(&base) && inner.try_reserve(1).is_ok() {
            inner.push(base);
        }
    }

    /// Calls `visit` with each of them.
    fn each(self, mut visit: impl FnMut(u64)) {
        visit(self.first);
        if self.last != self.first {
            visit(self.last);
        }
        self.inner.into_iter().flatten().for_each(visit);
    }
}

/// The address of the large page that `address` would lie in.
fn large_of(address: u64) -> u64 {
    address & !(LARGE - 1)
}

impl Space {
    /// Pages that may be promised in all: those already filled, and what is left.
    pub(super) fn limit(&self) -> u64 {
        self.resident.charged + frames::available()
    }

    pub(super) fn charge(&mut self, charged: bool, pages: u64) {
        if charged {
            self.charged += pages;
        }
    }

    /// An address for `length` bytes: the hint if it is free, else the highest gap, aligned so that large pages fit large maps.
    pub(super) fn choose(&mut self, hint: u64, length: u64) -> Result<u64, Errno> {
        let hint = hint & !(FRAME - 1);
        if let Some(end) = hint.checked_add(length)
            && hint != 0
            && self.areas.in_bounds(hint, end)
            && self.areas.is_free(hint, end)
        {
            return Ok(hint);
        }
        let align = if length >= LARGE { LARGE } else { FRAME };
        self.areas.find_gap(length, align).filter(|&start| start >= BREAK_END).ok_or(Errno::ENOMEM)
    }

    /// Whether the 2 MiB around `address` lie in the area and have no page yet.
    pub(super) fn wants_large(&self, area: &Area<Source>, address: u64) -> bool {
        let start = address & !(LARGE - 1);
        matches!(area.backing, Source::Anonymous)
            && area.charged
            && start >= area.start
            && start + LARGE <= area.end
            && self.tables.is_large_free(address)
    }

    /// Moves the break.
    ///
    /// # Errors
    /// `ENOMEM` where it cannot be.
    pub(super) fn set_break(&mut self, address: u64, gone: &mut Gone) -> Result<(), Errno> {
        if address < self.break_start || address > BREAK_END {
            return Err(Errno::ENOMEM);
        }
        let (old, new) = (self.break_end.next_multiple_of(FRAME), address.next_multiple_of(FRAME));
        if new > old {
            let pages = (new - old) / FRAME;
            if self.charged + pages > self.limit() || !self.areas.is_free(old, new) {
                return Err(Errno::ENOMEM);
            }
            self.areas.insert(Area {
                start: old,
                end: new,
                access: READ_WRITE,
                backing: Source::Anonymous,
                charged: true,
                locked: false,
                touched: Touched::NOTHING,
            })?;
            self.charge(true, pages);
        } else {
            self.take(new, old, gone)?;
        }
        self.break_end = address;
        Ok(())
    }

    /// Makes sure that no large page lies across `start` or `end`. None lies across the border of two areas: whoever cuts an area asks here
    /// first. Answers how many areas there show files.
    ///
    /// # Errors
    /// `ENOMEM` when there is no memory to cut a large page.
    pub(super) fn split_at_ends(&mut self, start: u64, end: u64) -> Result<usize, Errno> {
        let mut files = 0;
        for area in self.areas.overlapping(start, end) {
            files += usize::from(matches!(area.backing, Source::File { .. }));
            if area.is_touched_across(start) {
                self.tables.split_at(start, &mut table_frame).map_err(|_| Errno::ENOMEM)?;
            }
            if area.is_touched_across(end) {
                self.tables.split_at(end, &mut table_frame).map_err(|_| Errno::ENOMEM)?;
            }
        }
        Ok(files)
    }

    /// Takes areas and pages of `start..end` out.
    pub(super) fn take(&mut self, start: u64, end: u64, gone: &mut Gone) -> Result<(), Errno> {
        if start >= end {
            return Ok(());
        }
        gone.expect_sources(self.split_at_ends(start, end)?)?;
        let mut ends = Ends::of(start, end);
        let Self { areas, tables, resident, charged, .. } = self;
        let (floor, ceiling) = areas.remove(start, end, |area| {
            if area.charged {
                *charged -= area.pages();
            }
            gone.source(&area.backing);
            ends.note(area.start, area.end);
            if let Some((from, to)) = area.touched_within(start, end) {
                ends.note(from, to);
                resident.take_pages(tables, (from, to), owner(area), gone);
            }
        })?;
        // Tables at the ends that nothing around needs any more.
        ends.each(|base| {
            if base >= floor
                && base + LARGE <= ceiling
                && let Some(table) = tables.take_table(base)
            {
                gone.table(table);
            }
        });
        Ok(())
    }

    /// Takes the pages of `start..end` out; the areas stay.
    ///
    /// # Errors
    /// `ENOMEM` when there is no memory to cut a large page.
    pub(super) fn discard(&mut self, start: u64, end: u64, gone: &mut Gone) -> Result<(), Errno> {
        self.split_at_ends(start, end)?;
        let Self { areas, tables, resident, .. } = self;
        for area in areas.overlapping(start, end) {
            let range = (area.start.max(start), area.end.min(end));
            resident.take_pages(tables, range, owner(area), gone);
        }
        Ok(())
    }

    /// Takes the pages that show the bytes `range` of `file` itself out.
    pub(super) fn unmap_file(&mut self, file: FileId, range: &Range<u64>, gone: &mut Gone) {
        let Self { areas, tables, resident, .. } = self;
        for area in areas.iter() {
            let shown = area.backing.shared_file().filter(|(source, _)| source.file() == file);
            let Some((_, offset)) = shown else {
                continue;
            };
            let address_of = |position: u64| area.start.saturating_add(position.saturating_sub(offset));
            let (start, end) = (address_of(range.start), address_of(range.end).min(area.end));
            if start < end {
                let range = (start & !(FRAME - 1), end.next_multiple_of(FRAME));
                resident.take_pages(tables, range, owner(area), gone);
            }
        }
    }

    /// Moves `kept` bytes of `area` from `old` on to the free `target..end`: table entries, not bytes.
    ///
    /// # Errors
    /// `ENOMEM`; everything is as it was then.
    pub(super) fn relocate(
        &mut self,
        area: &Area<Source>,
        (old, kept): (u64, u64),
        (target, end): (u64, u64),
        gone: &mut Gone,
    ) -> Result<(), Errno> {
        self.split_at_ends(old, old + kept)?;
        self.areas.insert(Area {
            start: target,
            end,
            backing: area.backing.advanced(old - area.start),
            touched: Touched::new(target, target + kept),
            ..area.clone()
        })?;
        if let Err(errno) = self.copy_entries(area, old, old + kept, target) {
            gone.change(&mut self.tables, (target, end), Sweep::Unmap);
            self.areas.remove(target, end, |_| ())?;
            return Err(errno);
        }
        self.charge(area.charged, (end - target - kept) / FRAME);
        gone.change(&mut self.tables, (old, old + kept), Sweep::Unmap);
        self.areas.remove(old, old + kept, |_| ()).map(|_| ())
    }

    /// Makes `target` show what `start..end`, in `area`, shows.
    fn copy_entries(&mut self, area: &Area<Source>, start: u64, end: u64, target: u64) -> Result<(), Errno> {
        let mut noting = Noting { pages: Vec::new(), is_complete: true };
        self.tables.sweep(start, end, &mut noting);
        if !noting.is_complete {
            return Err(Errno::ENOMEM);
        }
        let protection = protection(area.access);
        for (address, Mapped { physical, size, .. }) in noting.pages {
            let to = target + (address - start);
            let is_large = size == LARGE
                && to.is_multiple_of(LARGE)
                && self.tables.map_large(to, physical, protection, &mut table_frame) == Ok(true);
            for offset in (0..if is_large { 0 } else { size }).step_by(FRAME as usize) {
                self.tables
                    .map(to + offset, physical + offset, protection, &mut table_frame)
                    .map_err(|_| Errno::ENOMEM)?;
            }
        }
        Ok(())
    }
}

/// Notes what is there.
struct Noting {
    pages: Vec<(u64, Mapped)>,
    /// There was memory for it.
    is_complete: bool,
}

impl Visitor for Noting {
    fn page(&mut self, address: u64, mapped: Mapped) -> Sweep {
        if self.pages.try_reserve(1).is_ok() {
            self.pages.push((address, mapped));
        } else {
            self.is_complete = false;
        }
        Sweep::Leave
    }

    fn table(&mut self, _physical: u64) {}
}

/// Whose pages those of `area` are.
fn owner(area: &Area<Source>) -> Owner {
    Owner { charged: area.charged, shared: area.backing.is_shared() }
}
