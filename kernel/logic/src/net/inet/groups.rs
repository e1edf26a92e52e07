//! Groups that are listened to on a link: by how many sockets each.

use alloc::vec::Vec;
use core::net::IpAddr;

use abi::errno::Errno;

/// Groups at most.
const MOST: usize = 256;

/// The groups.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<(IpAddr, u32)>);

impl Groups {
    /// One more listens to `group`; whether he is the first.
    ///
    /// # Errors
    /// `ENOBUFS` when there are too many.
    pub(super) fn join(&mut self, group: IpAddr) -> Result<bool, Errno> {
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| *known == group) {
            *count = count.saturating_add(1);
            return Ok(false);
        }
        if self.0.len() >= MOST || self.0.try_reserve(1).is_err() {
            return Err(Errno::ENOBUFS);
        }
        self.0.push((group, 1));
        Ok(true)
    }

    /// One less listens to `group`; whether he was the last.
    pub(super) fn leave(&mut self, group: IpAddr) -> bool {
        let Some(place) = self.0.iter().position(|(known, _)| *known == group) else { return false };
        self.0[place].1 -= 1;
        let is_over = self.0[place].1 == 0;
        if is_over {
            self.0.swap_remove(place);
        }
        is_over
    }

    /// Whether anybody listens to `group`.
    pub(super) fn has(&self, group: IpAddr) -> bool {
        self.0.iter().any(|(known, _)| *known == group)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.0.iter().map(|(group, _)| *group)
    }
}

#[cfg(test)]
mod tests;
