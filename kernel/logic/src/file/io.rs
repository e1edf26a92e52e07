//! Bytes out to whoever reads and in from whoever writes, without knowing where their memory is.
//!
//! Objects call these with their lock held. Program memory that is not there yet answers `EFAULT` then; the caller outside the
//! lock brings it in and tries again (`kernel/src/syscall/io.rs`).

use alloc::vec::Vec;
use core::fmt;

use abi::errno::Errno;

/// Takes the bytes that are read.
pub trait Sink {
    /// Bytes it still takes.
    fn room(&self) -> usize;

    /// Takes all of `bytes`, which fit into [`Sink::room`].
    ///
    /// # Errors
    /// `EFAULT`: none of them were taken.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Errno>;

    /// Takes `count` zeros, which fit into [`Sink::room`].
    ///
    /// # Errors
    /// `EFAULT`; some may have been taken.
    fn put_zeros(&mut self, count: usize) -> Result<(), Errno> {
        const ZEROS: [u8; 256] = [0; 256];
        let mut left = count;
        while left > 0 {
            let step = left.min(ZEROS.len());
            self.put(&ZEROS[..step])?;
            left -= step;
        }
        Ok(())
    }
}

/// Gives the bytes that are written.
pub trait Source {
    /// Bytes it still has.
    fn left(&self) -> usize;

    /// Fills `bytes`, no more than [`Source::left`].
    ///
    /// # Errors
    /// `EFAULT`: none of them count as given.
    fn take(&mut self, bytes: &mut [u8]) -> Result<(), Errno>;

    /// Fills `bytes` as [`Source::take`] does, but they do not count as given.
    ///
    /// # Errors
    /// `EFAULT`.
    fn peek(&mut self, bytes: &mut [u8]) -> Result<(), Errno>;

    /// Counts all that is left as given, without looking at it; answers how much that was.
    fn take_unseen(&mut self) -> usize;
}

/// A slice to be filled.
#[derive(Debug)]
pub struct SliceSink<'a> {
    slice: &'a mut [u8],
    filled: usize,
}

impl<'a> SliceSink<'a> {
    /// Fills `slice` from its start.
    pub fn new(slice: &'a mut [u8]) -> Self {
        Self { slice, filled: 0 }
    }

    /// Bytes taken so far.
    pub fn filled(&self) -> usize {
        self.filled
    }
}

impl Sink for SliceSink<'_> {
    fn room(&self) -> usize {
        self.slice.len() - self.filled
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let target = self.slice.get_mut(self.filled..self.filled + bytes.len()).ok_or(Errno::EFAULT)?;
        target.copy_from_slice(bytes);
        self.filled += bytes.len();
        Ok(())
    }
}

/// A slice to be given out.
#[derive(Debug)]
pub struct SliceSource<'a>(pub &'a [u8]);

impl Source for SliceSource<'_> {
    fn left(&self) -> usize {
        self.0.len()
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        let (now, later) = self.0.split_at_checked(bytes.len()).ok_or(Errno::EFAULT)?;
        bytes.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }

    fn peek(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        Self(self.0).take(bytes)
    }

    fn take_unseen(&mut self) -> usize {
        core::mem::take(&mut self.0).len()
    }
}

/// The first bytes of another source.
pub struct First<'a> {
    from: &'a mut dyn Source,
    left: usize,
}

impl fmt::Debug for First<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("First").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<'a> First<'a> {
    /// The first `most` bytes of `from`.
    pub fn new(from: &'a mut dyn Source, most: usize) -> Self {
        let left = from.left().min(most);
        Self { from, left }
    }
}

impl Source for First<'_> {
    fn left(&self) -> usize {
        self.left
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        self.from.take(bytes)?;
        self.left -= bytes.len();
        Ok(())
    }

    fn peek(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        self.from.peek(bytes)
    }

    /// The other source cannot leave some of its bytes out unseen: they are taken and dropped.
    fn take_unseen(&mut self) -> usize {
        let (whole, mut dropped) = (self.left, [0; 256]);
        while self.left > 0 {
            let step = self.left.min(dropped.len());
            if self.take(&mut dropped[..step]).is_err() {
                break;
            }
        }
        whole - self.left
    }
}

/// Gathers bytes, up to a number.
#[derive(Debug)]
pub struct VecSink {
    /// What has come.
    pub bytes: Vec<u8>,
    most: usize,
}

impl VecSink {
    /// Takes up to `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }
}

impl Sink for VecSink {
    fn room(&self) -> usize {
        self.most - self.bytes.len()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.bytes.try_reserve(bytes.len()).map_err(|_| Errno::ENOMEM)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// Puts as much of `bytes` as there is room for; answers how much.
///
/// # Errors
/// `EFAULT`.
pub fn put_some(out: &mut dyn Sink, bytes: &[u8]) -> Result<usize, Errno> {
    let count = bytes.len().min(out.room());
    out.put(&bytes[..count])?;
    Ok(count)
}

/// What a transfer answers that did `done` bytes and then met `end`: an error counts only when nothing was done.
///
/// # Errors
/// `end`'s, when `done` is 0.
pub fn partial(done: usize, end: Result<(), Errno>) -> Result<usize, Errno> {
    match end {
        Err(errno) if done == 0 => Err(errno),
        _ => Ok(done),
    }
}
