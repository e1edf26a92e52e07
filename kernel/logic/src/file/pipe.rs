//! Pipes and FIFOs (pipe(7)): a ring of bytes with ends that come and go.
//!
//! Writes of at most `PIPE_BUF` bytes are taken whole or not at all. A reader without writers meets the end of file; a writer
//! without readers `EPIPE`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::io::{PIPE_BUF, PollEvents};
use sync::Lock;

use super::io::{Sink, Source, partial};
use super::poll::{READABLE, WRITABLE};
use super::wakers::WakerSet;
use super::{File, Io};

/// Capacity of a new pipe in bytes.
pub const CAPACITY: usize = 65_536;
/// Most a pipe can be given (`/proc/sys/fs/pipe-max-size`).
pub const MOST_CAPACITY: usize = 1 << 20;
const PAGE: usize = 4096;

/// A part of the ring. Whole pages are frames in the kernel's heap: they go back to where they came from.
#[derive(Clone, Debug)]
#[repr(align(4096))]
struct Page([u8; PAGE]);

impl Page {
    const ZERO: Self = Self([0; PAGE]);
}

/// The ring; its memory grows with what is in it, up to the capacity.
#[derive(Debug)]
struct State {
    ring: Vec<Page>,
    start: usize,
    length: usize,
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
            ring: Vec::new(),
            start: 0,
            length: 0,
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
    /// Bytes that the ring could hold.
    fn size(&self) -> usize {
        self.ring.len() * PAGE
    }

    /// Grows the ring so that `more` bytes fit, as far as the capacity and memory allow; answers how many do.
    fn make_room(&mut self, io: &Io<'_>, more: usize) -> Result<usize, Errno> {
        let wanted = (self.length + more).min(self.capacity);
        if wanted > self.size() && io.memory_left() > 0 {
            let bytes = wanted.next_multiple_of(PAGE).max(self.size() * 2).min(self.capacity);
            self.resize(bytes)?;
        }
        if wanted > 0 && self.ring.is_empty() {
            return Err(Errno::ENOMEM);
        }
        Ok(self.size().min(self.capacity) - self.length)
    }

    /// Moves the ring to `bytes` bytes, at least what is in it.
    fn resize(&mut self, bytes: usize) -> Result<(), Errno> {
        let count = bytes.div_ceil(PAGE);
        let mut ring = Vec::new();
        ring.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        ring.resize(count, Page::ZERO);
        let mut moved = Self { ring, start: 0, length: 0, wakers: WakerSet::new(), ..*self };
        while self.length > 0 {
            let (from, to) = (self.filled(), moved.free());
            let count = from.len().min(to.len());
            to[..count].copy_from_slice(&from[..count]);
            moved.length += count;
            self.consume(count);
        }
        (self.ring, self.start, self.length) = (moved.ring, 0, moved.length);
        Ok(())
    }

    /// What is first in the ring, as far as it lies in a row.
    fn filled(&self) -> &[u8] {
        let (page, at) = (self.start / PAGE, self.start % PAGE);
        self.ring.get(page).map_or(&[], |page| &page.0[at..PAGE.min(at + self.length)])
    }

    /// The free part behind what is in the ring, as far as it lies in a row.
    fn free(&mut self) -> &mut [u8] {
        let (size, left) = (self.size(), self.size() - self.length);
        let end = (self.start + self.length) % size.max(1);
        let (page, at) = (end / PAGE, end % PAGE);
        self.ring.get_mut(page).map_or(&mut [], |page| &mut page.0[at..PAGE.min(at + left)])
    }

    fn consume(&mut self, count: usize) {
        self.length -= count;
        self.start = if self.length == 0 { 0 } else { (self.start + count) % self.size() };
    }

    /// Whether poll(2) says that there is room: enough for what is written whole.
    fn is_writable(&self) -> bool {
        self.capacity - self.length >= PIPE_BUF
    }
}

impl Pipe {
    fn read(&self, io: &Io<'_>, out: &mut dyn Sink) -> Result<usize, Errno> {
        let mut state = self.0.lock();
        if out.room() == 0 {
            return Ok(0);
        }
        if state.length == 0 {
            if state.writers == 0 {
                return Ok(0);
            }
            io.wait_for(&mut state.wakers, READABLE | PollEvents::HUP);
            return Err(Errno::EAGAIN);
        }
        let mut done = 0;
        while state.length > 0 && out.room() > 0 {
            let first = state.filled();
            let count = first.len().min(out.room());
            if let Err(errno) = out.put(&first[..count]) {
                return partial(done, Err(errno));
            }
            let was_full = !state.is_writable();
            state.consume(count);
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
        let room = state.make_room(io, wanted)?;
        if wanted > 0 && (room == 0 || wanted <= PIPE_BUF && room < wanted) {
            state.is_refused = true;
            io.wait_for(&mut state.wakers, WRITABLE | PollEvents::ERR);
            return Err(Errno::EAGAIN);
        }
        let mut done = 0;
        while done < wanted.min(room) {
            let free = state.free();
            let count = free.len().min(wanted.min(room) - done);
            if let Err(errno) = from.take(&mut free[..count]) {
                return partial(done, Err(errno));
            }
            state.length += count;
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
            events.set(READABLE, state.length > 0);
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
            state.consume_all();
        }
        // The last one that reads, or writes, has gone: the others learn it.
        if (state.readers == 0) != (state.writers == 0) {
            state.wakers.wake_all();
        }
    }
}

impl State {
    /// What nobody will read is gone (a FIFO's bytes go with its last end).
    fn consume_all(&mut self) {
        self.ring = Vec::new();
        self.start = 0;
        self.length = 0;
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
        Ok(self.pipe.0.lock().length as u64)
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
        if state.length > capacity {
            return Err(Errno::EBUSY);
        }
        state.capacity = capacity;
        if state.size() > capacity {
            state.resize(capacity)?;
        }
        state.wakers.wake_all();
        Ok(capacity)
    }
}

#[cfg(test)]
mod tests;
