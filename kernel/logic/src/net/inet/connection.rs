//! A TCP connection as its socket sees it: carried by packets from and to another machine, or joined to another socket of this one.

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::Shutdown;

use crate::file::Io;
use crate::file::io::{Sink, Source};
use crate::file::poll::WRITABLE;
use crate::file::wakers::WakerSet;

use super::carried::Carried;
use super::flow::Flow;
use super::joint::End;
use super::packet::Ends;
use super::settings::Manner;
use super::stack::Stack;

/// A TCP connection.
#[derive(Clone, Debug)]
pub enum Connection {
    /// To another machine.
    Carried(Arc<Carried>),
    /// Within this machine.
    Joined(End),
}

impl Connection {
    /// Its addresses.
    pub fn ends(&self) -> Ends {
        match self {
            Self::Carried(carried) => carried.ends(),
            Self::Joined(end) => end.ends(),
        }
    }

    /// Acts as the socket's options say.
    pub(super) fn configure(&self, stack: &Stack, manner: &Manner, buffers: [usize; 2]) {
        match self {
            Self::Carried(carried) => stack.step(carried, |flow| flow.configure(manner)),
            Self::Joined(end) => end.set_buffers(buffers),
        }
    }

    /// What comes is acknowledged at once from now on, until something is sent after it; or waits for that (tcp(7), `TCP_QUICKACK`).
    pub(super) fn set_quick_ack(&self, stack: &Stack, on: bool) {
        if let Self::Carried(carried) = self {
            stack.step(carried, |flow| flow.set_quick_ack(on));
        }
    }

    /// Whether it is; within this machine nothing is acknowledged.
    pub(super) fn quick_ack(&self) -> Option<bool> {
        match self {
            Self::Carried(carried) => Some(carried.look(|flow| flow.quick_ack())),
            Self::Joined(_) => None,
        }
    }

    /// Whether it is open by now.
    ///
    /// # Errors
    /// `EAGAIN` while it is not; why it never will be, once.
    pub fn opened(&self, io: &Io<'_>) -> Result<(), Errno> {
        match self {
            Self::Carried(carried) => {
                carried.wait_for(io, WRITABLE | PollEvents::ERR | PollEvents::HUP);
                carried.look(|flow| match flow.take_error() {
                    Some(errno) => Err(errno),
                    None if flow.is_opening() => Err(Errno::EAGAIN),
                    None => Ok(()),
                })
            }
            Self::Joined(end) => end.opened(io),
        }
    }

    /// Writes bytes, as many as there is room for.
    ///
    /// # Errors
    /// `EAGAIN` without room, or before it is open; `EPIPE` when nothing can be sent any more; the error that ended it, once; `EFAULT`.
    pub fn write(&self, stack: &Stack, io: &Io<'_>, from: &mut dyn Source) -> Result<usize, Errno> {
        match self {
            Self::Carried(carried) => {
                carried.wait_for(io, WRITABLE | PollEvents::ERR | PollEvents::HUP);
                stack.step(carried, |flow| flow.write(from))
            }
            Self::Joined(end) => end.write(stack, io, from),
        }
    }

    /// Reads what has come; 0 behind the last byte. With `peek` it stays.
    ///
    /// # Errors
    /// `EAGAIN` when there is nothing yet; the error that ended it, once; `EFAULT`.
    pub fn read(&self, stack: &Stack, io: &Io<'_>, out: &mut dyn Sink, peek: bool) -> Result<usize, Errno> {
        match self {
            Self::Carried(carried) => {
                let (result, must_tell) = carried.read(io, out, peek);
                if must_tell {
                    stack.step(carried, |_| ());
                }
                result
            }
            Self::Joined(end) => end.read(io, out, peek),
        }
    }

    /// Ends a half of it, or both (shutdown(2)).
    ///
    /// # Errors
    /// `ENOTCONN` when it has ended.
    pub fn shut(&self, stack: &Stack, how: Shutdown) -> Result<(), Errno> {
        match self {
            Self::Carried(carried) => stack.step(carried, |flow| {
                if flow.is_over() {
                    return Err(Errno::ENOTCONN);
                }
                if how.reads() {
                    flow.read_no_more();
                }
                if how.writes() {
                    flow.finish();
                }
                Ok(())
            }),
            Self::Joined(end) => end.shut(stack, how),
        }
    }

    /// Ends it at once; the other side is told with a reset.
    pub fn abort(&self, stack: &Stack) {
        match self {
            Self::Carried(carried) => stack.step(carried, Flow::abort),
            Self::Joined(end) => end.abort(stack),
        }
    }

    /// The program has closed it. What was written is still sent, unless `at_once`, or something was never read: then the other side is told so
    /// by a reset (RFC 2525, section 2.17).
    pub fn release(&self, stack: &Stack, at_once: bool) {
        match self {
            Self::Carried(carried) => stack.step(carried, |flow| {
                if at_once || flow.readable() > 0 || flow.is_opening() {
                    flow.abort();
                } else {
                    flow.orphan();
                }
            }),
            Self::Joined(end) => end.release(stack, at_once),
        }
    }

    /// What can be done without waiting (poll(2)).
    pub fn readiness(&self, io: &Io<'_>) -> PollEvents {
        match self {
            Self::Carried(carried) => carried.readiness(io),
            Self::Joined(end) => end.readiness(io),
        }
    }

    /// The error that ended it, once.
    pub fn take_error(&self) -> Option<Errno> {
        match self {
            Self::Carried(carried) => carried.take_error(),
            Self::Joined(end) => end.take_error(),
        }
    }

    /// Whether both sides know of it.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Carried(carried) => carried.look(|flow| flow.is_open() && !flow.is_over()),
            Self::Joined(end) => end.is_there(),
        }
    }

    /// Whether it is still on its way to be open.
    pub fn is_opening(&self) -> bool {
        match self {
            Self::Carried(carried) => carried.look(|flow| flow.is_opening()),
            Self::Joined(end) => end.is_opening(),
        }
    }

    /// Bytes that can be read at once.
    pub fn readable(&self) -> usize {
        match self {
            Self::Carried(carried) => carried.look(|flow| flow.readable()),
            Self::Joined(end) => end.readable(),
        }
    }

    /// Bytes that were written and have not come to the other side (ioctl(2), `SIOCOUTQ`).
    pub fn unsent(&self) -> usize {
        match self {
            Self::Carried(carried) => carried.look(|flow| flow.unacknowledged()),
            Self::Joined(end) => end.unsent(),
        }
    }

    /// Who waits in `others` waits for this connection now.
    pub(super) fn take_over(&self, others: &mut WakerSet) {
        match self {
            Self::Carried(carried) => carried.take_over(others),
            Self::Joined(end) => end.take_over(others),
        }
    }

    /// Who waits for this connection waits in `others` now: the socket is something else.
    pub(super) fn hand_over(&self, others: &mut WakerSet) {
        match self {
            Self::Carried(carried) => carried.hand_over(others),
            Self::Joined(end) => end.hand_over(others),
        }
    }
}
