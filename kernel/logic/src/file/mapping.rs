//! What mmap(2) shows of a file, and how a file's own pages become the program's memory (`MAP_SHARED`).

use core::fmt;
use core::ops::Range;

use abi::errno::Errno;

use super::Io;
use super::lock::FileId;
use crate::fs::pages::Page;

/// What can be mapped of a file.
#[derive(Debug)]
pub enum Mapping<'a> {
    /// Nothing: `ENODEV`.
    Nothing,
    /// Zeros, as of no file at all (zero(4)).
    Zeros,
    /// Copies of its bytes, which never change.
    Copies,
    /// Copies of its pages (`MAP_PRIVATE`), or its own pages (`MAP_SHARED`).
    Pages(&'a dyn SharedPages),
}

/// Who maps pages of files.
pub trait Mapper: Sync + fmt::Debug {
    /// Takes the bytes `range` of `file` out of all maps. When it answers, nobody sees them any more.
    fn unmap(&self, file: FileId, range: Range<u64>);
}

/// A file with pages that can be shared.
pub trait SharedPages: fmt::Debug {
    /// `mapper` maps the file once more, opened for writing if it `may_write`, and to `write` from the start. Answers whether
    /// the map may ever be written: not when the file is sealed against it.
    ///
    /// # Errors
    /// `EPERM` when it is to be written and the file is sealed against that (fcntl(2), `F_SEAL_WRITE`).
    fn attach(&self, mapper: &'static dyn Mapper, may_write: bool, write: bool) -> Result<bool, Errno>;

    /// A map of those that were attached is gone.
    fn detach(&self, write: bool);

    /// Hands the page at `offset` to `install`; while that runs, the page stays the file's.
    ///
    /// # Errors
    /// `ENXIO` when the whole page lies behind the end; `ENOSPC` when it is a hole and there is no memory for it.
    fn with_page(&self, io: &Io<'_>, offset: u64, install: &mut dyn FnMut(&mut Page)) -> Result<(), Errno>;
}
