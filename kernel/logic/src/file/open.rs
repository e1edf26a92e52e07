//! An open file description (open(2)): what dup(2) shares — the position, the status flags, the locks of flock(2).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::errno::Errno;
use abi::fs::{OpenFlags, Whence};
use sync::Lock;

use super::epoll::Interest;
use super::io::{Sink, Source};
use super::lock::Locks;
use super::{File, Io, Positions};
use crate::fs::inode::Inode;

/// The largest offset (`loff_t`).
pub const MOST_OFFSET: u64 = i64::MAX as u64;

/// An open file.
#[derive(Debug)]
pub struct OpenFile {
    /// Its bytes.
    pub file: Arc<dyn File>,
    /// Its name, kind and times.
    pub inode: Arc<dyn Inode>,
    positions: Positions,
    keeps_records: bool,
    offset: Lock<u64>,
    access: OpenFlags,
    can_read: bool,
    can_write: bool,
    status: AtomicU32,
    /// Where its locks are, once it may have some: they are given up with it.
    locks: Lock<Option<Arc<Lock<Locks>>>>,
    /// Interests of epoll instances in it: they end with it.
    interests: Lock<Vec<Arc<Interest>>>,
}

impl OpenFile {
    /// A description at position 0. Of `flags` the access mode and the status flags are kept.
    pub fn new(file: Arc<dyn File>, inode: Arc<dyn Inode>, flags: OpenFlags) -> Arc<Self> {
        let once =
            OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC | OpenFlags::CLOEXEC;
        let kept = flags.difference(once);
        let status = AtomicU32::new(kept.bits());
        let positions = file.positions();
        let keeps_records = file.socket().is_some_and(|socket| socket.common().keeps_records());
        Arc::new(Self {
            positions,
            keeps_records,
            file,
            inode,
            offset: Lock::new(0),
            access: kept,
            can_read: kept.can_read(),
            can_write: kept.can_write(),
            status,
            locks: Lock::new(None),
            interests: Lock::new(Vec::new()),
        })
    }

    /// Access mode and status flags (fcntl(2), `F_GETFL`).
    pub fn flags(&self) -> OpenFlags {
        OpenFlags::from_bits_retain(self.status.load(Ordering::Relaxed))
    }

    /// Replaces the status flags that can be changed (`F_SETFL`).
    pub fn set_flags(&self, flags: OpenFlags) {
        let kept = self.access.difference(OpenFlags::SETTABLE) | flags.intersection(OpenFlags::SETTABLE);
        self.status.store(kept.bits(), Ordering::Relaxed);
    }

    /// Sets or clears one status flag (`FIONBIO`).
    pub fn set_flag(&self, flag: OpenFlags, on: bool) {
        if on {
            self.status.fetch_or(flag.bits(), Ordering::Relaxed);
        } else {
            self.status.fetch_and(!flag.bits(), Ordering::Relaxed);
        }
    }

    /// What positions mean in the file.
    pub fn positions(&self) -> Positions {
        self.positions
    }

    /// Whether each write is a message of its own, and each read takes one.
    pub fn keeps_records(&self) -> bool {
        self.keeps_records
    }

    /// Whether operations answer `EAGAIN` instead of waiting.
    pub fn is_nonblocking(&self) -> bool {
        self.flags().contains(OpenFlags::NONBLOCK)
    }

    /// Checks that it was opened for reading.
    ///
    /// # Errors
    /// `EBADF` if not.
    pub fn check_read(&self) -> Result<(), Errno> {
        if self.can_read { Ok(()) } else { Err(Errno::EBADF) }
    }

    /// Checks that it was opened for writing.
    ///
    /// # Errors
    /// `EBADF` if not.
    pub fn check_write(&self) -> Result<(), Errno> {
        if self.can_write { Ok(()) } else { Err(Errno::EBADF) }
    }

    /// Checks that it stands for more than a place in the tree.
    ///
    /// # Errors
    /// `EBADF` for `O_PATH`.
    pub fn check_not_path(&self) -> Result<(), Errno> {
        if self.access.contains(OpenFlags::PATH) { Err(Errno::EBADF) } else { Ok(()) }
    }

    /// Reads at the position, which moves.
    ///
    /// # Errors
    /// The file's; `EBADF`.
    #[inline(always)]
    pub fn read(&self, io: &Io<'_>, out: &mut dyn Sink) -> Result<usize, Errno> {
        self.check_read()?;
        if self.positions != Positions::Kept {
            return self.file.read_at(io, 0, out);
        }
        self.read_on(io, out)
    }

    fn read_on(&self, io: &Io<'_>, out: &mut dyn Sink) -> Result<usize, Errno> {
        let mut offset = self.offset.lock();
        let count = self.file.read_at(io, *offset, out)?;
        *offset += count as u64;
        Ok(count)
    }

    /// Writes at the position, or at the end with `O_APPEND`; the position moves behind what was written.
    ///
    /// # Errors
    /// The file's; `EBADF`.
    #[inline(always)]
    pub fn write(&self, io: &Io<'_>, from: &mut dyn Source) -> Result<usize, Errno> {
        self.check_write()?;
        if self.positions != Positions::Kept {
            return self.file.write_at(io, 0, from);
        }
        self.write_on(io, from)
    }

    fn write_on(&self, io: &Io<'_>, from: &mut dyn Source) -> Result<usize, Errno> {
        let mut offset = self.offset.lock();
        if self.flags().contains(OpenFlags::APPEND) {
            let (end, count) = self.file.append(io, from)?;
            *offset = end;
            return Ok(count);
        }
        let count = self.file.write_at(io, *offset, from)?;
        *offset += count as u64;
        Ok(count)
    }

    /// Reads at `offset`; the position stays (pread(2)).
    ///
    /// # Errors
    /// The file's; `EBADF`; `ESPIPE`.
    #[inline(always)]
    pub fn read_at(&self, io: &Io<'_>, offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        self.check_seekable()?;
        self.check_read()?;
        self.file.read_at(io, offset, out)
    }

    /// Writes at `offset`; the position stays (pwrite(2)). On Linux `O_APPEND` wins over the offset.
    ///
    /// # Errors
    /// The file's; `EBADF`; `ESPIPE`.
    #[inline(always)]
    pub fn write_at(&self, io: &Io<'_>, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.check_seekable()?;
        self.check_write()?;
        if self.flags().contains(OpenFlags::APPEND) {
            return self.file.append(io, from).map(|(_, count)| count);
        }
        self.file.write_at(io, offset, from)
    }

    fn check_seekable(&self) -> Result<(), Errno> {
        self.check_not_path()?;
        if self.positions.can_be_given() { Ok(()) } else { Err(Errno::ESPIPE) }
    }

    /// Moves the position (lseek(2)); answers where it is.
    ///
    /// # Errors
    /// `ESPIPE` without positions, `EINVAL` for a negative one, `ENXIO` behind the end (`SEEK_DATA`, `SEEK_HOLE`).
    pub fn seek(&self, distance: i64, whence: Whence) -> Result<u64, Errno> {
        self.check_not_path()?;
        match self.positions {
            Positions::Kept => {}
            Positions::Ignored | Positions::AlwaysZero => return Ok(0),
            Positions::None => return Err(Errno::ESPIPE),
        }
        let mut offset = self.offset.lock();
        let from = |base: u64| {
            base.checked_add_signed(distance).filter(|&sum| sum <= MOST_OFFSET).ok_or(Errno::EINVAL)
        };
        let searched = |search: &dyn Fn(u64) -> Result<u64, Errno>| {
            search(u64::try_from(distance).map_err(|_| Errno::ENXIO)?)
        };
        *offset = match whence {
            Whence::Set => from(0)?,
            Whence::Cur => from(*offset)?,
            Whence::End => from(self.file.size())?,
            Whence::Data => searched(&|at| self.file.next_data(at))?,
            Whence::Hole => searched(&|at| self.file.next_hole(at))?,
        };
        Ok(*offset)
    }

    /// The position.
    pub fn position(&self) -> u64 {
        *self.offset.lock()
    }

    /// Sets the position: for directories, whose positions are the file system's own.
    pub fn set_position(&self, position: u64) {
        *self.offset.lock() = position;
    }

    /// Its locks are in `locks` from now on, under its own address.
    pub fn keep_locks_in(&self, locks: &Arc<Lock<Locks>>) {
        *self.locks.lock() = Some(Arc::clone(locks));
    }

    /// `interest` ends with it from now on.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn begin_interest(&self, interest: &Arc<Interest>) -> Result<(), Errno> {
        let mut interests = self.interests.lock();
        interests.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        interests.push(Arc::clone(interest));
        Ok(())
    }

    /// `interest` has ended before it.
    pub(super) fn end_interest(&self, interest: &Arc<Interest>) {
        let mut interests = self.interests.lock();
        if let Some(at) = interests.iter().position(|one| Arc::ptr_eq(one, interest)) {
            interests.swap_remove(at);
        }
    }

    /// The epoll instances that are interested in it.
    pub(super) fn interested(&self) -> Vec<Arc<Self>> {
        self.interests.lock().iter().filter_map(|interest| interest.epoll()).collect()
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let owner = core::ptr::from_ref(self).addr();
        if let Some(locks) = self.locks.get_mut() {
            locks.lock().release(self.inode.metadata().id(), owner);
        }
        for interest in self.interests.get_mut().drain(..) {
            interest.file_closed(&*self.file);
        }
    }
}
