//! What a change of the address space takes away, and when each part of it may be used again.

use alloc::vec::Vec;

use logic::mm::frames::FRAME;

use crate::arch::paging::{Mapped, PageTables, Sweep};
use crate::arch::smp;

use super::frames;
use super::source::Source;

/// What is not mapped any more.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Physical addresses and sizes of pages.
    pages: Vec<(u64, u64)>,
    /// Physical addresses of page tables.
    tables: Vec<u64>,
    /// A CPU may still see an old translation, if of a frame that stays.
    translations: bool,
    /// What stood behind areas. Dropped last, with no lock held: a file may go with its last map.
    sources: Vec<Source>,
}

impl Gone {
    /// Sweeps `start..end` of `tables` ([`PageTables::sweep`]); the frames of pages that are unmapped stay.
    pub(super) fn sweep(
        &mut self,
        tables: &mut PageTables,
        (start, end): (u64, u64),
        mut visit: impl FnMut(u64, Mapped) -> Sweep,
    ) {
        let visit = |address, mapped| {
            self.translations = true;
            visit(address, mapped)
        };
        tables.sweep(start, end, visit, |table| self.tables.push(table));
    }

    /// Takes the pages of `start..end` out of `tables`, and their frames unless somebody `keeps` them. Answers how many pages there were.
    pub(super) fn take(&mut self, tables: &mut PageTables, (start, end): (u64, u64), keeps: bool) -> u64 {
        let mut count = 0;
        let visit = |_, mapped: Mapped| {
            if keeps {
                self.translations = true;
            } else {
                self.pages.push((mapped.physical, mapped.size));
            }
            count += mapped.size / FRAME;
            Sweep::Unmap
        };
        tables.sweep(start, end, visit, |table| self.tables.push(table));
        count
    }

    /// A table that was taken out.
    pub(super) fn table(&mut self, physical: u64) {
        self.tables.push(physical);
    }

    /// What stood behind an area.
    pub(super) fn source(&mut self, source: &Source) {
        if let Source::File { .. } = source {
            self.sources.push(source.clone());
        }
    }

    /// Every CPU drops its translations of what no table maps any more, then the frames go back.
    ///
    /// With the address space locked: were the addresses free before, another mapping could get them while a CPU still sees the old frames.
    pub(super) fn release(&mut self) {
        if self.pages.is_empty() && self.tables.is_empty() && !self.translations {
            return;
        }
        smp::shootdown();
        self.translations = false;
        for (page, size) in self.pages.drain(..) {
            frames::free_contiguous(page, size / FRAME);
        }
        for table in self.tables.drain(..) {
            frames::free_contiguous(table, 1);
        }
    }
}
