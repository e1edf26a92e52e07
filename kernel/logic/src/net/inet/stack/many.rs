//! What is for many: groups and everybody on a link, their members here, and datagrams to them.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use abi::errno::Errno;

use super::super::packet::Packet;
use super::super::udp::{self, Beside, Datagram, How, Way};
use super::{LOOPBACK, Stack, Way as Route};
use crate::file::io::SliceSource;

impl Stack {
    /// Whether `address` is for everybody on a link, this machine's own included.
    pub(in super::super) fn is_broadcast(&self, address: IpAddr) -> bool {
        let IpAddr::V4(v4) = address else { return false };
        if v4.is_loopback() {
            return v4 == Ipv4Addr::new(127, 255, 255, 255);
        }
        v4.is_broadcast() || self.routes.lock().is_broadcast(address)
    }

    /// Whether there is a link with this number.
    pub(in super::super) fn has_link(&self, number: u32) -> bool {
        number == LOOPBACK || self.routes.lock().link(number).is_some()
    }

    /// The number of the first link.
    pub(in super::super) fn first_link(&self) -> Option<u32> {
        self.routes.lock().links().first().map(|link| link.number())
    }

    /// The number of the link with this address.
    pub(in super::super) fn number_of(&self, address: Ipv4Addr) -> Option<u32> {
        self.routes.lock().number_of(address)
    }

    /// A socket listens to `group` on `link`.
    ///
    /// # Errors
    /// `ENODEV`; `ENOBUFS` when there are too many.
    pub(in super::super) fn join(&self, group: IpAddr, link: u32) -> Result<(), Errno> {
        if link == LOOPBACK {
            return self.groups.lock().join(group).map(drop);
        }
        let link = self.routes.lock().link(link).ok_or(Errno::ENODEV)?;
        link.join(group)
    }

    /// It does so no more.
    pub(in super::super) fn leave(&self, group: IpAddr, link: u32) {
        if link == LOOPBACK {
            self.groups.lock().leave(group);
            return;
        }
        let link = self.routes.lock().link(link);
        if let Some(link) = link {
            link.leave(group);
        }
    }

    /// Whether anybody listens to `group` on `link`.
    fn is_joined(&self, group: IpAddr, link: u32) -> bool {
        if link == LOOPBACK {
            return self.groups.lock().has(group);
        }
        let link = self.routes.lock().link(link);
        link.is_some_and(|link| link.has_joined(group))
    }

    /// Whether a packet that is for no address of ours is for us, too.
    pub(super) fn is_for_many(&self, packet: &Packet<'_>) -> bool {
        if packet.destination.is_multicast() {
            return self.is_joined(packet.destination, packet.scope.max(LOOPBACK));
        }
        self.is_broadcast(packet.destination)
    }

    /// Brings a datagram to all that hear what is sent there.
    pub(super) fn deliver_to_all(&self, ends: (SocketAddr, SocketAddr), beside: Beside, payload: &[u8]) {
        let (remote, local) = ends;
        let endpoints = {
            let udp = self.udp.lock();
            udp.endpoints.get(&local.port()).map_or_else(Vec::new, |all| udp::all(all, local, remote))
        };
        for endpoint in endpoints {
            if let Ok(datagram) = Datagram::new(ends, beside, &mut SliceSource(payload)) {
                endpoint.deliver(datagram);
            }
        }
    }

    /// Sends what has been gathered: in one piece or cut, and to members of a group here.
    pub(super) fn send_gathered(&self, way: Way, how: &How, bytes: &[u8]) -> Result<usize, Errno> {
        let segment = how.segment.map_or(usize::MAX, |segment| usize::from(segment.get()));
        let ends = (way.local, way.remote);
        let send = |link| self.outlet_by(&ends, link, |outlet| udp::send_cut(way, bytes, segment, outlet));
        if !way.remote.ip().is_multicast() {
            return send(how.link);
        }
        let link = self.link_to(way.remote, how.link).ok_or(Errno::ENETUNREACH)?;
        // Without a limit it stays on this machine.
        if link != LOOPBACK && how.hop_limit > 0 {
            send(link)?;
        }
        // What is sent to oneself comes back whatever one wants.
        if (how.loops || link == LOOPBACK) && self.is_joined(way.remote.ip(), link) {
            let beside = Beside { link, hop_limit: how.hop_limit, traffic_class: how.traffic_class };
            if bytes.is_empty() {
                self.deliver_to_all(ends, beside, bytes);
            }
            bytes.chunks(segment).for_each(|part| self.deliver_to_all(ends, beside, part));
        }
        Ok(bytes.len())
    }

    /// The number of the link that packets for a group go out of.
    fn link_to(&self, group: SocketAddr, link: u32) -> Option<u32> {
        match self.way_by(group, link) {
            _ if link == LOOPBACK => Some(LOOPBACK),
            Route::Out { link, .. } => Some(link.number()),
            Route::Here | Route::None => None,
        }
    }
}
