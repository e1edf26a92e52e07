//! A file is a row of bytes and a set of pages that were written, whatever is done to it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use abi::errno::Errno;
use proptest::prelude::*;

use super::super::{PAGE, Pages};
use super::contents;
use crate::file::io::{SliceSource, VecSink};
use crate::properties::cases;

/// What lies below: no byte is a zero, and neighbours differ.
static BASE: [u8; 3 * PAGE + 100] = {
    let mut bytes = [0; 3 * PAGE + 100];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = (at % 251) as u8 + 1;
        at += 1;
    }
    bytes
};

#[derive(Clone, Debug)]
enum Step {
    Write(usize, usize, u8),
    Truncate(usize),
    Punch(usize, usize),
    Reserve(usize, usize),
}

/// A position: mostly in the first pages and at their edges, seldom far behind.
fn position() -> impl Strategy<Value = usize> {
    let page = prop_oneof![6 => 0..6_usize, 1 => 30..40_usize];
    let within = prop_oneof![Just(0), Just(1), Just(100), Just(PAGE - 1), 0..PAGE];
    (page, within).prop_map(|(page, within)| page * PAGE + within)
}

fn step() -> impl Strategy<Value = Step> {
    let length = || prop_oneof![0..200_usize, 0..3 * PAGE, Just(PAGE), Just(2 * PAGE)];
    prop_oneof![
        4 => (position(), length(), 1..=255_u8).prop_map(|(at, length, byte)| Step::Write(at, length, byte)),
        2 => position().prop_map(Step::Truncate),
        3 => (position(), prop_oneof![4 => length(), 1 => Just(50 * PAGE)])
            .prop_map(|(at, length)| Step::Punch(at, length)),
        1 => (position(), length()).prop_map(|(at, length)| Step::Reserve(at, length)),
    ]
}

struct Both {
    pages: Pages,
    bytes: Vec<u8>,
    /// Pages that have memory of their own.
    held: BTreeSet<usize>,
    /// Bytes of the base that are left.
    base: usize,
}

impl Both {
    fn new(has_base: bool) -> Self {
        let base: &'static [u8] = if has_base { &BASE } else { &[] };
        Self { pages: Pages::over(base), bytes: base.to_vec(), held: BTreeSet::new(), base: base.len() }
    }

    fn is_over_base(&self, page: usize) -> bool {
        page * PAGE < self.base
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Write(at, length, byte) => {
                let bytes: Vec<u8> = (0..length).map(|number| byte.wrapping_add(number as u8)).collect();
                let written = self.pages.write(at as u64, length, &mut SliceSource(&bytes), &mut || Ok(()));
                assert_eq!(written, Ok(length));
                if length > 0 {
                    self.bytes.resize(self.bytes.len().max(at + length), 0);
                    self.bytes[at..at + length].copy_from_slice(&bytes);
                    self.held.extend(at / PAGE..(at + length).div_ceil(PAGE));
                }
            }
            Step::Truncate(size) => {
                self.pages.truncate(size as u64).unwrap();
                if size < self.bytes.len() {
                    self.held.retain(|&page| page < size.div_ceil(PAGE));
                    self.base = self.base.min(size);
                }
                self.bytes.resize(size, 0);
            }
            Step::Punch(at, length) => {
                self.pages.punch(at as u64, (at + length) as u64).unwrap();
                let end = (at + length).min(self.bytes.len());
                if at < end {
                    self.bytes[at..end].fill(0);
                }
                // What was reserved behind the end stays.
                let end = (at + length).min(self.bytes.len().next_multiple_of(PAGE));
                let pages = if at < end { at / PAGE..end.div_ceil(PAGE) } else { 0..0 };
                for page in pages {
                    if self.is_over_base(page) {
                        self.held.insert(page);
                    } else if at <= page * PAGE && (page + 1) * PAGE <= end {
                        self.held.remove(&page);
                    }
                }
            }
            Step::Reserve(at, length) => {
                self.pages.reserve(at as u64, (at + length) as u64).unwrap();
                self.held.extend(at / PAGE..(at + length).div_ceil(PAGE));
            }
        }
    }

    fn compare(&self, at: usize, length: usize) {
        let size = self.bytes.len();
        assert_eq!(self.pages.size(), size as u64);
        assert!(contents(&self.pages) == self.bytes, "the bytes differ");
        let units = (self.held.len() + self.base.div_ceil(PAGE)) * PAGE / 512;
        assert_eq!(self.pages.blocks(), units as u64);

        let mut sink = VecSink::new(length);
        let there = &self.bytes[at.min(size)..(at + length).min(size)];
        assert_eq!(self.pages.read(at as u64, &mut sink), Ok(there.len()));
        assert!(sink.bytes == there, "the bytes at {at} differ");

        // Steps of pages are enough: what a position is, its whole page is.
        let first = |is_data: bool| {
            let starts = (at / PAGE + 1..).map(|page| page * PAGE);
            core::iter::once(at).chain(starts).take_while(|&at| at < size).find(|at| {
                let page = at / PAGE;
                (self.held.contains(&page) || self.is_over_base(page)) == is_data
            })
        };
        let data = first(true).map(|at| at as u64).ok_or(Errno::ENXIO);
        let hole = if at < size { Ok(first(false).unwrap_or(size) as u64) } else { Err(Errno::ENXIO) };
        assert_eq!(self.pages.next_data(at as u64), data, "the next data from {at} on");
        assert_eq!(self.pages.next_hole(at as u64), hole, "the next hole from {at} on");
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn behaves_like_a_vector(
        has_base in any::<bool>(),
        steps in prop::collection::vec((step(), position(), 0..3 * PAGE), 1..40),
    ) {
        let mut both = Both::new(has_base);
        for (step, at, length) in steps {
            both.take(&step);
            both.compare(at, length);
        }
    }
}
