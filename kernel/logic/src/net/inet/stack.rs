//! The stack: whose a packet is, and which way out it takes.
//!
//! Locks, outermost first: a connection to another machine or a UDP socket, the tables, a listener, a connection within this machine, a link, the queue of
//! deadlines. Packets and datagrams are brought to their sockets with none of them held.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use abi::errno::Errno;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;
use smoltcp::iface::SocketSet;
use smoltcp::wire::IpProtocol;
use sync::Lock;

use crate::file::io::SliceSource;

use super::carried::{After, Carried};
use super::connection::Connection;
use super::deadlines::{Deadlines, Due};
use super::flow::{Flow, GIVE_UP_FIRST_AFTER};
use super::groups::Groups;
use super::icmp::{Report, TooLong};
use super::joint::End;
use super::late::{self, Lateness};
use super::listener::Listener;
use super::name::{scope_of, scoped};
use super::outlet::{Capabilities, Nowhere, Outlet, Port, instant, interface};
use super::packet::{Ends, Packet, Segment};
use super::ports::{Claim, ClaimId, Ports};
use super::reply::Reply;
use super::rings::Rings;
use super::routes::{Routes, Way};
use super::tcp::Tcp;
use super::udp::{self, Beside, Datagram, Endpoint};

mod endpoint;
mod links;
mod many;

pub use endpoint::OpenEndpoint;

/// What the stack asks of the kernel around it.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// Monotonic nanoseconds.
    pub now: fn() -> u64,
    /// A number that nobody can guess.
    pub random: fn() -> u64,
    /// Memory for what a connection has under way: `ENOBUFS`.
    pub rings: fn() -> Result<Box<dyn Rings>, Errno>,
    /// [`Stack::next_deadline`] is sooner than it was.
    pub hurry: fn(),
}

/// The network as the machine's sockets share it.
#[derive(Debug)]
pub struct Stack {
    around: Surroundings,
    routes: Lock<Routes>,
    /// Those that are listened to on the loopback interface.
    groups: Lock<Groups>,
    tcp: Lock<Tcp>,
    udp: Lock<Udp>,
    deadlines: Lock<Deadlines>,
    /// Connections that packets came for, until [`Stack::settle_input`].
    touched: Lock<VecDeque<Arc<Carried>>>,
}

/// The number of the loopback interface.
pub(super) const LOOPBACK: u32 = 1;

/// UDP's tables.
#[derive(Debug)]
struct Udp {
    endpoints: HashMap<u16, Vec<Arc<Endpoint>>, SeedableRandomState>,
    ports: Ports,
}

/// A TCP socket's place among the ports, given back with it.
#[derive(Debug)]
pub struct Bound {
    stack: Arc<Stack>,
    id: ClaimId,
}

impl Bound {
    /// The port.
    pub fn port(&self) -> u16 {
        self.id.port()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.stack.tcp.lock().ports.release(self.id);
    }
}

impl Stack {
    /// A machine with nothing but itself to talk to.
    pub fn new(around: Surroundings) -> Arc<Self> {
        let hasher = || SeedableRandomState::with_seed((around.random)(), SharedSeed::global_fixed());
        Arc::new(Self {
            around,
            routes: Lock::default(),
            groups: Lock::default(),
            tcp: Lock::new(Tcp::new(around.random)),
            udp: Lock::new(Udp { endpoints: HashMap::with_hasher(hasher()), ports: Ports::default() }),
            deadlines: Lock::new(Deadlines::default()),
            touched: Lock::default(),
        })
    }

    fn now(&self) -> u64 {
        (self.around.now)()
    }

    /// Whether `address` is this machine's.
    pub fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.routes.lock().is_local(address)
    }

    /// The address that packets to `remote` come from.
    ///
    /// # Errors
    /// `ENETUNREACH` when there is no way there.
    pub fn source_for(&self, remote: SocketAddr) -> Result<IpAddr, Errno> {
        self.source_by(remote, 0)
    }

    fn way_to(&self, remote: SocketAddr) -> Way {
        self.way_by(remote, 0)
    }

    /// The way to `remote`, by `link` if that is said.
    fn way_by(&self, remote: SocketAddr, link: u32) -> Way {
        let ip = remote.ip();
        if ip.is_loopback() { Way::Here } else { self.routes.lock().way_to(ip, link.max(scope_of(remote))) }
    }

    /// [`Stack::source_for`], by `link` if that is said.
    pub(super) fn source_by(&self, remote: SocketAddr, link: u32) -> Result<IpAddr, Errno> {
        match self.way_by(remote, link) {
            _ if link == LOOPBACK && remote.is_ipv4() => Ok(Ipv4Addr::LOCALHOST.into()),
            _ if link == LOOPBACK => Ok(Ipv6Addr::LOCALHOST.into()),
            Way::Here => Ok(remote.ip()),
            Way::Out { source, .. } => Ok(source),
            Way::None => Err(Errno::ENETUNREACH),
        }
    }

    /// Does `with` with the way out from the first of `ends` to the second.
    pub(super) fn outlet<R>(&self, ends: &Ends, with: impl FnOnce(&mut dyn Outlet) -> R) -> R {
        self.outlet_by(ends, 0, with)
    }

    /// [`Stack::outlet`], by `link` if that is said.
    fn outlet_by<R>(&self, ends: &Ends, link: u32, with: impl FnOnce(&mut dyn Outlet) -> R) -> R {
        match self.way_by(ends.1, link) {
            Way::Out { link, neighbour, .. } => with(&mut link.outlet(neighbour, ends)),
            // No packet goes to this machine itself: one that says it came from here is not answered.
            Way::Here | Way::None => with(&mut Nowhere::default()),
        }
    }

    /// What can be done on the way to `remote`.
    fn capabilities_to(&self, remote: SocketAddr) -> Capabilities {
        match self.way_to(remote) {
            Way::Out { link, .. } => link.capabilities().clone(),
            Way::Here | Way::None => Nowhere::default().capabilities().clone(),
        }
    }

    /// Claims a TCP port.
    ///
    /// # Errors
    /// `EADDRINUSE`, `ENOMEM`.
    pub fn bind(self: &Arc<Self>, claim: Claim) -> Result<Bound, Errno> {
        let id = self.tcp.lock().ports.claim(claim, (self.around.random)())?;
        Ok(Bound { stack: Arc::clone(self), id })
    }

    /// Listens where `bound` is.
    ///
    /// # Errors
    /// `EADDRINUSE`, `ENOMEM`.
    pub fn listen(
        &self,
        bound: &Bound,
        address: SocketAddr,
        v6_only: bool,
        backlog: u32,
    ) -> Result<Arc<Listener>, Errno> {
        let listener = Arc::new(Listener::new(address, v6_only, backlog, (self.around.random)()));
        let mut tcp = self.tcp.lock();
        tcp.ports.listen(bound.id)?;
        tcp.add_listener(&listener)?;
        Ok(listener)
    }

    /// `listener` listens no more; who waits to be accepted is turned away.
    pub fn close_listener(&self, listener: &Arc<Listener>) {
        self.tcp.lock().remove_listener(listener);
        let (waiting, joining) = listener.close();
        waiting.iter().for_each(|connection| connection.abort(self));
        joining.iter().for_each(|client| client.refuse(self, Errno::ECONNREFUSED));
    }

    /// A connection from `local`, whose port may be 0 and whose address unspecified, to `remote`.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` when all ports are taken, or there is this connection already; `ENETUNREACH`; `ENOBUFS`.
    pub fn connect(&self, local: SocketAddr, remote: SocketAddr) -> Result<Connection, Errno> {
        if self.is_local(remote.ip()) {
            return self.join_ends(local, remote).map(Connection::Joined);
        }
        let source = if local.ip().is_unspecified() { self.source_for(remote)? } else { local.ip() };
        let local = scoped(source, local.port(), scope_of(local).max(scope_of(remote)));
        let now = self.now();
        let carried = {
            let mut tcp = self.tcp.lock();
            let ends = tcp.ends(local, remote, (self.around.random, now))?;
            let (seed, rings) = ((self.around.random)(), (self.around.rings)()?);
            let flow = self.outlet(&ends, |outlet| Flow::connect(ends, rings, seed, now, outlet))?;
            let carried = Arc::new(Carried::new(flow, Weak::new()));
            tcp.insert(ends, Some(Arc::clone(&carried)))?;
            carried
        };
        self.step(&carried, |_| ());
        Ok(Connection::Carried(carried))
    }

    /// [`Stack::connect`] within this machine: the two ends are joined as soon as the listener has room.
    fn join_ends(&self, local: SocketAddr, remote: SocketAddr) -> Result<End, Errno> {
        let source = if local.ip().is_unspecified() { remote.ip() } else { local.ip() };
        let (ends, listener) = {
            let mut tcp = self.tcp.lock();
            let local = SocketAddr::new(source, local.port());
            let ends = tcp.ends(local, remote, (self.around.random, self.now()))?;
            tcp.insert(ends, None)?;
            (ends, tcp.listener_for(remote))
        };
        let end = match listener.and_then(|listener| listener.join(ends)) {
            Some(end) => end,
            None if ends.0 == ends.1 => End::of_itself(ends),
            None => {
                let end = End::of_client(ends, false);
                end.refuse(self, Errno::ECONNREFUSED);
                end
            }
        };
        if end.is_opening() {
            let patience = u64::try_from(GIVE_UP_FIRST_AFTER.as_nanos()).unwrap_or(u64::MAX);
            let deadline = self.now().saturating_add(patience);
            if self.deadlines.lock().add(deadline, Due::Joint(end.downgrade())) {
                (self.around.hurry)();
            }
        }
        Ok(end)
    }

    /// A connection within this machine is over: others may be between its addresses.
    pub(super) fn forget(&self, ends: &Ends) {
        self.tcp.lock().forget(ends);
    }

    /// Does `step` with a connection to another machine, and all that follows from it.
    pub fn step<R>(&self, connection: &Arc<Carried>, step: impl FnOnce(&mut Flow) -> R) -> R {
        self.step_with(connection, |flow, _| step(flow))
    }

    /// [`Stack::step`] that is told the way out.
    fn step_with<R>(
        &self,
        connection: &Arc<Carried>,
        step: impl FnOnce(&mut Flow, &mut dyn Outlet) -> R,
    ) -> R {
        let (result, after) =
            self.outlet(&connection.ends(), |outlet| connection.step(self.now(), outlet, step));
        self.see_to(connection, after);
        result
    }

    /// Has a connection looked at when `deadline_ns` comes.
    fn queue(&self, connection: &Arc<Carried>, deadline_ns: u64) {
        if connection.must_queue_for(deadline_ns)
            && self.deadlines.lock().add(deadline_ns, Due::Carried(Arc::downgrade(connection)))
        {
            (self.around.hurry)();
        }
    }

    fn see_to(&self, connection: &Arc<Carried>, after: After) {
        if let Some(deadline) = after.deadline {
            self.queue(connection, deadline);
        }
        if after.is_over {
            self.tcp.lock().remove(connection, after.last_words, self.now());
        }
        if let Some(listener) = after.opened_for
            && !listener.opened(Connection::Carried(Arc::clone(connection)))
        {
            self.step(connection, Flow::abort);
        }
    }

    /// When [`Stack::tick`] must be called: monotonic nanoseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let links = self.links();
        let next = links.iter().filter_map(|link| link.next_deadline()).min();
        [next, self.deadlines.lock().next()].into_iter().flatten().min()
    }

    /// Does what follows from the packets that came in.
    pub(super) fn settle_input(&self) {
        loop {
            let next = self.touched.lock().pop_front();
            let Some(connection) = next else { break };
            self.step(&connection, |_| ());
        }
    }

    /// Does what is due by now.
    pub fn tick(&self) {
        for link in self.links().iter() {
            link.tick(self);
        }
        loop {
            let now = self.now();
            let due = self.deadlines.lock().pop_due(now);
            match due {
                None => return,
                Some((queued_for, Due::Carried(carried))) => {
                    let Some(carried) = carried.upgrade() else { continue };
                    match carried.leave_queue(queued_for) {
                        None | Some(u64::MAX) => {}
                        Some(later) if later > now => self.queue(&carried, later),
                        Some(_) => self.step(&carried, Flow::tick),
                    }
                }
                Some((_, Due::Joint(joint))) => {
                    if let Some(joint) = joint.upgrade() {
                        joint.give_up(self);
                    }
                }
            }
        }
    }

    /// An IP packet came in from who does what `capabilities` say: it is brought to its socket. What is nobody's is answered as it must be, or not at all.
    /// What it leads to is done by [`Stack::settle_input`], for many packets at once: a connection acknowledges all that came with one packet, and who
    /// waits for it is woken once.
    pub fn input(&self, packet: &Packet<'_>, capabilities: &Capabilities) {
        if packet.source.is_unspecified() {
            return;
        }
        if !self.is_local(packet.destination) {
            if packet.protocol == IpProtocol::Udp && self.is_for_many(packet) {
                self.receive_datagram(packet, capabilities);
            }
            return;
        }
        match packet.protocol {
            IpProtocol::Tcp => {
                if let Some(segment) = packet.segment() {
                    self.receive_segment(packet, segment, capabilities);
                }
            }
            IpProtocol::Udp => self.receive_datagram(packet, capabilities),
            _ => match Report::read(packet, &capabilities.checksums()) {
                Some(report) => self.take_report(report),
                None => self.answer_for_nobody(packet),
            },
        }
    }

    fn receive_datagram(&self, packet: &Packet<'_>, capabilities: &Capabilities) {
        let Some((local, remote, payload)) = packet.datagram() else { return };
        if !udp::is_right(packet.payload, packet.source, packet.destination, &capabilities.checksums()) {
            return;
        }
        let beside = Beside {
            link: packet.scope.max(LOOPBACK),
            hop_limit: packet.hop_limit(),
            traffic_class: packet.traffic_class(),
        };
        if !self.is_local(local.ip()) {
            // Nobody answers what was for everybody (RFC 1122, section 3.2.2.1).
            return self.deliver_to_all((remote, local), beside, payload);
        }
        match self.endpoint_for(local, remote) {
            Some(endpoint) => {
                if let Ok(datagram) = Datagram::new((remote, local), beside, &mut SliceSource(payload)) {
                    endpoint.deliver(datagram);
                }
            }
            None => self.answer_for_nobody(packet),
        }
    }

    fn endpoint_for(&self, local: SocketAddr, remote: SocketAddr) -> Option<Arc<Endpoint>> {
        udp::best(self.udp.lock().endpoints.get(&local.port())?, local, remote)
    }

    /// A packet of ours came to nothing. Only who is connected to its receiver is told (udp(7)).
    pub(super) fn take_report(&self, report: Report) {
        let (local, remote) = report.ends;
        if report.protocol == IpProtocol::Udp
            && let Some(endpoint) = self.endpoint_for(local, remote)
            && endpoint.ends().1 == Some(remote)
        {
            endpoint.fail(report.errno);
        }
        if report.protocol == IpProtocol::Tcp {
            let connection = self.tcp.lock().connection(&report.ends);
            match (connection, report.too_long) {
                (Some(Some(connection)), Some(TooLong { mtu, sequence })) => {
                    let (now, seed) = (self.now(), (self.around.random)());
                    self.step_with(&connection, |flow, outlet| {
                        if flow.has_sent(sequence) {
                            flow.narrow(outlet.capabilities(), mtu, seed, now);
                        }
                    });
                }
                (Some(Some(connection)), None) => {
                    // There is nobody to be told that it ends.
                    let nowhere = &mut Nowhere::default();
                    let end = |flow: &mut Flow, _: &mut dyn Outlet| flow.fail_unreachable(report.errno);
                    let ((), after) = connection.step(self.now(), nowhere, end);
                    self.see_to(&connection, after);
                }
                _ => {}
            }
        }
    }

    fn receive_segment(&self, packet: &Packet<'_>, segment: Segment, capabilities: &Capabilities) {
        let ends = segment.ends();
        let (connection, late, listener) = {
            let mut tcp = self.tcp.lock();
            match tcp.connection(&ends) {
                Some(connection) => (Some(connection), Lateness::New, None),
                None => {
                    let late = tcp.meet_late(&segment, || self.now());
                    (None, late, tcp.listener_for(segment.local))
                }
            }
        };
        if let Some(connection) = connection {
            return self.bring_segment(connection, packet, &segment, capabilities);
        }
        match late {
            Lateness::New => {}
            Lateness::Nothing => return,
            Lateness::Again(words) => {
                return self.outlet(&ends, |outlet| late::say_again(&ends, words, outlet));
            }
        }
        match listener {
            Some(listener) if segment.rst => listener.forget(&ends),
            Some(listener) if segment.syn && !segment.ack => self.asked(&listener, packet, &segment),
            Some(listener) if segment.ack && !segment.syn => {
                self.answered(&listener, packet, &segment, capabilities);
            }
            _ => self.answer_for_nobody(packet),
        }
    }

    /// A segment is `connection`'s; nobody's if that is within this machine.
    fn bring_segment(
        &self,
        connection: Option<Arc<Carried>>,
        packet: &Packet<'_>,
        segment: &Segment,
        capabilities: &Capabilities,
    ) {
        let reply = &mut Reply::new(self, segment.ends(), capabilities);
        if let Some(connection) = connection
            && connection.receive(packet, segment, self.now(), reply)
        {
            self.touch(connection);
        }
    }

    /// A packet came for `connection`: it is settled with the others, or at once where there is no memory to note it.
    fn touch(&self, connection: Arc<Carried>) {
        {
            let mut touched = self.touched.lock();
            if touched.try_reserve(1).is_ok() {
                return touched.push_back(connection);
            }
        }
        self.step(&connection, |_| ());
    }

    /// Somebody asks for a connection: he gets an answer that a connection made later fits.
    fn asked(&self, listener: &Listener, packet: &Packet<'_>, segment: &Segment) {
        let (now, ends) = (self.now(), segment.ends());
        let Some(seed) = listener.ask(segment, packet.bytes, (self.around.random)(), now) else { return };
        let Some(flow) = self.outlet(&ends, |outlet| self.answering(packet, segment, seed, outlet)) else {
            return;
        };
        listener.keep(&ends, flow);
    }

    /// The flow of a connection that `packet` asks for; it answers.
    fn answering(
        &self,
        packet: &Packet<'_>,
        segment: &Segment,
        seed: u64,
        outlet: &mut dyn Outlet,
    ) -> Option<Box<Flow>> {
        let (now, rings) = (self.now(), (self.around.rings)().ok()?);
        let mut flow = Flow::accept(segment.ends(), rings, seed, now, outlet).ok()?;
        flow.receive_packet(packet, segment, now, outlet);
        flow.poll(now, outlet);
        Some(flow)
    }

    /// Who asked for a connection has answered: it is made, as if it had been there all the time. Another packet of his, which came by another pair of queues,
    /// may have done that since it was looked for.
    fn answered(
        &self,
        listener: &Arc<Listener>,
        packet: &Packet<'_>,
        segment: &Segment,
        capabilities: &Capabilities,
    ) {
        let ends = segment.ends();
        let mut tcp = self.tcp.lock();
        if let Some(connection) = tcp.connection(&ends) {
            drop(tcp);
            return self.bring_segment(connection, packet, segment, capabilities);
        }
        let asking = match listener.answered(&ends) {
            Ok(Some(asking)) => asking,
            Ok(None) => return,
            Err(_) => {
                drop(tcp);
                return self.answer_for_nobody(packet);
            }
        };
        let again = || {
            let first = Packet::parse(&asking.first)?.on(packet.scope);
            let nowhere = &mut Nowhere::like(self.capabilities_to(ends.1));
            self.answering(&first, &first.segment()?, asking.seed, nowhere)
        };
        let Some(flow) = asking.flow.or_else(again) else { return };
        let connection = Arc::new(Carried::new(flow, Arc::downgrade(listener)));
        if tcp.insert(ends, Some(Arc::clone(&connection))).is_err() {
            return;
        }
        drop(tcp);
        let now = self.now();
        self.step_with(&connection, |flow, outlet| flow.receive_packet(packet, segment, now, outlet));
    }

    /// A packet for a port or protocol that nobody has: the sender is told, unless it only tells something itself.
    fn answer_for_nobody(&self, packet: &Packet<'_>) {
        let end = |address| scoped(address, 0, packet.scope);
        self.outlet(&(end(packet.destination), end(packet.source)), |outlet| {
            let now = self.now();
            let mut interface = interface(outlet, 0, now);
            let mut port = Port { packet: Some(packet.bytes), traffic_class: 0, outlet };
            interface.poll_ingress_single(instant(now), &mut port, &mut SocketSet::new(Vec::new()));
        });
    }
}

#[cfg(test)]
mod tests;
