//! Standard input as it arrives from the host, byte by byte at interrupt time, for whoever reads.
//!
//! Raw: every byte is input, and there is no end. Framed: a length (u16, little-endian) and that many bytes; length 0 is the end
//! of file (docs/command-line.md). When the queue is full the device is told to stop until a reader has made room.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;

use abi::errno::Errno;
use abi::io::PollEvents;
use sync::{IrqLock, WakerSet};

use super::Io;
use super::io::Sink;
use crate::boot::cmdline::Stdin;

/// Bytes kept for readers.
const MOST_QUEUED: usize = 64 * 1024;
/// The device may go on when this much is left.
const RESUME_BELOW: usize = MOST_QUEUED / 2;

/// Where the decoder of frames stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// Every byte is input.
    Raw,
    /// The first byte of a length comes next.
    Length,
    /// The second byte of a length comes next, after this one.
    HighLength(u8),
    /// So many bytes of input follow.
    Bytes(u16),
    /// The end of file has come.
    End,
}

#[derive(Debug)]
struct State {
    frame: Frame,
    queue: VecDeque<u8>,
    wakers: WakerSet,
    stopped: bool,
}

/// Standard input.
pub struct Input {
    state: IrqLock<State>,
    /// Makes the device go on after [`Input::receive`] answered false.
    resume: Box<dyn Fn() + Send + Sync>,
}

impl Input {
    /// Input of kind `stdin`; `resume` makes a stopped device go on.
    pub fn new(stdin: Stdin, resume: Box<dyn Fn() + Send + Sync>) -> Self {
        let frame = match stdin {
            Stdin::Raw => Frame::Raw,
            Stdin::Framed => Frame::Length,
            Stdin::None => Frame::End,
        };
        let state = State { frame, queue: VecDeque::new(), wakers: WakerSet::new(), stopped: false };
        Self { state: IrqLock::new(state), resume }
    }

    /// A byte has arrived. False: the device must stop until it is resumed.
    pub fn receive(&self, byte: u8) -> bool {
        let mut state = self.state.lock();
        state.frame = match state.frame {
            Frame::Raw => {
                state.queue.push_back(byte);
                Frame::Raw
            }
            Frame::Length => Frame::HighLength(byte),
            Frame::HighLength(low) => match u16::from_le_bytes([low, byte]) {
                0 => Frame::End,
                length => Frame::Bytes(length),
            },
            Frame::Bytes(left) => {
                state.queue.push_back(byte);
                if left == 1 { Frame::Length } else { Frame::Bytes(left - 1) }
            }
            Frame::End => Frame::End,
        };
        state.wakers.wake_all();
        state.stopped = state.queue.len() >= MOST_QUEUED;
        !state.stopped
    }

    /// Takes what has come; 0 is the end of file. A line at a time when `line_wise`, as a terminal gives it.
    ///
    /// # Errors
    /// `EAGAIN` when nothing has; `EFAULT`.
    pub fn read(&self, io: &Io<'_>, line_wise: bool, out: &mut dyn Sink) -> Result<usize, Errno> {
        let mut state = self.state.lock();
        if out.room() == 0 {
            return Ok(0);
        }
        if state.queue.is_empty() {
            if state.frame == Frame::End {
                return Ok(0);
            }
            if let Some(waker) = io.waker {
                state.wakers.register(waker);
            }
            return Err(Errno::EAGAIN);
        }
        let (first, _) = state.queue.as_slices();
        let line_end =
            first.iter().position(|&byte| line_wise && byte == b'\n').map_or(first.len(), |at| at + 1);
        let count = line_end.min(out.room());
        out.put(&first[..count])?;
        state.queue.drain(..count);
        if state.stopped && state.queue.len() < RESUME_BELOW {
            state.stopped = false;
            drop(state);
            (self.resume)();
        }
        Ok(count)
    }

    /// What a reader would find (poll(2)).
    pub fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.state.lock();
        if let Some(waker) = io.waker {
            state.wakers.register(waker);
        }
        let mut events = PollEvents::empty();
        events.set(PollEvents::IN | PollEvents::RDNORM, !state.queue.is_empty() || state.frame == Frame::End);
        events.set(PollEvents::HUP, state.queue.is_empty() && state.frame == Frame::End);
        events
    }

    /// Bytes that wait to be read.
    pub fn available(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Drops what has come and has not been read.
    pub fn clear(&self) {
        self.state.lock().queue.clear();
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
