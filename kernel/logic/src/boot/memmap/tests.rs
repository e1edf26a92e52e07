//! Firmware maps as they come: unsorted, overlapping, with empty entries.

use super::*;

fn r(start: u64, end: u64) -> Range {
    Range { start, end }
}

#[test]
fn sorts_joins_and_drops_empty_entries() {
    let map = [(r(0x20_0000, 0x40_0000), true), (r(0, 0), true), (r(0x10_0000, 0x20_0000), true)];
    assert_eq!(usable::<8>(map.into_iter(), &[]).as_slice(), [r(0x10_0000, 0x40_0000)]);
}

#[test]
fn reserved_wins_and_splits() {
    let map = [(r(0, 0x80_0000), true), (r(0x10_0800, 0x10_0900), false)];
    let ranges = usable::<8>(map.into_iter(), &[r(0, 0x1000), r(0x7f_f001, 0x90_0000)]);
    assert_eq!(ranges.as_slice(), [r(0x1000, 0x10_0000), r(0x10_1000, 0x7f_f000)]);
}

#[test]
fn shrinks_to_whole_pages() {
    let map = [(r(0x1001, 0x5fff), true), (r(0x9001, 0x9fff), true)];
    assert_eq!(usable::<8>(map.into_iter(), &[]).as_slice(), [r(0x2000, 0x5000)]);
}

#[test]
fn the_end_of_the_address_space_does_not_overflow() {
    let map = [(r(0, u64::MAX), true), (r(u64::MAX - 10, u64::MAX), false)];
    let ranges = usable::<8>(map.into_iter(), &[]);
    assert_eq!(ranges.as_slice(), [r(0, u64::MAX & !0xfff)]);
    let last = [(r(u64::MAX - 10, u64::MAX), true)];
    assert!(usable::<8>(last.into_iter(), &[]).as_slice().is_empty(), "no RAM from 0 on");
}

#[test]
fn a_full_table_forgets_ram_but_never_invents_it() {
    let map = (0..100).map(|i| (r(i * 0x4000, i * 0x4000 + 0x1000), true));
    let ranges = usable::<4>(map, &[]);
    assert_eq!(ranges.as_slice().len(), 4);
    assert!(ranges.as_slice().iter().all(|range| range.len() == 0x1000 && range.start % 0x4000 == 0));
}
