//! The end that a socket sends datagrams from.

use alloc::sync::Arc;
use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroU16;

use abi::errno::Errno;
use smoltcp::wire::IpProtocol;

use super::super::icmp::Report;
use super::super::name::{on, scope_of, scoped};
use super::super::ports::{Claim, ClaimId};
use super::super::udp::{self, Beside, Datagram, Endpoint, How};
use super::{LOOPBACK, Stack};
use crate::file::io::{SliceSource, Source};

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
    /// `ENETUNREACH`, `EMSGSIZE`, `ENOBUFS`, `EFAULT`; what went wrong before, once.
    pub(in super::super) fn send(
        &self,
        remote: SocketAddr,
        how: &How,
        from: &mut dyn Source,
    ) -> Result<usize, Errno> {
        let local = self.endpoint.sender()?;
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
        if self.stack.is_local(remote.ip()) {
            return self.stack.bring(&way, how.segment, from);
        }
        let is_for_group = remote.ip().is_multicast();
        match how.segment {
            None if !is_for_group => {
                let ends = (way.local, remote);
                self.stack.outlet_by(&ends, how.link, |outlet| udp::send(way, from, outlet))
            }
            _ => {
                let bytes = udp::gather(from)?;
                self.stack.send_gathered(way, how, &bytes)
            }
        }
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
    /// Brings `from` to a socket of this machine, as one datagram or several of `segment` bytes.
    fn bring(
        &self,
        way: &udp::Way,
        segment: Option<NonZeroU16>,
        from: &mut dyn Source,
    ) -> Result<usize, Errno> {
        let beside = Beside { link: LOOPBACK, hop_limit: way.hop_limit, traffic_class: way.traffic_class };
        let (length, ends) = (from.left(), (way.local, way.remote));
        let segment = segment.map_or(usize::MAX, |segment| usize::from(segment.get()));
        if length <= segment {
            self.bring_one(Datagram::new(ends, beside, from)?);
            return Ok(length);
        }
        let bytes = udp::gather(from)?;
        let parts = bytes.chunks(segment);
        if parts.len() > udp::MOST_SEGMENTS {
            return Err(Errno::EINVAL);
        }
        for part in parts {
            self.bring_one(Datagram::new(ends, beside, &mut SliceSource(part))?);
        }
        Ok(length)
    }

    fn bring_one(&self, datagram: Datagram) {
        let ends = (datagram.from, datagram.to);
        if self.is_broadcast(ends.1.ip()) {
            return self.deliver_to_all(ends, datagram.beside, &datagram.bytes);
        }
        match self.endpoint_for(ends.1, ends.0) {
            Some(endpoint) => endpoint.deliver(datagram),
            None => {
                let errno = Errno::ECONNREFUSED;
                self.take_report(Report { protocol: IpProtocol::Udp, ends, errno, too_long: None });
            }
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
}
