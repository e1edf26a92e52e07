//! Names are found, and read once each in the order they came.

use alloc::format;
use alloc::string::String;

use abi::time::Timespec;

use super::*;
use crate::fs::special::PipeInode;

fn inode(number: u64) -> Arc<dyn Inode> {
    Arc::new(PipeInode::new(number, Timespec::default()))
}

fn with(names: core::ops::Range<u64>) -> Entries {
    let mut entries = Entries::new(7);
    for number in names {
        entries.insert(format!("name{number}").as_bytes(), inode(number)).unwrap();
    }
    entries
}

/// The names from `position` on, and where each lies.
fn read(entries: &Entries, mut position: u64) -> Vec<(u64, String)> {
    let mut read = Vec::new();
    while let Some(found) = entries.next(position) {
        read.push((found.position, String::from_utf8(found.name.to_vec()).unwrap()));
        position = found.position + 1;
    }
    read
}

#[test]
fn names_mean_what_they_were_given() {
    let mut entries = with(0..3);
    assert_eq!(entries.get(b"name2").unwrap().metadata().inode, 2);
    assert_eq!(entries.get(b"name3").unwrap_err(), Errno::ENOENT);
    assert_eq!(entries.insert(b"name1", inode(9)).unwrap_err(), Errno::EEXIST);
    entries.replace(b"name1", inode(5));
    assert_eq!(entries.get(b"name1").unwrap().metadata().inode, 5);
    assert_eq!(entries.size(), 5 * ENTRY_SIZE);
}

#[test]
fn positions_stay_while_names_come_and_go() {
    let mut entries = with(0..100);
    for number in 0..90 {
        assert!(entries.remove(format!("name{number}").as_bytes()).is_some());
    }
    assert!(entries.remove(b"name0").is_none());
    assert!(entries.in_order.len() <= 2 * entries.by_name.len(), "gaps do not pile up");
    entries.insert(b"late", inode(100)).unwrap();
    let left = read(&entries, 0);
    assert_eq!(left.len(), 11);
    assert_eq!(left[0], (FIRST_POSITION + 90, String::from("name90")));
    assert_eq!(left[10], (FIRST_POSITION + 100, String::from("late")));
    assert_eq!(read(&entries, FIRST_POSITION + 95), left[5..]);
}

#[test]
fn what_was_removed_lets_nothing_in() {
    let mut entries = with(0..1);
    assert_eq!(entries.close(), Err(Errno::ENOTEMPTY));
    entries.remove(b"name0");
    entries.close().unwrap();
    assert_eq!(entries.insert(b"name", inode(1)).unwrap_err(), Errno::ENOENT);
}
