//! Numbers are the lowest free, limits hold, marks stay with their descriptor.

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::reg::Fd;

use super::FdTable;
use crate::file::bytes::Bytes;
use crate::file::open::OpenFile;
use crate::fs::special::PipeInode;

fn open() -> Arc<OpenFile> {
    let inode = Arc::new(PipeInode::new(1, abi::time::Timespec::default()));
    OpenFile::new(Arc::new(Bytes(alloc::vec![1])), inode, OpenFlags::empty())
}

#[test]
fn lowest_free_number_comes_first() {
    let mut table = FdTable::new(16);
    let all: alloc::vec::Vec<_> = (0..5).map(|_| table.insert(open(), false, 0).unwrap().0).collect();
    assert_eq!(all, [0, 1, 2, 3, 4]);
    table.remove(Fd(3)).unwrap();
    table.remove(Fd(1)).unwrap();
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(1)));
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(3)));
    assert_eq!(table.insert(open(), false, 10), Ok(Fd(10)));
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(5)));
}

#[test]
fn numbers_that_were_asked_for_are_passed_over() {
    let mut table = FdTable::new(16);
    for number in [1, 0, 3] {
        table.replace(Fd(number), open(), false).unwrap();
    }
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(2)));
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(4)));
    assert_eq!(table.remove_range(2, 3).len(), 2);
    assert_eq!(table.insert(open(), false, 3), Ok(Fd(3)));
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(2)));
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(5)));
}

#[test]
fn limits_hold() {
    let mut table = FdTable::new(2);
    table.insert(open(), false, 0).unwrap();
    table.insert(open(), false, 0).unwrap();
    assert_eq!(table.insert(open(), false, 0), Err(Errno::EMFILE));
    assert_eq!(table.insert(open(), false, 2), Err(Errno::EINVAL));
    assert!(matches!(table.replace(Fd(2), open(), false), Err(Errno::EBADF)));
    assert!(matches!(table.replace(Fd(-1), open(), false), Err(Errno::EBADF)));
    assert!(table.replace(Fd(1), open(), false).unwrap().is_some());
}

#[test]
fn ranges_are_closed_and_marked() {
    let mut table = FdTable::new(100);
    for _ in 0..6 {
        table.insert(open(), false, 0).unwrap();
    }
    table.mark_range(4, u32::MAX);
    assert_eq!((table.is_close_on_exec(Fd(3)), table.is_close_on_exec(Fd(5))), (Ok(false), Ok(true)));
    assert_eq!(table.remove_range(1, 3).len(), 3);
    assert_eq!(table.descriptors(), [Fd(0), Fd(4), Fd(5)]);
    assert!(matches!(table.get(Fd(2)), Err(Errno::EBADF)));
    assert!(matches!(table.remove(Fd(2)), Err(Errno::EBADF)));
    assert_eq!(table.insert(open(), false, 0), Ok(Fd(1)));
}
