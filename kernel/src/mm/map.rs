//! The one address space: the program's areas, their pages, and the kernel's own mappings.
//!
//! Pages are found at the first touch ([`Memory::fault`]). One lock guards areas and page tables; no program memory is touched and no
//! file is read while it is held. When translations are taken away, all CPUs drop them before the lock is released: neither the frames nor
//! the addresses are used again while a CPU could still see the old ones.

use alloc::vec::Vec;

use abi::errno::Errno;
use logic::mm::frames::{FRAME, For};
use logic::mm::vma::{Access, Area, Areas, Backing as _, Touched};
use sync::{Lock, Once};

use crate::arch::paging::{Mapped, PageTables, Protection, Sweep};
use crate::arch::smp;

use super::frames::{self, OwnedFrame};
use super::resident::Resident;
pub use super::source::{PageSource, Source};
use super::user::USER_END;
use super::{FaultAction, user};

/// Memory to read and write.
pub const READ_WRITE: Access = Access { read: true, write: true, execute: false };

/// Bytes of a large page.
const LARGE: u64 = 2 << 20;
/// The break grows up to here: the small code model's end, short of its last megabytes.
const BREAK_END: u64 = 0x7000_0000;

/// What is guarded by the lock.
#[derive(Debug)]
struct Space {
    areas: Areas<Source>,
    tables: PageTables,
    /// Pages promised to charged areas, touched or not.
    charged: u64,
    resident: Resident,
    /// Start and end of the break's heap.
    break_start: u64,
    break_end: u64,
}

/// The machine's memory.
#[derive(Debug)]
pub struct Memory {
    space: Lock<Space>,
    page_table: u64,
}

static MEMORY: Once<Memory> = Once::new();

/// Frames for page tables: the kernel's.
fn table_frame() -> Option<u64> {
    frames::allocate_zeroed(For::Kernel)
}

fn protection(access: Access) -> Protection {
    let none = !(access.read || access.write || access.execute);
    Protection { write: access.write, execute: access.execute, none, ..Protection::default() }
}

/// Where a mapping may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere, near this address if that is free.
    Hint(u64),
    /// Exactly there; what was there goes.
    Fixed(u64),
    /// Exactly there; something being there is `EEXIST`.
    FixedNoReplace(u64),
}

impl Memory {
    /// Takes the page tables over; the break begins at `image_end`.
    pub(super) fn install(tables: PageTables, image_end: u64) -> &'static Self {
        MEMORY.set(Self {
            page_table: tables.root(),
            space: Lock::new(Space {
                areas: Areas::new(image_end, USER_END),
                tables,
                charged: 0,
                resident: Resident::default(),
                break_start: image_end,
                break_end: image_end,
            }),
        });
        MEMORY.get().expect("just set")
    }

    /// The address space, once there is one: for page faults.
    pub fn try_get() -> Option<&'static Self> {
        MEMORY.get()
    }

    /// Physical address of the page-table root, for CPUs that start.
    pub fn page_table(&self) -> u64 {
        self.page_table
    }

    /// Maps one page of the kernel's own areas.
    ///
    /// # Errors
    /// `ENOMEM` when there is no memory for page tables.
    pub fn map_kernel_page(&self, address: u64, physical: u64, protection: Protection) -> Result<(), Errno> {
        self.space
            .lock()
            .tables
            .map(address, physical, protection, &mut table_frame)
            .map_err(|_| Errno::ENOMEM)
    }

    /// Unmaps areas of the kernel's own and gives their frames back. May wait for other CPUs.
    pub fn unmap_kernel_areas(&self, areas: impl Iterator<Item = (u64, u64)>) {
        let mut space = self.space.lock();
        let mut gone = Vec::new();
        let mut tables_gone = Vec::new();
        for (start, end) in areas {
            let unmap = |_, mapped: Mapped| {
                gone.push((mapped.physical, mapped.size));
                Sweep::Unmap
            };
            space.tables.sweep(start, end, unmap, |table| tables_gone.push((table, FRAME)));
        }
        gone.append(&mut tables_gone);
        space.give_back(gone);
    }

    /// Whether `address` can be read without a fault, for reports.
    pub fn is_mapped(&self, address: u64) -> bool {
        self.space.try_lock().is_some_and(|space| space.tables.translate(address).is_some())
    }

    /// Pages the program has, and the most it ever had.
    pub fn resident_pages(&self) -> (u64, u64) {
        let space = self.space.lock();
        (space.resident.pages, space.resident.peak)
    }

    /// Most pages the program ever had at a time.
    pub fn peak_resident_pages(&self) -> u64 {
        self.resident_pages().1
    }

    /// Pages promised to the program.
    pub fn charged_pages(&self) -> u64 {
        self.space.lock().charged
    }

    /// Pages in all areas.
    pub fn mapped_pages(&self) -> u64 {
        self.space.lock().areas.iter().map(Area::pages).sum()
    }

    /// Calls `visit` for a copy of each area, ascending.
    pub fn each_area(&self, visit: impl FnMut(Area<Source>)) {
        let areas: Vec<_> = self.space.lock().areas.iter().cloned().collect();
        areas.into_iter().for_each(visit);
    }

    /// Maps `length` bytes (whole pages) of `source` (mmap(2)). Answers the address.
    ///
    /// # Errors
    /// `ENOMEM` when there is no room or the mapping is charged and could not be filled; `EEXIST`.
    pub fn map(
        &self,
        place: Place,
        length: u64,
        access: Access,
        source: Source,
        charged: bool,
    ) -> Result<u64, Errno> {
        let mut space = self.space.lock();
        if charged && space.charged + length / FRAME > space.limit() {
            return Err(Errno::ENOMEM);
        }
        let address = match place {
            Place::Hint(hint) => space.choose(hint, length)?,
            Place::Fixed(address) | Place::FixedNoReplace(address) => {
                let end = address.checked_add(length).ok_or(Errno::ENOMEM)?;
                if !space.areas.in_bounds(address, end) {
                    return Err(Errno::ENOMEM);
                }
                address
            }
        };
        let end = address + length;
        let mut gone = Vec::new();
        match place {
            Place::Fixed(_) => gone = space.take(address, end)?,
            Place::FixedNoReplace(_) if !space.areas.is_free(address, end) => return Err(Errno::EEXIST),
            _ => {}
        }
        let area = Area { start: address, end, access, backing: source, charged, touched: Touched::NOTHING };
        if charged {
            space.charged += area.pages();
        }
        let added = space.areas.insert(area);
        space.give_back(gone);
        added.map(|()| address)
    }

    /// Unmaps `length` bytes from `address` on (munmap(2)).
    ///
    /// # Errors
    /// `EINVAL` outside the program's addresses; `ENOMEM` when there would be too many areas.
    pub fn unmap(&self, address: u64, length: u64) -> Result<(), Errno> {
        let mut space = self.space.lock();
        let end = address.checked_add(length).filter(|&end| end <= USER_END).ok_or(Errno::EINVAL)?;
        let gone = space.take(address, end)?;
        space.give_back(gone);
        Ok(())
    }

    /// Changes how `length` bytes from `address` on may be used (mprotect(2)).
    ///
    /// # Errors
    /// `ENOMEM` when part of it is not mapped.
    pub fn protect(&self, address: u64, length: u64, access: Access) -> Result<(), Errno> {
        let mut space = self.space.lock();
        let end = address.checked_add(length).ok_or(Errno::ENOMEM)?;
        space.split_at_ends(address, end)?;
        let Some((start, end)) = space.areas.protect(address, end, access)? else { return Ok(()) };
        let mut changed = false;
        let mut gone = Vec::new();
        let protect = |_, _| {
            changed = true;
            Sweep::Protect(protection(access))
        };
        space.tables.sweep(start, end, protect, |table| gone.push((table, FRAME)));
        if changed && gone.is_empty() {
            smp::shootdown();
        }
        space.give_back(gone);
        Ok(())
    }

    /// Throws the pages of `length` bytes from `address` on away; the areas stay (`MADV_DONTNEED`).
    ///
    /// # Errors
    /// `ENOMEM` when part of it is not mapped.
    pub fn discard(&self, address: u64, length: u64) -> Result<(), Errno> {
        let mut space = self.space.lock();
        let end = address.checked_add(length).ok_or(Errno::ENOMEM)?;
        let complete = space.areas.covers(address, end);
        space.split_at_ends(address, end)?;
        let mut gone = Vec::new();
        let Space { areas, tables, resident, .. } = &mut *space;
        for area in areas.overlapping(address, end) {
            resident.take_pages(
                tables,
                (area.start.max(address), area.end.min(end)),
                area.charged,
                &mut gone,
            );
        }
        space.give_back(gone);
        if complete { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Whether all of `length` bytes from `address` on are mapped.
    pub fn covers(&self, address: u64, length: u64) -> bool {
        address.checked_add(length).is_some_and(|end| self.space.lock().areas.covers(address, end))
    }

    /// Moves, grows or shrinks a mapping (mremap(2)). Lengths are whole pages. `fixed` is the place of `MREMAP_FIXED`.
    ///
    /// # Errors
    /// `EFAULT` when the old range is not one mapping; `ENOMEM`; `EINVAL`.
    pub fn remap(
        &self,
        old: u64,
        old_length: u64,
        length: u64,
        may_move: bool,
        fixed: Option<u64>,
    ) -> Result<u64, Errno> {
        let mut space = self.space.lock();
        let old_end = old.checked_add(old_length).ok_or(Errno::EFAULT)?;
        let area = space.areas.find(old).cloned().filter(|area| area.end >= old_end).ok_or(Errno::EFAULT)?;
        let mut gone = Vec::new();
        if let Some(place) = fixed {
            let end = place.checked_add(length).ok_or(Errno::EINVAL)?;
            if !space.areas.in_bounds(place, end) || place < old_end && end > old {
                return Err(Errno::EINVAL);
            }
            gone = space.take(place, end)?;
        }
        if length < old_length {
            gone.extend(space.take(old + length, old_end)?);
        }
        let kept = length.min(old_length);
        let growth = (length - kept) / FRAME;
        if area.charged && space.charged + growth > space.limit() {
            space.give_back(gone);
            return Err(Errno::ENOMEM);
        }
        let in_place = fixed.is_none()
            && (growth == 0 || old_end == area.end && space.areas.grow(old_end, length - kept));
        let answer = if in_place {
            space.charge(area.charged, growth);
            Ok(old)
        } else if may_move || fixed.is_some() {
            space.relocate(&area, old, kept, length, fixed, &mut gone)
        } else {
            Err(Errno::ENOMEM)
        };
        if gone.is_empty() && answer.is_ok_and(|address| address != old) {
            smp::shootdown();
        }
        space.give_back(gone);
        answer
    }

    /// Moves the break to `address` if that is possible; answers where it is now (brk(2)).
    pub fn set_break(&self, address: u64) -> u64 {
        let mut space = self.space.lock();
        let (start, old) = (space.break_start, space.break_end);
        if address < start || address > BREAK_END {
            return old;
        }
        let (old_end, new_end) = (old.next_multiple_of(FRAME), address.next_multiple_of(FRAME));
        let mut gone = Vec::new();
        if new_end > old_end {
            let pages = (new_end - old_end) / FRAME;
            if space.charged + pages > space.limit() || !space.areas.is_free(old_end, new_end) {
                return old;
            }
            let area = Area {
                start: old_end,
                end: new_end,
                access: READ_WRITE,
                backing: Source::Anonymous,
                charged: true,
                touched: Touched::NOTHING,
            };
            if space.areas.insert(area).is_err() {
                return old;
            }
            space.charge(true, pages);
        } else if new_end < old_end {
            match space.take(new_end, old_end) {
                Ok(taken) => gone = taken,
                Err(_) => return old,
            }
        }
        space.break_end = address;
        space.give_back(gone);
        address
    }

    /// Where the break's heap begins and ends.
    pub fn break_range(&self) -> (u64, u64) {
        let space = self.space.lock();
        (space.break_start, space.break_end)
    }

    /// Brings the page at `address` in, if an area allows the access.
    pub fn fault(&self, address: u64, write: bool, execute: bool) -> FaultAction {
        let page = address & !(FRAME - 1);
        let (area, large) = {
            let space = self.space.lock();
            let Some(area) = space.areas.find(address) else { return FaultAction::Segv };
            let access = area.access;
            let allowed = if write {
                access.write
            } else if execute {
                access.execute
            } else {
                access.read
            };
            if !allowed {
                return FaultAction::Segv;
            }
            if space.tables.translate(page).is_some_and(|mapped| mapped.writable || !write) {
                return FaultAction::Handled;
            }
            (area.clone(), space.wants_large(area, address))
        };
        if large && let Some(frame) = frames::allocate_large_zeroed() {
            if self.install_large(address & !(LARGE - 1), frame, &area) {
                return FaultAction::Handled;
            }
            frames::free_contiguous(frame, LARGE / FRAME);
        }
        let Some(mut frame) = OwnedFrame::zeroed() else { return FaultAction::OutOfMemory };
        if let Source::File { file, offset } = &area.backing
            && file.fill(offset + (page - area.start), frame.bytes()).is_err()
        {
            return FaultAction::BusError;
        }
        self.install_page(page, frame, &area)
    }

    /// Maps `frame` at `page` unless the area has changed or another CPU was first.
    fn install_page(&self, page: u64, frame: OwnedFrame, area: &Area<Source>) -> FaultAction {
        let mut space = self.space.lock();
        let Space { areas, tables, resident, .. } = &mut *space;
        let now = areas.touch(page).filter(|now| same(now, area));
        let Some(now) = now.filter(|_| tables.translate(page).is_none()) else {
            // Look again: the program touches the page once more and finds the new state.
            return FaultAction::Handled;
        };
        now.touched.add(page, page + FRAME);
        if tables.map(page, frame.into_raw(), protection(area.access), &mut table_frame).is_err() {
            return FaultAction::OutOfMemory;
        }
        resident.add(1, area.charged);
        FaultAction::Handled
    }

    fn install_large(&self, page: u64, frame: u64, area: &Area<Source>) -> bool {
        let mut space = self.space.lock();
        let Space { areas, tables, resident, .. } = &mut *space;
        let Some(now) = areas.touch(page).filter(|now| same(now, area)) else { return false };
        let mapped = tables.map_large(page, frame, protection(area.access), &mut table_frame) == Ok(true);
        if mapped {
            now.touched.add(page, page + LARGE);
            resident.add(LARGE / FRAME, area.charged);
        }
        mapped
    }

    /// A stack for the main thread: `length` bytes below the top of the program's addresses, found when touched. Answers its top.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn map_stack(&self, length: u64) -> Result<u64, Errno> {
        self.map(Place::Hint(0), length, READ_WRITE, Source::Anonymous, false).map(|bottom| bottom + length)
    }

    /// Copies start-up bytes to the program.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write_program(&self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        user::write_bytes(abi::reg::UserPtr::new(address as usize), bytes)
    }
}

/// The large pages that hold the ends of ranges in a range that goes: a table there may be left with nothing in it.
struct Ends {
    /// Those of the whole range.
    outer: [u64; 2],
    inner: Vec<u64>,
}

impl Ends {
    fn of(start: u64, end: u64) -> Self {
        Self { outer: [start, end - 1].map(|address| address & !(LARGE - 1)), inner: Vec::new() }
    }

    fn note(&mut self, start: u64, end: u64) {
        for base in [start, end - 1].map(|address| address & !(LARGE - 1)) {
            if !self.outer.contains(&base) && self.inner.last() != Some(&base) {
                self.inner.push(base);
            }
        }
    }
}

fn same(now: &Area<Source>, then: &Area<Source>) -> bool {
    now.start == then.start && now.access == then.access && now.backing.continues(0, &then.backing)
}

impl Space {
    /// Every CPU drops its translations of frames that no table maps any more, then they go back.
    ///
    /// With the lock held: were the addresses free before, another mapping could get them while a CPU still sees the old frames.
    fn give_back(&mut self, gone: Vec<(u64, u64)>) {
        if gone.is_empty() {
            return;
        }
        smp::shootdown();
        for (frame, size) in gone {
            frames::free_contiguous(frame, size / FRAME);
        }
    }

    /// Pages that may be promised in all: those already filled, and what is left.
    fn limit(&self) -> u64 {
        self.resident.charged + frames::available()
    }

    fn charge(&mut self, charged: bool, pages: u64) {
        if charged {
            self.charged += pages;
        }
    }

    /// An address for `length` bytes: the hint if it is free, else the highest gap, aligned so that large pages fit large maps.
    fn choose(&mut self, hint: u64, length: u64) -> Result<u64, Errno> {
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
    fn wants_large(&self, area: &Area<Source>, address: u64) -> bool {
        let start = address & !(LARGE - 1);
        matches!(area.backing, Source::Anonymous)
            && area.charged
            && start >= area.start
            && start + LARGE <= area.end
            && self.tables.is_large_free(address)
    }

    /// Makes sure that no large page lies across `start` or `end`.
    fn split_at_ends(&mut self, start: u64, end: u64) -> Result<(), Errno> {
        let split = self.tables.split_at(start, &mut table_frame);
        split.and_then(|()| self.tables.split_at(end, &mut table_frame)).map_err(|_| Errno::ENOMEM)
    }

    /// Takes areas and pages of `start..end` out; answers the frames and their sizes.
    fn take(&mut self, start: u64, end: u64) -> Result<Vec<(u64, u64)>, Errno> {
        if start >= end {
            return Ok(Vec::new());
        }
        self.split_at_ends(start, end)?;
        let (mut gone, mut ends) = (Vec::new(), Ends::of(start, end));
        let Self { areas, tables, resident, charged, .. } = self;
        let (floor, ceiling) = areas.remove(start, end, |area| {
            if area.charged {
                *charged -= area.pages();
            }
            ends.note(area.start, area.end);
            if let Some((from, to)) = area.touched_within(start, end) {
                ends.note(from, to);
                resident.take_pages(tables, (from, to), area.charged, &mut gone);
            }
        })?;
        // Tables at the ends that nothing around needs any more.
        for base in ends.outer.into_iter().chain(ends.inner) {
            if base >= floor && base + LARGE <= ceiling {
                gone.extend(tables.take_table(base).map(|table| (table, FRAME)));
            }
        }
        Ok(gone)
    }

    /// Moves `kept` bytes of `area` from `old` on to a new place of `length` bytes: table entries, not bytes.
    fn relocate(
        &mut self,
        area: &Area<Source>,
        old: u64,
        kept: u64,
        length: u64,
        fixed: Option<u64>,
        gone: &mut Vec<(u64, u64)>,
    ) -> Result<u64, Errno> {
        let target = match fixed {
            Some(place) => place,
            None => self.choose(0, length)?,
        };
        self.split_at_ends(old, old + kept)?;
        let backing = area.backing.advanced(old - area.start);
        self.areas.insert(Area {
            start: target,
            end: target + length,
            backing,
            touched: Touched::new(target, target + kept),
            ..area.clone()
        })?;
        self.charge(area.charged, (length - kept) / FRAME);
        let mut pages = Vec::new();
        let unmap = |address, mapped| {
            pages.push((address, mapped));
            Sweep::Unmap
        };
        self.tables.sweep(old, old + kept, unmap, |table| gone.push((table, FRAME)));
        for (address, mapped) in pages {
            let to = target + (address - old);
            let protection = protection(area.access);
            let large = mapped.size == LARGE && to.is_multiple_of(LARGE);
            let done =
                large && self.tables.map_large(to, mapped.physical, protection, &mut table_frame) == Ok(true);
            for offset in (0..if done { 0 } else { mapped.size }).step_by(FRAME as usize) {
                self.tables
                    .map(to + offset, mapped.physical + offset, protection, &mut table_frame)
                    .map_err(|_| Errno::ENOMEM)?;
            }
        }
        self.areas.remove(old, old + kept, |_| ()).map(|_| target)
    }
}

/// Whether `address` can be read without a fault, for reports; false while memory is being set up.
pub fn is_mapped(address: u64) -> bool {
    MEMORY.get().is_some_and(|memory| memory.is_mapped(address))
}
