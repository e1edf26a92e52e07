//! A counter that wakes who waits for it (eventfd(2)).

use abi::errno::Errno;
use abi::io::PollEvents;
use sync::Lock;

use super::io::{Sink, Source};
use super::wakers::WakerSet;
use super::{File, Io, Positions};

/// Bytes of the number that is read or written.
const BYTES: usize = size_of::<u64>();
/// The most the counter holds.
const MOST: u64 = u64::MAX - 1;

/// What a read takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// All.
    Everything,
    /// One (`EFD_SEMAPHORE`).
    One,
}

#[derive(Debug)]
struct State {
    count: u64,
    wakers: WakerSet,
}

/// The counter.
#[derive(Debug)]
pub struct EventFd {
    takes: Takes,
    state: Lock<State>,
}

impl EventFd {
    /// A counter that begins at `initial`.
    pub fn new(initial: u32, takes: Takes) -> Self {
        let state = State { count: u64::from(initial), wakers: WakerSet::new() };
        Self { takes, state: Lock::new(state) }
    }
}

impl File for EventFd {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        if out.room() < BYTES {
            return Err(Errno::EINVAL);
        }
        let mut state = self.state.lock();
        let taken = match self.takes {
            Takes::Everything => state.count,
            Takes::One => state.count.min(1),
        };
        if taken == 0 {
            io.wait_for(&mut state.wakers, PollEvents::IN);
            return Err(Errno::EAGAIN);
        }
        out.put(&taken.to_ne_bytes())?;
        state.count -= taken;
        state.wakers.wake(PollEvents::OUT);
        Ok(BYTES)
    }

    fn write_at(&self, io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        if from.left() != BYTES {
            return Err(Errno::EINVAL);
        }
        let mut state = self.state.lock();
        let mut bytes = [0; BYTES];
        from.peek(&mut bytes)?;
        let added = u64::from_ne_bytes(bytes);
        if added > MOST {
            return Err(Errno::EINVAL);
        }
        if added > MOST - state.count {
            io.wait_for(&mut state.wakers, PollEvents::OUT);
            return Err(Errno::EAGAIN);
        }
        from.take_unseen();
        state.count += added;
        state.wakers.wake(PollEvents::IN);
        Ok(BYTES)
    }

    fn positions(&self) -> Positions {
        Positions::AlwaysZero
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.state.lock();
        io.watch(&mut state.wakers);
        let mut events = PollEvents::empty();
        events.set(PollEvents::IN, state.count > 0);
        events.set(PollEvents::OUT, state.count < MOST);
        events
    }

    fn can_poll(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
