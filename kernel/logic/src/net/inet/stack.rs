//! The stack: whose a packet is, and which way out it takes.
//!
//! Locks, outermost first: a connection or a UDP socket, the tables, a listener, a link, the queues of packets and deadlines. Packets are brought to their
//! sockets with none of them held.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use abi::errno::Errno;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::wire::{HardwareAddress, IpProtocol};
use sync::Lock;

use crate::file::io::Source;

use super::connection::{After, Connection, Ends};
use super::deadlines::Deadlines;
use super::flow::{Flow, instant};
use super::groups::Groups;
use super::icmp::Report;
use super::listener::Listener;
use super::loopback::Loopback;
use super::name::{on, scope_of, scoped};
use super::outlet::{Capabilities, Nowhere, Outlet, Port};
use super::packet::{Packet, Segment};
use super::ports::{Claim, ClaimId, Ports, ephemeral_from};
use super::routes::{Routes, Way};
use super::udp::{self, Beside, Endpoint, How};

/// What the stack asks of the kernel around it.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// Monotonic nanoseconds.
    pub now: fn() -> u64,
    /// A number that nobody can guess.
    pub random: fn() -> u64,
    /// [`Stack::next_deadline`] is sooner than it was.
    pub hurry: fn(),
}

/// The network as the machine's sockets share it.
#[derive(Debug)]
pub struct Stack {
    around: Surroundings,
    loopback: Loopback,
    routes: Lock<Routes>,
    /// Those that are listened to on the loopback interface.
    groups: Lock<Groups>,
    tcp: Lock<Tcp>,
    udp: Lock<Udp>,
    deadlines: Lock<Deadlines>,
}

/// TCP's tables.
#[derive(Debug)]
struct Tcp {
    connections: HashMap<Ends, Arc<Connection>, SeedableRandomState>,
    listeners: HashMap<u16, Vec<Arc<Listener>>, SeedableRandomState>,
    ports: Ports,
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

/// An endpoint that datagrams find, for as long as this is there.
#[derive(Debug)]
pub struct OpenEndpoint {
    stack: Arc<Stack>,
    endpoint: Arc<Endpoint>,
    id: ClaimId,
    bound_to: IpAddr,
    /// The link of that address, if it is one link's.
    scope: u32,
}

impl OpenEndpoint {
    /// What has come for it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Has it send to and hear `remote` only, which is reached by `link` if that is said, or anybody again.
    ///
    /// # Errors
    /// `ENETUNREACH`.
    pub fn connect(&self, remote: Option<SocketAddr>, link: u32) -> Result<(), Errno> {
        let local = match remote {
            Some(remote) if self.bound_to.is_unspecified() => self.stack.source_by(remote, link)?,
            _ => self.bound_to,
        };
        let scope = remote.map_or(0, scope_of).max(self.scope);
        self.endpoint.connect(scoped(local, self.id.port(), scope), remote);
        Ok(())
    }

    /// Sends all of `from` as one datagram to `remote`.
    ///
    /// # Errors
    /// `ENETUNREACH`, `EMSGSIZE`, `ENOBUFS`, `EFAULT`.
    pub(super) fn send(&self, remote: SocketAddr, how: &How, from: &mut dyn Source) -> Result<usize, Errno> {
        let (local, _) = self.endpoint.ends();
        let remote = on(remote, how.link);
        let source = match how.source {
            Some(source) if self.stack.is_local(source) => source,
            // As Linux answers.
            Some(IpAddr::V4(_)) => return Err(Errno::ENETUNREACH),
            Some(IpAddr::V6(_)) => return Err(Errno::EINVAL),
            None if local.ip().is_unspecified() || local.is_ipv4() != remote.is_ipv4() => {
                self.stack.source_by(remote, how.link)?
            }
            None => local.ip(),
        };
        let way = udp::Way {
            local: scoped(source, local.port(), scope_of(remote)),
            remote,
            hop_limit: how.hop_limit,
            traffic_class: how.traffic_class,
            pieces: (!how.refuses_pieces).then_some(self.stack.around.random),
        };
        let is_for_group = remote.ip().is_multicast();
        let sent = match how.segment {
            None if !is_for_group => {
                self.stack.outlet_by(remote, how.link, |outlet| udp::send(way, from, outlet))
            }
            _ => {
                let bytes = udp::gather(from)?;
                self.stack.send_gathered(way, how, &bytes)
            }
        };
        self.stack.serve_loopback();
        sent
    }
}

impl Drop for OpenEndpoint {
    fn drop(&mut self) {
        let mut udp = self.stack.udp.lock();
        udp.ports.release(self.id);
        if let Some(endpoints) = udp.endpoints.get_mut(&self.id.port()) {
            endpoints.retain(|other| !Arc::ptr_eq(other, &self.endpoint));
            if endpoints.is_empty() {
                udp.endpoints.remove(&self.id.port());
            }
        }
    }
}

impl Stack {
    /// A machine with nothing but itself to talk to.
    pub fn new(around: Surroundings) -> Arc<Self> {
        let hasher = || SeedableRandomState::with_seed((around.random)(), SharedSeed::global_fixed());
        let tcp = Tcp {
            connections: HashMap::with_hasher(hasher()),
            listeners: HashMap::with_hasher(hasher()),
            ports: Ports::default(),
        };
        Arc::new(Self {
            around,
            loopback: Loopback::new(),
            routes: Lock::default(),
            groups: Lock::default(),
            tcp: Lock::new(tcp),
            udp: Lock::new(Udp { endpoints: HashMap::with_hasher(hasher()), ports: Ports::default() }),
            deadlines: Lock::new(Deadlines::default()),
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

    /// Does `with` with the way out to `remote`.
    fn outlet<R>(&self, remote: SocketAddr, with: impl FnOnce(&mut dyn Outlet) -> R) -> R {
        self.outlet_by(remote, 0, with)
    }

    /// Does `with` with the way out to `remote`, by `link` if that is said.
    fn outlet_by<R>(&self, remote: SocketAddr, link: u32, with: impl FnOnce(&mut dyn Outlet) -> R) -> R {
        match self.way_by(remote, link) {
            Way::Here => with(&mut self.loopback.outlet()),
            Way::Out { link, neighbour, .. } => with(&mut link.outlet(neighbour)),
            Way::None => with(&mut Nowhere::default()),
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
        tcp.listeners.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let listeners = tcp.listeners.entry(bound.port()).or_default();
        listeners.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        listeners.push(Arc::clone(&listener));
        Ok(listener)
    }

    /// `listener` listens no more; who waits to be accepted is turned away.
    pub fn close_listener(&self, listener: &Arc<Listener>) {
        {
            let mut tcp = self.tcp.lock();
            let port = listener.address().port();
            if let Some(listeners) = tcp.listeners.get_mut(&port) {
                listeners.retain(|other| !Arc::ptr_eq(other, listener));
                if listeners.is_empty() {
                    tcp.listeners.remove(&port);
                }
            }
        }
        for connection in listener.close() {
            self.step(&connection, |flow| flow.abort());
        }
    }

    /// An endpoint for datagrams at `claim`.
    ///
    /// # Errors
    /// `EADDRINUSE`, `ENOMEM`.
    pub fn open_endpoint(self: &Arc<Self>, claim: Claim) -> Result<OpenEndpoint, Errno> {
        let mut udp = self.udp.lock();
        udp.endpoints.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let id = udp.ports.claim(claim, (self.around.random)())?;
        let local = scoped(claim.address.ip(), id.port(), scope_of(claim.address));
        let endpoint = Arc::new(Endpoint::new(local, claim.v6_only));
        let endpoints = udp.endpoints.entry(id.port()).or_default();
        if endpoints.try_reserve(1).is_err() {
            udp.ports.release(id);
            return Err(Errno::ENOMEM);
        }
        endpoints.push(Arc::clone(&endpoint));
        let (bound_to, scope) = (local.ip(), scope_of(local));
        Ok(OpenEndpoint { stack: Arc::clone(self), endpoint, id, bound_to, scope })
    }

    /// A connection from `local`, whose port may be 0 and whose address unspecified, to `remote`. It begins with its first [`Stack::step`].
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` when all ports are taken; `EADDRINUSE` when there is this connection already; `ENETUNREACH`; `ENOBUFS`.
    pub fn connect(&self, local: SocketAddr, remote: SocketAddr) -> Result<Arc<Connection>, Errno> {
        let source = if local.ip().is_unspecified() { self.source_for(remote)? } else { local.ip() };
        let scope = scope_of(local).max(scope_of(remote));
        let now = self.now();
        let mut tcp = self.tcp.lock();
        let port = match local.port() {
            0 => tcp
                .free_port(scoped(source, 0, scope), remote, (self.around.random)())
                .ok_or(Errno::EADDRNOTAVAIL)?,
            port => port,
        };
        let ends = (scoped(source, port, scope), remote);
        if tcp.connections.contains_key(&ends) {
            return Err(Errno::EADDRINUSE);
        }
        let seed = (self.around.random)();
        let flow = self.outlet(remote, |outlet| Flow::connect(ends, seed, now, outlet))?;
        tcp.insert(flow, Weak::new())
    }

    /// Does `step` with a connection, and all that follows from it.
    pub fn step<R>(&self, connection: &Arc<Connection>, step: impl FnOnce(&mut Flow) -> R) -> R {
        let result = self.step_quietly(connection, |flow, _| step(flow));
        self.serve_loopback();
        result
    }

    /// The program has closed it. What was written is still sent, unless `at_once`, or something was never read: then the other side is told so
    /// by a reset (RFC 2525, section 2.17).
    pub fn release(&self, connection: &Arc<Connection>, at_once: bool) {
        self.step(connection, |flow| {
            if at_once || flow.readable() > 0 || flow.is_opening() {
                flow.abort();
            } else {
                flow.orphan();
            }
        });
    }

    /// [`Stack::step`] of a packet that came.
    fn step_quietly<R>(
        &self,
        connection: &Arc<Connection>,
        step: impl FnOnce(&mut Flow, &mut dyn Outlet) -> R,
    ) -> R {
        let remote = connection.ends().1;
        let (result, after) = self.outlet(remote, |outlet| connection.step(self.now(), outlet, step));
        self.see_to(connection, after);
        result
    }

    fn see_to(&self, connection: &Arc<Connection>, after: After) {
        if let Some(deadline) = after.deadline
            && connection.must_queue_for(deadline)
            && self.deadlines.lock().add(deadline, Arc::downgrade(connection))
        {
            (self.around.hurry)();
        }
        if after.is_over {
            self.tcp.lock().remove(connection);
        }
        if let Some(listener) = after.opened_for
            && !listener.opened(Arc::clone(connection))
        {
            self.step_quietly(connection, |flow, _| flow.abort());
        }
    }

    /// Brings the packets that were sent to this machine to their sockets.
    fn serve_loopback(&self) {
        let capabilities = self.loopback.capabilities();
        self.loopback.serve(|packet| {
            if let Some(packet) = Packet::parse(packet) {
                self.receive(&packet, capabilities);
            }
        });
    }

    /// When [`Stack::tick`] must be called: monotonic nanoseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let links = self.links();
        let next = links.iter().filter_map(|link| link.next_deadline()).min();
        [next, self.deadlines.lock().next()].into_iter().flatten().min()
    }

    /// Does what is due by now.
    pub fn tick(&self) {
        for link in self.links() {
            link.tick(self);
        }
        loop {
            let due = self.deadlines.lock().pop_due(self.now());
            let Some((deadline, connection)) = due else { return };
            if let Some(connection) = connection.upgrade().filter(|connection| connection.is_due(deadline)) {
                self.step(&connection, Flow::tick);
            }
        }
    }

    /// An IP packet came in from who does what `capabilities` say, and everything it leads to is done.
    pub fn input(&self, packet: &[u8], capabilities: &Capabilities) {
        if let Some(packet) = Packet::parse(packet) {
            self.input_packet(&packet, capabilities);
        }
    }

    /// [`Stack::input`] of a packet whose header was read.
    pub(super) fn input_packet(&self, packet: &Packet<'_>, capabilities: &Capabilities) {
        self.receive(packet, capabilities);
        self.serve_loopback();
    }

    /// Brings a packet to its socket. What is malformed, or nobody's, is answered as it must be, or not at all.
    fn receive(&self, packet: &Packet<'_>, capabilities: &Capabilities) {
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
                    self.receive_segment(packet, segment);
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
            Some(endpoint) => endpoint.deliver((remote, local), beside, payload),
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
            let connection = self.tcp.lock().connections.get(&report.ends).cloned();
            if let Some(connection) = connection {
                // There is nobody to be told that it ends.
                let nowhere = &mut Nowhere::default();
                let end = |flow: &mut Flow, _: &mut dyn Outlet| flow.fail_unreachable(report.errno);
                let ((), after) = connection.step(self.now(), nowhere, end);
                self.see_to(&connection, after);
            }
        }
    }

    fn receive_segment(&self, packet: &Packet<'_>, segment: Segment) {
        let ends = (segment.local, segment.remote);
        let (connection, listener) = {
            let tcp = self.tcp.lock();
            let connection = tcp.connections.get(&ends).cloned();
            let listener = if connection.is_none() { tcp.listener_for(segment.local) } else { None };
            (connection, listener)
        };
        if let Some(connection) = connection {
            let now = self.now();
            self.step_quietly(&connection, |flow, outlet| flow.receive_packet(packet.bytes, now, outlet));
            return;
        }
        match listener {
            Some(listener) if segment.rst => listener.forget(&ends),
            Some(listener) if segment.syn && !segment.ack => self.asked(&listener, ends, packet),
            Some(listener) if segment.ack && !segment.syn => self.answered(&listener, ends, packet),
            _ => self.answer_for_nobody(packet),
        }
    }

    /// Somebody asks for a connection: he gets an answer that a connection made later fits.
    fn asked(&self, listener: &Listener, ends: Ends, packet: &Packet<'_>) {
        let now = self.now();
        let Some(asking) = listener.ask(ends, packet.bytes, (self.around.random)(), now) else { return };
        self.outlet(ends.1, |outlet| {
            if let Ok(mut flow) = Flow::accept(ends, asking.seed, now, outlet) {
                flow.receive_packet(packet.bytes, now, outlet);
                flow.poll(now, outlet);
            }
        });
    }

    /// Who asked for a connection has answered: it is made, as if it had been there all the time.
    fn answered(&self, listener: &Arc<Listener>, ends: Ends, packet: &Packet<'_>) {
        let Some(asking) = listener.answered(&ends) else { return self.answer_for_nobody(packet) };
        let now = self.now();
        let made = self.outlet(ends.1, |outlet| Flow::accept(ends, asking.seed, now, outlet));
        let Ok(mut flow) = made else { return };
        let nowhere = &mut Nowhere::like(self.outlet(ends.1, |outlet| outlet.capabilities().clone()));
        flow.receive_packet(&asking.first, now, nowhere);
        flow.poll(now, nowhere);
        let Ok(connection) = self.tcp.lock().insert(flow, Arc::downgrade(listener)) else { return };
        self.step_quietly(&connection, |flow, outlet| flow.receive_packet(packet.bytes, now, outlet));
    }

    /// A packet for a port or protocol that nobody has: the sender is told, unless it only tells something itself.
    fn answer_for_nobody(&self, packet: &Packet<'_>) {
        self.outlet(scoped(packet.source, 0, packet.scope), |outlet| {
            let now = instant(self.now());
            let mut port = Port { packet: Some(packet.bytes), outlet };
            let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut port, now);
            interface.set_any_ip(true);
            interface.poll_ingress_single(now, &mut port, &mut SocketSet::new(Vec::new()));
        });
    }
}

impl Tcp {
    fn insert(&mut self, flow: Flow, listener: Weak<Listener>) -> Result<Arc<Connection>, Errno> {
        self.connections.try_reserve(1).map_err(|_| Errno::ENOBUFS)?;
        let connection = Arc::new(Connection::new(flow, listener));
        self.connections.insert(connection.ends(), Arc::clone(&connection));
        Ok(connection)
    }

    fn remove(&mut self, connection: &Arc<Connection>) {
        let is_it = |found: &Arc<Connection>| Arc::ptr_eq(found, connection);
        if self.connections.get(&connection.ends()).is_some_and(is_it) {
            self.connections.remove(&connection.ends());
        }
    }

    /// The listener that fits a connection to `local` best.
    fn listener_for(&self, local: SocketAddr) -> Option<Arc<Listener>> {
        let listeners = self.listeners.get(&local.port())?;
        let fitting = listeners.iter().filter_map(|listener| Some((listener.fits(local)?, listener)));
        fitting.max_by_key(|(fit, _)| *fit).map(|(_, listener)| Arc::clone(listener))
    }

    /// A port that no connection from `source` to `remote` uses, and nobody has claimed, looked for from where `random` says.
    fn free_port(&self, mut source: SocketAddr, remote: SocketAddr, random: u64) -> Option<u16> {
        ephemeral_from(random).find(|&port| {
            source.set_port(port);
            !self.ports.is_claimed(port) && !self.connections.contains_key(&(source, remote))
        })
    }
}

mod links;
mod many;
#[cfg(test)]
mod tests;
