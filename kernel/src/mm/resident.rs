//! The pages the program has: counted when they are mapped and when they are taken out of the tables.

use alloc::vec::Vec;

use logic::mm::frames::FRAME;

use crate::arch::paging::{Mapped, PageTables, Sweep};

/// How many pages the program has.
#[derive(Debug, Default)]
pub(super) struct Resident {
    pub(super) pages: u64,
    /// Those of them in charged areas.
    pub(super) charged: u64,
    /// The most it ever had.
    pub(super) peak: u64,
}

impl Resident {
    /// The program got `pages` more.
    pub(super) fn add(&mut self, pages: u64, charged: bool) {
        self.pages += pages;
        if charged {
            self.charged += pages;
        }
        self.peak = self.peak.max(self.pages);
    }

    /// Takes the pages of `start..end`, which is in one area, out of `tables`; their frames and sizes go to `gone`.
    pub(super) fn take_pages(
        &mut self,
        tables: &mut PageTables,
        (start, end): (u64, u64),
        charged: bool,
        gone: &mut Vec<(u64, u64)>,
    ) {
        let (mut pages, mut tables_gone) = (0, Vec::new());
        let unmap = |_, mapped: Mapped| {
            gone.push((mapped.physical, mapped.size));
            pages += mapped.size / FRAME;
            Sweep::Unmap
        };
        tables.sweep(start, end, unmap, |table| tables_gone.push((table, FRAME)));
        gone.append(&mut tables_gone);
        self.pages -= pages;
        if charged {
            self.charged -= pages;
        }
    }
}
