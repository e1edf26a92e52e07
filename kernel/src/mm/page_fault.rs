//! The first touch of a page: it is made of zeros, of a copy of a file's bytes, or is the file's own.
//!
//! Files are read with no lock held; the page is put in afterwards, if the area is still the same. A file's own page is put in while the
//! file keeps it, so that nobody can give it up in between.

use logic::mm::frames::FRAME;
use logic::mm::vma::{Area, Backing as _};

use crate::arch::paging::{NoTableFrame, physical_of_direct};

use super::FaultAction;
use super::frames::{self, LARGE, OwnedFrame};
use super::map::Memory;
use super::source::Source;
use super::space::{Space, protection, table_frame};

impl Memory {
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
        if let Some((file, offset)) = area.backing.shared_file() {
            let mut installed = Ok(false);
            let found = file.with_page(offset + (page - area.start), &mut |shared| {
                let physical = physical_of_direct(core::ptr::from_mut(shared).addr() as u64);
                installed = self.install_page(page, physical, &area);
            });
            return match (found, installed) {
                (Err(_), _) => FaultAction::BusError,
                (_, Err(NoTableFrame)) => FaultAction::OutOfMemory,
                (_, Ok(_)) => FaultAction::Handled,
            };
        }
        let Some(mut frame) = OwnedFrame::zeroed() else { return FaultAction::OutOfMemory };
        if let Source::File { file, offset } = &area.backing
            && file.fill(offset + (page - area.start), frame.bytes()).is_err()
        {
            return FaultAction::BusError;
        }
        match self.install_page(page, frame.physical(), &area) {
            Ok(true) => frame.hand_on(),
            Ok(false) => {}
            Err(NoTableFrame) => return FaultAction::OutOfMemory,
        }
        FaultAction::Handled
    }

    /// Maps the frame `physical` at `page`. False: the area has changed or another CPU was first; the program touches the page once more and
    /// finds the new state.
    fn install_page(&self, page: u64, physical: u64, area: &Area<Source>) -> Result<bool, NoTableFrame> {
        let mut space = self.space.lock();
        let Space { areas, tables, resident, .. } = &mut *space;
        let now = areas.touch(page).filter(|now| same(now, area));
        let Some(now) = now.filter(|_| tables.translate(page).is_none()) else { return Ok(false) };
        now.touched.add(page, page + FRAME);
        tables.map(page, physical, protection(area.access), &mut table_frame)?;
        resident.add(1, area.charged);
        Ok(true)
    }

    fn install_large(&self, page: u64, frame: u64, area: &Area<Source>) -> bool {
        let mut space = self.space.lock();
        let Space { areas, tables, resident, .. } = &mut *space;
        // The area may be shorter now.
        let now = areas.touch(page).filter(|now| same(now, area) && page + LARGE <= now.end);
        let Some(now) = now else { return false };
        let mapped = tables.map_large(page, frame, protection(area.access), &mut table_frame) == Ok(true);
        if mapped {
            now.touched.add(page, page + LARGE);
            resident.add(LARGE / FRAME, area.charged);
        }
        mapped
    }
}

fn same(now: &Area<Source>, then: &Area<Source>) -> bool {
    now.start == then.start && now.access == then.access && now.backing.continues(0, &then.backing)
}
