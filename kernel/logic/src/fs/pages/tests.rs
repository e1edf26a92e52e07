//! A file of pages is a row of bytes, whatever is done to it.

mod properties;

use alloc::vec::Vec;

use abi::errno::Errno;

use super::{PAGE, Pages};
use crate::file::io::{SliceSource, VecSink};

fn contents(pages: &Pages) -> Vec<u8> {
    let mut sink = VecSink::new(usize::try_from(pages.size()).unwrap() + 10);
    pages.read(0, &mut sink).unwrap();
    sink.bytes
}

#[test]
fn holes_are_found() {
    let mut pages = Pages::default();
    pages.write(5 * PAGE as u64 + 7, 1, &mut SliceSource(b"x"), &mut || Ok(())).unwrap();
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
    pages.write(10, 3, &mut SliceSource(b"new"), &mut || Ok(())).unwrap();
    let contents = contents(&pages);
    assert_eq!((&contents[8..15], contents[PAGE]), (&b"\x05\x05new\x05\x05"[..], 5));
    pages.truncate(10).unwrap();
    pages.truncate(100).unwrap();
    assert_eq!(self::contents(&pages)[10..], [0; 90], "what was cut off does not come back");
}

#[test]
fn the_page_that_the_base_ends_in_is_data_to_its_end() {
    static BASE: [u8; 100] = [5; 100];
    let mut pages = Pages::over(&BASE);
    pages.truncate(2 * PAGE as u64).unwrap();
    assert_eq!((pages.next_data(200), pages.next_hole(200)), (Ok(200), Ok(PAGE as u64)));
    assert_eq!(pages.next_data(PAGE as u64), Err(Errno::ENXIO));
}
