//! Signals that are read (signalfd(2)): those of a set that wait for the calling thread or for the process.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::errno::Errno;
use abi::event::SignalFdInfo;
use abi::io::PollEvents;
use abi::signal::{SigInfo, SigSet, Signal};
use zerocopy::IntoBytes as _;

use super::io::{Sink, partial};
use super::{File, Io, Positions};

/// Bytes of a signal.
const BYTES: usize = size_of::<SignalFdInfo>();

/// Whose signal it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The calling thread's.
    Thread,
    /// The process's.
    Process,
}

/// A signal that was taken from those that wait.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Which.
    pub signal: Signal,
    /// Why it came.
    pub info: SigInfo,
    /// Whose it was.
    pub owner: Owner,
}

/// The signals that wait, as the calling thread sees them.
pub trait Signals: Sync + fmt::Debug {
    /// Has who looks told when one comes ([`Io::watch`] with all events).
    fn watch(&self, io: &Io<'_>);
    /// Has the caller woken when one comes ([`Io::wait_for`]).
    fn wait(&self, io: &Io<'_>);
    /// Tells who waits: what a descriptor reads is another set now.
    fn tell(&self);
    /// Which ones wait.
    fn pending(&self) -> SigSet;
    /// Takes the first one of `wanted`.
    fn take(&self, wanted: SigSet) -> Option<Taken>;
    /// Has one that was taken wait again, before all others.
    fn give_back(&self, taken: Taken);
    /// One that was taken was handed on.
    fn handed_on(&self, info: &SigInfo);
}

/// The descriptor's set of signals.
#[derive(Debug)]
pub struct SignalFd {
    wanted: AtomicU64,
    signals: &'static dyn Signals,
}

impl SignalFd {
    /// Reads those of `wanted`; SIGKILL and SIGSTOP are never read.
    pub fn new(wanted: SigSet, signals: &'static dyn Signals) -> Self {
        Self { wanted: AtomicU64::new(readable(wanted).0), signals }
    }

    /// Reads those of `wanted` from now on.
    pub fn set(&self, wanted: SigSet) {
        self.wanted.store(readable(wanted).0, Ordering::Release);
        self.signals.tell();
    }

    fn wanted(&self) -> SigSet {
        SigSet(self.wanted.load(Ordering::Acquire))
    }

    /// Hands one signal on; false: none waits.
    fn read_one(&self, out: &mut dyn Sink) -> Result<bool, Errno> {
        let Some(taken) = self.signals.take(self.wanted()) else { return Ok(false) };
        if let Err(errno) = out.put(SignalFdInfo::from(&taken.info).as_bytes()) {
            self.signals.give_back(taken);
            return Err(errno);
        }
        self.signals.handed_on(&taken.info);
        Ok(true)
    }
}

fn readable(wanted: SigSet) -> SigSet {
    wanted.difference(SigSet::UNBLOCKABLE)
}

impl File for SignalFd {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        if out.room() < BYTES {
            return Err(Errno::EINVAL);
        }
        // Before the look: there is no lock that would keep signals from coming in between.
        self.signals.wait(io);
        let mut done = 0;
        let mut end = Ok(());
        while out.room() >= BYTES {
            match self.read_one(out) {
                Ok(true) => done += BYTES,
                Ok(false) if done == 0 => return Err(Errno::EAGAIN),
                Ok(false) => break,
                Err(errno) => {
                    end = Err(errno);
                    break;
                }
            }
        }
        partial(done, end)
    }

    fn positions(&self) -> Positions {
        Positions::AlwaysZero
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        self.signals.watch(io);
        let is_there = !self.signals.pending().intersection(self.wanted()).is_empty();
        if is_there { PollEvents::IN } else { PollEvents::empty() }
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn signals(&self) -> Option<&SignalFd> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
