//! cpio archives: what the host packs into an image or hands over as its initial RAM disk.

use std::sync::Arc;

use abi::time::Timespec;
use logic::fs::initrd::{Members, unpack};
use logic::fs::inode::Inode;
use logic::fs::ramfs::Ramfs;

use crate::lend::Lent;

/// One input.
pub fn run(data: &[u8]) {
    let mut end = 0;
    for member in Members::new(data) {
        let Ok(member) = member else { break };
        // Members lie one behind the other in the archive.
        let at = member.data.as_ptr().addr() - data.as_ptr().addr();
        assert!(at >= end && at + member.data.len() <= data.len());
        end = at + member.data.len();
    }
    let lent = Lent::new(data);
    // SAFETY: the tree, and with it all that lies in the archive, is gone before it.
    let archive = unsafe { lent.for_ever() };
    let root = Ramfs::new_root(1, 0, || (1 << 20, 1 << 20), Timespec::default());
    let unpacked = unpack(&root, archive);
    if let Err(error) = unpacked {
        assert!(!error.to_string().is_empty());
    }
    let root: Arc<dyn Inode> = root;
    for member in Members::new(data).map_while(Result::ok) {
        let mut at = Some(Arc::clone(&root));
        for part in
            member.path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"." | b".."))
        {
            at = at.and_then(|at| at.directory()?.lookup(part).ok());
        }
        assert!(at.is_some() || unpacked.is_err() || skips(&member), "{member:?} is not there");
    }
}

/// Whether a member is not unpacked: a name that means nothing, or what only the kernel offers.
fn skips(member: &logic::fs::initrd::Member<'_>) -> bool {
    use abi::fs::FileType;
    let kind = member.mode.file_type();
    !matches!(kind, Some(FileType::Directory | FileType::Regular | FileType::Symlink | FileType::Fifo))
        || member.path.split(|&byte| byte == b'/').any(|part| part == b"..")
}

/// An archive with everything in it.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut archive = Vec::new();
    let mut member = |path: &str, mode: u32, inode: u32, links: u32, data: &[u8]| {
        let fields = [inode, mode, 3, 4, links, 77, data.len() as u32, 0, 0, 0, 0, path.len() as u32 + 1, 0];
        archive.extend(b"070701");
        fields.iter().for_each(|field| archive.extend(format!("{field:08x}").as_bytes()));
        archive.extend(path.as_bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(data);
        archive.resize(archive.len().next_multiple_of(4), 0);
    };
    member("d", 0o040_755, 1, 2, b"");
    member("d/f", 0o100_640, 2, 1, b"contents");
    member("./deep/er/file", 0o100_644, 3, 1, b"x");
    member("link", 0o120_777, 4, 1, b"d/f");
    member("one", 0o100_644, 5, 2, b"");
    member("two", 0o100_644, 5, 2, b"shared");
    member("TRAILER!!!", 0, 0, 1, b"");
    vec![archive]
}
