//! The program's own file: `/proc/self/exe`, which back traces read their names from.
//!
//! The host offers the image through fw_cfg and it is read when somebody opens the file, so it costs no memory until then. Without
//! that, what was loaded of the image is all there is.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, Statfs, TMPFS_MAGIC};
use abi::time::Timespec;
use logic::file::bytes::Bytes;
use logic::file::{File, Io};
use logic::fs::inode::{Home, Inode, Metadata, sizeless};
use sync::Lock;

use crate::drivers::fw_cfg;

/// The name of the image in fw_cfg.
const NAME: &str = "opt/caracal/exe";

/// The program's file.
#[derive(Debug)]
pub(super) struct Executable {
    home: Home,
    source: Option<fw_cfg::File>,
    made: Timespec,
    /// Its bytes, while somebody has it open.
    bytes: Lock<alloc::sync::Weak<Bytes>>,
}

impl Executable {
    pub(super) fn new(home: Home, made: Timespec) -> Self {
        Self { home, source: fw_cfg::find(NAME), made, bytes: Lock::new(alloc::sync::Weak::new()) }
    }

    fn load(&self) -> Result<Arc<Bytes>, Errno> {
        if let Some(bytes) = self.bytes.lock().upgrade() {
            return Ok(bytes);
        }
        let source = self.source.ok_or(Errno::ENOENT)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(source.size as usize).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(source.size as usize, 0);
        fw_cfg::read_at(source, 0, &mut bytes);
        let bytes = Arc::new(Bytes(bytes));
        *self.bytes.lock() = Arc::downgrade(&bytes);
        Ok(bytes)
    }
}

impl Inode for Executable {
    fn metadata(&self) -> Metadata {
        let size = self.source.map_or(0, |source| u64::from(source.size));
        let made = self.made;
        let fresh = Metadata::new(super::ROOT_DEVICE, u64::from(u32::MAX), FileType::Regular, 0o555);
        Metadata { size, blocks: size.div_ceil(512), accessed: made, modified: made, changed: made, created: made, ..fresh }
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        if flags.can_write() {
            return Err(Errno::ETXTBSY);
        }
        Ok(self.load()?)
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
