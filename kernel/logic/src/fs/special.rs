//! Inodes without bytes of their own: FIFOs, pipes, sockets' names, and the standard streams.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, PIPEFS_MAGIC, SOCKFS_MAGIC, Statfs, TMPFS_MAGIC};
use abi::time::Timespec;

use super::inode::{Home, Inode, Metadata, sizeless};
use crate::file::pipe::{Pipe, PipeEnd};
use crate::file::{File, Io};

/// Device number of the file system of pipes.
const PIPE_DEVICE: u64 = 12;
/// Device number of the file system of sockets.
const SOCKET_DEVICE: u64 = 8;

/// Opens one end of `pipe` as fifo(7) says: without waiting, a writer needs a reader.
///
/// # Errors
/// `ENXIO`.
pub fn open_fifo(pipe: &Arc<Pipe>, flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    let (reads, writes) = (flags.can_read(), flags.can_write());
    if writes && !reads && flags.contains(OpenFlags::NONBLOCK) && !PipeEnd::has_reader(pipe) {
        return Err(Errno::ENXIO);
    }
    Ok(Arc::new(PipeEnd::new(Arc::clone(pipe), reads, writes)))
}

/// The inode of a pipe (pipe(2)), which has no name.
#[derive(Debug)]
pub struct PipeInode {
    pipe: Arc<Pipe>,
    number: u64,
    made: Timespec,
}

impl PipeInode {
    /// The inode `number` of a pipe made at `now`.
    pub fn new(number: u64, now: Timespec) -> Self {
        Self { pipe: Arc::default(), number, made: now }
    }

    /// The bytes in it.
    pub fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }
}

impl Inode for PipeInode {
    fn metadata(&self) -> Metadata {
        let made = self.made;
        let fresh = Metadata::new(PIPE_DEVICE, self.number, FileType::Fifo, 0o600);
        Metadata { accessed: made, modified: made, changed: made, created: made, ..fresh }
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        open_fifo(&self.pipe, flags)
    }

    fn home(&self) -> Option<Home> {
        None
    }

    fn description(&self) -> Vec<u8> {
        format!("pipe:[{}]", self.number).into_bytes()
    }

    fn file_system(&self) -> Statfs {
        sizeless(PIPEFS_MAGIC)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The inode of a socket (socket(2)), which has no name: what unix(7) binds is another one.
#[derive(Debug)]
pub struct SocketInode {
    number: u64,
    made: Timespec,
}

impl SocketInode {
    /// The inode `number` of a socket made at `now`.
    pub fn new(number: u64, now: Timespec) -> Self {
        Self { number, made: now }
    }
}

impl Inode for SocketInode {
    fn metadata(&self) -> Metadata {
        let made = self.made;
        let fresh = Metadata::new(SOCKET_DEVICE, self.number, FileType::Socket, 0o777);
        Metadata { accessed: made, modified: made, changed: made, created: made, ..fresh }
    }

    fn home(&self) -> Option<Home> {
        None
    }

    fn description(&self) -> Vec<u8> {
        format!("socket:[{}]", self.number).into_bytes()
    }

    fn file_system(&self) -> Statfs {
        sizeless(SOCKFS_MAGIC)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Something outside the tree that a stream of the host stands behind: a pipe from the host, as far as the program can tell.
#[derive(Debug)]
pub struct HostStream {
    file: Arc<dyn File>,
    number: u64,
}

impl HostStream {
    /// The inode `number` in front of `file`.
    pub fn new(file: Arc<dyn File>, number: u64) -> Self {
        Self { file, number }
    }
}

impl Inode for HostStream {
    fn metadata(&self) -> Metadata {
        Metadata::new(PIPE_DEVICE, self.number, FileType::Fifo, 0o600)
    }

    fn open(self: Arc<Self>, _flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        Ok(Arc::clone(&self.file))
    }

    fn home(&self) -> Option<Home> {
        None
    }

    fn description(&self) -> Vec<u8> {
        format!("pipe:[{}]", self.number).into_bytes()
    }

    fn file_system(&self) -> Statfs {
        sizeless(TMPFS_MAGIC)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
