//! The inode of what has no name and never had one: objects that are only descriptors (anon_inode in `/proc/self/fd`).

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use abi::fs::{ANON_INODE_FS_MAGIC, FileType, OpenFlags, Statfs};

use super::inode::{Home, Inode, Metadata, sizeless};
use crate::file::File;
use crate::file::open::OpenFile;

/// Device number of the file system of these.
const DEVICE: u64 = 13;
/// All of them are the same inode.
const NUMBER: u64 = 1;

/// The inode of an object of this kind.
#[derive(Debug)]
struct Anonymous(&'static str);

/// `file` opened: what `/proc/self/fd` calls `anon_inode:[kind]`.
pub fn open(kind: &'static str, file: impl File + 'static, flags: OpenFlags) -> Arc<OpenFile> {
    OpenFile::new(Arc::new(file), Arc::new(Anonymous(kind)), flags)
}

impl Inode for Anonymous {
    fn metadata(&self) -> Metadata {
        Metadata::new(DEVICE, NUMBER, FileType::Anonymous, 0o600)
    }

    fn home(&self) -> Option<Home> {
        None
    }

    fn description(&self) -> Vec<u8> {
        format!("anon_inode:[{}]", self.0).into_bytes()
    }

    fn file_system(&self) -> Statfs {
        sizeless(ANON_INODE_FS_MAGIC)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
