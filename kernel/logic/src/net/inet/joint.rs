//! Two sockets of this machine that are connected to each other: what one writes is what the other reads. No packet is made of it, nothing is added up,
//! no clock runs; what a program sees is what it would see of TCP between two machines with nothing in between.
//!
//! One lock guards both sides, so that no end of a connection is ever seen half. It is held for one copy, and nothing is taken inside it.

use alloc::sync::{Arc, Weak};

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::Shutdown;
use sync::Lock;

use crate::file::Io;
use crate::file::io::{Sink, Source, partial};
use crate::file::poll::{READABLE, WRITABLE};
use crate::file::ring::{Ring, SMALL};
use crate::file::wakers::WakerSet;

use super::STREAM_BUFFER;
use super::packet::Ends;
use super::stack::Stack;

/// Who asked, and who was asked.
const CLIENT: u8 = 0;
const SERVER: u8 = 1;

/// A connection within this machine.
#[derive(Debug)]
pub struct Joint {
    /// As the client sees them.
    ends: Ends,
    state: Lock<State>,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It waits for room among those that wait to be accepted.
    Asking,
    Open,
    /// Nothing more can be sent either way.
    Over,
}

#[derive(Debug)]
struct State {
    sides: [Side; 2],
    phase: Phase,
    /// It stands in the stack's table.
    is_listed: bool,
}

/// What belongs to one of the sockets.
#[derive(Debug)]
struct Side {
    /// Bytes it can read.
    incoming: Ring,
    /// Bytes that may wait: of what it sends, of what it gets.
    buffers: [usize; 2],
    /// It sends nothing any more.
    has_finished: bool,
    /// It reads nothing any more.
    is_shut: bool,
    /// Its socket is closed.
    is_gone: bool,
    /// A write found no room since something was read.
    was_refused: bool,
    /// Why it ended, until somebody is told.
    error: Option<Errno>,
    wakers: WakerSet,
}

/// One side of a connection within this machine: what a socket has.
#[derive(Clone, Debug)]
pub struct End {
    joint: Arc<Joint>,
    me: u8,
    /// The same, for a socket that is connected to itself.
    peer: u8,
}

impl Side {
    fn new() -> Self {
        Self {
            incoming: Ring::new(),
            buffers: [STREAM_BUFFER as usize; 2],
            has_finished: false,
            is_shut: false,
            is_gone: false,
            was_refused: false,
            error: None,
            wakers: WakerSet::new(),
        }
    }
}

impl Joint {
    fn new(ends: Ends, phase: Phase) -> Arc<Self> {
        let state = State { sides: [Side::new(), Side::new()], phase, is_listed: true };
        Arc::new(Self { ends, state: Lock::new(state) })
    }
}

impl State {
    fn mine(&mut self, end: &End) -> &mut Side {
        &mut self.sides[usize::from(end.me)]
    }

    fn theirs(&mut self, end: &End) -> &mut Side {
        &mut self.sides[usize::from(end.peer)]
    }

    /// Bytes from `from` to `to` that have not been read, and how many these may be.
    fn on_their_way(&self, from: u8, to: u8) -> (usize, usize) {
        let (from, to) = (&self.sides[usize::from(from)], &self.sides[usize::from(to)]);
        (to.incoming.len(), from.buffers[0].saturating_add(to.buffers[1]))
    }

    /// Whether there is room enough that it is worth telling who writes (Linux `sk_stream_is_writeable`).
    fn has_room(&self, from: u8, to: u8) -> bool {
        let (used, most) = self.on_their_way(from, to);
        used.saturating_mul(3) <= most.saturating_mul(2)
    }

    /// What poll(2) says to `end`.
    fn events(&self, end: &End) -> PollEvents {
        if self.phase == Phase::Asking {
            return PollEvents::empty();
        }
        let (mine, theirs) = (&self.sides[usize::from(end.me)], &self.sides[usize::from(end.peer)]);
        let is_over = self.phase == Phase::Over;
        let (may_send, ends) =
            (!mine.has_finished && !is_over, theirs.has_finished || mine.is_shut || is_over);
        let mut events = PollEvents::empty();
        events.set(READABLE, !mine.incoming.is_empty() || ends);
        events.set(PollEvents::RDHUP, ends);
        events.set(WRITABLE, !may_send || self.has_room(end.me, end.peer));
        events.set(PollEvents::HUP, ends && !may_send);
        events.set(PollEvents::ERR, mine.error.is_some());
        events
    }

    /// `end` sends nothing any more.
    fn finish(&mut self, end: &End) {
        self.mine(end).has_finished = true;
        if self.theirs(end).has_finished {
            self.phase = Phase::Over;
        }
    }

    /// It ends at once, and the socket at `told` is told (Linux `tcp_reset`).
    fn reset(&mut self, told: u8) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        let other = usize::from(told ^ 1);
        let is_half_closed = self.sides[other].has_finished;
        self.sides[usize::from(told)].error =
            Some(if is_half_closed { Errno::EPIPE } else { Errno::ECONNRESET });
    }
}

impl End {
    /// The client's side of a connection that is open, or waits to be.
    pub(super) fn of_client(ends: Ends, is_open: bool) -> Self {
        let phase = if is_open { Phase::Open } else { Phase::Asking };
        Self { joint: Joint::new(ends, phase), me: CLIENT, peer: SERVER }
    }

    /// A socket that is connected to itself: what two that ask each other at the same time come to (RFC 9293, section 3.5), if both are one.
    pub(super) fn of_itself(ends: Ends) -> Self {
        Self { joint: Joint::new(ends, Phase::Open), me: CLIENT, peer: CLIENT }
    }

    /// The other side.
    pub(super) fn other(&self) -> Self {
        Self { joint: Arc::clone(&self.joint), me: self.peer, peer: self.me }
    }

    /// Its addresses: here, and there.
    pub fn ends(&self) -> Ends {
        let (here, there) = self.joint.ends;
        if self.me == CLIENT { (here, there) } else { (there, here) }
    }

    /// Does what changes more than bytes, and tells everybody. What has come to its end stands in the stack's table no more.
    fn change<R>(&self, stack: &Stack, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, is_over) = {
            let state = &mut *self.joint.state.lock();
            let result = change(state);
            state.sides.iter_mut().for_each(|side| side.wakers.wake_all());
            (result, state.phase == Phase::Over && core::mem::take(&mut state.is_listed))
        };
        if is_over {
            stack.forget(&self.joint.ends);
        }
        result
    }

    /// There is room for it where connections wait to be accepted. False when it does not wait for that any more.
    pub(super) fn open(&self) -> bool {
        let state = &mut *self.joint.state.lock();
        let is_asking = state.phase == Phase::Asking;
        if is_asking {
            state.phase = Phase::Open;
            state.sides.iter_mut().for_each(|side| side.wakers.wake_all());
        }
        is_asking
    }

    /// It is not to be, if it was not yet.
    pub(super) fn refuse(&self, stack: &Stack, errno: Errno) {
        self.change(stack, |state| {
            if state.phase == Phase::Asking {
                state.phase = Phase::Over;
                state.sides[usize::from(CLIENT)].error = Some(errno);
            }
        });
    }

    /// Whether it waits for room.
    pub(super) fn is_opening(&self) -> bool {
        self.joint.state.lock().phase == Phase::Asking
    }

    /// See [`super::connection::Connection::opened`].
    pub(super) fn opened(&self, io: &Io<'_>) -> Result<(), Errno> {
        let state = &mut *self.joint.state.lock();
        let phase = state.phase;
        let mine = state.mine(self);
        match (mine.error.take(), phase) {
            (Some(errno), _) => Err(errno),
            (None, Phase::Asking) => {
                io.wait_for(&mut mine.wakers, PollEvents::all());
                Err(Errno::EAGAIN)
            }
            (None, Phase::Open) => Ok(()),
            // Somebody else was told why.
            (None, Phase::Over) => Err(Errno::ECONNABORTED),
        }
    }

    /// Sets how many bytes may wait: to be sent, to be read.
    pub(super) fn set_buffers(&self, buffers: [usize; 2]) {
        let state = &mut *self.joint.state.lock();
        state.mine(self).buffers = buffers;
        // There may be more room now.
        state.sides.iter_mut().for_each(|side| side.wakers.wake(WRITABLE));
    }

    /// See [`super::connection::Connection::write`].
    pub(super) fn write(&self, stack: &Stack, io: &Io<'_>, from: &mut dyn Source) -> Result<usize, Errno> {
        {
            let state = &mut *self.joint.state.lock();
            let wanted = from.left();
            if state.phase == Phase::Asking {
                io.wait_for(&mut state.mine(self).wakers, PollEvents::all());
                return Err(Errno::EAGAIN);
            }
            if state.phase == Phase::Over || state.mine(self).has_finished {
                return Err(state.mine(self).error.take().unwrap_or(Errno::EPIPE));
            }
            if wanted == 0 {
                return Ok(0);
            }
            if !state.theirs(self).is_gone {
                let (_, most) = state.on_their_way(self.me, self.peer);
                let theirs = state.theirs(self);
                // Without memory there will be room when something was read, if there is something.
                let least = usize::from(theirs.incoming.is_empty());
                let room =
                    theirs.incoming.make_room(io, (least, wanted), most).map_err(|_| Errno::ENOBUFS)?;
                let (done, end) = theirs.incoming.fill(from, wanted.min(room));
                if done > 0 {
                    theirs.wakers.wake(READABLE);
                } else if room == 0 {
                    let mine = state.mine(self);
                    mine.was_refused = true;
                    io.wait_for(&mut mine.wakers, WRITABLE | PollEvents::ERR | PollEvents::HUP);
                    return Err(Errno::EAGAIN);
                }
                return partial(done, end);
            }
        }
        // Nobody will read it: that is known as soon as it was sent, and not before.
        let count = from.take_unseen();
        self.change(stack, |state| state.reset(self.me));
        Ok(count)
    }

    /// See [`super::connection::Connection::read`].
    pub(super) fn read(&self, io: &Io<'_>, out: &mut dyn Sink, peek: bool) -> Result<usize, Errno> {
        let state = &mut *self.joint.state.lock();
        if out.room() == 0 {
            return Ok(0);
        }
        if !state.mine(self).incoming.is_empty() {
            let had_room = state.has_room(self.peer, self.me);
            let incoming = &mut state.mine(self).incoming;
            let count = incoming.len().min(out.room());
            let (done, end) = incoming.hand_over(out, 0, count);
            if !peek {
                incoming.consume(done);
                incoming.relax(SMALL);
            }
            if (!had_room || state.theirs(self).was_refused) && state.has_room(self.peer, self.me) {
                let theirs = state.theirs(self);
                theirs.was_refused = false;
                theirs.wakers.wake(WRITABLE);
            }
            return partial(done, end);
        }
        if state.theirs(self).has_finished {
            return Ok(0);
        }
        let is_over = state.phase == Phase::Over;
        let mine = state.mine(self);
        match mine.error.take() {
            Some(errno) => Err(errno),
            None if mine.is_shut || is_over => Ok(0),
            None => {
                io.wait_for(&mut mine.wakers, READABLE | PollEvents::ERR | PollEvents::HUP);
                Err(Errno::EAGAIN)
            }
        }
    }

    /// See [`super::connection::Connection::shut`].
    pub(super) fn shut(&self, stack: &Stack, how: Shutdown) -> Result<(), Errno> {
        self.change(stack, |state| {
            if state.phase == Phase::Over {
                return Err(Errno::ENOTCONN);
            }
            if how.reads() {
                state.mine(self).is_shut = true;
            }
            if how.writes() {
                state.finish(self);
            }
            Ok(())
        })
    }

    /// See [`super::connection::Connection::abort`].
    pub(super) fn abort(&self, stack: &Stack) {
        self.release(stack, true);
    }

    /// See [`super::connection::Connection::release`].
    pub(super) fn release(&self, stack: &Stack, at_once: bool) {
        self.change(stack, |state| {
            let has_unread = !state.mine(self).incoming.is_empty();
            match state.phase {
                Phase::Asking => state.phase = Phase::Over,
                Phase::Open if at_once || has_unread => state.reset(self.peer),
                Phase::Open => state.finish(self),
                Phase::Over => {}
            }
            let mine = state.mine(self);
            mine.is_gone = true;
            mine.incoming.clear();
        });
    }

    /// See [`super::connection::Connection::readiness`].
    pub(super) fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let state = &mut *self.joint.state.lock();
        io.watch(&mut state.mine(self).wakers);
        state.events(self)
    }

    /// See [`super::connection::Connection::take_error`].
    pub(super) fn take_error(&self) -> Option<Errno> {
        self.joint.state.lock().mine(self).error.take()
    }

    /// See [`super::connection::Connection::is_there`].
    pub(super) fn is_there(&self) -> bool {
        self.joint.state.lock().phase == Phase::Open
    }

    /// See [`super::connection::Connection::readable`].
    pub(super) fn readable(&self) -> usize {
        self.joint.state.lock().mine(self).incoming.len()
    }

    /// See [`super::connection::Connection::unsent`]. What the other side's buffer holds has come there.
    pub(super) fn unsent(&self) -> usize {
        let state = &mut *self.joint.state.lock();
        let theirs = state.theirs(self);
        theirs.incoming.len().saturating_sub(theirs.buffers[1])
    }

    /// See [`super::connection::Connection::take_over`].
    pub(super) fn take_over(&self, others: &mut WakerSet) {
        self.joint.state.lock().mine(self).wakers.take_over(others);
    }

    /// See [`super::connection::Connection::hand_over`].
    pub(super) fn hand_over(&self, others: &mut WakerSet) {
        others.take_over(&mut self.joint.state.lock().mine(self).wakers);
    }

    /// Names it without keeping it.
    pub(super) fn downgrade(&self) -> Weak<Joint> {
        Arc::downgrade(&self.joint)
    }
}

impl Joint {
    /// It has waited for room too long.
    pub(super) fn give_up(self: Arc<Self>, stack: &Stack) {
        End { joint: self, me: CLIENT, peer: SERVER }.refuse(stack, Errno::ETIMEDOUT);
    }
}

#[cfg(test)]
mod tests;
