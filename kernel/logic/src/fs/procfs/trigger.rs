//! `/proc/sysrq-trigger` (proc(5)): a key written to it is what Alt-SysRq and that key are on a keyboard. Root only, and never read.
//!
//! Three keys mean something in a machine of one program; any other is taken and forgotten, as Linux does with keys it has nothing for.

use alloc::sync::Arc;
use core::any::Any;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, Statfs};

use super::{Source, Subject};
use crate::file::io::Source as Bytes;
use crate::file::{File, Io, Positions};
use crate::fs::inode::{Home, Inode, Metadata, sizeless};
use crate::fs::synthetic::MadeDirectory;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// `c`: a kernel panic.
    Crash,
    /// `b`: a reset at once.
    Reset,
    /// `o`: the power off.
    PowerOff,
}

impl Request {
    /// What the key `key` asks for.
    pub fn of(key: u8) -> Option<Self> {
        match key {
            b'c' => Some(Self::Crash),
            b'b' => Some(Self::Reset),
            b'o' => Some(Self::PowerOff),
            _ => None,
        }
    }
}

/// The file.
#[derive(Debug)]
struct Trigger {
    metadata: Metadata,
    magic: i64,
    home: Home,
    facts: Source,
}

/// The file called `name` in `directory`.
pub(super) fn inode(subject: &Subject, directory: &Arc<MadeDirectory>, name: &[u8]) -> Arc<dyn Inode> {
    let (home, number) = directory.child(name);
    let kind = directory.kind();
    let metadata = Metadata::new(kind.device, number, FileType::Regular, 0o200);
    Arc::new(Trigger { metadata, magic: kind.magic, home, facts: Arc::clone(&subject.facts) })
}

impl Inode for Trigger {
    fn metadata(&self) -> Metadata {
        self.metadata
    }

    fn open(self: Arc<Self>, _flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        Ok(self)
    }

    fn home(&self) -> Option<Home> {
        Some(self.home.clone())
    }

    fn file_system(&self) -> Statfs {
        sizeless(self.magic)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl File for Trigger {
    fn read_at(
        &self,
        _io: &Io<'_>,
        _offset: u64,
        _out: &mut dyn crate::file::io::Sink,
    ) -> Result<usize, Errno> {
        Err(Errno::EIO)
    }

    /// Only the first byte counts, whatever follows it.
    fn write_at(&self, _io: &Io<'_>, _offset: u64, from: &mut dyn Bytes) -> Result<usize, Errno> {
        let mut key = [0];
        if from.left() == 0 {
            return Ok(0);
        }
        from.take(&mut key)?;
        if let Some(request) = Request::of(key[0]) {
            self.facts.obey(request);
        }
        Ok(1 + from.take_unseen())
    }

    /// There is nothing to cut: shells open it with `O_TRUNC`.
    fn truncate(&self, _io: &Io<'_>, _size: u64) -> Result<(), Errno> {
        Ok(())
    }

    fn positions(&self) -> Positions {
        Positions::Kept
    }
}
