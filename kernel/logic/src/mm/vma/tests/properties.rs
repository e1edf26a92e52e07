//! Whatever is done to a map, it tells the same as a table with one entry per page.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::super::*;
use super::{RO, RW, Shows};
use crate::properties::cases;

/// Pages that can be mapped: enough for more areas than one chunk of the sequence holds.
const COUNT: usize = 180;
/// Aligned to a page and to nothing more.
const LOW: u64 = 0x13_000;
const HIGH: u64 = LOW + COUNT as u64 * PAGE;

/// What is known of a mapped page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    access: Access,
    shows: Option<u64>,
    charged: bool,
    locked: bool,
}

/// How new pages are.
#[derive(Clone, Copy, Debug)]
struct Like {
    access: Access,
    /// What is shown at [`LOW`], so that areas that show the same thing go on in each other wherever they are.
    shows: Option<u64>,
    charged: bool,
    /// They are there at once, as those that mremap(2) moves.
    touched: bool,
}

impl Like {
    fn backing(self, page: usize) -> Shows {
        Shows(self.shows.map(|from| from + page as u64 * PAGE))
    }

    fn entry(self, page: usize) -> Entry {
        Entry { access: self.access, shows: self.backing(page).0, charged: self.charged, locked: false }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// mmap(2) with `MAP_FIXED`: what was there goes first.
    Insert(usize, usize, Like),
    /// mmap(2) wherever there is room for this many pages, aligned to so many.
    InsertInGap(usize, usize, Like),
    /// Every free page of these becomes an area of its own.
    Comb(usize, usize),
    Remove(usize, usize),
    Protect(usize, usize, Access),
    Lock(usize, usize, bool),
    Grow(usize, usize),
    Touch(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let access = || prop_oneof![Just(RW), Just(RO)];
    let shows = prop_oneof![Just(None), Just(Some(0)), Just(Some(0x100_0000))];
    let like = (access(), shows, any::<bool>(), prop::bool::weighted(0.2));
    let like =
        like.prop_map(|(access, shows, charged, touched)| Like { access, shows, charged, touched }).boxed();
    let pages = || (0..COUNT, prop_oneof![4 => 1..8_usize, 1 => 1..COUNT]);
    let aligns = prop_oneof![Just(1_usize), Just(2), Just(8), Just(16)];
    prop_oneof![
        3 => (pages(), like.clone()).prop_map(|((first, count), like)| Step::Insert(first, count, like)),
        3 => (1..12_usize, aligns, like).prop_map(|(count, align, like)| Step::InsertInGap(count, align, like)),
        1 => pages().prop_map(|(first, count)| Step::Comb(first, count)),
        3 => pages().prop_map(|(first, count)| Step::Remove(first, count)),
        4 => (pages(), access()).prop_map(|((first, count), access)| Step::Protect(first, count, access)),
        2 => (pages(), any::<bool>()).prop_map(|((first, count), on)| Step::Lock(first, count, on)),
        2 => (1..COUNT, 1..6_usize).prop_map(|(end, count)| Step::Grow(end, count)),
        4 => (0..COUNT).prop_map(Step::Touch),
    ]
}

fn address(page: usize) -> u64 {
    LOW + page as u64 * PAGE
}

fn page(address: u64) -> usize {
    ((address - LOW) / PAGE) as usize
}

/// A map and its table.
struct Both {
    areas: Areas<Shows>,
    entries: Vec<Option<Entry>>,
    /// Pages that are there.
    touched: Vec<bool>,
}

impl Both {
    fn new() -> Self {
        Self { areas: Areas::new(LOW, HIGH), entries: vec![None; COUNT], touched: vec![false; COUNT] }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Insert(first, count, like) => {
                let last = (first + count).min(COUNT);
                self.remove(first, last);
                self.insert(first, last, like);
            }
            Step::InsertInGap(count, align, like) => {
                let found = self.find_gap(count, align);
                if let Some(first) = found {
                    self.insert(first, first + count, like);
                }
            }
            Step::Comb(first, count) => {
                for page in (first..(first + count).min(COUNT)).filter(|page| page % 2 == 0) {
                    if self.entries[page].is_none() {
                        self.insert(
                            page,
                            page + 1,
                            Like { access: RW, shows: None, charged: false, touched: false },
                        );
                    }
                }
            }
            Step::Remove(first, count) => self.remove(first, (first + count).min(COUNT)),
            Step::Protect(first, count, access) => self.protect(first, (first + count).min(COUNT), access),
            Step::Lock(first, count, on) => self.lock(first, (first + count).min(COUNT), on),
            Step::Grow(end, count) => self.grow(end, count),
            Step::Touch(page) => self.touch(page),
        }
    }

    fn insert(&mut self, first: usize, last: usize, like: Like) {
        let area = Area {
            start: address(first),
            end: address(last),
            access: like.access,
            backing: like.backing(first),
            charged: like.charged,
            locked: false,
            touched: if like.touched {
                Touched::new(address(first), address(last))
            } else {
                Touched::NOTHING
            },
        };
        assert_eq!(self.areas.insert(area), Ok(()));
        for page in first..last {
            self.entries[page] = Some(like.entry(page));
            self.touched[page] = like.touched;
        }
    }

    /// The highest gap, which is also asked for.
    fn find_gap(&mut self, count: usize, align: usize) -> Option<usize> {
        let bytes = align as u64 * PAGE;
        let expected = (0..=COUNT.saturating_sub(count)).rev().find(|&first| {
            address(first) % bytes == 0
                && self.entries[first..].len() >= count
                && self.entries[first..first + count].iter().all(Option::is_none)
        });
        let found = self.areas.find_gap(count as u64 * PAGE, bytes);
        assert_eq!(found, expected.map(address), "a gap of {count} pages, aligned to {align}");
        expected
    }

    fn remove(&mut self, first: usize, last: usize) {
        let mut gone = vec![None; COUNT];
        let (mut within, mut ascending) = (vec![false; COUNT], Vec::new());
        let gap = self.areas.remove(address(first), address(last), |area| {
            note(area, &mut gone, &mut within);
            ascending.push(area.start);
        });
        assert!(ascending.is_sorted());
        for page in 0..COUNT {
            let is_inside = (first..last).contains(&page);
            assert_eq!(gone[page], self.entries[page].filter(|_| is_inside), "page {page} is handed over");
            assert!(within[page] || !is_inside || !self.touched[page], "page {page} is not looked for");
        }
        self.entries[first..last].fill(None);
        self.touched[first..last].fill(false);
        let floor = (0..first).rev().find(|&page| self.entries[page].is_some()).map_or(0, |page| page + 1);
        let ceiling = (last..COUNT).find(|&page| self.entries[page].is_some()).unwrap_or(COUNT);
        assert_eq!(gap, Ok((address(floor), address(ceiling))));
    }

    fn protect(&mut self, first: usize, last: usize, access: Access) {
        let result = self.areas.protect(address(first), address(last), access);
        if self.entries[first..last].iter().any(Option::is_none) {
            assert_eq!(result, Err(Errno::ENOMEM));
            return;
        }
        let (from, to) = result.unwrap().map_or((0, 0), |(start, end)| (page(start), page(end)));
        assert!(from == to || first <= from && to <= last);
        for page in first..last {
            assert!(!self.touched[page] || (from..to).contains(&page), "page {page} keeps its old access");
        }
        for entry in self.entries[first..last].iter_mut().flatten() {
            entry.access = access;
        }
    }

    /// Up to the first hole.
    fn lock(&mut self, first: usize, last: usize, locked: bool) {
        let hole = (first..last).find(|&page| self.entries[page].is_none());
        let result = self.areas.lock(address(first), address(last), locked);
        assert_eq!(result, if hole.is_some() { Err(Errno::ENOMEM) } else { Ok(()) });
        for entry in self.entries[first..hole.unwrap_or(last)].iter_mut().flatten() {
            entry.locked = locked;
        }
    }

    fn grow(&mut self, end: usize, count: usize) {
        let last = self.entries[end - 1];
        let is_free = end + count <= COUNT && self.entries[end..end + count].iter().all(Option::is_none);
        let grown = self.areas.grow(address(end), count as u64 * PAGE);
        assert_eq!(grown, is_free && last.is_some());
        if let Some(last) = last.filter(|_| is_free) {
            for page in end..end + count {
                let bytes = (page + 1 - end) as u64 * PAGE;
                self.entries[page] = Some(Entry { shows: last.shows.map(|from| from + bytes), ..last });
            }
        }
    }

    fn touch(&mut self, page: usize) {
        let area = self.areas.touch(address(page));
        assert_eq!(area.is_some(), self.entries[page].is_some());
        if let Some(area) = area {
            area.touched.add(address(page), address(page + 1));
            self.touched[page] = true;
        }
    }

    fn compare(&self, first: usize, last: usize) {
        let (mut entries, mut within) = (vec![None; COUNT], vec![false; COUNT]);
        let (mut count, mut before): (_, Option<&Area<Shows>>) = (0, None);
        for area in self.areas.iter() {
            count += 1;
            assert!(area.start < area.end);
            assert!(before.is_none_or(|before| before.end <= area.start && !goes_on(before, area)));
            note(area, &mut entries, &mut within);
            before = Some(area);
        }
        assert_eq!(entries, self.entries);
        assert_eq!((count, count == 0), (self.areas.len(), self.areas.is_empty()));
        for page in 0..COUNT {
            assert!(within[page] || !self.touched[page], "page {page} is lost");
            let found = self.areas.find(address(page) + 7);
            assert_eq!(found.map(|area| entry_of(area, page)), self.entries[page]);
        }
        let (start, end) = (address(first), address(last));
        let some = &self.entries[first..last];
        assert_eq!(self.areas.covers(start, end), some.iter().all(Option::is_some));
        assert_eq!(self.areas.is_free(start, end), some.iter().all(Option::is_none));
        let overlapping: Vec<_> = self.areas.overlapping(start, end).map(|area| area.start).collect();
        let all = self.areas.iter().filter(|area| area.start < end && area.end > start);
        assert_eq!(overlapping, all.map(|area| area.start).collect::<Vec<_>>());
    }
}

fn entry_of(area: &Area<Shows>, page: usize) -> Entry {
    let shows = area.backing.advanced(address(page) - area.start).0;
    Entry { access: area.access, shows, charged: area.charged, locked: area.locked }
}

/// Enters an area's pages, and where it may have some.
fn note(area: &Area<Shows>, entries: &mut [Option<Entry>], within: &mut [bool]) {
    for page in page(area.start)..page(area.end) {
        assert_eq!(entries[page], None, "page {page} is in two areas");
        entries[page] = Some(entry_of(area, page));
        within[page] = area.touched_within(address(page), address(page + 1)).is_some();
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn any_sequence_equals_one_entry_per_page(
        steps in prop::collection::vec((step(), 0..COUNT, 1..40_usize, 1..5_usize), 1..120),
    ) {
        let mut both = Both::new();
        for (step, first, count, align) in steps {
            both.take(&step);
            both.compare(first, (first + count).min(COUNT));
            both.find_gap(count, align);
        }
        for count in 1..=COUNT + 1 {
            both.find_gap(count, 1);
        }
    }
}
