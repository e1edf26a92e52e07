//! A file whose text is not there yet when it is looked up: opening it asks for the text, and waits until it is known. `/etc/resolv.conf` is one: it
//! depends on what a link is told.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, Statfs, TMPFS_MAGIC};
use abi::time::Timespec;
use sync::Lock;

use super::inode::{Home, Inode, Metadata, sizeless};
use crate::file::io::{Sink, put_some};
use crate::file::{File, Io, Positions};

/// Answers the text, or `EAGAIN` while it is not known; then the caller is woken when it may be.
pub type Ask = fn(&Io<'_>) -> Result<Vec<u8>, Errno>;

/// The file's inode. Nobody can write to it: the text is not its own.
#[derive(Debug)]
pub struct LiveFile {
    metadata: Metadata,
    home: Home,
    ask: Ask,
}

impl LiveFile {
    /// The file at `home`, with these numbers, made at `now`.
    pub fn new(home: Home, (device, number): (u64, u64), now: Timespec, ask: Ask) -> Self {
        let fresh = Metadata::new(device, number, FileType::Regular, 0o444);
        let metadata = Metadata { accessed: now, modified: now, changed: now, created: now, ..fresh };
        Self { metadata, home, ask }
    }
}

impl Inode for LiveFile {
    fn metadata(&self) -> Metadata {
        self.metadata
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        if flags.can_write() {
            return Err(Errno::EROFS);
        }
        Ok(Arc::new(Text { ask: self.ask, known: Lock::default() }))
    }

    fn home(&self) -> Option<Home> {
        Some(self.home.clone())
    }

    fn file_system(&self) -> Statfs {
        sizeless(TMPFS_MAGIC)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The text for one who has opened it: the same for as long as he reads.
#[derive(Debug)]
struct Text {
    ask: Ask,
    known: Lock<Option<Arc<[u8]>>>,
}

impl Text {
    fn get(&self, io: &Io<'_>) -> Result<Arc<[u8]>, Errno> {
        if let Some(text) = &*self.known.lock() {
            return Ok(Arc::clone(text));
        }
        // Asked for without the lock. Who was faster decides.
        let asked: Arc<[u8]> = (self.ask)(io)?.into();
        Ok(Arc::clone(self.known.lock().get_or_insert(asked)))
    }
}

impl File for Text {
    fn opened(&self, io: &Io<'_>) -> Result<(), Errno> {
        self.get(io).map(drop)
    }

    fn read_at(&self, io: &Io<'_>, offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        let text = self.get(io)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        put_some(out, &text[start..])
    }

    fn positions(&self) -> Positions {
        Positions::Kept
    }

    fn size(&self) -> u64 {
        self.known.lock().as_ref().map_or(0, |text| text.len() as u64)
    }
}

#[cfg(test)]
mod tests;
