//! What is mapped is taken out of the maps before it is given up, and counts against seals.

use alloc::boxed::Box;
use alloc::vec::Vec;

use sync::Lock;

use abi::time::Timespec;

use super::*;
use crate::file::io::SliceSource;
use crate::file::{Around, Identity};

/// Notes what it was told to unmap.
#[derive(Debug, Default)]
struct Notes(Lock<Vec<(FileId, Range<u64>)>>);

impl Notes {
    fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    fn take(&self) -> Vec<(FileId, Range<u64>)> {
        core::mem::take(&mut self.0.lock())
    }
}

impl Mapper for Notes {
    fn unmap(&self, file: FileId, range: Range<u64>) {
        self.0.lock().push((file, range));
    }
}

const FILE: FileId = (1, 2);
const FOUR: u64 = 4 * PAGE as u64;

fn four_pages(seals: Option<Seals>) -> Content {
    let mut content = Content::new(Pages::default(), seals);
    content.write(&Io::default(), 0, &mut SliceSource(&[7; FOUR as usize])).unwrap();
    content
}

#[test]
fn pages_that_go_are_unmapped_first() {
    let (mut content, notes) = (four_pages(None), Notes::new());
    content.truncate(&Io::default(), FOUR - 1).unwrap();
    assert_eq!(content.attach(notes, FILE, true, true), Ok(true));
    content.truncate(&Io::default(), PAGE as u64 + 1).unwrap();
    assert_eq!(notes.take(), [(FILE, 2 * PAGE as u64..u64::MAX)], "the page that is cut stays");
    content.truncate(&Io::default(), FOUR).unwrap();
    assert_eq!(notes.take(), [], "growing takes nothing away");
    content
        .allocate(&Io::default(), FallocateMode::PUNCH_HOLE | FallocateMode::KEEP_SIZE, 0..PAGE as u64)
        .unwrap();
    assert_eq!(notes.take(), [(FILE, 0..PAGE as u64)]);
    content.detach(true);
    content.truncate(&Io::default(), 0).unwrap();
    assert_eq!(notes.take(), [], "nobody maps it any more");
}

#[test]
fn pages_end_with_the_file() {
    let mut content = four_pages(None);
    content.truncate(&Io::default(), PAGE as u64 + 1).unwrap();
    assert!(content.page(&Io::default(), PAGE as u64).is_ok());
    assert_eq!(content.page(&Io::default(), 2 * PAGE as u64).map(|_| ()), Err(Errno::ENXIO));
}

#[test]
fn seals_and_writable_maps_exclude_each_other() {
    let (mut content, notes) = (four_pages(Some(Seals::empty())), Notes::new());
    assert_eq!(content.attach(notes, FILE, false, false), Ok(false));
    assert_eq!(content.attach(notes, FILE, true, false), Ok(true), "it may come to be written");
    assert_eq!(content.add_seals(Seals::WRITE), Err(Errno::EBUSY));
    content.add_seals(Seals::FUTURE_WRITE).unwrap();
    assert_eq!(content.attach(notes, FILE, true, true), Err(Errno::EPERM));
    content.detach(true);
    content.add_seals(Seals::WRITE).unwrap();
    assert_eq!(content.attach(notes, FILE, true, false), Ok(false));
}

#[test]
fn what_there_is_no_memory_for_is_refused_and_the_rest_stays() {
    let around = Around {
        clock: Timespec::default,
        most_size: || 6 * PAGE as u64,
        memory_left: || 0,
        identity: Identity::default,
    };
    let io = Io::new(None, &around);
    let mut content = four_pages(None);
    let bytes = [8; 2 * PAGE];
    assert_eq!(
        content.write(&io, PAGE as u64, &mut SliceSource(&bytes)),
        Ok(2 * PAGE),
        "pages that are there"
    );
    assert_eq!(content.write(&io, FOUR, &mut SliceSource(&bytes)), Err(Errno::ENOSPC));
    assert_eq!(content.write(&io, 6 * PAGE as u64, &mut SliceSource(&bytes)), Err(Errno::EFBIG));
    content.truncate(&io, FOUR + 1).unwrap();
    assert_eq!(content.page(&io, FOUR).map(|_| ()), Err(Errno::ENOSPC), "a hole cannot be mapped");
    assert!(content.page(&io, 0).is_ok());
    assert_eq!(content.truncate(&io, 7 * PAGE as u64), Err(Errno::EFBIG));
}
