//! Open files on their way from one socket to another (unix(7), `SCM_RIGHTS`).
//!
//! A socket can be on its way to itself: nobody has it any more, and it is never taken out. Linux looks for such rings from time to time;
//! here, as there for users without privilege, the number of files on their way is bounded, so that what is lost is too.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use abi::errno::Errno;
use sync::Lock;

use super::Domain;
use crate::file::open::OpenFile;

/// The files of one message. They count as being on their way until they are taken out or given up.
pub(super) struct Rights {
    files: Vec<Arc<OpenFile>>,
    domain: Arc<Domain>,
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rights").field("files", &self.files.len()).finish()
    }
}

/// How many files are on their way, and those that are to be given up.
#[derive(Debug)]
pub(super) struct Travellers {
    count: AtomicUsize,
    most: fn() -> usize,
    /// Somebody drops them already.
    lost: Lock<Lost>,
}

#[derive(Debug, Default)]
struct Lost {
    files: Vec<Arc<OpenFile>>,
    is_dropped: bool,
}

impl Travellers {
    /// At most as many at once as `most` says.
    pub(super) const fn new(most: fn() -> usize) -> Self {
        Self {
            count: AtomicUsize::new(0),
            most,
            lost: Lock::new(Lost { files: Vec::new(), is_dropped: false }),
        }
    }

    /// Gives `files` up. The last handle on a socket gives up what is on its way to it, which may be sockets again: who is in the middle of
    /// that leaves the rest to the one who began, so that no stack is too small for it.
    fn give_up(&self, files: Vec<Arc<OpenFile>>) {
        let mut next = {
            let mut lost = self.lost.lock();
            if lost.is_dropped {
                lost.files.extend(files);
                return;
            }
            lost.is_dropped = true;
            files
        };
        while !next.is_empty() {
            drop(next);
            let mut lost = self.lost.lock();
            next = core::mem::take(&mut lost.files);
            lost.is_dropped = !next.is_empty();
        }
    }
}

impl Rights {
    /// Sends `files` on their way.
    ///
    /// # Errors
    /// `ETOOMANYREFS` when too many are already.
    pub(super) fn new(domain: &Arc<Domain>, files: Vec<Arc<OpenFile>>) -> Result<Self, Errno> {
        let travellers = &domain.travellers;
        let before = travellers.count.fetch_add(files.len(), Ordering::Relaxed);
        let rights = Self { files, domain: Arc::clone(domain) };
        if before > (travellers.most)() { Err(Errno::ETOOMANYREFS) } else { Ok(rights) }
    }

    /// They have arrived.
    pub(super) fn into_files(mut self) -> Vec<Arc<OpenFile>> {
        let files = core::mem::take(&mut self.files);
        self.domain.travellers.count.fetch_sub(files.len(), Ordering::Relaxed);
        files
    }

    /// The same files once more, for who only looks (`MSG_PEEK`).
    pub(super) fn copy(&self) -> Vec<Arc<OpenFile>> {
        self.files.clone()
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        let files = core::mem::take(&mut self.files);
        if !files.is_empty() {
            self.domain.travellers.count.fetch_sub(files.len(), Ordering::Relaxed);
            self.domain.travellers.give_up(files);
        }
    }
}
