//! Locks keep others out, and only others.

use abi::errno::Errno;
use abi::io::{FlockKind, LockType};

use super::{Locks, Range};
use crate::file::Io;

const FILE: (u64, u64) = (1, 2);

fn range(owner: usize, start: u64, end: u64, exclusive: bool) -> Range {
    Range { start, end, exclusive, owner }
}

#[test]
fn whole_files() {
    let (mut locks, io) = (Locks::new(), Io::default());
    assert_eq!(locks.flock(&io, FILE, 1, FlockKind::Shared), Ok(()));
    assert_eq!(locks.flock(&io, FILE, 2, FlockKind::Shared), Ok(()));
    assert_eq!(locks.flock(&io, FILE, 2, FlockKind::Exclusive), Err(Errno::EAGAIN));
    // Changing the kind gave the old lock up first (flock(2)).
    assert_eq!(locks.flock(&io, FILE, 1, FlockKind::Exclusive), Ok(()));
    assert_eq!(locks.flock(&io, (1, 3), 2, FlockKind::Exclusive), Ok(()));
    locks.release(FILE, 1);
    assert_eq!(locks.flock(&io, FILE, 2, FlockKind::Exclusive), Ok(()));
    assert_eq!(locks.flock(&io, FILE, 2, FlockKind::Unlock), Ok(()));
    locks.release((1, 3), 2);
    assert!(locks.0.is_empty(), "nothing is left behind");
}

#[test]
fn ranges() {
    let (mut locks, io) = (Locks::new(), Io::default());
    locks.set(&io, FILE, range(1, 10, 20, true), LockType::Write).unwrap();
    assert_eq!(locks.set(&io, FILE, range(2, 19, 21, false), LockType::Read), Err(Errno::EAGAIN));
    assert_eq!(locks.set(&io, FILE, range(2, 20, u64::MAX, true), LockType::Write), Ok(()));
    locks.set(&io, FILE, range(1, 13, 15, false), LockType::Unlock).unwrap();
    assert_eq!(locks.conflict(FILE, range(3, 13, 15, true)), None);
    assert_eq!(locks.conflict(FILE, range(3, 0, 11, true)), Some(range(1, 10, 13, true)));
    assert_eq!(locks.conflict(FILE, range(3, 14, 16, false)), Some(range(1, 15, 20, true)));
    locks.release(FILE, 1);
    locks.release(FILE, 2);
    assert!(locks.0.is_empty());
}
