//! One TCP connection: a smoltcp socket in a set of its own, so that a packet costs the same however many connections there are.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use abi::errno::Errno;
use abi::io::PollEvents;
use smoltcp::iface::{Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, Socket, State};
use smoltcp::wire::TcpSeqNumber;

use crate::file::io::{Sink, Source, partial};
use crate::file::poll::{READABLE, WRITABLE};

use super::keep_alive::{Meaning, Silence};
use super::late::LastWords;
use super::outlet::{Capabilities, Nowhere, Outlet, Port, instant, interface};
use super::packet::{Packet, Segment};
use super::ping_pong::PingPong;
use super::rings::{Rings, Usage};
use super::settings::Manner;

mod challenge;

/// Bytes read that are worth telling the other side that there is room again.
const TELL_OF: usize = 16 << 10;
/// How long it takes until it is tried again to send what the way out has no room for.
const RETRY_AFTER: Duration = Duration::from_millis(1);

/// How long a peer may be silent that has something to acknowledge: for the first packet (`tcp_syn_retries`), and afterwards (`tcp_retries2`).
pub(super) const GIVE_UP_FIRST_AFTER: Duration = Duration::from_secs(127);
const GIVE_UP_AFTER: Duration = Duration::from_millis(924_600);
/// How long a closed one waits for the other side to close it too (`tcp_fin_timeout`).
const FINISH_WITHIN: Duration = Duration::from_secs(60);

/// A connection.
pub struct Flow {
    interface: Interface,
    /// Bytes of its longest packet.
    mtu: usize,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    /// Behind the sockets, which use its memory.
    usage: Usage,
    local: SocketAddr,
    remote: SocketAddr,
    /// Why it ended, if not by both sides' will.
    failed: Option<Errno>,
    was_open: bool,
    /// Since when nothing came though something waits for an answer: monotonic nanoseconds.
    silent_since: Option<u64>,
    /// How long that may last.
    patience: Duration,
    /// How packets are marked.
    traffic_class: u8,
    /// Nothing waits for an answer, and nothing comes.
    silence: Silence,
    /// The peer is asked whether it is there.
    asks: bool,
    /// What the other side said last that it expects next.
    acknowledged: TcpSeqNumber,
    /// Bytes read that the other side was not told the room of.
    untold: usize,
    ping_pong: PingPong,
    /// Something was written that was not tried to be sent yet.
    has_news: bool,
    /// The program reads nothing any more.
    is_shut: bool,
    /// The program has closed it.
    is_orphan: bool,
}

/// What a connection is ready for.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// What poll(2) says of it.
    pub events: PollEvents,
    /// Bytes that can be read at once.
    pub readable: usize,
    /// Nothing more is to be sent or expected, but late packets if the program has closed it ([`Flow::last_words`]).
    pub is_over: bool,
}

impl core::fmt::Debug for Flow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Flow")
            .field("local", &self.local)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

impl Flow {
    /// A connection between two addresses that nothing was sent on. `seed` must not be known to anybody: sequence numbers come from it.
    fn new(
        (local, remote): (SocketAddr, SocketAddr),
        rings: Box<dyn Rings>,
        seed: u64,
        now_ns: u64,
        outlet: &mut dyn Outlet,
    ) -> Box<Self> {
        let mtu = outlet.capabilities().mtu();
        let interface = interface(outlet, seed, now_ns);
        let (usage, [received, sent]) = Usage::new(rings);
        let mut socket = Socket::new(received, sent);
        socket.set_congestion_control(CongestionControl::Reno);
        socket.set_ack_delay(None);
        socket.set_timeout(Some(GIVE_UP_FIRST_AFTER.into()));
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Box::new(Self {
            interface,
            mtu,
            sockets,
            handle,
            usage,
            local,
            remote,
            failed: None,
            was_open: false,
            silent_since: None,
            patience: GIVE_UP_AFTER,
            traffic_class: 0,
            silence: Silence::default(),
            asks: false,
            acknowledged: TcpSeqNumber(0),
            untold: 0,
            ping_pong: PingPong::default(),
            has_news: false,
            is_shut: false,
            is_orphan: false,
        })
    }

    /// A connection that begins here; its first packet goes out with [`Flow::poll`].
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` for addresses that nothing can be sent between.
    pub fn connect(
        ends: (SocketAddr, SocketAddr),
        rings: Box<dyn Rings>,
        seed: u64,
        now_ns: u64,
        outlet: &mut dyn Outlet,
    ) -> Result<Box<Self>, Errno> {
        let mut flow = Self::new(ends, rings, seed, now_ns, outlet);
        let Self { interface, sockets, handle, .. } = &mut *flow;
        let socket = sockets.get_mut::<Socket<'static>>(*handle);
        socket.connect(interface.context(), ends.1, ends.0).map_err(|_| Errno::EADDRNOTAVAIL)?;
        Ok(flow)
    }

    /// A connection that a packet asks for, which [`Flow::receive_packet`] is given next.
    ///
    /// # Errors
    /// As for [`Flow::connect`].
    pub fn accept(
        ends: (SocketAddr, SocketAddr),
        rings: Box<dyn Rings>,
        seed: u64,
        now_ns: u64,
        outlet: &mut dyn Outlet,
    ) -> Result<Box<Self>, Errno> {
        let mut flow = Self::new(ends, rings, seed, now_ns, outlet);
        flow.socket_mut().listen(ends.0).map_err(|_| Errno::EADDRNOTAVAIL)?;
        Ok(flow)
    }

    fn socket(&self) -> &Socket<'static> {
        self.sockets.get(self.handle)
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// A packet of this connection came. Without memory for what is in it, it is lost; so is what lies behind the room for it.
    pub fn receive_packet(
        &mut self,
        packet: &Packet<'_>,
        segment: &Segment,
        now_ns: u64,
        outlet: &mut dyn Outlet,
    ) {
        let socket = self.socket();
        let (before, waiting, queued) = (socket.state(), socket.recv_queue(), socket.send_queue());
        if segment.syn && matches!(before, State::Listen | State::SynSent) {
            self.usage.begin_with(segment.sequence + 1);
        }
        if self.challenges(segment, now_ns, outlet) {
            return;
        }
        let begins_at = segment.sequence + usize::from(segment.syn);
        // smoltcp takes all that begins in the window, behind the end of the stream too; and until the first acknowledgement has gone out its window is not
        // what the ring has room for: the one that a SYN offers is not scaled, but it scales it. It counts bytes then that have no place in the ring.
        let most = if has_heard_all(before) { waiting } else { usize::MAX };
        let Ok(fitting) = self.usage.expect(begins_at, segment.length, most) else { return };
        let cut = if fitting < segment.length { Some(packet.cut_to(fitting)) } else { None };
        let bytes = match &cut {
            None => packet.bytes,
            Some(Some(cut)) => cut,
            Some(None) => return,
        };
        self.silent_since = None;
        self.hear(now_ns);
        let mut port = Port { packet: Some(bytes), traffic_class: self.traffic_class, outlet };
        self.interface.poll_ingress_single(instant(now_ns), &mut port, &mut self.sockets);
        let socket = self.socket();
        let (after, readable) = (socket.state(), socket.recv_queue());
        if readable > waiting {
            self.ping_pong.hear();
        }
        let ahead = segment.acknowledged.0.wrapping_sub(self.acknowledged.0);
        // An end counts as a byte. That the first number is right was seen by smoltcp.
        if segment.ack
            && (is_opening(before) || usize::try_from(ahead).is_ok_and(|ahead| ahead <= queued + 1))
        {
            self.acknowledged = segment.acknowledged;
        }
        // What a reset means (Linux `tcp_reset`).
        let reset = match before {
            State::SynSent => Errno::ECONNREFUSED,
            State::CloseWait => Errno::EPIPE,
            _ => Errno::ECONNRESET,
        };
        self.note((before, after), reset);
        if self.is_orphan && readable > 0 {
            // It will never be read, and the other side must know.
            self.abort();
        }
    }

    /// Sends what is to be sent. Answers when it must be called again, if nothing happens: monotonic nanoseconds.
    pub fn poll(&mut self, now_ns: u64, outlet: &mut dyn Outlet) -> Option<u64> {
        let given_up_at = self.give_up(now_ns);
        let now = instant(now_ns);
        let socket = self.sockets.get::<Socket<'static>>(self.handle);
        let (before, mut queued) = (socket.state(), socket.send_queue());
        let mut port = Port { packet: None, traffic_class: self.traffic_class, outlet };
        let (interface, sockets) = (&mut self.interface, &mut self.sockets);
        let mut next =
            if core::mem::take(&mut self.has_news) { Some(now) } else { interface.poll_at(now, sockets) };
        let mut after = before;
        while next.is_some_and(|next| next <= now) {
            let polled = interface.poll_egress(now, &mut port, sockets);
            next = interface.poll_at(now, sockets);
            if polled == PollResult::None {
                // What is due now could not be sent.
                next = next.map(|next| next.max(now + RETRY_AFTER.into()));
            }
            let socket = sockets.get::<Socket<'static>>(self.handle);
            (after, queued) = (socket.state(), socket.send_queue());
        }
        self.note((before, after), Errno::ETIMEDOUT);
        let next = next
            .map_or(u64::MAX, |next| u64::try_from(next.total_micros()).unwrap_or(0).saturating_mul(1000));
        let rested_at = self.usage.rest(queued, now_ns).unwrap_or(u64::MAX);
        Some(next.min(given_up_at).min(rested_at)).filter(|&next| next != u64::MAX)
    }

    /// Ends it when a peer has been silent for too long; answers when that will be.
    fn give_up(&mut self, now_ns: u64) -> u64 {
        let socket = self.socket();
        let state = socket.state();
        let waits = socket.send_queue() > 0
            || matches!(state, State::FinWait1 | State::Closing | State::LastAck)
            || self.is_orphan && state == State::FinWait2;
        if !waits {
            self.silent_since = None;
            return if matches!(state, State::Established | State::CloseWait) {
                self.ask(now_ns)
            } else {
                u64::MAX
            };
        }
        let patience = u64::try_from(self.patience.as_nanos()).unwrap_or(u64::MAX);
        let at = self.silent_since.get_or_insert(now_ns).saturating_add(patience);
        if now_ns >= at {
            self.failed = Some(Errno::ETIMEDOUT);
            self.abort();
        }
        at
    }

    /// Asks a peer that has been silent for long, if it is to be asked, and ends the connection without an answer; answers when that must be looked at again.
    fn ask(&mut self, now_ns: u64) -> u64 {
        match self.silence.meaning(now_ns) {
            Meaning::Nothing(until) => until,
            Meaning::Ask(interval, until) => {
                if !core::mem::replace(&mut self.asks, true) {
                    // The first time at once.
                    self.socket_mut().set_keep_alive(Some(interval.into()));
                }
                until
            }
            Meaning::Gone => {
                self.failed = Some(Errno::ETIMEDOUT);
                self.abort();
                u64::MAX
            }
        }
    }

    /// Something came from the peer.
    fn hear(&mut self, now_ns: u64) {
        self.silence.since = now_ns;
        if core::mem::take(&mut self.asks) {
            self.socket_mut().set_keep_alive(None);
        }
    }

    /// What a step that led from one state to another means: whether it was ever open, and why it failed if it did.
    fn note(&mut self, (before, after): (State, State), reason: Errno) {
        if after == before {
            return;
        }
        if !self.was_open && matches!(after, State::Established | State::CloseWait) {
            self.was_open = true;
            // smoltcp's would end a connection that is idle; see `give_up`.
            self.socket_mut().set_timeout(None);
        }
        let over = matches!(before, State::TimeWait | State::LastAck | State::Closing);
        if after == State::Closed && !over && self.failed.is_none() {
            self.failed = Some(reason);
        }
    }

    /// Whether both sides have agreed to it: data can go both ways, or could.
    pub fn is_open(&self) -> bool {
        self.was_open
    }

    /// Whether it is still on its way to be open.
    pub fn is_opening(&self) -> bool {
        is_opening(self.socket().state())
    }

    /// Whether nothing more is to be sent or expected.
    pub fn is_over(&self) -> bool {
        self.readiness().is_over
    }

    /// What both sides said last, if both have closed it, this one first: late packets of its may be under way (RFC 9293, section 3.6.1).
    pub(super) fn last_words(&self) -> Option<LastWords> {
        let socket = self.socket();
        let theirs = self.usage.next(socket.recv_queue()) + 1;
        (socket.state() == State::TimeWait).then_some(LastWords { ours: self.acknowledged, theirs })
    }

    /// Whether an error ended it that nobody was told yet.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Takes the error that ended it, which is told once (socket(7), `SO_ERROR`).
    pub fn take_error(&mut self) -> Option<Errno> {
        self.failed.take()
    }

    /// What it is ready for.
    pub fn readiness(&self) -> Readiness {
        let socket = self.socket();
        let readable = socket.recv_queue();
        let is_over = match socket.state() {
            State::Closed | State::Listen => true,
            State::TimeWait => self.is_orphan,
            _ => false,
        };
        let is_opening = is_opening(socket.state());
        let ends = self.is_shut || !(socket.may_recv() || is_opening);
        let may_send = socket.may_send();
        let mut events = PollEvents::empty();
        events.set(READABLE, readable > 0 || ends);
        events.set(PollEvents::RDHUP, ends);
        let has_room = || self.usage.has_room(socket.send_queue());
        events.set(WRITABLE, if may_send { has_room() } else { !is_opening });
        events.set(PollEvents::HUP, ends && !may_send && !is_opening);
        events.set(PollEvents::ERR, self.failed.is_some());
        Readiness { events, readable, is_over }
    }

    /// Whether so much was read that the other side must be told that there is room again, by [`Flow::poll`]: said once.
    pub fn must_tell_of_room(&mut self) -> bool {
        let must = self.untold >= TELL_OF;
        if must {
            self.untold = 0;
        }
        must
    }

    /// Bytes that can be read at once.
    pub fn readable(&self) -> usize {
        self.socket().recv_queue()
    }

    /// Whether more can come.
    pub fn may_receive(&self) -> bool {
        !self.is_shut && (self.socket().may_recv() || self.is_opening())
    }

    /// Whether more can be written, now or later.
    pub fn may_send(&self) -> bool {
        self.socket().may_send() || self.is_opening()
    }

    /// Bytes that were written and are not acknowledged (ioctl(2), `SIOCOUTQ`).
    pub fn unacknowledged(&self) -> usize {
        self.socket().send_queue()
    }

    /// Its deadline has come.
    pub fn tick(&mut self) {
        self.converse(PingPong::miss);
    }

    /// Does `with` with what is known of the conversation, and acts on it.
    fn converse(&mut self, with: impl FnOnce(&mut PingPong)) {
        let before = self.ping_pong;
        with(&mut self.ping_pong);
        let wait = self.ping_pong.wait();
        if wait != before.wait() {
            self.socket_mut().set_ack_delay(wait.map(Into::into));
        }
    }

    /// Takes bytes to be sent; [`Flow::poll`] sends them.
    ///
    /// # Errors
    /// `EAGAIN` without room, or before it is open; `ENOBUFS` without memory; `EPIPE` when nothing can be sent any more; the error that ended it, once; `EFAULT`.
    pub fn write(&mut self, from: &mut dyn Source) -> Result<usize, Errno> {
        self.converse(PingPong::answer);
        self.has_news = true;
        let mut done = 0;
        while from.left() > 0 {
            if !self.may_send() {
                return partial(done, Err(self.take_error().unwrap_or(Errno::EPIPE)));
            }
            let Self { sockets, handle, usage, .. } = self;
            let socket = sockets.get_mut::<Socket<'static>>(*handle);
            let queued = socket.send_queue();
            let step = |free: &mut [u8]| {
                let taken = usage.room(free, queued, from.left()).and_then(|count| {
                    from.take(&mut free[..count])?;
                    Ok(count)
                });
                (taken.unwrap_or(0), taken)
            };
            // It is not open yet.
            let taken = socket.send(step).unwrap_or(Err(Errno::EAGAIN));
            match taken {
                Ok(count) => done += count,
                Err(errno) => return partial(done, Err(errno)),
            }
        }
        Ok(done)
    }

    /// Reads what has come; 0 behind the last byte. With `peek` it stays.
    ///
    /// # Errors
    /// `EAGAIN` when there is nothing yet; the error that ended it, once; `EFAULT`.
    pub fn read(&mut self, out: &mut dyn Sink, peek: bool) -> Result<usize, Errno> {
        let mut done = 0;
        while out.room() > 0 && self.readable() > 0 {
            let step = |filled: &mut [u8]| {
                let count = filled.len().min(out.room());
                match out.put(&filled[..count]) {
                    Ok(()) => (if peek { 0 } else { count }, Ok(count)),
                    Err(errno) => (0, Err(errno)),
                }
            };
            match self.socket_mut().recv(step) {
                Ok(Ok(count)) => {
                    self.usage.consumed(if peek { 0 } else { count });
                    done += count;
                }
                Ok(Err(errno)) => return partial(done, Err(errno)),
                Err(_) => break,
            }
            if peek {
                break;
            }
        }
        if done > 0 || out.room() == 0 {
            self.untold += if peek { 0 } else { done };
            return Ok(done);
        }
        match self.take_error() {
            Some(errno) => Err(errno),
            None if self.may_receive() => Err(Errno::EAGAIN),
            None => Ok(0),
        }
    }

    /// Nothing more will be written: what was goes out, and then the end (shutdown(2), `SHUT_WR`).
    pub fn finish(&mut self) {
        self.socket_mut().close();
    }

    /// Ends it at once; the other side is told with a reset.
    pub fn abort(&mut self) {
        self.socket_mut().abort();
    }

    /// Whether a byte with this number was sent, and nothing was heard of it yet: who says something of it knows the connection (RFC 5927, section 4).
    pub fn has_sent(&self, sequence: TcpSeqNumber) -> bool {
        let ahead = sequence.0.wrapping_sub(self.acknowledged.0);
        usize::try_from(ahead).is_ok_and(|ahead| ahead <= self.socket().send_queue())
    }

    /// A path takes packets of at most `mtu` bytes only, on a way that can do what `capabilities` say: what comes to be sent, and what was lost, goes
    /// out in such.
    pub fn narrow(&mut self, capabilities: &Capabilities, mtu: usize, seed: u64, now_ns: u64) {
        if mtu < self.mtu {
            self.mtu = mtu;
            self.interface = interface(&mut Nowhere::like(capabilities.narrowed(mtu)), seed, now_ns);
        }
    }

    /// Its packets do not reach the other side. One that is not open yet fails; later that may pass (RFC 5927, section 6).
    pub fn fail_unreachable(&mut self, errno: Errno) {
        if self.is_opening() && self.failed.is_none() {
            self.failed = Some(errno);
            self.abort();
        }
    }

    /// The program has closed it: it is finished, and the other side has to finish soon (`tcp_fin_timeout`). What comes is read by nobody.
    pub fn orphan(&mut self) {
        (self.is_orphan, self.is_shut) = (true, true);
        self.patience = self.patience.min(FINISH_WITHIN);
        self.finish();
    }

    /// Nothing more will be read (shutdown(2), `SHUT_RD`).
    pub fn read_no_more(&mut self) {
        self.is_shut = true;
    }

    /// Acts as the options of its socket say.
    pub(super) fn configure(&mut self, manner: &Manner) {
        self.traffic_class = manner.traffic_class;
        self.silence.patience = manner.patience;
        self.patience = manner.patience.unwrap_or(GIVE_UP_AFTER);
        self.silence.manner = manner.keep_alive;
        let asked = core::mem::take(&mut self.asks);
        let socket = self.socket_mut();
        if asked {
            socket.set_keep_alive(None);
        }
        socket.set_hop_limit(manner.hop_limit);
        socket.set_nagle_enabled(!manner.no_delay);
    }

    /// What comes is acknowledged at once, or with what is sent next (tcp(7), `TCP_QUICKACK`).
    pub(super) fn set_quick_ack(&mut self, on: bool) {
        self.converse(|ping_pong| ping_pong.set_quick(on));
    }

    /// Whether what comes is acknowledged at once.
    pub(super) fn quick_ack(&self) -> bool {
        self.ping_pong.wait().is_none()
    }

    /// Its addresses: here, and there.
    pub fn ends(&self) -> (SocketAddr, SocketAddr) {
        (self.local, self.remote)
    }
}

/// Whether not both sides know yet where the streams begin.
fn is_opening(state: State) -> bool {
    matches!(state, State::SynSent | State::SynReceived)
}

/// Whether the other side has said in this state that nothing more comes.
fn has_heard_all(state: State) -> bool {
    matches!(state, State::CloseWait | State::Closing | State::LastAck | State::TimeWait)
}

#[cfg(test)]
mod tests;
