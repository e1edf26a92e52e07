//! The file system in memory (tmpfs(5)): everything `std::fs` can ask for, gone with the machine.
//!
//! Locks: changes of names are serialised by `Ramfs::names`, taken first. Below it each directory's entries and each inode's
//! attributes have a lock of their own, one held at a time, so lookups never wait for a rename elsewhere.

mod content;
mod directory;
mod entries;
mod node;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::errno::Errno;
use abi::fs::{Statfs, TMPFS_MAGIC};
use abi::io::Seals;
use abi::time::Timespec;
use sync::Lock;

pub use node::Node;

use super::inode::{Inode, Metadata, New, sizeless};
use super::pages::Pages;
use node::Body;

/// Pages the file system could still have, and all pages of the machine, for statfs(2).
pub type Space = fn() -> (u64, u64);

/// One file system.
#[derive(Debug)]
pub struct Ramfs {
    device: u64,
    next_number: AtomicU64,
    names: Lock<()>,
    /// What names are hashed with.
    seed: u64,
    space: Space,
}

impl Ramfs {
    /// An empty file system with device number `device`; its root. `seed` is a random number.
    pub fn new_root(device: u64, seed: u64, space: Space, now: Timespec) -> Arc<Node> {
        let fs = Arc::new(Self { device, next_number: AtomicU64::new(1), names: Lock::new(()), seed, space });
        Node::new(&fs, Body::directory(seed), 0o755, (0, 0), now)
    }

    fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Names and inodes take memory like bytes do: what the kernel keeps for itself is not for them.
    fn check_space(&self) -> Result<(), Errno> {
        if (self.space)().0 == 0 { Err(Errno::ENOSPC) } else { Ok(()) }
    }

    fn statfs(&self) -> Statfs {
        let (free, total) = (self.space)();
        Statfs {
            f_blocks: total,
            f_bfree: free,
            f_bavail: free,
            f_files: total,
            f_ffree: free,
            ..sizeless(TMPFS_MAGIC)
        }
    }
}

impl Node {
    /// Binds `inode`, which may belong to another file system, to `name` in this directory.
    ///
    /// # Errors
    /// `EEXIST`; `ENOTDIR`.
    pub fn bind(&self, name: &[u8], inode: Arc<dyn Inode>) -> Result<(), Errno> {
        let Body::Directory(entries) = &self.body else { return Err(Errno::ENOTDIR) };
        let is_directory = inode.directory().is_some();
        entries.lock().insert(name, inode)?;
        if is_directory {
            self.attributes.lock().links += 1;
        }
        Ok(())
    }

    /// Makes an inode called `name` from an archive: owner, permissions and time come from there, a file's bytes lie in `data`.
    ///
    /// # Errors
    /// `EEXIST`; `ENOTDIR`; `ENOSPC`.
    pub fn insert(
        self: &Arc<Self>,
        name: &[u8],
        new: New<'_>,
        metadata: &Metadata,
        data: &'static [u8],
    ) -> Result<Arc<Self>, Errno> {
        let body = match new {
            New::Regular => Body::regular(Pages::over(data), None),
            other => Body::new(&other, self.fs.seed)?,
        };
        let owner = (metadata.uid, metadata.gid);
        let node = Self::new(&self.fs, body, metadata.permissions, owner, metadata.modified);
        let _names = self.fs.names.lock();
        self.adopt(name, &node)?;
        Ok(node)
    }

    /// A file without a name that can be sealed (memfd_create(2)). `name` is only for `/proc/self/fd`.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new_memory_file(&self, name: &[u8], seals: Seals, now: Timespec) -> Result<Arc<Self>, Errno> {
        self.fs.check_space().map_err(|_| Errno::ENOMEM)?;
        let node = Self::new(&self.fs, Body::regular(Pages::default(), Some(seals)), 0o777, (0, 0), now);
        let mut shown = b"/memfd:".to_vec();
        shown.extend_from_slice(name);
        shown.extend_from_slice(b" (deleted)");
        *node.shown.lock() = Some(shown.into_boxed_slice());
        node.attributes.lock().links = 0;
        Ok(node)
    }
}

/// A name on its way into a directory.
fn owned(name: &[u8]) -> Arc<[u8]> {
    Arc::from(Box::<[u8]>::from(name))
}

#[cfg(test)]
mod tests;
