//! The pages the program has: counted when they are mapped and when they are taken out of the tables.

use crate::arch::paging::PageTables;

use super::gone::Gone;

/// How many pages the program has.
#[derive(Debug, Default)]
pub(super) struct Resident {
    pub(super) pages: u64,
    /// Those of them in charged areas.
    pub(super) charged: u64,
    /// The most it ever had.
    pub(super) peak: u64,
}

/// Whose pages are taken out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    /// They are in a charged area.
    pub(super) charged: bool,
    /// They are a file's, and stay with it.
    pub(super) shared: bool,
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

    /// Takes the pages of `range`, which is in one area, out of `tables`.
    pub(super) fn take_pages(
        &mut self,
        tables: &mut PageTables,
        range: (u64, u64),
        owner: Owner,
        gone: &mut Gone,
    ) {
        let pages = gone.take(tables, range, owner.shared);
        self.pages -= pages;
        if owner.charged {
            self.charged -= pages;
        }
    }
}
