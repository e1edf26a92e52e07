//! Frames are given once, come back, and the reserve stays.

mod properties;

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

fn frames(ranges: &[(u64, u64)], reserve: u64) -> Frames {
    let mut ram = Ranges::default();
    ranges.iter().for_each(|&(start, end)| ram.add(Range { start, end }));
    let end = ranges.iter().map(|range| range.1).max().unwrap();
    // Garbage, as RAM is when the table is laid out.
    let garbage = Chunk { free: [u64::MAX; 8], count: 77, next: 3, previous: 9, ram: 5 };
    let table = vec![garbage; end.div_ceil(CHUNK) as usize].leak();
    Frames::new(ram, table, reserve)
}

const MIB: u64 = 1 << 20;

#[test]
fn every_frame_of_every_range_exactly_once() {
    let mut frames = frames(&[(MIB, 3 * MIB + 0x3000), (8 * MIB, 9 * MIB)], 0);
    let all: Vec<u64> = core::iter::from_fn(|| frames.allocate(For::Kernel)).collect();
    assert_eq!(all.len() as u64, (3 * MIB + 0x3000) / FRAME);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert!(all.iter().all(|&a| (MIB..3 * MIB + 0x3000).contains(&a) || (8 * MIB..9 * MIB).contains(&a)));
    assert_eq!(frames.usage().0, 0);
    all.iter().for_each(|&address| frames.free(address));
    assert_eq!(frames.usage(), (all.len() as u64, all.len() as u64));
    assert_eq!(core::iter::from_fn(|| frames.allocate(For::Kernel)).count(), all.len());
}

#[test]
fn the_reserve_is_the_kernels() {
    let mut frames = frames(&[(2 * MIB, 4 * MIB)], 12);
    assert_eq!(core::iter::from_fn(|| frames.allocate(For::Program)).count(), 500);
    assert_eq!(frames.available(), 0);
    assert_eq!(core::iter::from_fn(|| frames.allocate(For::Kernel)).count(), 12);
}

#[test]
fn large_frames_are_aligned_and_come_back() {
    let mut frames = frames(&[(MIB, 7 * MIB)], 0);
    let small = frames.allocate(For::Kernel).unwrap();
    let large: Vec<u64> = core::iter::from_fn(|| frames.allocate_large(For::Kernel)).collect();
    assert_eq!(large.len(), 2);
    assert!(large.iter().all(|address| address % CHUNK == 0));
    for address in large {
        frames.free_contiguous(address, 512);
    }
    frames.free(small);
    assert_eq!(frames.usage().0, 6 * MIB / FRAME);
    assert!(frames.allocate_large(For::Kernel).is_some());
}

#[test]
fn a_whole_chunk_that_was_broken_up_becomes_whole_again() {
    let mut frames = frames(&[(2 * MIB, 4 * MIB)], 0);
    let all: Vec<u64> = core::iter::from_fn(|| frames.allocate(For::Kernel)).collect();
    all.iter().rev().for_each(|&address| frames.free(address));
    assert_eq!(frames.allocate_large(For::Kernel), Some(2 * MIB));
}
