//! Good archives become files, bad ones become errors.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Error, Members, unpack};
use crate::file::Io;
use crate::file::io::VecSink;
use crate::fs::inode::Inode;
use crate::fs::ramfs::{Node, Ramfs};

fn member(archive: &mut Vec<u8>, path: &str, mode: u32, inode: u32, links: u32, data: &[u8]) {
    let fields = [inode, mode, 3, 4, links, 77, data.len() as u32, 0, 0, 0, 0, path.len() as u32 + 1, 0];
    archive.extend_from_slice(b"070701");
    fields.iter().for_each(|field| archive.extend_from_slice(format!("{field:08x}").as_bytes()));
    archive.extend_from_slice(path.as_bytes());
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend_from_slice(data);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

fn archive() -> Vec<u8> {
    let mut archive = Vec::new();
    member(&mut archive, "d", 0o040_755, 1, 2, b"");
    member(&mut archive, "d/f", 0o100_640, 2, 1, b"contents");
    member(&mut archive, "./deep/er/file", 0o100_644, 3, 1, b"x");
    member(&mut archive, "link", 0o120_777, 4, 1, b"d/f");
    member(&mut archive, "one", 0o100_644, 5, 2, b"");
    member(&mut archive, "two", 0o100_644, 5, 2, b"shared");
    member(&mut archive, "TRAILER!!!", 0, 0, 1, b"");
    archive
}

fn root() -> Arc<Node> {
    Ramfs::new_root(1, 0, || (1, 1), abi::time::Timespec::default())
}

fn lookup(root: &Arc<Node>, path: &str) -> Arc<dyn Inode> {
    let mut at: Arc<dyn Inode> = Arc::clone(root) as _;
    for part in path.split('/') {
        at = at.directory().unwrap().lookup(part.as_bytes()).unwrap();
    }
    at
}

fn read(inode: Arc<dyn Inode>) -> Vec<u8> {
    let mut sink = VecSink::new(100);
    let file = inode.open(abi::fs::OpenFlags::empty(), &Io::default()).unwrap();
    file.read_at(&Io::default(), 0, &mut sink).unwrap();
    sink.bytes
}

#[test]
fn members_become_files() {
    let root = root();
    unpack(&root, Box::leak(archive().into_boxed_slice())).unwrap();
    let file = lookup(&root, "d/f");
    let metadata = file.metadata();
    assert_eq!(
        (metadata.permissions, metadata.uid, metadata.gid, metadata.modified.tv_sec),
        (0o640, 3, 4, 77)
    );
    assert_eq!(read(file), b"contents");
    assert_eq!(read(lookup(&root, "deep/er/file")), b"x");
    assert_eq!(lookup(&root, "link").read_link().unwrap(), b"d/f");
    assert_eq!(
        (read(lookup(&root, "one")), read(lookup(&root, "two"))),
        (b"shared".to_vec(), b"shared".to_vec())
    );
    assert_eq!(lookup(&root, "one").metadata().links, 2);
}

#[test]
fn bad_archives_are_errors() {
    let good = archive();
    for length in 0..good.len() {
        let cut: &'static [u8] = Box::leak(good[..length].to_vec().into_boxed_slice());
        let whole = good.len() - length < 4;
        assert_eq!(unpack(&root(), cut).is_ok(), whole, "cut at {length}");
    }
    // A flipped bit is an error or another name, never a panic.
    for at in 0..good.len() {
        for bit in [0, 3, 6, 7] {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let _ = unpack(&root(), Box::leak(bad.into_boxed_slice()));
        }
    }
    let mut escape = Vec::new();
    member(&mut escape, "../../etc/passwd", 0o100_644, 1, 1, b"");
    let escape: &'static [u8] = Box::leak(escape.into_boxed_slice());
    assert!(matches!(unpack(&root(), escape), Err(Error::Member(_))));
    assert!(Members::new(b"070701").next().unwrap().is_err());
}
