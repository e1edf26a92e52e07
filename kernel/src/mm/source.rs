//! What stands behind the program's areas: zeros, or a file.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;

use abi::errno::Errno;
use logic::mm::frames::FRAME;
use logic::mm::vma::Backing;

/// Where the pages of a mapped file come from.
pub trait PageSource: Send + Sync + Debug {
    /// Fills `page` from byte `offset` on (zeros behind the end of the file).
    ///
    /// # Errors
    /// `ENXIO` when the whole page lies behind the end; the file's own errors.
    fn fill(&self, offset: u64, page: &mut [u8; FRAME as usize]) -> Result<(), Errno>;
    /// Name for /proc/self/maps.
    fn name(&self) -> Vec<u8>;
    /// The same file for both: areas are joined then.
    fn identity(&self) -> usize;
}

/// What stands behind an area of the program.
#[derive(Clone, Debug)]
pub enum Source {
    /// Zeros, private.
    Anonymous,
    /// A file, private: its bytes from `offset` on at the area's start, copied when touched.
    File {
        /// The file.
        file: Arc<dyn PageSource>,
        /// Byte offset at the area's start.
        offset: u64,
    },
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
                file.identity() == other.identity() && offset + bytes == *at
            }
            _ => false,
        }
    }
}
