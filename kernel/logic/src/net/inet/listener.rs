//! A listening socket: connections that are being asked for, and those that wait to be accepted.
//!
//! Who asks costs a few bytes until he has answered once: his first segment is kept as it came, with the seed of our answer's sequence number. Both
//! are enough to make the connection when the answer is acknowledged. While only few ask, the flow that answered is kept too, and made only once.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::errno::Errno;
use abi::io::PollEvents;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;
use smoltcp::wire::TcpSeqNumber;
use sync::Lock;

use crate::file::Io;
use crate::file::poll::{READABLE, WRITABLE};
use crate::file::wakers::WakerSet;

use super::connection::Connection;
use super::flow::Flow;
use super::joint::End;
use super::packet::{Ends, Segment};

/// Connections that may be asked for at a time; the one that has waited longest gives way.
const MOST_ASKING: usize = 1024;
/// Flows that are kept for who asks.
const MOST_FLOWS: usize = 64;
/// Bytes of a first segment: its headers with all options, and no data.
const MOST_FIRST: usize = 128;
/// How long an answer may take, in nanoseconds.
const ASKING_NS: u64 = 60_000_000_000;

/// A connection that was asked for.
#[derive(Debug)]
pub(super) struct Asking {
    /// The packet that asked.
    pub(super) first: Vec<u8>,
    /// What the sequence number of the answer comes from.
    pub(super) seed: u64,
    /// The flow that answered.
    pub(super) flow: Option<Box<Flow>>,
    /// The sequence number that was asked with.
    sequence: TcpSeqNumber,
    since: u64,
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    v6_only: bool,
    backlog: AtomicU32,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    asking: HashMap<Ends, Asking, SeedableRandomState>,
    /// Who asks, in the order they came, by the seed of each; those that are gone among them.
    order: VecDeque<(Ends, u64)>,
    /// How many of them have a flow.
    flows: usize,
    waiting: VecDeque<Connection>,
    /// Those within this machine for which there was no room among them.
    joining: VecDeque<End>,
    wakers: WakerSet,
    is_closed: bool,
}

impl Listener {
    /// Listens at `address`; `hash_seed` is secret.
    pub(super) fn new(address: SocketAddr, v6_only: bool, backlog: u32, hash_seed: u64) -> Self {
        let hasher = SeedableRandomState::with_seed(hash_seed, SharedSeed::global_fixed());
        Self {
            address,
            v6_only,
            backlog: AtomicU32::new(backlog),
            state: Lock::new(State {
                asking: HashMap::with_hasher(hasher),
                order: VecDeque::new(),
                flows: 0,
                waiting: VecDeque::new(),
                joining: VecDeque::new(),
                wakers: WakerSet::new(),
                is_closed: false,
            }),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How well it fits a connection to `local`: not at all, for any address of any family, for any of its own, for just this one.
    pub(super) fn fits(&self, local: SocketAddr) -> Option<u8> {
        let own = self.address.ip();
        match (own.is_unspecified(), own.is_ipv4() == local.is_ipv4()) {
            (false, _) => (own == local.ip()).then_some(2),
            (true, true) => Some(1),
            (true, false) => (own.is_ipv6() && !self.v6_only).then_some(0),
        }
    }

    /// Sets how many connections wait at most.
    pub fn set_backlog(&self, backlog: u32) {
        self.backlog.store(backlog, Ordering::Relaxed);
        self.let_in(&mut self.state.lock());
    }

    /// Whether one more connection may wait (listen(2); Linux lets one more than `backlog` wait).
    fn has_room(&self, state: &State) -> bool {
        !state.is_closed && state.waiting.len() <= self.backlog.load(Ordering::Relaxed) as usize
    }

    /// Somebody asks for a connection with `packet`, perhaps not for the first time: then the answer is the same, since he may have the first one by now.
    /// Answers the seed to answer with, `seed` the first time. `None`: he is not heard.
    pub(super) fn ask(&self, segment: &Segment, packet: &[u8], seed: u64, now_ns: u64) -> Option<u64> {
        let (ends, sequence) = (segment.ends(), segment.sequence);
        let mut state = self.state.lock();
        if !self.has_room(&state) || packet.len() > MOST_FIRST {
            return None;
        }
        if let Some(asking) = state.asking.get(&ends).filter(|asking| asking.sequence == sequence) {
            return Some(asking.seed);
        }
        state.make_room_to_ask(now_ns).ok()?;
        let mut first = Vec::new();
        first.try_reserve_exact(packet.len()).ok()?;
        first.extend_from_slice(packet);
        state.order.push_back((ends, seed));
        let before = state.asking.insert(ends, Asking { first, seed, flow: None, sequence, since: now_ns });
        state.let_go(before);
        Some(seed)
    }

    /// Keeps the flow that has answered who asks at `ends`, if there is room.
    pub(super) fn keep(&self, ends: &Ends, flow: Box<Flow>) {
        let mut state = self.state.lock();
        let State { asking, flows, .. } = &mut *state;
        if *flows < MOST_FLOWS
            && let Some(asking) = asking.get_mut(ends).filter(|asking| asking.flow.is_none())
        {
            asking.flow = Some(flow);
            *flows += 1;
        }
    }

    /// Who asked at `ends` has answered: the connection may be made. `None`: not while so many wait; he will say so again, as what he sends is not
    /// acknowledged (Linux does the same unless `tcp_abort_on_overflow`).
    ///
    /// # Errors
    /// `ECONNREFUSED` when nobody asked there.
    pub(super) fn answered(&self, ends: &Ends) -> Result<Option<Asking>, Errno> {
        let mut state = self.state.lock();
        if !self.has_room(&state) && state.asking.contains_key(ends) {
            return Ok(None);
        }
        let asking = state.asking.remove(ends).ok_or(Errno::ECONNREFUSED)?;
        state.flows -= usize::from(asking.flow.is_some());
        Ok(Some(asking))
    }

    /// Who asked at `ends` does not want it any more.
    pub(super) fn forget(&self, ends: &Ends) {
        let mut state = self.state.lock();
        let asking = state.asking.remove(ends);
        state.let_go(asking);
    }

    /// A socket of this machine asks for a connection. One that finds no room is open when there is some. `None`: it does not listen any more.
    pub(super) fn join(&self, ends: Ends) -> Option<End> {
        let mut state = self.state.lock();
        let is_open = self.has_room(&state);
        state.waiting.try_reserve(1).ok()?;
        if state.is_closed {
            return None;
        }
        let client = End::of_client(ends, is_open);
        if is_open {
            state.waiting.push_back(Connection::Joined(client.other()));
            state.wakers.wake(READABLE);
            return Some(client);
        }
        if state.joining.len() == state.joining.capacity() {
            // Those that were given up since are not kept.
            state.joining.retain(End::is_opening);
            state.joining.try_reserve(1).ok()?;
        }
        state.joining.push_back(client.clone());
        Some(client)
    }

    /// Opens connections that wait for room, as far as there is some.
    fn let_in(&self, state: &mut State) {
        while self.has_room(state) && state.waiting.try_reserve(1).is_ok() {
            let Some(client) = state.joining.pop_front() else { break };
            if client.open() {
                state.waiting.push_back(Connection::Joined(client.other()));
                state.wakers.wake(READABLE);
            }
        }
    }

    /// A connection is open. False: nobody will accept it.
    pub(super) fn opened(&self, connection: Connection) -> bool {
        let mut state = self.state.lock();
        if state.is_closed || state.waiting.try_reserve(1).is_err() {
            return false;
        }
        state.waiting.push_back(connection);
        state.wakers.wake(READABLE);
        true
    }

    /// Takes the connection that waits longest.
    ///
    /// # Errors
    /// `EAGAIN` when none does; `EINVAL` when it does not listen any more.
    pub fn accept(&self, io: &Io<'_>) -> Result<Connection, Errno> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(Errno::EINVAL);
        }
        if state.waiting.is_empty() {
            io.wait_for(&mut state.wakers, READABLE | PollEvents::HUP);
        }
        let connection = state.waiting.pop_front().ok_or(Errno::EAGAIN)?;
        if !state.joining.is_empty() {
            self.let_in(&mut state);
        }
        Ok(connection)
    }

    /// What can be done without waiting (poll(2)).
    pub fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.state.lock();
        io.watch(&mut state.wakers);
        if state.is_closed {
            WRITABLE | PollEvents::HUP
        } else if state.waiting.is_empty() {
            PollEvents::empty()
        } else {
            READABLE
        }
    }

    /// Who waits in `others` waits for this listener now.
    pub(super) fn take_over(&self, others: &mut WakerSet) {
        self.state.lock().wakers.take_over(others);
    }

    /// Who waits for this listener waits in `others` now: the socket is something else.
    pub(super) fn hand_over(&self, others: &mut WakerSet) {
        others.take_over(&mut self.state.lock().wakers);
    }

    /// Listens no more; answers the connections that nobody has accepted, and those that found no room.
    pub(super) fn close(&self) -> (VecDeque<Connection>, VecDeque<End>) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.asking = HashMap::with_hasher(state.asking.hasher().clone());
        state.order = VecDeque::new();
        state.flows = 0;
        state.wakers.wake_all();
        (core::mem::take(&mut state.waiting), core::mem::take(&mut state.joining))
    }
}

impl State {
    /// Who asked is forgotten.
    fn let_go(&mut self, asking: Option<Asking>) {
        self.flows -= usize::from(asking.is_some_and(|asking| asking.flow.is_some()));
    }

    /// Room for one more who asks: those that have not answered for too long go, and the first one if there are too many.
    fn make_room_to_ask(&mut self, now_ns: u64) -> Result<(), Errno> {
        while let Some((ends, seed)) = self.order.front() {
            let asking = self.asking.get(ends).filter(|asking| asking.seed == *seed);
            let is_old = asking.is_none_or(|asking| now_ns.saturating_sub(asking.since) > ASKING_NS);
            if !is_old && self.order.len() < MOST_ASKING {
                break;
            }
            if asking.is_some() {
                let asking = self.asking.remove(ends);
                self.flows -= usize::from(asking.is_some_and(|asking| asking.flow.is_some()));
            }
            self.order.pop_front();
        }
        self.order.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.asking.try_reserve(1).map_err(|_| Errno::ENOMEM)
    }
}

#[cfg(test)]
mod tests;
