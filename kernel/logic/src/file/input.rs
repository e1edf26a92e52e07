//! Standard input as it arrives from the host, byte by byte at interrupt time, for whoever reads.
//!
//! Raw: every byte is input, and there is no end. Framed: a length (u16, little-endian) and that many bytes; length 0 is the end
//! of file, and [`SIGNAL_FRAME`] is followed by the number of a signal for the program (docs/command-line.md). When the queue is full the
//! device is told to stop until a reader has made room.
//!
//! A terminal's interrupt and quit characters (termios(3)) become signals here, when they arrive: nobody may be reading.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::signal::Signal;
use sync::IrqLock;

use super::Io;
use super::io::Sink;
use super::poll::READABLE;
use super::wakers::WakerSet;
use crate::boot::cmdline::Stdin;

/// Bytes kept for readers.
const MOST_QUEUED: usize = 64 * 1024;
/// The device may go on when this much is left.
const RESUME_BELOW: usize = MOST_QUEUED / 2;

/// The length that announces a signal.
pub const SIGNAL_FRAME: u16 = u16::MAX;

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
    /// The number of a signal comes next.
    Signal,
}

/// Characters that are not input but signals; 0 is none (`_POSIX_VDISABLE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalCharacters {
    /// `SIGINT` (`VINTR`).
    pub interrupt: u8,
    /// `SIGQUIT` (`VQUIT`).
    pub quit: u8,
    /// `SIGTSTP` (`VSUSP`), which only a handler notices: there is nobody to go on with.
    pub suspend: u8,
    /// What has not been read stays (`NOFLSH`).
    pub keeps_input: bool,
}

impl SignalCharacters {
    fn signal(self, byte: u8) -> Option<Signal> {
        match byte {
            0 => None,
            _ if byte == self.interrupt => Some(Signal::SIGINT),
            _ if byte == self.quit => Some(Signal::SIGQUIT),
            _ if byte == self.suspend => Some(Signal::SIGTSTP),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct State {
    frame: Frame,
    /// The end of file has come.
    ended: bool,
    queue: VecDeque<u8>,
    characters: SignalCharacters,
    wakers: WakerSet,
    stopped: bool,
}

impl State {
    /// Takes a byte of input; a signal if it is one.
    fn take(&mut self, byte: u8) -> Option<Signal> {
        let signal = self.characters.signal(byte);
        if signal.is_none() {
            self.queue.push_back(byte);
        } else if !self.characters.keeps_input {
            self.queue.clear();
        }
        signal
    }
}

/// What the host's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person: some characters are signals.
    Terminal,
    /// Anything else: all bytes are input.
    Stream,
}

/// Tells the program of a signal, at interrupt time.
pub type Notify = Box<dyn Fn(Signal) + Send + Sync>;

/// Standard input.
pub struct Input {
    state: IrqLock<State>,
    /// Makes the device go on after [`Input::receive`] answered false.
    resume: Box<dyn Fn() + Send + Sync>,
    notify: Notify,
    origin: Origin,
}

impl Input {
    /// Input of kind `stdin` from `origin`; `resume` makes a stopped device go on, `notify` hears of signals.
    pub fn new(stdin: Stdin, origin: Origin, resume: Box<dyn Fn() + Send + Sync>, notify: Notify) -> Self {
        let state = State {
            frame: if stdin == Stdin::Raw { Frame::Raw } else { Frame::Length },
            ended: stdin == Stdin::None,
            queue: VecDeque::new(),
            characters: SignalCharacters::default(),
            wakers: WakerSet::new(),
            stopped: false,
        };
        Self { state: IrqLock::new(state), resume, notify, origin }
    }

    /// Has these characters be signals from now on, if they come from a terminal.
    pub fn set_signal_characters(&self, characters: SignalCharacters) {
        if self.origin == Origin::Terminal {
            self.state.lock().characters = characters;
        }
    }

    /// A byte has arrived. False: the device must stop until it is resumed.
    pub fn receive(&self, byte: u8) -> bool {
        let mut state = self.state.lock();
        let mut signal = None;
        state.frame = match state.frame {
            Frame::Raw => {
                signal = state.take(byte);
                Frame::Raw
            }
            Frame::Length => Frame::HighLength(byte),
            Frame::HighLength(low) => match u16::from_le_bytes([low, byte]) {
                0 => {
                    state.ended = true;
                    Frame::Length
                }
                SIGNAL_FRAME => Frame::Signal,
                length => Frame::Bytes(length),
            },
            Frame::Bytes(left) => {
                // What comes behind the end is nobody's.
                if !state.ended {
                    signal = state.take(byte);
                }
                if left == 1 { Frame::Length } else { Frame::Bytes(left - 1) }
            }
            Frame::Signal => {
                signal = Signal::new(i32::from(byte)).ok();
                Frame::Length
            }
        };
        state.wakers.wake(READABLE | PollEvents::HUP);
        state.stopped = state.queue.len() >= MOST_QUEUED;
        let goes_on = !state.stopped;
        drop(state);
        if let Some(signal) = signal {
            (self.notify)(signal);
        }
        goes_on
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
            if state.ended {
                return Ok(0);
            }
            io.wait_for(&mut state.wakers, READABLE);
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
        io.watch(&mut state.wakers);
        let mut events = PollEvents::empty();
        events.set(READABLE, !state.queue.is_empty() || state.ended);
        events.set(PollEvents::HUP, state.queue.is_empty() && state.ended);
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
