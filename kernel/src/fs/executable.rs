//! The program's own file: `/proc/self/exe`, which back traces read their names from.
//!
//! The host offers the image through fw_cfg, and what somebody reads of the file is read from there: it costs no memory. On a host
//! without it the file cannot be opened.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, Statfs, TMPFS_MAGIC};
use abi::time::Timespec;
use logic::file::io::{Sink, partial};
use logic::file::mapping::Mapping;
use logic::file::{File, Io, Positions};
use logic::fs::inode::{Home, Inode, Metadata, sizeless};

use crate::drivers::fw_cfg;

/// The name of the image in fw_cfg.
const NAME: &str = "opt/caracal/exe";

/// The program's file.
#[derive(Debug)]
pub(super) struct Executable {
    home: Home,
    source: Option<fw_cfg::File>,
    made: Timespec,
}

impl Executable {
    pub(super) fn new(home: Home, made: Timespec) -> Self {
        Self { home, source: fw_cfg::find(NAME), made }
    }
}

/// The image on the host, read where it is asked for.
#[derive(Debug)]
struct Blob(fw_cfg::File);

impl File for Blob {
    fn read_at(&self, _io: &Io<'_>, offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        const STEP: usize = 64 * 1024;
        let (mut done, mut step) = (0, Vec::new());
        while out.room() > 0 && offset + (done as u64) < self.size() {
            let at = u32::try_from(offset + done as u64).map_err(|_| Errno::EIO)?;
            step.resize(out.room().min((self.0.size - at) as usize).min(STEP), 0);
            fw_cfg::read_at(self.0, at, &mut step)?;
            if let Err(errno) = out.put(&step) {
                return partial(done, Err(errno));
            }
            done += step.len();
        }
        Ok(done)
    }

    fn positions(&self) -> Positions {
        Positions::Kept
    }

    fn size(&self) -> u64 {
        u64::from(self.0.size)
    }

    fn mapping(&self) -> Mapping<'_> {
        Mapping::Copies
    }
}

impl Inode for Executable {
    fn metadata(&self) -> Metadata {
        let size = self.source.map_or(0, |source| u64::from(source.size));
        let made = self.made;
        let fresh = Metadata::new(super::tree::ROOT_DEVICE, u64::from(u32::MAX), FileType::Regular, 0o555);
        Metadata {
            size,
            blocks: size.div_ceil(512),
            accessed: made,
            modified: made,
            changed: made,
            created: made,
            ..fresh
        }
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        if flags.can_write() {
            return Err(Errno::ETXTBSY);
        }
        Ok(Arc::new(Blob(self.source.ok_or(Errno::ENOENT)?)))
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
