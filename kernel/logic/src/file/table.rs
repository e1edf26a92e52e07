//! The table of file descriptors: lowest free number, close-on-exec marks, a limit (open(2), dup(2), close_range(2)).
//!
//! What leaves the table is handed to the caller to be dropped: a last reference may do much work.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::reg::Fd;

use super::open::OpenFile;

/// What a descriptor stands for.
#[derive(Clone, Debug)]
struct Slot {
    file: Arc<OpenFile>,
    close_on_exec: bool,
}

/// The descriptors of a process.
#[derive(Debug)]
pub struct FdTable {
    slots: Vec<Option<Slot>>,
    /// The lowest free slot, or the one behind all.
    first_free: usize,
    /// `RLIMIT_NOFILE`: descriptors stay below.
    limit: usize,
}

impl FdTable {
    /// An empty table for descriptors below `limit`.
    pub const fn new(limit: usize) -> Self {
        Self { slots: Vec::new(), first_free: 0, limit }
    }

    /// Sets the limit; descriptors above it stay open.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// What `fd` stands for.
    ///
    /// # Errors
    /// `EBADF` when it is not open.
    #[inline]
    pub fn get(&self, fd: Fd) -> Result<&Arc<OpenFile>, Errno> {
        self.slot(fd).map(|slot| &slot.file)
    }

    #[inline]
    fn slot(&self, fd: Fd) -> Result<&Slot, Errno> {
        fd.index().and_then(|index| self.slots.get(index)?.as_ref()).ok_or(Errno::EBADF)
    }

    /// Gives `file` the lowest free descriptor from `least` on.
    ///
    /// # Errors
    /// `EMFILE` at the limit, `ENOMEM`; `EINVAL` for a `least` at the limit (fcntl(2), `F_DUPFD`).
    pub fn insert(&mut self, file: Arc<OpenFile>, close_on_exec: bool, least: usize) -> Result<Fd, Errno> {
        if least >= self.limit && least > 0 {
            return Err(Errno::EINVAL);
        }
        let index = if least <= self.first_free { self.first_free } else { self.free_from(least) };
        if index >= self.limit {
            return Err(Errno::EMFILE);
        }
        let fd = fd_of(index)?;
        self.reach(index)?;
        self.place(index, Slot { file, close_on_exec });
        Ok(fd)
    }

    /// Finds out whether [`FdTable::insert`] will have a number: for what must not happen without one.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn check_room(&self) -> Result<(), Errno> {
        if self.first_free < self.limit { Ok(()) } else { Err(Errno::EMFILE) }
    }

    /// The first free slot from `least` on.
    fn free_from(&self, least: usize) -> usize {
        let rest = self.slots.get(least..).unwrap_or_default();
        least + rest.iter().position(Option::is_none).unwrap_or(rest.len())
    }

    /// Sees to it that there is a slot `index`.
    #[inline]
    fn reach(&mut self, index: usize) -> Result<(), Errno> {
        if index < self.slots.len() { Ok(()) } else { self.grow(index) }
    }

    #[cold]
    fn grow(&mut self, index: usize) -> Result<(), Errno> {
        self.slots.try_reserve(index + 1 - self.slots.len()).map_err(|_| Errno::ENOMEM)?;
        self.slots.resize(index + 1, None);
        Ok(())
    }

    /// Fills slot `index`; answers what was in it.
    #[inline]
    fn place(&mut self, index: usize, slot: Slot) -> Option<Slot> {
        let old = self.slots[index].replace(slot);
        if index == self.first_free {
            self.first_free = self.free_from(index + 1);
        }
        old
    }

    /// Makes `fd` stand for `file`; answers what it stood for (dup2(2)).
    ///
    /// # Errors
    /// `EBADF` for a descriptor that cannot be, `ENOMEM`.
    pub fn replace(
        &mut self,
        fd: Fd,
        file: Arc<OpenFile>,
        close_on_exec: bool,
    ) -> Result<Option<Arc<OpenFile>>, Errno> {
        let index = fd.index().filter(|&index| index < self.limit).ok_or(Errno::EBADF)?;
        self.reach(index)?;
        Ok(self.place(index, Slot { file, close_on_exec }).map(|old| old.file))
    }

    /// Closes `fd`; answers what it stood for.
    ///
    /// # Errors
    /// `EBADF` when it is not open.
    pub fn remove(&mut self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        let index = fd.index().ok_or(Errno::EBADF)?;
        let slot = self.slots.get_mut(index).and_then(Option::take).ok_or(Errno::EBADF)?;
        self.first_free = self.first_free.min(index);
        Ok(slot.file)
    }

    /// Closes all of `first..=last`; answers what they stood for.
    pub fn remove_range(&mut self, first: u32, last: u32) -> Vec<Arc<OpenFile>> {
        let range = self.range(first, last);
        self.first_free = self.first_free.min(range.start);
        range.filter_map(|index| Some(self.slots[index].take()?.file)).collect()
    }

    /// Marks all of `first..=last` close-on-exec.
    pub fn mark_range(&mut self, first: u32, last: u32) {
        for index in self.range(first, last) {
            if let Some(slot) = &mut self.slots[index] {
                slot.close_on_exec = true;
            }
        }
    }

    fn range(&self, first: u32, last: u32) -> core::ops::Range<usize> {
        first as usize..self.slots.len().min((last as usize).saturating_add(1))
    }

    /// Whether `fd` is closed on execve(2).
    ///
    /// # Errors
    /// `EBADF` when it is not open.
    pub fn is_close_on_exec(&self, fd: Fd) -> Result<bool, Errno> {
        self.slot(fd).map(|slot| slot.close_on_exec)
    }

    /// Sets whether `fd` is closed on execve(2).
    ///
    /// # Errors
    /// `EBADF` when it is not open.
    pub fn set_close_on_exec(&mut self, fd: Fd, value: bool) -> Result<(), Errno> {
        let slot = fd.index().and_then(|index| self.slots.get_mut(index)?.as_mut()).ok_or(Errno::EBADF)?;
        slot.close_on_exec = value;
        Ok(())
    }

    /// Open descriptors, ascending.
    pub fn descriptors(&self) -> Vec<Fd> {
        (0..self.slots.len())
            .filter(|&index| self.slots[index].is_some())
            .filter_map(|index| fd_of(index).ok())
            .collect()
    }
}

fn fd_of(index: usize) -> Result<Fd, Errno> {
    i32::try_from(index).map(Fd).map_err(|_| Errno::EMFILE)
}

#[cfg(test)]
mod tests;
