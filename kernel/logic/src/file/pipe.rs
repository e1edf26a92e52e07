//! Pipes and FIFOs (pipe(7)): a ring of bytes with ends that come and go.
//!
//! Writes of at most `PIPE_BUF` bytes are taken whole or not at all. A reader without writers meets the end of file; a writer
//! without readers `EPIPE`.

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::io::{PIPE_BUF, PollEvents};
use sync::Lock;

use super::io::{Sink, Source, partial};
use super::poll::{READABLE, WRITABLE};
use super::ring::Ring;
use super::wakers::WakerSet;
use super::{File, Io};

/// Capacity of a new pipe in bytes.
pub const CAPACITY: usize = 65_536;
/// Most a pipe can be given (`/proc/sys/fs/pipe-max-size`).
pub const MOST_CAPACITY: usize = 1 << 20;
const PAGE: usize = 4096;

/// The ring and who is at its ends.
#[derive(Debug)]
struct State {
    ring: Ring,
    capacity: usize,
    readers: usize,
    writers: usize,
    /// How many readers and writers there ever were: opening a FIFO waits for a change.
    readers_seen: usize,
    writers_seen: usize,
    /// A write found no room since something was read.
    is_refused: bool,
    wakers: WakerSet,
}

/// The bytes between the ends.
#[derive(Debug)]
pub struct Pipe(Lock<State>);

impl Default for Pipe {
    fn default() -> Self {
        Self(Lock::new(State {
            ring: Ring::new(),
            capacity: CAPACITY,
            readers: 0,
            writers: 0,
            readers_seen: 0,
            writers_seen: 0,
            is_refused: false,
            wakers: WakerSet::new(),
        }))
    }
}

impl State {
    /// Whether poll(2) says that there is room: enough for what is written whole.
    fn is_writable(&self) -> bool {
        self.capacity - self.ring.len() >= PIPE_BUF
    }
}

impl Pipe {
    fn read(&self, io: &Io<'_>, out: &mut dyn Sink) -> Result<usize, Errno> {
        let mut state = self.0.lock();
        if out.room() == 0 {
            return Ok(0);
        }
        if state.ring.is_empty() {
            if state.writers == 0 {
                return Ok(0);
            }
            io.wait_for(&mut state.wakers, READABLE | PollEvents::HUP);
            return Err(Errno::EAGAIN);
        }
        let mut done = 0;
        while !state.ring.is_empty() && out.room() > 0 {
            let first = state.ring.filled(0);
            let count = first.len().min(out.room());
            if let Err(errno) = out.put(&first[..count]) {
                return partial(done, Err(errno));
            }
            let was_full = !state.is_writable();
            state.ring.consume(count);
            done += count;
            if was_full || state.is_refused {
                state.is_refused = false;
                state.wakers.wake(WRITABLE);
            }
        }
        Ok(done)
    }

    fn write(&self, io: &Io<'_>, from: &mut dyn Source) -> Result<usize, Errno> {
        let mut state = self.0.lock();
        if state.readers == 0 {
            return Err(Errno::EPIPE);
        }
        let wanted = from.left();
        let capacity = state.capacity;
        let least = if wanted <= PIPE_BUF { wanted } else { 1 };
        let room = state.ring.make_room(io, (least, wanted), capacity)?;
        if room < least {
            state.is_refused = true;
            io.wait_for(&mut state.wakers, WRITABLE | PollEvents::ERR);
            return Err(Errno::EAGAIN);
        }
        let mut done = 0;
        while done < wanted.min(room) {
            let free = state.ring.free();
            let count = free.len().min(wanted.min(room) - done);
            if let Err(errno) = from.take(&mut free[..count]) {
                return partial(done, Err(errno));
            }
            state.ring.add(count);
            done += count;
            state.wakers.wake(READABLE);
        }
        Ok(done)
    }

    fn readiness(&self, io: &Io<'_>, reads: bool, writes: bool) -> PollEvents {
        let mut state = self.0.lock();
        io.watch(&mut state.wakers);
        let mut events = PollEvents::empty();
        if reads {
            events.set(READABLE, !state.ring.is_empty());
            events.set(PollEvents::HUP, state.writers == 0 && state.writers_seen > 0);
        }
        if writes {
            events.set(WRITABLE, state.is_writable());
            events.set(PollEvents::ERR, state.readers == 0);
        }
        events
    }
}

/// One end of a pipe, or a FIFO opened for both.
#[derive(Debug)]
pub struct PipeEnd {
    pipe: Arc<Pipe>,
    reads: bool,
    writes: bool,
    /// What opening it as a FIFO waits for, if nobody had the other end when this one came.
    awaits: Option<Partner>,
}

/// Who had not come yet to the other end of a FIFO, as so many ones had been there before.
#[derive(Clone, Copy, Debug)]
enum Partner {
    Reader { seen: usize },
    Writer { seen: usize },
}

impl PipeEnd {
    /// An end of `pipe` that reads, writes, or both.
    pub fn new(pipe: Arc<Pipe>, reads: bool, writes: bool) -> Self {
        let awaits = {
            let mut state = pipe.0.lock();
            // Asked now: a partner that is here, writes and leaves before this thread looks again has been met.
            let awaits = match (reads, writes) {
                (true, false) if state.writers == 0 => Some(Partner::Writer { seen: state.writers_seen }),
                (false, true) if state.readers == 0 => Some(Partner::Reader { seen: state.readers_seen }),
                _ => None,
            };
            state.readers += usize::from(reads);
            state.writers += usize::from(writes);
            state.readers_seen += usize::from(reads);
            state.writers_seen += usize::from(writes);
            state.wakers.wake_all();
            awaits
        };
        Self { pipe, reads, writes, awaits }
    }

    /// Whether somebody has the other end: opening a FIFO for writing without waiting is `ENXIO` otherwise (fifo(7)).
    pub fn has_reader(pipe: &Pipe) -> bool {
        pipe.0.lock().readers > 0
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let mut state = self.pipe.0.lock();
        state.readers -= usize::from(self.reads);
        state.writers -= usize::from(self.writes);
        if state.readers == 0 && state.writers == 0 {
            // What nobody will read is gone (a FIFO's bytes go with its last end).
            state.ring.clear();
        }
        // The last one that reads, or writes, has gone: the others learn it.
        if (state.readers == 0) != (state.writers == 0) {
            state.wakers.wake_all();
        }
    }
}

impl File for PipeEnd {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        self.pipe.read(io, out)
    }

    fn write_at(&self, io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.pipe.write(io, from)
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        self.pipe.readiness(io, self.reads, self.writes)
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn opened(&self, io: &Io<'_>) -> Result<(), Errno> {
        let mut state = self.pipe.0.lock();
        let waits = match self.awaits {
            Some(Partner::Writer { seen }) => state.writers_seen == seen,
            Some(Partner::Reader { seen }) => state.readers_seen == seen,
            None => false,
        };
        if waits {
            io.wait_for(&mut state.wakers, PollEvents::all());
            return Err(Errno::EAGAIN);
        }
        Ok(())
    }

    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        Ok(self.pipe.0.lock().ring.len() as u64)
    }

    fn capacity(&self) -> Result<usize, Errno> {
        Ok(self.pipe.0.lock().capacity)
    }

    fn set_capacity(&self, bytes: usize) -> Result<usize, Errno> {
        let capacity = bytes.max(PAGE).checked_next_power_of_two().ok_or(Errno::EINVAL)?;
        if capacity > MOST_CAPACITY {
            return Err(Errno::EPERM);
        }
        let mut state = self.pipe.0.lock();
        if state.ring.len() > capacity {
            return Err(Errno::EBUSY);
        }
        state.capacity = capacity;
        state.ring.shrink(capacity);
        state.wakers.wake_all();
        Ok(capacity)
    }
}

#[cfg(test)]
mod tests;
