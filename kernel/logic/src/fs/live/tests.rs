//! Who opens it waits until the text is known, and reads that one then.

extern crate std;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::time::Timespec;

use super::LiveFile;
use crate::file::io::SliceSink;
use crate::file::{File, Io};
use crate::fs::inode::{Home, Inode};
use crate::fs::ramfs::Ramfs;

std::thread_local! {
    static TEXT: Cell<Option<&'static [u8]>> = const { Cell::new(None) };
}

fn ask(_io: &Io<'_>) -> Result<Vec<u8>, Errno> {
    TEXT.get().map(<[u8]>::to_vec).ok_or(Errno::EAGAIN)
}

fn inode() -> Arc<LiveFile> {
    let directory: Arc<dyn Inode> = Ramfs::new_root(1, 7, || (100, 100), Timespec::default());
    let home = Home { directory, name: Box::from(&b"file"[..]) };
    Arc::new(LiveFile::new(home, (1, 99), Timespec::default(), ask))
}

fn read(file: &dyn File, offset: u64) -> Result<Vec<u8>, Errno> {
    let mut room = [0; 4];
    let count = file.read_at(&Io::default(), offset, &mut SliceSink::new(&mut room))?;
    Ok(room[..count].to_vec())
}

#[test]
fn opening_waits_and_reading_goes_on_with_the_same_text() {
    let inode = inode();
    let file = Arc::clone(&inode).open(OpenFlags::empty(), &Io::default()).unwrap();
    assert_eq!(file.opened(&Io::default()), Err(Errno::EAGAIN));
    assert_eq!(read(&*file, 0), Err(Errno::EAGAIN), "who opened without waiting");
    TEXT.set(Some(b"first"));
    assert_eq!(file.opened(&Io::default()), Ok(()));
    TEXT.set(Some(b"second"));
    assert_eq!(read(&*file, 0).unwrap(), b"firs");
    assert_eq!(read(&*file, 4).unwrap(), b"t");
    assert_eq!(read(&*file, 5).unwrap(), b"");
    assert_eq!(read(&*file, u64::MAX).unwrap(), b"");
    assert_eq!(file.size(), 5);
    let again = inode.open(OpenFlags::empty(), &Io::default()).unwrap();
    assert_eq!(read(&*again, 0).unwrap(), b"seco");
}

#[test]
fn nobody_writes() {
    let opened = |flags| inode().open(flags, &Io::default()).map(drop);
    assert_eq!(opened(OpenFlags::WRONLY), Err(Errno::EROFS));
    assert_eq!(opened(OpenFlags::RDWR), Err(Errno::EROFS));
}
