//! The names in a directory: found by name, read in the order they came.
//!
//! A name's position never changes and is never used again, so reading meets each name that stays exactly once, whatever comes and goes
//! meanwhile.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;

use super::owned;
use crate::fs::inode::Inode;

/// Bytes a name counts in a directory's size, as on tmpfs.
const ENTRY_SIZE: u64 = 20;
/// Positions 0 and 1 are `.` and `..`.
pub(super) const FIRST_POSITION: u64 = 2;

#[derive(Clone, Debug)]
struct Slot {
    inode: Arc<dyn Inode>,
    position: u64,
}

/// A name as reading meets it.
pub(super) struct Found {
    pub(super) position: u64,
    pub(super) name: Arc<[u8]>,
    pub(super) inode: Arc<dyn Inode>,
}

/// Names and what they mean.
#[derive(Debug)]
pub(super) struct Entries {
    by_name: HashMap<Arc<[u8]>, Slot, SeedableRandomState>,
    /// Names by ascending position; those that went leave a gap until there are as many gaps as names.
    in_order: Vec<(u64, Option<Arc<[u8]>>)>,
    /// How many names there ever were.
    count: u64,
    /// The directory was removed: nothing can come in any more.
    is_removed: bool,
}

impl Entries {
    /// No names. `seed` is secret: who chooses names could otherwise choose ones that are slow to find.
    pub(super) fn new(seed: u64) -> Self {
        let by_name = HashMap::with_hasher(SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()));
        Self { by_name, in_order: Vec::new(), count: 0, is_removed: false }
    }

    pub(super) fn size(&self) -> u64 {
        (self.by_name.len() as u64 + 2) * ENTRY_SIZE
    }

    pub(super) fn get(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        self.by_name.get(name).map(|slot| Arc::clone(&slot.inode)).ok_or(Errno::ENOENT)
    }

    /// Adds a name at the end.
    ///
    /// # Errors
    /// `EEXIST`; `ENOENT` in a directory that was removed; `ENOSPC` without memory.
    pub(super) fn insert(&mut self, name: &[u8], inode: Arc<dyn Inode>) -> Result<Arc<[u8]>, Errno> {
        if self.is_removed {
            return Err(Errno::ENOENT);
        }
        if self.by_name.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        self.by_name.try_reserve(1).map_err(|_| Errno::ENOSPC)?;
        self.in_order.try_reserve(1).map_err(|_| Errno::ENOSPC)?;
        let name = owned(name);
        let position = FIRST_POSITION + self.count;
        self.count += 1;
        self.in_order.push((position, Some(Arc::clone(&name))));
        self.by_name.insert(Arc::clone(&name), Slot { inode, position });
        Ok(name)
    }

    /// Has `name` mean `inode` from now on, if it is there; whoever looks finds the one or the other.
    pub(super) fn replace(&mut self, name: &[u8], inode: Arc<dyn Inode>) {
        if let Some(slot) = self.by_name.get_mut(name) {
            slot.inode = inode;
        }
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Arc<dyn Inode>> {
        let slot = self.by_name.remove(name)?;
        let at = self.index(slot.position);
        if let Some((_, name)) = self.in_order.get_mut(at) {
            *name = None;
        }
        if self.in_order.len() > 2 * self.by_name.len() {
            self.in_order.retain(|(_, name)| name.is_some());
        }
        Some(slot.inode)
    }

    /// Where the first name from `position` on lies, gaps counted.
    fn index(&self, position: u64) -> usize {
        self.in_order.partition_point(|&(at, _)| at < position)
    }

    /// The first name from `position` on.
    pub(super) fn next(&self, position: u64) -> Option<Found> {
        let rest = self.in_order.get(self.index(position)..)?;
        let (position, name) = rest.iter().find_map(|(at, name)| Some((*at, name.as_ref()?)))?;
        Some(Found { position, name: Arc::clone(name), inode: self.get(name).ok()? })
    }

    /// Lets nothing in any more.
    ///
    /// # Errors
    /// `ENOTEMPTY`.
    pub(super) fn close(&mut self) -> Result<(), Errno> {
        if !self.by_name.is_empty() {
            return Err(Errno::ENOTEMPTY);
        }
        self.is_removed = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
