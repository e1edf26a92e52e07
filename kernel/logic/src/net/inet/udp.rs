//! UDP (RFC 768): endpoints, what has come for them, and datagrams on their way out.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroU16;
use core::sync::atomic::{AtomicUsize, Ordering};

use abi::errno::Errno;
use abi::io::PollEvents;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpAddress, IpProtocol, IpRepr, UdpPacket, UdpRepr};
use sync::Lock;

use crate::file::Io;
use crate::file::io::{SliceSource, Source};
use crate::file::poll::{READABLE, WRITABLE};
use crate::file::wakers::WakerSet;

use super::fragment;
use super::outlet::{Cut, Outlet, mark};

/// Bytes of the header.
const HEADER: usize = 8;
/// Bytes of the headers in front of it.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// Bytes of the longest datagram.
const MOST_BYTES: usize = 65_535 - HEADER;
/// Bytes that wait to be received, with what each datagram costs besides (socket(7), `rmem_default`).
const MOST_WAITING: usize = 212_992;
/// What a datagram that waits costs besides its bytes.
const COST: usize = 256;

/// What is known of a datagram besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The number of the link that it came by.
    pub link: u32,
    /// How many more routers it could have passed.
    pub hop_limit: u8,
    /// How it is marked.
    pub traffic_class: u8,
}

/// A datagram that came.
#[derive(Debug)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// The address it was sent to.
    pub to: SocketAddr,
    /// What it says.
    pub bytes: Vec<u8>,
    /// What else is known of it.
    pub beside: Beside,
}

/// Where datagrams go to: one socket's end.
#[derive(Debug)]
pub struct Endpoint {
    most_waiting: AtomicUsize,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    local: SocketAddr,
    v6_only: bool,
    remote: Option<SocketAddr>,
    waiting: VecDeque<Datagram>,
    bytes: usize,
    error: Option<Errno>,
    wakers: WakerSet,
    is_shut: bool,
}

impl Endpoint {
    /// An end at `local` that anybody may send to.
    pub(super) fn new(local: SocketAddr, v6_only: bool) -> Self {
        let state = State {
            local,
            v6_only,
            remote: None,
            waiting: VecDeque::new(),
            bytes: 0,
            error: None,
            wakers: WakerSet::new(),
            is_shut: false,
        };
        Self { most_waiting: AtomicUsize::new(MOST_WAITING), state: Lock::new(state) }
    }

    /// Its own address and, if it is connected, the other's.
    pub fn ends(&self) -> (SocketAddr, Option<SocketAddr>) {
        let state = self.state.lock();
        (state.local, state.remote)
    }

    /// Its own address, for who is to send from it.
    ///
    /// # Errors
    /// What went wrong before, once.
    pub(super) fn sender(&self) -> Result<SocketAddr, Errno> {
        let mut state = self.state.lock();
        state.error.take().map_or(Ok(state.local), Err)
    }

    /// Has it sent to and hear `remote` only, from `local`; or anybody again.
    pub(super) fn connect(&self, local: SocketAddr, remote: Option<SocketAddr>) {
        let mut state = self.state.lock();
        (state.local, state.remote) = (local, remote);
    }

    /// Sets how many bytes wait at most (`SO_RCVBUF`).
    pub fn set_most_waiting(&self, bytes: usize) {
        self.most_waiting.store(bytes, Ordering::Relaxed);
    }

    /// How well it fits a datagram from `remote` to `local`: not at all, or the better the more is given.
    pub(super) fn fits(&self, local: SocketAddr, remote: SocketAddr) -> Option<u8> {
        let state = self.state.lock();
        let own = state.local.ip();
        let here = match (own.is_unspecified(), own.is_ipv4() == local.is_ipv4()) {
            (false, _) if own == local.ip() => 2,
            (true, true) => 1,
            (true, false) if own.is_ipv6() && !state.v6_only => 0,
            _ => return None,
        };
        match state.remote {
            None => Some(here),
            Some(peer) if peer == remote => Some(here + 4),
            Some(_) => None,
        }
    }

    /// A datagram came; too many are lost.
    pub(super) fn deliver(&self, datagram: Datagram) {
        let mut state = self.state.lock();
        let cost = datagram.bytes.len() + COST;
        if state.is_shut
            || state.bytes + cost > self.most_waiting.load(Ordering::Relaxed)
            || state.waiting.try_reserve(1).is_err()
        {
            return;
        }
        state.waiting.push_back(datagram);
        state.bytes += cost;
        state.wakers.wake(READABLE);
    }

    /// A datagram it sent came to nothing.
    pub(super) fn fail(&self, errno: Errno) {
        let mut state = self.state.lock();
        state.error = Some(errno);
        state.wakers.wake_all();
    }

    /// What went wrong, once (`SO_ERROR`).
    pub fn take_error(&self) -> Option<Errno> {
        self.state.lock().error.take()
    }

    /// Hands the first datagram that waits to `take`; it stays with `peek`, and if `take` fails.
    ///
    /// # Errors
    /// `EAGAIN` when there is none; what went wrong before, once; `take`'s.
    pub fn receive<R>(
        &self,
        io: &Io<'_>,
        peek: bool,
        take: impl FnOnce(&Datagram) -> Result<R, Errno>,
    ) -> Result<Option<R>, Errno> {
        let mut state = self.state.lock();
        if let Some(errno) = state.error.take() {
            return Err(errno);
        }
        let Some(first) = state.waiting.front() else {
            if state.is_shut {
                return Ok(None);
            }
            io.wait_for(&mut state.wakers, READABLE | PollEvents::ERR);
            return Err(Errno::EAGAIN);
        };
        let result = take(first)?;
        if !peek {
            state.bytes -= first.bytes.len() + COST;
            state.waiting.pop_front();
        }
        Ok(Some(result))
    }

    /// Bytes of the first datagram that waits (udp(7), `FIONREAD`).
    pub fn first_size(&self) -> usize {
        self.state.lock().waiting.front().map_or(0, |first| first.bytes.len())
    }

    /// Nothing is received any more (shutdown(2), `SHUT_RD`).
    pub fn shut(&self) {
        let mut state = self.state.lock();
        state.is_shut = true;
        state.wakers.wake_all();
    }

    /// What can be done without waiting (poll(2)).
    pub fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.state.lock();
        io.watch(&mut state.wakers);
        let mut events = WRITABLE;
        events.set(READABLE, !state.waiting.is_empty() || state.is_shut);
        events.set(PollEvents::RDHUP, state.is_shut);
        events.set(PollEvents::ERR, state.error.is_some());
        events
    }
}

/// How a datagram is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How {
    /// The address it comes from, if the sender says.
    pub(super) source: Option<IpAddr>,
    /// The number of the link it goes out of; 0: any.
    pub(super) link: u32,
    pub(super) hop_limit: u8,
    pub(super) traffic_class: u8,
    /// Bytes of the datagrams it is cut into.
    pub(super) segment: Option<NonZeroU16>,
    /// What is too long for a packet is refused, and not sent in pieces.
    pub(super) refuses_pieces: bool,
    /// For a group: those who listen on this machine hear it, too.
    pub(super) loops: bool,
}

/// A datagram's way: from where, to where, through how many routers (ip(7), `IP_TTL`), and how it is marked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) hop_limit: u8,
    pub(super) traffic_class: u8,
    /// Names its pieces, if it is too long for a packet; `None`: it is refused then.
    pub(super) pieces: Option<fn() -> u64>,
}

/// Datagrams that one is cut into at most (Linux `UDP_MAX_SEGMENTS`).
pub(super) const MOST_SEGMENTS: usize = 64;

/// All of `from`, which becomes one datagram or several.
///
/// # Errors
/// `EMSGSIZE` when it is too long for either; `ENOBUFS` without memory; `EFAULT`.
pub(super) fn gather(from: &mut dyn Source) -> Result<Vec<u8>, Errno> {
    let length = from.left();
    if length > MOST_BYTES {
        return Err(Errno::EMSGSIZE);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Errno::ENOBUFS)?;
    bytes.resize(length, 0);
    from.take(&mut bytes)?;
    Ok(bytes)
}

/// Sends `bytes` as datagrams of `segment` bytes, the last one shorter (udp(7), `UDP_SEGMENT`).
///
/// # Errors
/// `EINVAL` when they are too many, or too long for a packet each; `ENOBUFS` without room for the first one; `EMSGSIZE`.
pub(super) fn send_cut(
    way: Way,
    bytes: &[u8],
    segment: usize,
    outlet: &mut dyn Outlet,
) -> Result<usize, Errno> {
    if bytes.len() <= segment {
        return send(way, &mut SliceSource(bytes), outlet);
    }
    let header = if way.remote.is_ipv4() { IPV4_HEADER } else { IPV6_HEADER };
    if segment + HEADER + header > outlet.capabilities().mtu() || bytes.len() > segment * MOST_SEGMENTS {
        return Err(Errno::EINVAL);
    }
    for (index, part) in bytes.chunks(segment).enumerate() {
        match send(way, &mut SliceSource(part), outlet) {
            Err(errno) if index == 0 => return Err(errno),
            // Lost, as on any wire.
            _ => {}
        }
    }
    Ok(bytes.len())
}

impl Datagram {
    /// All of `from`, for a socket of this machine.
    ///
    /// # Errors
    /// `EMSGSIZE` when it is too long; `ENOBUFS` without memory; `EFAULT`.
    pub(super) fn new(
        (from, to): (SocketAddr, SocketAddr),
        beside: Beside,
        payload: &mut dyn Source,
    ) -> Result<Self, Errno> {
        let length = payload.left();
        // IPv4 counts its own header.
        if length > MOST_BYTES - if to.is_ipv4() { IPV4_HEADER } else { 0 } {
            return Err(Errno::EMSGSIZE);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Errno::ENOBUFS)?;
        bytes.resize(length, 0);
        payload.take(&mut bytes)?;
        Ok(Self { from, to, bytes, beside })
    }
}

/// Sends all of `from` as one datagram to another machine.
///
/// # Errors
/// `EMSGSIZE` when it is too long for one packet; `ENOBUFS` without room; `EFAULT`.
pub(super) fn send(way: Way, from: &mut dyn Source, outlet: &mut dyn Outlet) -> Result<usize, Errno> {
    let length = from.left();
    let ip = IpRepr::new(
        way.local.ip().into(),
        way.remote.ip().into(),
        IpProtocol::Udp,
        HEADER + length,
        way.hop_limit,
    );
    let whole = ip.header_len() + HEADER + length;
    let most = if way.remote.is_ipv4() { MOST_BYTES - IPV4_HEADER } else { MOST_BYTES };
    let mtu = outlet.capabilities().mtu();
    let is_too_long = whole > mtu;
    // A way that takes the longest packets takes no pieces.
    if length > most || is_too_long && (way.pieces.is_none() || mtu > MOST_BYTES) {
        return Err(Errno::EMSGSIZE);
    }
    if !outlet.has_room() {
        return Err(Errno::ENOBUFS);
    }
    if let Some(random) = way.pieces.filter(|_| is_too_long) {
        let datagram = whole_datagram(&way, from)?;
        // Any 32 bits of it name the pieces.
        fragment::send(&way, (random() & 0xffff_ffff) as u32, &datagram, outlet);
        return Ok(length);
    }
    let checksums = outlet.capabilities().checksums();
    let packet = outlet.buffer(whole);
    ip.emit(&mut packet[..], &checksums);
    mark(packet, way.traffic_class, checksums.ipv4.tx());
    let datagram = UdpRepr { src_port: way.local.port(), dst_port: way.remote.port() };
    let mut given = Ok(());
    let payload = |payload: &mut [u8]| given = from.take(payload);
    let (local, remote): (IpAddress, IpAddress) = (way.local.ip().into(), way.remote.ip().into());
    let mut rest = UdpPacket::new_unchecked(&mut packet[ip.header_len()..]);
    datagram.emit(&mut rest, &local, &remote, length, payload, &checksums);
    given?;
    outlet.send(Cut::default());
    Ok(length)
}

/// All of `from` behind its header, with a checksum whatever the device could do.
fn whole_datagram(way: &Way, from: &mut dyn Source) -> Result<Vec<u8>, Errno> {
    let length = from.left();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(HEADER + length).map_err(|_| Errno::ENOBUFS)?;
    bytes.resize(HEADER + length, 0);
    let header = UdpRepr { src_port: way.local.port(), dst_port: way.remote.port() };
    let (local, remote): (IpAddress, IpAddress) = (way.local.ip().into(), way.remote.ip().into());
    let mut given = Ok(());
    let payload = |payload: &mut [u8]| given = from.take(payload);
    let mut packet = UdpPacket::new_unchecked(&mut bytes[..]);
    header.emit(&mut packet, &local, &remote, length, payload, &ChecksumCapabilities::default());
    given.map(|()| bytes)
}

/// Whether a datagram's checksum is right, as far as `checksums` says that it matters.
pub(super) fn is_right(
    payload: &[u8],
    source: IpAddr,
    destination: IpAddr,
    checksums: &ChecksumCapabilities,
) -> bool {
    UdpPacket::new_checked(payload)
        .is_ok_and(|packet| UdpRepr::parse(&packet, &source.into(), &destination.into(), checksums).is_ok())
}

/// The endpoints of `endpoints` that fit at all: what is for many is for all of them.
pub(super) fn all(endpoints: &[Arc<Endpoint>], local: SocketAddr, remote: SocketAddr) -> Vec<Arc<Endpoint>> {
    endpoints.iter().filter(|endpoint| endpoint.fits(local, remote).is_some()).cloned().collect()
}

/// The endpoint of `endpoints` that fits best.
pub(super) fn best(
    endpoints: &[Arc<Endpoint>],
    local: SocketAddr,
    remote: SocketAddr,
) -> Option<Arc<Endpoint>> {
    let fitting = endpoints.iter().filter_map(|endpoint| Some((endpoint.fits(local, remote)?, endpoint)));
    fitting.max_by_key(|(fit, _)| *fit).map(|(_, endpoint)| Arc::clone(endpoint))
}
