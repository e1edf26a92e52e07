//! The one address space: the program's areas, their pages, and the kernel's own mappings.
//!
//! Pages are found at the first touch ([`Memory::fault`]). One lock guards areas and page tables; no program memory is touched and no
//! file is read while it is held. When translations are taken away, all CPUs drop them before the lock is released: neither the frames nor
//! the addresses are used again while a CPU could still see the old ones.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::errno::Errno;
use logic::file::lock::FileId;
use logic::file::mapping::Mapper;
use logic::mm::frames::FRAME;
use logic::mm::vma::{Access, Area, Areas, Touched};
use sync::{Lock, Once};

use crate::arch::paging::{self, PageTables, Protection, Sweep};

use super::FaultAction;
use super::gone::Gone;
use super::resident::Resident;
pub use super::source::{PageSource, Sharing, Source};
pub use super::space::READ_WRITE;
use super::space::{Space, protection, table_frame};
use super::user::{self, USER_END};

/// The machine's memory.
#[derive(Debug)]
pub struct Memory {
    pub(super) space: Lock<Space>,
    page_table: u64,
    behind_image: Range<u64>,
    /// New maps are locked (mlockall(2), `MCL_FUTURE`).
    locks_new: AtomicBool,
}

static MEMORY: Once<Memory> = Once::new();

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

/// Which pages [`Memory::discard`] may throw away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Any (`MADV_DONTNEED_LOCKED`).
    All,
    /// Those that are not locked (`MADV_DONTNEED`).
    Unlocked,
    /// Those that are not locked and no file's (`MADV_FREE`).
    Anonymous,
}

impl Memory {
    /// Takes the page tables over; the break begins where the image ends, and the direct map has no hole for `behind_image`.
    pub(super) fn install(tables: PageTables, behind_image: Range<u64>) -> &'static Self {
        let image_end = behind_image.start;
        MEMORY.set(Self {
            behind_image,
            page_table: tables.root(),
            locks_new: AtomicBool::new(false),
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

    /// Physical addresses behind the image that the direct map has, all of them.
    pub fn behind_image(&self) -> Range<u64> {
        self.behind_image.clone()
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

    /// Takes `step` with the lock held; what it leaves behind is given back, frames before anybody else looks, files when the lock is free.
    fn change<T>(&self, step: impl FnOnce(&mut Space, &mut Gone) -> T) -> T {
        let mut gone = Gone::default();
        let mut space = self.space.lock();
        let answer = step(&mut space, &mut gone);
        gone.release();
        drop(space);
        answer
    }

    /// Unmaps areas of the kernel's own and gives their frames back. May wait for other CPUs.
    pub fn unmap_kernel_areas(&self, areas: impl Iterator<Item = (u64, u64)>) {
        self.take_kernel_areas(areas, false);
    }

    /// Unmaps areas of the kernel's own, whose frames are the caller's. May wait for other CPUs.
    pub fn forget_kernel_areas(&self, areas: impl Iterator<Item = (u64, u64)>) {
        self.take_kernel_areas(areas, true);
    }

    fn take_kernel_areas(&self, areas: impl Iterator<Item = (u64, u64)>, keeps_frames: bool) {
        self.change(|space, gone| {
            for area in areas {
                gone.take(&mut space.tables, area, keeps_frames);
            }
        });
    }

    /// Takes the table out that maps the 2 MiB of the kernel's own at `base`. `mapped` are the pages that are mapped there; their frames are the
    /// caller's. May wait for other CPUs.
    pub fn forget_kernel_table(&self, base: u64, mapped: impl Iterator<Item = u64>) {
        self.change(|space, gone| {
            if let Some(table) = space.tables.take_table(base) {
                mapped.for_each(paging::flush);
                gone.table(table);
            }
        });
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

    /// Pages promised to the program that it has not touched yet.
    pub fn promised_pages(&self) -> u64 {
        let space = self.space.lock();
        space.charged - space.resident.charged
    }

    /// Pages in all areas.
    pub fn mapped_pages(&self) -> u64 {
        self.space.lock().areas.iter().map(Area::pages).sum()
    }

    /// Calls `visit` for a copy of each area, ascending; the lock is not held then.
    pub fn each_area(&self, mut visit: impl FnMut(Area<Source>)) {
        const STEP: usize = 8;
        let mut from = 0;
        loop {
            let mut areas = [const { None::<Area<Source>> }; STEP];
            let space = self.space.lock();
            areas.iter_mut().zip(space.areas.overlapping(from, u64::MAX)).for_each(|(copy, area)| {
                *copy = Some(area.clone());
            });
            drop(space);
            for area in areas {
                let Some(area) = area else { return };
                from = area.end;
                visit(area);
            }
        }
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
        // Whatever happens, the last handle on a file does not go with the lock held.
        let _kept = source.clone();
        self.change(|space, gone| {
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
            match place {
                Place::Fixed(_) => space.take(address, end, gone)?,
                Place::FixedNoReplace(_) if !space.areas.is_free(address, end) => return Err(Errno::EEXIST),
                _ => {}
            }
            let (touched, locked) = (Touched::NOTHING, self.locks_new());
            let area = Area { start: address, end, access, backing: source, charged, locked, touched };
            space.areas.insert(area)?;
            space.charge(charged, length / FRAME);
            Ok(address)
        })
    }

    /// Unmaps `length` bytes from `address` on (munmap(2)).
    ///
    /// # Errors
    /// `EINVAL` outside the program's addresses; `ENOMEM` when there would be too many areas.
    pub fn unmap(&self, address: u64, length: u64) -> Result<(), Errno> {
        let end = address.checked_add(length).filter(|&end| end <= USER_END).ok_or(Errno::EINVAL)?;
        self.change(|space, gone| space.take(address, end, gone))
    }

    /// Changes how `length` bytes from `address` on may be used (mprotect(2)).
    ///
    /// # Errors
    /// `ENOMEM` when part of it is not mapped; `EACCES` when part of it is a file's that may not be written.
    pub fn protect(&self, address: u64, length: u64, access: Access) -> Result<(), Errno> {
        let end = address.checked_add(length).ok_or(Errno::ENOMEM)?;
        self.change(|space, gone| {
            if access.write && !space.areas.overlapping(address, end).all(|area| area.backing.may_write()) {
                return Err(Errno::EACCES);
            }
            space.split_at_ends(address, end)?;
            if let Some(touched) = space.areas.protect(address, end, access)? {
                gone.change(&mut space.tables, touched, Sweep::Protect(protection(access)));
            }
            Ok(())
        })
    }

    /// Throws the pages of `length` bytes from `address` on away; the areas stay.
    ///
    /// # Errors
    /// `ENOMEM` when part of it is not mapped; `EINVAL` when `what` leaves part of it out.
    pub fn discard(&self, address: u64, length: u64, what: Discard) -> Result<(), Errno> {
        let end = address.checked_add(length).ok_or(Errno::ENOMEM)?;
        self.change(|space, gone| {
            let goes = |area: &Area<Source>| match what {
                Discard::All => true,
                Discard::Unlocked => !area.locked,
                Discard::Anonymous => !area.locked && matches!(area.backing, Source::Anonymous),
            };
            if !space.areas.overlapping(address, end).all(goes) {
                return Err(Errno::EINVAL);
            }
            space.discard(address, end, gone)?;
            if space.areas.covers(address, end) { Ok(()) } else { Err(Errno::ENOMEM) }
        })
    }

    /// Makes holes in the files that `length` bytes from `address` on show (`MADV_REMOVE`).
    ///
    /// # Errors
    /// `ENOMEM` when part of it is not mapped; `EINVAL` where it shows no file or is locked, `EACCES` where its map may not be written.
    pub fn remove(&self, address: u64, length: u64) -> Result<(), Errno> {
        let end = address.checked_add(length).ok_or(Errno::ENOMEM)?;
        let mut holes: Vec<(Arc<dyn PageSource>, u64, u64)> = Vec::new();
        let complete = {
            let space = self.space.lock();
            for area in space.areas.overlapping(address, end) {
                let Source::File { file, offset } = &area.backing else { return Err(Errno::EINVAL) };
                if area.locked {
                    return Err(Errno::EINVAL);
                }
                if file.sharing() != (Sharing::Shared { may_write: true }) {
                    return Err(Errno::EACCES);
                }
                let (start, end) = (area.start.max(address), area.end.min(end));
                holes.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                holes.push((Arc::clone(file), offset + (start - area.start), end - start));
            }
            space.areas.covers(address, end)
        };
        holes.iter().try_for_each(|(file, offset, length)| file.remove(*offset, *length))?;
        if complete { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Brings all pages of `length` bytes from `address` on in, as if they were read or written (`MADV_POPULATE_READ`).
    ///
    /// # Errors
    /// `ENOMEM` when part of it is not mapped or there is no memory for it; `EINVAL` where it may not be touched so; `EFAULT` behind the end
    /// of a file.
    pub fn populate(&self, address: u64, length: u64, write: bool) -> Result<(), Errno> {
        for page in (address..address.saturating_add(length)).step_by(FRAME as usize) {
            match self.fault(page, write, false) {
                FaultAction::Handled | FaultAction::Fixup(_) => {}
                FaultAction::BusError => return Err(Errno::EFAULT),
                FaultAction::Segv if self.covers(page, FRAME) => return Err(Errno::EINVAL),
                FaultAction::Segv | FaultAction::OutOfMemory => return Err(Errno::ENOMEM),
            }
        }
        Ok(())
    }

    /// What a stack in `start..end` looks like: the first address above its guard, and the part that was touched. `None` unless all of it is
    /// memory of the program's own that may be read and written, above addresses that may not be used.
    pub fn stack_in(&self, start: u64, end: u64) -> Option<(u64, Range<u64>)> {
        const NO_ACCESS: Access = Access { read: false, write: false, execute: false };
        let space = self.space.lock();
        let is_plain = |area: &&Area<Source>| matches!(area.backing, Source::Anonymous) && !area.locked;
        let mut areas = space.areas.overlapping(start, end).filter(is_plain);
        let guard = areas.next().filter(|area| area.access == NO_ACCESS && area.start <= start)?;
        let stack = areas.next().filter(|area| area.access == READ_WRITE && area.start == guard.end)?;
        if stack.end < end || guard.touched_within(start, end).is_some() {
            return None;
        }
        let (from, to) = stack.touched_within(guard.end, end).unwrap_or((end, end));
        Some((guard.end, from..to))
    }

    /// Locks or unlocks `length` bytes from `address` on (mlock(2)): nothing is ever taken away here, so this is only told.
    ///
    /// # Errors
    /// `ENOMEM` when part of it is not mapped; what is mapped is locked then.
    pub fn lock(&self, address: u64, length: u64, locked: bool) -> Result<(), Errno> {
        let end = address.checked_add(length).ok_or(Errno::EINVAL)?;
        self.change(|space, _| {
            space.split_at_ends(address, end)?;
            space.areas.lock(address, end, locked)
        })
    }

    /// Whether new maps are locked (mlockall(2), `MCL_FUTURE`).
    pub fn locks_new(&self) -> bool {
        self.locks_new.load(Ordering::Relaxed)
    }

    /// New maps are locked from now on, or are not.
    pub fn lock_new(&self, locked: bool) {
        self.locks_new.store(locked, Ordering::Relaxed);
    }

    /// Pages in locked areas.
    pub fn locked_pages(&self) -> u64 {
        self.space.lock().areas.iter().filter(|area| area.locked).map(Area::pages).sum()
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
        let old_end = old.checked_add(old_length).ok_or(Errno::EFAULT)?;
        let kept = length.min(old_length);
        self.change(|space, gone| {
            let area =
                space.areas.find(old).filter(|area| area.end >= old_end).cloned().ok_or(Errno::EFAULT)?;
            if let Some(place) = fixed {
                let end = place.checked_add(length).ok_or(Errno::EINVAL)?;
                if !space.areas.in_bounds(place, end) || place < old_end && end > old {
                    return Err(Errno::EINVAL);
                }
                space.take(place, end, gone)?;
            }
            space.take(old + kept, old_end, gone)?;
            let growth = (length - kept) / FRAME;
            if area.charged && space.charged + growth > space.limit() {
                return Err(Errno::ENOMEM);
            }
            if fixed.is_none()
                && (growth == 0 || old_end == area.end && space.areas.grow(old_end, length - kept))
            {
                space.charge(area.charged, growth);
                return Ok(old);
            }
            let target = match fixed {
                Some(place) => place,
                None if may_move => space.choose(0, length)?,
                None => return Err(Errno::ENOMEM),
            };
            space.relocate(&area, (old, kept), (target, target + length), gone).map(|()| target)
        })
    }

    /// Moves the break to `address` if that is possible; answers where it is now (brk(2)).
    pub fn set_break(&self, address: u64) -> u64 {
        self.change(|space, gone| match space.set_break(address, gone) {
            Ok(()) => address,
            Err(_) => space.break_end,
        })
    }

    /// Where the break's heap begins and ends.
    pub fn break_range(&self) -> (u64, u64) {
        let space = self.space.lock();
        (space.break_start, space.break_end)
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

impl Mapper for Memory {
    fn unmap(&self, file: FileId, range: Range<u64>) {
        self.change(|space, gone| space.unmap_file(file, &range, gone));
    }
}

/// Whether `address` can be read without a fault, for reports; false while memory is being set up.
pub fn is_mapped(address: u64) -> bool {
    MEMORY.get().is_some_and(|memory| memory.is_mapped(address))
}
