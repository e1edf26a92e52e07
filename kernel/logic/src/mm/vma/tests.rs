//! Every edge of munmap(2) and mprotect(2), and a model of one entry per page.

mod properties;

use alloc::vec::Vec;

use super::*;

/// An area that shows consecutive numbers from here on; `None` is anonymous memory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shows(Option<u64>);

impl Backing for Shows {
    fn advanced(&self, bytes: u64) -> Self {
        Self(self.0.map(|from| from + bytes))
    }
    fn continues(&self, bytes: u64, next: &Self) -> bool {
        self.0.map(|from| from + bytes) == next.0
    }
}

const RW: Access = Access { read: true, write: true, execute: false };
const RO: Access = Access { read: true, write: false, execute: false };
const LOW: u64 = 0x10_000;
const HIGH: u64 = 0x100_000;

fn area(start: u64, end: u64, access: Access) -> Area<Shows> {
    Area {
        start,
        end,
        access,
        backing: Shows(None),
        charged: false,
        locked: false,
        touched: Touched::NOTHING,
    }
}

fn bounds(areas: &Areas<Shows>) -> Vec<(u64, u64)> {
    areas.iter().map(|area| (area.start, area.end)).collect()
}

#[test]
fn neighbours_alike_are_joined() {
    let mut areas = Areas::new(LOW, HIGH);
    areas.insert(area(0x20_000, 0x21_000, RW)).unwrap();
    areas.insert(area(0x22_000, 0x23_000, RW)).unwrap();
    areas.insert(area(0x21_000, 0x22_000, RW)).unwrap();
    assert_eq!(bounds(&areas), [(0x20_000, 0x23_000)]);
    areas.insert(area(0x23_000, 0x24_000, RO)).unwrap();
    assert_eq!(areas.len(), 2);
}

#[test]
fn a_hole_in_the_middle_leaves_two_that_show_the_right_bytes() {
    let mut areas = Areas::new(LOW, HIGH);
    areas.insert(Area { backing: Shows(Some(100)), ..area(0x20_000, 0x24_000, RO) }).unwrap();
    let mut gone = Vec::new();
    areas.remove(0x21_000, 0x22_000, |area| gone.push(area.clone())).unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].backing, Shows(Some(100 + 0x1000)));
    assert_eq!(bounds(&areas), [(0x20_000, 0x21_000), (0x22_000, 0x24_000)]);
    assert_eq!(areas.find(0x23_000).unwrap().backing, Shows(Some(100 + 0x2000)));
    assert!(areas.find(0x21_000).is_none());
}

#[test]
fn protect_needs_everything_mapped_and_joins_again() {
    let mut areas = Areas::new(LOW, HIGH);
    areas.insert(area(0x20_000, 0x24_000, RW)).unwrap();
    assert_eq!(areas.protect(0x23_000, 0x25_000, RO), Err(Errno::ENOMEM));
    assert_eq!(areas.len(), 1);
    areas.protect(0x21_000, 0x22_000, RO).unwrap();
    assert_eq!(areas.len(), 3);
    areas.protect(0x21_000, 0x22_000, RW).unwrap();
    assert_eq!(bounds(&areas), [(0x20_000, 0x24_000)]);
}

#[test]
fn what_is_locked_is_an_area_of_its_own() {
    let mut areas = Areas::new(LOW, HIGH);
    areas.insert(area(0x20_000, 0x24_000, RW)).unwrap();
    areas.lock(0x21_000, 0x22_000, true).unwrap();
    assert_eq!(bounds(&areas), [(0x20_000, 0x21_000), (0x21_000, 0x22_000), (0x22_000, 0x24_000)]);
    assert_eq!(areas.lock(0x23_000, 0x25_000, true), Err(Errno::ENOMEM));
    assert!(areas.find(0x23_000).unwrap().locked, "what lies before the hole is locked all the same");
    assert_eq!(areas.lock(0x20_000, 0x30_000, false), Err(Errno::ENOMEM));
    assert_eq!(bounds(&areas), [(0x20_000, 0x24_000)]);
}

#[test]
fn gaps_are_found_from_the_top() {
    let mut areas = Areas::new(LOW, HIGH);
    assert_eq!(areas.find_gap(0x1000, PAGE), Some(HIGH - 0x1000));
    areas.insert(area(HIGH - 0x1000, HIGH, RW)).unwrap();
    areas.insert(area(HIGH - 0x4000, HIGH - 0x3000, RO)).unwrap();
    assert_eq!(areas.find_gap(0x2000, PAGE), Some(HIGH - 0x3000));
    assert_eq!(areas.find_gap(0x3000, PAGE), Some(HIGH - 0x7000));
    assert_eq!(areas.find_gap(0x3000, 0x10_000), Some(0xf0_000));
    assert_eq!(areas.find_gap(HIGH, PAGE), None);
}

#[test]
fn what_is_taken_leaves_a_gap_up_to_the_neighbours() {
    let mut areas = Areas::new(LOW, HIGH);
    assert_eq!(areas.remove(0x20_000, 0x21_000, |_| ()), Ok((LOW, HIGH)));
    areas.insert(area(0x20_000, 0x22_000, RW)).unwrap();
    areas.insert(area(0x30_000, 0x31_000, RW)).unwrap();
    assert_eq!(areas.remove(0x21_000, 0x22_000, |_| ()), Ok((0x21_000, 0x30_000)));
    assert_eq!(areas.remove(0x1_f000, 0x21_000, |_| ()), Ok((LOW, 0x30_000)));
    assert_eq!(areas.remove(0x30_000, 0x31_000, |_| ()), Ok((LOW, HIGH)));
}

#[test]
fn pages_are_looked_for_where_something_was_touched() {
    let mut areas = Areas::new(LOW, HIGH);
    areas.insert(area(0x20_000, 0x28_000, RW)).unwrap();
    assert_eq!(areas.protect(0x20_000, 0x28_000, RW), Ok(None));
    areas.touch(0x23_000).unwrap().touched.add(0x23_000, 0x24_000);
    areas.touch(0x26_000).unwrap().touched.add(0x26_000, 0x27_000);
    // Cut in three: each part knows its own.
    assert_eq!(areas.protect(0x24_000, 0x26_000, RO), Ok(Some((0x24_000, 0x26_000))));
    let touched = |areas: &Areas<Shows>, at| areas.find(at).unwrap().touched_within(0, u64::MAX);
    assert_eq!(touched(&areas, 0x20_000), Some((0x23_000, 0x24_000)));
    assert_eq!(touched(&areas, 0x27_000), Some((0x26_000, 0x27_000)));
    // A hole that is filled anew was not touched; joined with both sides the area reaches over it.
    areas.remove(0x24_000, 0x26_000, |_| ()).unwrap();
    areas.insert(area(0x24_000, 0x26_000, RW)).unwrap();
    assert_eq!(bounds(&areas), [(0x20_000, 0x28_000)]);
    assert_eq!(touched(&areas, 0x20_000), Some((0x23_000, 0x27_000)));
    // What went with another area does not come back with a new one.
    areas.remove(0x22_000, 0x28_000, |_| ()).unwrap();
    assert!(areas.grow(0x22_000, 0x6_000));
    assert_eq!(touched(&areas, 0x20_000), None);
}

#[test]
fn growing_stops_at_the_neighbour() {
    let mut areas = Areas::new(LOW, HIGH);
    areas.insert(area(0x20_000, 0x21_000, RW)).unwrap();
    areas.insert(area(0x23_000, 0x24_000, RW)).unwrap();
    assert!(!areas.grow(0x21_000, 0x3000));
    assert!(areas.grow(0x21_000, 0x2000));
    assert_eq!(bounds(&areas), [(0x20_000, 0x24_000)]);
}
