//! What stands behind the program's areas: zeros, or a file.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;

use abi::errno::Errno;
use logic::file::lock::FileId;
use logic::fs::pages::Page;
use logic::mm::frames::FRAME;
use logic::mm::vma::Backing;

/// How a map and its file see each other's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Pages are copied when they are touched (`MAP_PRIVATE`).
    Copied,
    /// The file's pages are the map's (`MAP_SHARED`).
    Shared {
        /// The map may be made writable: the file was opened for it, and is not sealed.
        may_write: bool,
    },
}

/// Where the pages of a mapped file come from: one for each call of mmap(2).
pub trait PageSource: Send + Sync + Debug {
    /// Fills `page` from byte `offset` on (zeros behind the end of the file).
    ///
    /// # Errors
    /// `ENXIO` when the whole page lies behind the end; the file's own errors.
    fn fill(&self, offset: u64, page: &mut [u8; FRAME as usize]) -> Result<(), Errno>;
    /// Hands the file's own page at `offset` to `install`; it stays the file's while that runs.
    ///
    /// # Errors
    /// As for [`PageSource::fill`].
    fn with_page(&self, offset: u64, install: &mut dyn FnMut(&mut Page)) -> Result<(), Errno>;
    /// Makes `length` bytes from `offset` on a hole (`MADV_REMOVE`).
    ///
    /// # Errors
    /// `EPERM` when the file is sealed.
    fn remove(&self, offset: u64, length: u64) -> Result<(), Errno>;
    /// How changes are seen.
    fn sharing(&self) -> Sharing;
    /// Which file it is.
    fn file(&self) -> FileId;
    /// Name for /proc/self/maps.
    fn name(&self) -> Vec<u8>;
}

/// What stands behind an area of the program.
#[derive(Clone, Debug)]
pub enum Source {
    /// Zeros, private.
    Anonymous,
    /// A file: its bytes from `offset` on at the area's start.
    File {
        /// The file.
        file: Arc<dyn PageSource>,
        /// Byte offset at the area's start.
        offset: u64,
    },
}

impl Source {
    /// Whether the pages are the file's own.
    pub fn is_shared(&self) -> bool {
        self.shared_file().is_some()
    }

    /// The file whose own pages these are, and the byte offset at the area's start.
    pub fn shared_file(&self) -> Option<(&Arc<dyn PageSource>, u64)> {
        match self {
            Self::File { file, offset } if file.sharing() != Sharing::Copied => Some((file, *offset)),
            _ => None,
        }
    }

    /// Whether an area of it may be made writable.
    pub fn may_write(&self) -> bool {
        match self {
            Self::Anonymous => true,
            Self::File { file, .. } => file.sharing() != (Sharing::Shared { may_write: false }),
        }
    }
}

impl Backing for Source {
    fn advanced(&self, bytes: u64) -> Self {
        match self {
            Self::Anonymous => Self::Anonymous,
            Self::File { file, offset } => Self::File { file: Arc::clone(file), offset: offset + bytes },
        }
    }

    fn continues(&self, bytes: u64, next: &Self) -> bool {
        match (self, next) {
            (Self::Anonymous, Self::Anonymous) => true,
            (Self::File { file, offset }, Self::File { file: other, offset: at }) => {
                Arc::ptr_eq(file, other) && offset + bytes == *at
            }
            _ => false,
        }
    }
}
