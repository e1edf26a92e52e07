//! Resource limits (getrlimit(2)): sixteen pairs of numbers and the rule for changing them.

use abi::errno::Errno;
use abi::task::{RLIM_INFINITY, RLimit, Resource};

/// Highest limit for open files (`/proc/sys/fs/nr_open`).
pub const MOST_OPEN_FILES: u64 = 1 << 20;

/// Most real-time signals that wait at a time, whatever `RLIMIT_SIGPENDING` says: they are kept in the kernel's memory.
pub const MOST_QUEUED_SIGNALS: u64 = 8192;

/// All limits of the process.
#[derive(Clone, Debug)]
pub struct Limits([RLimit; Resource::COUNT]);

impl Default for Limits {
    /// What Linux gives its first process, without limits on memory.
    fn default() -> Self {
        let unlimited = RLimit { rlim_cur: RLIM_INFINITY, rlim_max: RLIM_INFINITY };
        let mut limits = [unlimited; Resource::COUNT];
        limits[Resource::Stack as usize].rlim_cur = 8 << 20;
        limits[Resource::Core as usize].rlim_cur = 0;
        limits[Resource::Nofile as usize] = RLimit { rlim_cur: 1024, rlim_max: MOST_OPEN_FILES };
        limits[Resource::Sigpending as usize] =
            RLimit { rlim_cur: MOST_QUEUED_SIGNALS, rlim_max: MOST_QUEUED_SIGNALS };
        limits[Resource::Nice as usize] = RLimit::default();
        limits[Resource::Rtprio as usize] = RLimit::default();
        Self(limits)
    }
}

impl Limits {
    /// The limit on `resource`.
    #[must_use]
    pub fn get(&self, resource: Resource) -> RLimit {
        self.0[resource as usize]
    }

    /// Most real-time signals that wait at a time.
    #[must_use]
    pub fn queued_signals(&self) -> usize {
        usize::try_from(self.get(Resource::Sigpending).rlim_cur.min(MOST_QUEUED_SIGNALS)).unwrap_or(0)
    }

    /// Changes the limit on `resource`.
    ///
    /// # Errors
    /// `EINVAL` when the current limit is above the highest; `EPERM` when an unprivileged caller raises the highest, or anybody
    /// asks for more open files than there can be.
    pub fn set(&mut self, resource: Resource, limit: RLimit, privileged: bool) -> Result<(), Errno> {
        let slot = &mut self.0[resource as usize];
        if limit.rlim_cur > limit.rlim_max {
            return Err(Errno::EINVAL);
        }
        if limit.rlim_max > slot.rlim_max && !privileged
            || resource == Resource::Nofile && limit.rlim_max > MOST_OPEN_FILES
        {
            return Err(Errno::EPERM);
        }
        *slot = limit;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
