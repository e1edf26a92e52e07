//! Bytes that were made when the file was opened: the text files of `/proc`, and parts of the image.

use alloc::vec::Vec;

use abi::errno::Errno;

use super::io::{Sink, put_some};
use super::{File, Io, Positions};

/// A file of bytes that never change.
#[derive(Debug)]
pub struct Bytes(pub Vec<u8>);

impl File for Bytes {
    fn read_at(&self, _io: &Io<'_>, offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        put_some(out, &self.0[start..])
    }

    fn positions(&self) -> Positions {
        Positions::Kept
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }
}
