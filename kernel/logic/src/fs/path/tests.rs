//! Paths lead where path_resolution(7) says.

mod properties;

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::fs::OpenFlags;

use super::{Last, Name, Walk};
use crate::file::Io;
use crate::fs::inode::{Caller, Inode, New, is_same, path_of};
use crate::fs::ramfs::Ramfs;
use crate::fs::vfs::At;

fn tree() -> Arc<dyn Inode> {
    let root: Arc<dyn Inode> = Ramfs::new_root(1, 0, || (1, 1), abi::time::Timespec::default());
    let caller = Caller::default();
    let walk = Walk { root: &root, caller: &caller };
    let make = |path: &[u8], new| walk.create(At { start: &root, path }, new, 0o755).unwrap();
    make(b"a", New::Directory);
    make(b"a/b", New::Directory);
    make(b"a/f", New::Regular);
    make(b"link", New::Symlink(b"a/b"));
    make(b"absolute", New::Symlink(b"/a/f"));
    make(b"up", New::Symlink(b"../../a"));
    make(b"loop", New::Symlink(b"loop"));
    make(b"dangling", New::Symlink(b"a/none"));
    root
}

fn find(root: &Arc<dyn Inode>, path: &[u8], last: Last) -> Result<Vec<u8>, Errno> {
    let caller = Caller::default();
    let inode = Walk { root, caller: &caller }.resolve(root, path, last)?;
    path_of(root, &inode)
}

#[test]
fn parts_and_links() {
    let root = tree();
    let cases: [(&[u8], &[u8]); 9] = [
        (b"/", b"/"),
        (b"a", b"/a"),
        (b"//a/./b/../f", b"/a/f"),
        (b"/../..", b"/"),
        (b"link", b"/a/b"),
        (b"link/..", b"/a"),
        (b"absolute", b"/a/f"),
        (b"up/b/", b"/a/b"),
        (b"link/", b"/a/b"),
    ];
    for (path, leads_to) in cases {
        assert_eq!(find(&root, path, Last::Follow), Ok(leads_to.to_vec()), "{}", path.escape_ascii());
    }
    assert_eq!(find(&root, b"link", Last::NoFollow), Ok(b"/link".to_vec()));
    assert_eq!(find(&root, b"link/", Last::NoFollow), Ok(b"/a/b".to_vec()));
}

#[test]
fn refusals() {
    let root = tree();
    let cases: [(&[u8], Errno); 7] = [
        (b"", Errno::ENOENT),
        (b"none", Errno::ENOENT),
        (b"none/x", Errno::ENOENT),
        (b"a/f/x", Errno::ENOTDIR),
        (b"a/f/", Errno::ENOTDIR),
        (b"loop", Errno::ELOOP),
        (b"dangling", Errno::ENOENT),
    ];
    for (path, errno) in cases {
        assert_eq!(find(&root, path, Last::Follow), Err(errno), "{}", path.escape_ascii());
    }
    assert_eq!(find(&root, &[b'n'; 256], Last::Follow), Err(Errno::ENAMETOOLONG));
    assert_eq!(find(&root, &[b'/'; 4096], Last::Follow), Err(Errno::ENAMETOOLONG));
}

#[test]
fn what_is_not_there_has_a_place() {
    let root = tree();
    let caller = Caller::default();
    let walk = Walk { root: &root, caller: &caller };
    let found = walk.find(&root, b"dangling", Last::Follow).unwrap();
    assert_eq!((found.name.clone(), found.inode.is_err()), (Name::Normal(b"none".into()), true));
    assert_eq!(path_of(&root, &found.directory), Ok(b"/a".to_vec()));
    assert_eq!(walk.find(&root, b"a/..", Last::Name).unwrap().name, Name::DotDot);
    assert!(is_same(
        &walk
            .find(&root, b"link/", Last::Name)
            .map(|found| found.directory)
            .unwrap_or_else(|_| Arc::clone(&root)),
        &root
    ));
}

#[test]
fn permissions_count_for_everybody_but_root() {
    let root = tree();
    let caller = Caller { uid: 5, gid: 5, ..Caller::default() };
    let walk = Walk { root: &root, caller: &caller };
    let at = |path| At { start: &root, path };
    let io = Io::default();
    assert!(walk.open(at(b"a/f"), OpenFlags::empty(), abi::fs::Mode(0), &io).is_ok());
    assert_eq!(
        walk.open(at(b"a/f"), OpenFlags::WRONLY, abi::fs::Mode(0), &io).map(|_| ()),
        Err(Errno::EACCES)
    );
    assert_eq!(walk.create(at(b"a/new"), New::Regular, 0o644), Err(Errno::EACCES));
    assert_eq!(walk.unlink(at(b"a/f")), Err(Errno::EACCES));
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let root = tree();
    let caller = Caller::default();
    let walk = Walk { root: &root, caller: &caller };
    let mut target = b"a".to_vec();
    for number in 1..=41 {
        let path = alloc::format!("chain{number}").into_bytes();
        walk.create(At { start: &root, path: &path }, New::Symlink(&target), 0o755).unwrap();
        target = path;
    }
    assert_eq!(find(&root, b"chain40", Last::Follow), Ok(b"/a".to_vec()));
    assert_eq!(find(&root, b"chain41", Last::Follow), Err(Errno::ELOOP));
    assert_eq!(find(&root, b"chain41", Last::NoFollow), Ok(b"/chain41".to_vec()));
}
