//! A connection that packets carry, as the stack keeps it: a flow behind its lock, who waits for it, and when it must be looked at again.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicU64, Ordering};

use abi::errno::Errno;
use abi::io::PollEvents;
use sync::Lock;

use crate::file::Io;
use crate::file::io::Sink;
use crate::file::poll::READABLE;
use crate::file::wakers::WakerSet;

use super::flow::{Flow, Readiness};
use super::late::LastWords;
use super::listener::Listener;
use super::outlet::Outlet;
use super::packet::{Ends, Packet, Segment};

/// A TCP connection to another machine.
#[derive(Debug)]
pub struct Carried {
    ends: Ends,
    state: Lock<State>,
    /// When it must be looked at again; `u64::MAX` for never.
    due_at: AtomicU64,
    /// For when it stands in the queue of deadlines, which may be earlier; `u64::MAX` when it does not.
    queued_for: AtomicU64,
}

#[derive(Debug)]
struct State {
    flow: Box<Flow>,
    /// What it was ready for when those who wait were told last, less what has gone since.
    seen: Readiness,
    /// A packet came since the last step.
    is_touched: bool,
    wakers: WakerSet,
    /// Where it goes when it is open, if it came in.
    listener: Weak<Listener>,
}

/// What is left to do after a step, with no lock held.
#[derive(Debug, Default)]
pub(super) struct After {
    /// When it must be looked at again.
    pub(super) deadline: Option<u64>,
    /// It has come to its end: nothing finds it any more.
    pub(super) is_over: bool,
    /// What is said to late packets of its.
    pub(super) last_words: Option<LastWords>,
    /// It is open, and this listener waits for it.
    pub(super) opened_for: Option<Arc<Listener>>,
}

impl State {
    /// Something may have been taken; what has come meanwhile stays news.
    fn see_what_is_left(&mut self) {
        let Readiness { events, readable, .. } = self.flow.readiness();
        self.seen.events &= events;
        self.seen.readable = self.seen.readable.min(readable);
    }
}

impl Carried {
    /// A connection that `flow` carries.
    pub(super) fn new(flow: Box<Flow>, listener: Weak<Listener>) -> Self {
        let state =
            State { seen: flow.readiness(), is_touched: false, wakers: WakerSet::new(), listener, flow };
        let never = || AtomicU64::new(u64::MAX);
        Self { ends: state.flow.ends(), state: Lock::new(state), due_at: never(), queued_for: never() }
    }

    /// Its addresses.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// A packet came; [`Carried::step`] does what follows from it, for all that came until then. False: that is known already.
    pub(super) fn receive(
        &self,
        packet: &Packet<'_>,
        segment: &Segment,
        now_ns: u64,
        outlet: &mut dyn Outlet,
    ) -> bool {
        let mut state = self.state.lock();
        state.flow.receive_packet(packet, segment, now_ns, outlet);
        !core::mem::replace(&mut state.is_touched, true)
    }

    /// Does `step` with the flow, then sends what is to be sent and wakes who waits for what came of it.
    pub(super) fn step<R>(
        &self,
        now_ns: u64,
        outlet: &mut dyn Outlet,
        step: impl FnOnce(&mut Flow, &mut dyn Outlet) -> R,
    ) -> (R, After) {
        let mut state = self.state.lock();
        state.is_touched = false;
        let result = step(&mut state.flow, outlet);
        let deadline = state.flow.poll(now_ns, outlet);
        let seen = state.flow.readiness();
        let before = core::mem::replace(&mut state.seen, seen);
        let mut news = seen.events.difference(before.events);
        // More bytes are news even where there were some.
        news.set(READABLE, news.intersects(READABLE) || seen.readable > before.readable);
        if !news.is_empty() {
            state.wakers.wake(news);
        }
        let opened_for =
            if state.flow.is_open() { core::mem::take(&mut state.listener).upgrade() } else { None };
        let is_over = seen.is_over;
        let deadline = deadline.filter(|_| !is_over);
        self.due_at.store(deadline.unwrap_or(u64::MAX), Ordering::Release);
        let last_words = if is_over { state.flow.last_words() } else { None };
        (result, After { deadline, is_over, last_words, opened_for })
    }

    /// Reads what has come, as [`Flow::read`]. True: a [`Carried::step`] must tell the other side that there is room again.
    pub(super) fn read(&self, io: &Io<'_>, out: &mut dyn Sink, peek: bool) -> (Result<usize, Errno>, bool) {
        let mut state = self.state.lock();
        let result = state.flow.read(out, peek);
        if result == Err(Errno::EAGAIN) {
            io.wait_for(&mut state.wakers, READABLE | PollEvents::ERR | PollEvents::HUP);
        } else {
            state.see_what_is_left();
        }
        (result, state.flow.must_tell_of_room())
    }

    /// Has the caller woken when `events` may be there, if it waits.
    pub(super) fn wait_for(&self, io: &Io<'_>, events: PollEvents) {
        if io.waits() {
            io.wait_for(&mut self.state.lock().wakers, events);
        }
    }

    /// Looks at the flow.
    pub(super) fn look<R>(&self, look: impl FnOnce(&mut Flow) -> R) -> R {
        let mut state = self.state.lock();
        let answer = look(&mut state.flow);
        state.see_what_is_left();
        answer
    }

    /// What can be done without waiting (poll(2)).
    pub(super) fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.state.lock();
        io.watch(&mut state.wakers);
        state.flow.readiness().events
    }

    /// Who waits in `others` waits for this connection now.
    pub(super) fn take_over(&self, others: &mut WakerSet) {
        self.state.lock().wakers.take_over(others);
    }

    /// Who waits for this connection waits in `others` now: the socket is something else.
    pub(super) fn hand_over(&self, others: &mut WakerSet) {
        others.take_over(&mut self.state.lock().wakers);
    }

    /// The error that ended it, once.
    pub(super) fn take_error(&self) -> Option<Errno> {
        self.look(Flow::take_error)
    }

    /// Whether it must be queued for `deadline_ns`: it does not stand in the queue for an earlier time.
    pub(super) fn must_queue_for(&self, deadline_ns: u64) -> bool {
        self.queued_for.fetch_min(deadline_ns, Ordering::AcqRel) > deadline_ns
    }

    /// The time that it stood in the queue for has come. Answers when it is due, which may have moved to later; `None` when another time, which was earlier,
    /// took the place of this one.
    pub(super) fn leave_queue(&self, queued_for_ns: u64) -> Option<u64> {
        let (this, none) = (queued_for_ns, u64::MAX);
        self.queued_for.compare_exchange(this, none, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        // Who made it sooner and left it in the queue had written so before.
        Some(self.due_at.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests;
