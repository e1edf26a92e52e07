//! Names, links and lists. That the whole agrees with Linux is shown by `tests/abi`, which runs on both.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::fs::RenameFlags;
use abi::time::Timespec;

use super::{Node, Ramfs};
use crate::fs::inode::{Caller, Directory, Inode, New};

const NOW: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

fn root() -> Arc<Node> {
    Ramfs::new_root(1, 0, || (1, 1), NOW)
}

fn create(directory: &dyn Directory, name: &[u8], new: New<'_>) -> Arc<dyn Inode> {
    directory.create(name, new, 0o755, &Caller::default()).unwrap()
}

fn names(directory: &dyn Directory) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    directory.entries(2, &mut |entry| {
        names.push(entry.name.to_vec());
        true
    });
    names
}

#[test]
fn a_list_meets_what_stays_exactly_once() {
    let root = root();
    for number in 0..100 {
        create(&*root, alloc::format!("f{number}").as_bytes(), New::Regular);
    }
    let (mut seen, mut position, mut round) = (Vec::new(), 0, 0);
    loop {
        let mut got = 0;
        root.entries(position, &mut |entry| {
            seen.push(entry.name.to_vec());
            position = entry.next;
            got += 1;
            got < 7
        });
        if got == 0 {
            break;
        }
        // Things come and go in between.
        root.unlink(alloc::format!("f{}", round * 3).as_bytes(), NOW).unwrap();
        create(&*root, alloc::format!("new{round}").as_bytes(), New::Regular);
        round += 1;
        if round > 30 {
            break;
        }
    }
    for number in (0..100).filter(|number| number % 3 != 0) {
        let name = alloc::format!("f{number}").into_bytes();
        assert_eq!(seen.iter().filter(|seen| **seen == name).count(), 1, "f{number}");
    }
}

#[test]
fn links_are_counted() {
    let root = root();
    let file = create(&*root, b"f", New::Regular);
    root.link(b"g", &file, &Caller::default()).unwrap();
    assert_eq!(file.metadata().links, 2);
    root.unlink(b"f", NOW).unwrap();
    root.unlink(b"g", NOW).unwrap();
    assert_eq!(file.metadata().links, 0);
    let directory = create(&*root, b"d", New::Directory);
    assert_eq!((root.metadata().links, directory.metadata().links), (3, 2));
    root.remove_directory(b"d", NOW).unwrap();
    assert_eq!((root.metadata().links, directory.metadata().links), (2, 0));
    let removed = directory.directory().unwrap();
    assert_eq!(removed.create(b"x", New::Regular, 0o644, &Caller::default()).map(|_| ()), Err(Errno::ENOENT));
}

#[test]
fn renames_keep_the_counts() {
    let root = root();
    let (a, b) = (create(&*root, b"a", New::Directory), create(&*root, b"b", New::Directory));
    let (inner, target) = (a.directory().unwrap(), b.directory().unwrap());
    create(inner, b"d", New::Directory);
    create(target, b"d", New::Directory);
    let links = || (a.metadata().links, b.metadata().links);
    assert_eq!(links(), (3, 3));
    inner.rename(b"d", &*b, b"d", RenameFlags::empty(), NOW).unwrap();
    assert_eq!(links(), (2, 3));
    target.rename(b"d", &*a, b"e", RenameFlags::empty(), NOW).unwrap();
    assert_eq!(links(), (3, 2));
    create(target, b"f", New::Regular);
    inner.rename(b"e", &*b, b"f", RenameFlags::EXCHANGE, NOW).unwrap();
    assert_eq!(links(), (2, 3));
    assert_eq!((names(inner), names(target)), (alloc::vec![b"e".to_vec()], alloc::vec![b"f".to_vec()]));
    assert_eq!(
        target.rename(b"f", &*target.lookup(b"f").unwrap(), b"x", RenameFlags::empty(), NOW),
        Err(Errno::EINVAL)
    );
    assert_eq!(target.lookup(b"f").unwrap().home().unwrap().name.as_ref(), b"f");
}

#[test]
fn what_is_bound_cannot_be_removed() {
    let (root, other) = (root(), root());
    root.bind(b"mount", other).unwrap();
    assert_eq!(root.remove_directory(b"mount", NOW), Err(Errno::EBUSY));
    assert_eq!(
        root.rename(b"mount", &*Arc::clone(&root), b"x", RenameFlags::empty(), NOW),
        Err(Errno::EBUSY)
    );
}
