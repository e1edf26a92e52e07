//! poll(2) and select(2) over many files: one look at each, the waker left with all of them.

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::io::{PollEvents, PollFd};

use super::Io;
use super::open::OpenFile;

/// Events reported unasked.
pub const ALWAYS: PollEvents = PollEvents::ERR.union(PollEvents::HUP).union(PollEvents::NVAL);
/// There is something to read.
pub const READABLE: PollEvents = PollEvents::IN.union(PollEvents::RDNORM);
/// There is room to write.
pub const WRITABLE: PollEvents = PollEvents::OUT.union(PollEvents::WRNORM);

/// Fills in `revents` of each entry, `file_of` finding the file of a descriptor; answers how many have events.
///
/// # Errors
/// `EAGAIN` when none has.
pub fn poll(
    io: &Io<'_>,
    entries: &mut [PollFd],
    file_of: impl Fn(i32) -> Option<Arc<OpenFile>>,
) -> Result<usize, Errno> {
    let mut ready = 0;
    for entry in entries {
        let events = match entry.fd {
            ..0 => PollEvents::empty(),
            fd => match file_of(fd) {
                Some(open) => {
                    let wanted = PollEvents::from_bits_retain(entry.events) | ALWAYS;
                    open.file.readiness(&io.for_events(wanted)) & wanted
                }
                None => PollEvents::NVAL,
            },
        };
        entry.revents = events.bits();
        ready += usize::from(!events.is_empty());
    }
    if ready == 0 { Err(Errno::EAGAIN) } else { Ok(ready) }
}

/// The three sets of select(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Something to read, or the end of it.
    Read,
    /// Room to write, or an error.
    Write,
    /// Something urgent.
    Except,
}

impl Set {
    /// The events of poll(2) that put a file into this set (select(2), NOTES).
    pub fn events(self) -> PollEvents {
        match self {
            Self::Read => {
                PollEvents::IN | PollEvents::RDNORM | PollEvents::RDBAND | PollEvents::HUP | PollEvents::ERR
            }
            Self::Write => PollEvents::OUT | PollEvents::WRNORM | PollEvents::WRBAND | PollEvents::ERR,
            Self::Except => PollEvents::PRI,
        }
    }
}
