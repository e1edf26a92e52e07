//! The stack: whose a packet is, and which way out it takes.
//!
//! Locks, outermost first: a connection or a UDP socket, the tables, a listener, a link, the queues of packets and deadlines. Packets are brought to their
//! sockets with none of them held.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::task::Waker;

use abi::errno::Errno;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::wire::{HardwareAddress, IpProtocol};
use sync::Lock;

use crate::file::Io;
use crate::file::io::Source;

use super::connection::{After, Connection, Ends};
use super::deadlines::Deadlines;
use super::device::Device;
use super::flow::{Flow, instant};
use super::icmp::Report;
use super::link::{Link, Setting};
use super::listener::Listener;
use super::loopback::Loopback;
use super::outlet::{Capabilities, Nowhere, Outlet, Port};
use super::packet::{Packet, Segment};
use super::ports::{Claim, ClaimId, Ports, ephemeral_from};
use super::routes::{Network, Routes, Way};
use super::udp::{self, Endpoint};

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
}

impl OpenEndpoint {
    /// What has come for it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Has it send to and hear `remote` only, or anybody again.
    ///
    /// # Errors
    /// `ENETUNREACH`.
    pub fn connect(&self, remote: Option<SocketAddr>) -> Result<(), Errno> {
        let address = match remote {
            Some(remote) if self.bound_to.is_unspecified() => self.stack.source_for(remote.ip())?,
            _ => self.bound_to,
        };
        self.endpoint.connect(SocketAddr::new(address, self.id.port()), remote);
        Ok(())
    }

    /// Sends all of `from` as one datagram to `remote`.
    ///
    /// # Errors
    /// `ENETUNREACH`, `EMSGSIZE`, `ENOBUFS`, `EFAULT`.
    pub fn send(&self, remote: SocketAddr, hop_limit: u8, from: &mut dyn Source) -> Result<usize, Errno> {
        let (local, _) = self.endpoint.ends();
        let source = if local.ip().is_unspecified() || local.is_ipv4() != remote.is_ipv4() {
            self.stack.source_for(remote.ip())?
        } else {
            local.ip()
        };
        let way = udp::Way { local: SocketAddr::new(source, local.port()), remote, hop_limit };
        let sent = self.stack.outlet(remote.ip(), |outlet| udp::send(way, from, outlet));
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
    pub fn source_for(&self, remote: IpAddr) -> Result<IpAddr, Errno> {
        match self.way_to(remote) {
            Way::Here => Ok(remote),
            Way::Out { source, .. } => Ok(source.into()),
            Way::None => Err(Errno::ENETUNREACH),
        }
    }

    fn way_to(&self, remote: IpAddr) -> Way {
        if remote.is_loopback() { Way::Here } else { self.routes.lock().way_to(remote) }
    }

    /// Does `with` with the way out to `remote`.
    fn outlet<R>(&self, remote: IpAddr, with: impl FnOnce(&mut dyn Outlet) -> R) -> R {
        match self.way_to(remote) {
            Way::Here => with(&mut self.loopback.outlet()),
            Way::Out { link, neighbour, .. } => with(&mut link.outlet(neighbour)),
            Way::None => with(&mut Nowhere::default()),
        }
    }

    /// Adds a link over `device`.
    pub fn add_link(&self, device: Arc<dyn Device>, setting: Setting) -> Arc<Link> {
        let link = Arc::new(Link::new(device, setting, self.around));
        let mut routes = self.routes.lock();
        routes.add(Arc::clone(&link));
        routes.set(&link, link.network());
        link
    }

    /// `link` has another address, or none.
    pub(super) fn set_network(&self, link: &Arc<Link>, network: Option<Network>) {
        self.routes.lock().set(link, network);
    }

    /// The links.
    pub fn links(&self) -> Vec<Arc<Link>> {
        self.routes.lock().links()
    }

    /// Whether it is known how `remote` is reached, or that it is not.
    ///
    /// # Errors
    /// `EAGAIN` while a link asks for its address; the caller's waker is woken when that is decided.
    pub fn settle(&self, remote: IpAddr, io: &Io<'_>) -> Result<(), Errno> {
        if !matches!(self.way_to(remote), Way::None) {
            return Ok(());
        }
        // Each of them is asked: the waker stays with all.
        let settling = self.links().iter().filter(|link| link.is_settling(io)).count();
        if settling > 0 { Err(Errno::EAGAIN) } else { Ok(()) }
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
        let local = SocketAddr::new(claim.address.ip(), id.port());
        let endpoint = Arc::new(Endpoint::new(local, claim.v6_only));
        let endpoints = udp.endpoints.entry(id.port()).or_default();
        if endpoints.try_reserve(1).is_err() {
            udp.ports.release(id);
            return Err(Errno::ENOMEM);
        }
        endpoints.push(Arc::clone(&endpoint));
        Ok(OpenEndpoint { stack: Arc::clone(self), endpoint, id, bound_to: local.ip() })
    }

    /// A connection from `local`, whose port may be 0 and whose address unspecified, to `remote`. It begins with its first [`Stack::step`].
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` when all ports are taken; `EADDRINUSE` when there is this connection already; `ENETUNREACH`; `ENOBUFS`.
    pub fn connect(&self, local: SocketAddr, remote: SocketAddr) -> Result<Arc<Connection>, Errno> {
        let source = if local.ip().is_unspecified() { self.source_for(remote.ip())? } else { local.ip() };
        let now = self.now();
        let mut tcp = self.tcp.lock();
        let port = match local.port() {
            0 => tcp.free_port(source, remote, (self.around.random)()).ok_or(Errno::EADDRNOTAVAIL)?,
            port => port,
        };
        let ends = (SocketAddr::new(source, port), remote);
        if tcp.connections.contains_key(&ends) {
            return Err(Errno::EADDRINUSE);
        }
        let seed = (self.around.random)();
        let flow = self.outlet(remote.ip(), |outlet| Flow::connect(ends, seed, now, outlet))?;
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
        let remote = connection.ends().1.ip();
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
        self.loopback.serve(|packet| self.receive(packet, capabilities));
    }

    /// When [`Stack::tick`] must be called: monotonic nanoseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let links = self.links();
        let next = links.iter().filter_map(|link| link.next_deadline()).min();
        [next, self.deadlines.lock().next()].into_iter().flatten().min()
    }

    /// Brings what came in over links to its sockets. False: there is no more, and `waker` is woken when there is.
    pub fn serve_links(&self, waker: &Waker) -> bool {
        self.links().iter().filter(|link| link.serve(self, waker)).count() > 0
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
        self.receive(packet, capabilities);
        self.serve_loopback();
    }

    /// Brings a packet to its socket. What is malformed, or nobody's, is answered as it must be, or not at all.
    fn receive(&self, bytes: &[u8], capabilities: &Capabilities) {
        let Some(packet) = Packet::parse(bytes) else { return };
        if packet.source.is_unspecified() {
            return;
        }
        if !self.is_local(packet.destination) {
            if packet.protocol == IpProtocol::Udp && self.routes.lock().is_broadcast(packet.destination) {
                self.receive_datagram(&packet, capabilities);
            }
            return;
        }
        match packet.protocol {
            IpProtocol::Tcp => {
                if let Some(segment) = packet.segment() {
                    self.receive_segment(&packet, segment);
                }
            }
            IpProtocol::Udp => self.receive_datagram(&packet, capabilities),
            _ => match Report::read(&packet, &capabilities.checksums()) {
                Some(report) => self.take_report(report),
                None => self.answer_for_nobody(&packet),
            },
        }
    }

    fn receive_datagram(&self, packet: &Packet<'_>, capabilities: &Capabilities) {
        let Some((local, remote, payload)) = packet.datagram() else { return };
        if !udp::is_right(packet.payload, packet.source, packet.destination, &capabilities.checksums()) {
            return;
        }
        match self.endpoint_for(local, remote) {
            Some(endpoint) => endpoint.deliver(remote, local, payload),
            // Nobody answers what was for everybody (RFC 1122, section 3.2.2.1).
            None if self.is_local(local.ip()) => self.answer_for_nobody(packet),
            None => {}
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
            Some(listener) if segment.syn && !segment.ack => self.asked(&listener, &segment, packet),
            Some(listener) if segment.ack && !segment.syn => self.answered(&listener, ends, packet),
            _ => self.answer_for_nobody(packet),
        }
    }

    /// Somebody asks for a connection: he gets an answer that a connection made later fits.
    fn asked(&self, listener: &Listener, segment: &Segment, packet: &Packet<'_>) {
        let (now, ends) = (self.now(), (segment.local, segment.remote));
        let Some(asking) = listener.ask(segment, packet.bytes, (self.around.random)(), now) else { return };
        self.outlet(ends.1.ip(), |outlet| {
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
        let made = self.outlet(ends.1.ip(), |outlet| Flow::accept(ends, asking.seed, now, outlet));
        let Ok(mut flow) = made else { return };
        let nowhere = &mut Nowhere::like(self.outlet(ends.1.ip(), |outlet| outlet.capabilities().clone()));
        flow.receive_packet(&asking.first, now, nowhere);
        flow.poll(now, nowhere);
        let Ok(connection) = self.tcp.lock().insert(flow, Arc::downgrade(listener)) else { return };
        self.step_quietly(&connection, |flow, outlet| flow.receive_packet(packet.bytes, now, outlet));
    }

    /// A packet for a port or protocol that nobody has: the sender is told, unless it only tells something itself.
    fn answer_for_nobody(&self, packet: &Packet<'_>) {
        self.outlet(packet.source, |outlet| {
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
    fn free_port(&self, source: IpAddr, remote: SocketAddr, random: u64) -> Option<u16> {
        ephemeral_from(random).find(|&port| {
            !self.ports.is_claimed(port)
                && !self.connections.contains_key(&(SocketAddr::new(source, port), remote))
        })
    }
}

#[cfg(test)]
mod tests;
