//! Advisory locks: flock(2) and the locks of open files of fcntl(2) (`F_OFD_SETLK`).
//!
//! Both belong to an open file description. The per-process locks of fcntl(2) never meet another process's here, so they are
//! always granted and leave no trace.

use alloc::vec::Vec;

use abi::errno::Errno;
use abi::io::{FlockKind, LockType, PollEvents};
use litemap::LiteMap;

use super::Io;
use super::wakers::WakerSet;

/// Identity of a file: device and inode number.
pub type FileId = (u64, u64);
/// Identity of an open file description.
pub type Owner = usize;

/// A locked range of a file, `end` excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// One past the last byte; `u64::MAX` for "whatever the end becomes".
    pub end: u64,
    /// Whether others are kept out altogether.
    pub exclusive: bool,
    /// Who holds it.
    pub owner: Owner,
}

#[derive(Debug, Default)]
struct FileLocks {
    whole: Vec<(Owner, bool)>,
    ranges: Vec<Range>,
    waiting: WakerSet,
}

/// All locks of the machine.
#[derive(Debug, Default)]
pub struct Locks(LiteMap<FileId, FileLocks>);

impl Locks {
    /// No locks.
    pub const fn new() -> Self {
        Self(LiteMap::new())
    }

    /// flock(2) by `owner`. Changing the kind of a lock is not atomic (flock(2)): the old one is given up first.
    ///
    /// # Errors
    /// `EAGAIN` (which is `EWOULDBLOCK`) while others are in the way; `ENOLCK` when there is no memory for it.
    pub fn flock(&mut self, io: &Io<'_>, file: FileId, owner: Owner, kind: FlockKind) -> Result<(), Errno> {
        let locks = self.0.entry(file).or_default();
        let exclusive = kind == FlockKind::Exclusive;
        if locks.whole.contains(&(owner, exclusive)) && kind != FlockKind::Unlock {
            return Ok(());
        }
        let before = locks.whole.len();
        locks.whole.retain(|&(holder, _)| holder != owner);
        if locks.whole.len() != before {
            locks.waiting.wake_all();
        }
        let answer = match kind {
            FlockKind::Unlock => Ok(()),
            _ if locks.whole.iter().any(|&(_, held)| held || exclusive) => {
                io.wait_for(&mut locks.waiting, PollEvents::all());
                Err(Errno::EAGAIN)
            }
            _ if locks.whole.try_reserve(1).is_err() => Err(Errno::ENOLCK),
            _ => {
                locks.whole.push((owner, exclusive));
                Ok(())
            }
        };
        self.tidy(file);
        answer
    }

    /// Locks or unlocks a range (fcntl(2), `F_OFD_SETLK`).
    ///
    /// # Errors
    /// `EAGAIN` while others are in the way; `ENOLCK` when there is no memory for it: nothing has changed then.
    pub fn set(&mut self, io: &Io<'_>, file: FileId, wanted: Range, kind: LockType) -> Result<(), Errno> {
        if kind != LockType::Unlock && self.conflict(file, wanted).is_some() {
            if let Some(locks) = self.0.get_mut(&file) {
                io.wait_for(&mut locks.waiting, PollEvents::all());
            }
            return Err(Errno::EAGAIN);
        }
        let locks = self.0.entry(file).or_default();
        let answer = locks.replace(wanted, kind != LockType::Unlock);
        if answer.is_ok() {
            locks.waiting.wake_all();
        }
        self.tidy(file);
        answer
    }

    /// A range that keeps `wanted` from being locked (`F_OFD_GETLK`).
    pub fn conflict(&self, file: FileId, wanted: Range) -> Option<Range> {
        let in_the_way = |held: &&Range| {
            held.owner != wanted.owner
                && held.start < wanted.end
                && wanted.start < held.end
                && (held.exclusive || wanted.exclusive)
        };
        self.0.get(&file)?.ranges.iter().find(in_the_way).copied()
    }

    /// Gives up everything `owner` holds: its open file description is gone.
    pub fn release(&mut self, file: FileId, owner: Owner) {
        if let Some(locks) = self.0.get_mut(&file) {
            locks.whole.retain(|&(holder, _)| holder != owner);
            locks.ranges.retain(|range| range.owner != owner);
            locks.waiting.wake_all();
            self.tidy(file);
        }
    }

    fn tidy(&mut self, file: FileId) {
        let unused =
            |locks: &FileLocks| locks.whole.is_empty() && locks.ranges.is_empty() && locks.waiting.is_empty();
        if self.0.get(&file).is_some_and(unused) {
            self.0.remove(&file);
        }
    }
}

impl FileLocks {
    /// Takes `range` out of what its owner holds, and puts it in as it is now if it is `held`.
    ///
    /// # Errors
    /// `ENOLCK`: nothing has changed.
    fn replace(&mut self, range: Range, held: bool) -> Result<(), Errno> {
        let touched =
            |one: &Range| one.owner == range.owner && one.start < range.end && range.start < one.end;
        // Of all that it touches two parts can be left, and itself.
        self.ranges.try_reserve(3).map_err(|_| Errno::ENOLCK)?;
        let (mut before, mut behind) = (None, None);
        self.ranges.retain(|one| {
            if touched(one) {
                before = before.or((one.start < range.start).then_some(Range { end: range.start, ..*one }));
                behind = behind.or((range.end < one.end).then_some(Range { start: range.end, ..*one }));
            }
            !touched(one)
        });
        self.ranges.extend(before.into_iter().chain(behind).chain(held.then_some(range)));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
