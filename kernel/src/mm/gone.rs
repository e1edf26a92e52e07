//! What a change of the address space takes away, and when each part of it may be used again.
//!
//! Nothing here can fail for want of memory: what does not fit is given back at once.

use alloc::vec::Vec;

use abi::errno::Errno;
use logic::mm::frames::FRAME;

use crate::arch::paging::{Mapped, PageTables, Sweep, Visitor};
use crate::arch::smp::{self, Change};

use super::frames::{self, LARGE};
use super::source::Source;

/// Frames that need no memory of the list's own.
const FEW: usize = 8;

/// What is not mapped any more.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Physical addresses of frames; the lowest bit says that it is a large one.
    few: [u64; FEW],
    few_count: usize,
    more: Option<Vec<u64>>,
    /// A CPU may still see an old translation, if of a frame that stays.
    translations: bool,
    /// Page tables are among the frames.
    tables: bool,
    /// What stood behind areas. Dropped last, with no lock held: a file may go with its last map.
    sources: Option<Vec<Source>>,
}

impl Gone {
    /// Takes the pages of `start..end` out of `tables`, and their frames unless somebody `keeps` them. Answers how many pages there were.
    pub(super) fn take(&mut self, tables: &mut PageTables, (start, end): (u64, u64), keeps: bool) -> u64 {
        let mut taking = Taking { gone: self, keeps, pages: 0 };
        tables.sweep(start, end, &mut taking);
        taking.pages
    }

    /// Does the same, that the frames stay for, to all pages of `start..end`.
    pub(super) fn change(&mut self, tables: &mut PageTables, (start, end): (u64, u64), what: Sweep) {
        tables.sweep(start, end, &mut Changing { gone: self, what });
    }

    /// A page table that was taken out.
    pub(super) fn table(&mut self, physical: u64) {
        self.frame(physical);
        // Not before: what is full is released first, without this one.
        self.tables = true;
    }

    fn frame(&mut self, entry: u64) {
        if self.few_count == FEW && self.more.get_or_insert_default().try_reserve(1).is_err() {
            self.translations = true;
            self.release();
        }
        if self.few_count < FEW {
            self.few[self.few_count] = entry;
            self.few_count += 1;
        } else if let Some(more) = &mut self.more {
            more.push(entry);
        }
    }

    /// Makes room for what stands behind `count` areas.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn expect_sources(&mut self, count: usize) -> Result<(), Errno> {
        if count == 0 {
            return Ok(());
        }
        self.sources.get_or_insert_default().try_reserve(count).map_err(|_| Errno::ENOMEM)
    }

    /// What stood behind an area; it was [expected](Self::expect_sources) if it is a file.
    pub(super) fn source(&mut self, source: &Source) {
        if let (Source::File { .. }, Some(sources)) = (source, &mut self.sources) {
            sources.push(source.clone());
        }
    }

    /// Every CPU drops its translations of what no table maps any more, then the frames go back.
    ///
    /// With the address space locked: were the addresses free before, another mapping could get them while a CPU still sees the old frames.
    #[inline]
    pub(super) fn release(&mut self) {
        if self.few_count > 0 || self.translations {
            self.shoot_down();
        }
    }

    #[inline(never)]
    fn shoot_down(&mut self) {
        smp::shootdown(if self.tables { Change::Tables } else { Change::Pages });
        (self.translations, self.tables) = (false, false);
        let more = self.more.take().unwrap_or_default();
        for &entry in self.few[..self.few_count].iter().chain(&more) {
            frames::free_contiguous(entry & !1, if entry & 1 != 0 { LARGE / FRAME } else { 1 });
        }
        self.few_count = 0;
    }
}

/// [`Gone::take`] under way.
struct Taking<'a> {
    gone: &'a mut Gone,
    keeps: bool,
    pages: u64,
}

impl Visitor for Taking<'_> {
    fn page(&mut self, _address: u64, mapped: Mapped) -> Sweep {
        if self.keeps {
            self.gone.translations = true;
        } else {
            self.gone.frame(mapped.physical | u64::from(mapped.size == LARGE));
        }
        self.pages += mapped.size / FRAME;
        Sweep::Unmap
    }

    fn table(&mut self, physical: u64) {
        self.gone.table(physical);
    }
}

/// [`Gone::change`] under way.
struct Changing<'a> {
    gone: &'a mut Gone,
    what: Sweep,
}

impl Visitor for Changing<'_> {
    fn page(&mut self, _address: u64, _mapped: Mapped) -> Sweep {
        self.gone.translations = true;
        self.what
    }

    fn table(&mut self, physical: u64) {
        self.gone.table(physical);
    }
}
