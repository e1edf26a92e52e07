//! Advisory locks: flock(2) and the locks of open files of fcntl(2) (`F_OFD_SETLK`).
//!
//! Both belong to an open file description. The per-process locks of fcntl(2) never meet another process's here, so they are
//! always granted and leave no trace.

use alloc::vec::Vec;

use abi::errno::Errno;
use abi::io::{FlockKind, LockType};
use litemap::LiteMap;
use sync::WakerSet;

use super::Io;

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
    /// `EAGAIN` (which is `EWOULDBLOCK`) while others are in the way.
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
                if let Some(waker) = io.waker {
                    locks.waiting.register(waker);
                }
                Err(Errno::EAGAIN)
            }
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
    /// `EAGAIN` while others are in the way.
    pub fn set(&mut self, io: &Io<'_>, file: FileId, wanted: Range, kind: LockType) -> Result<(), Errno> {
        if kind != LockType::Unlock && self.conflict(file, wanted).is_some() {
            if let (Some(waker), Some(locks)) = (io.waker, self.0.get_mut(&file)) {
                locks.waiting.register(waker);
            }
            return Err(Errno::EAGAIN);
        }
        let locks = self.0.entry(file).or_default();
        locks.cut(wanted);
        if kind != LockType::Unlock {
            locks.ranges.push(wanted);
        }
        locks.waiting.wake_all();
        self.tidy(file);
        Ok(())
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
    /// Takes `range` out of what its owner holds.
    fn cut(&mut self, range: Range) {
        let mut kept = Vec::with_capacity(self.ranges.len() + 1);
        for held in self.ranges.drain(..) {
            if held.owner != range.owner || held.end <= range.start || range.end <= held.start {
                kept.push(held);
                continue;
            }
            kept.extend((held.start < range.start).then_some(Range { end: range.start, ..held }));
            kept.extend((range.end < held.end).then_some(Range { start: range.end, ..held }));
        }
        self.ranges = kept;
    }
}

#[cfg(test)]
mod tests;
