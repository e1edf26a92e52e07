//! A file of pages is a row of bytes, whatever is done to it.

use alloc::vec;
use alloc::vec::Vec;

use abi::errno::Errno;

use super::{PAGE, Pages};
use crate::file::io::{SliceSource, VecSink};

fn contents(pages: &Pages) -> Vec<u8> {
    let mut sink = VecSink::new(usize::try_from(pages.size()).unwrap() + 10);
    pages.read(0, &mut sink).unwrap();
    sink.bytes
}

/// A small generator of numbers, the same on every run (xorshift64).
fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

#[test]
fn behaves_like_a_vector() {
    static BASE: [u8; 3 * PAGE + 100] = [9; 3 * PAGE + 100];
    for seed in 1..40 {
        let mut next = numbers(seed * 0x9e37_79b9);
        let mut pages = if seed % 2 == 0 { Pages::over(&BASE) } else { Pages::default() };
        let mut model: Vec<u8> = if seed % 2 == 0 { BASE.to_vec() } else { vec![] };
        for _ in 0..200 {
            let (at, length) = (next(6 * PAGE as u64) as usize, next(2 * PAGE as u64) as usize);
            match next(4) {
                0 | 1 => {
                    let bytes = vec![next(255) as u8 + 1; length];
                    assert_eq!(pages.write(at as u64, &mut SliceSource(&bytes)), Ok(length));
                    if length > 0 {
                        model.resize(model.len().max(at + length), 0);
                        model[at..at + length].copy_from_slice(&bytes);
                    }
                }
                2 => {
                    pages.truncate(at as u64).unwrap();
                    model.resize(at, 0);
                }
                _ => {
                    pages.punch(at as u64, (at + length) as u64).unwrap();
                    let end = (at + length).min(model.len());
                    if at < end {
                        model[at..end].fill(0);
                    }
                }
            }
            assert_eq!(pages.size(), model.len() as u64);
            assert!(contents(&pages) == model, "seed {seed}");
        }
    }
}

#[test]
fn holes_are_found() {
    let mut pages = Pages::default();
    pages.write(5 * PAGE as u64 + 7, &mut SliceSource(b"x")).unwrap();
    assert_eq!((pages.next_data(0), pages.next_hole(0)), (Ok(5 * PAGE as u64), Ok(0)));
    assert_eq!(pages.next_hole(5 * PAGE as u64), Ok(5 * PAGE as u64 + 8));
    assert_eq!(pages.next_data(5 * PAGE as u64 + 8), Err(Errno::ENXIO));
    assert_eq!(pages.blocks(), 8);
    pages.truncate(1 << 50).unwrap();
    assert_eq!(pages.next_data(6 * PAGE as u64), Err(Errno::ENXIO));
    assert_eq!(pages.blocks(), 8, "growing costs nothing");
}

#[test]
fn the_base_is_copied_when_written() {
    static BASE: [u8; 2 * PAGE] = [5; 2 * PAGE];
    let mut pages = Pages::over(&BASE);
    pages.write(10, &mut SliceSource(b"new")).unwrap();
    let contents = contents(&pages);
    assert_eq!((&contents[8..15], contents[PAGE]), (&b"\x05\x05new\x05\x05"[..], 5));
    pages.truncate(10).unwrap();
    pages.truncate(100).unwrap();
    assert_eq!(self::contents(&pages)[10..], [0; 90], "what was cut off does not come back");
}
