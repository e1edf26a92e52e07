//! Local ports: who has which, and the choice of one for who does not care (ip(7), `ip_local_port_range`).

use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;

use abi::errno::Errno;
use hashbrown::HashMap;

/// Ports given to who asks for port 0.
pub const EPHEMERAL: RangeInclusive<u16> = 32_768..=60_999;

/// All of those, once each, from where `random` says.
pub(super) fn ephemeral_from(random: u64) -> impl Iterator<Item = u16> {
    let (start, end) = (*EPHEMERAL.start(), *EPHEMERAL.end());
    let step = random % (u64::from(end - start) + 1);
    let first = start + u16::try_from(step).unwrap_or(0);
    (first..=end).chain(start..first)
}

/// One socket's claim to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address and port it is bound to; an unspecified address is all of them.
    pub address: SocketAddr,
    /// IPv6 sockets that take IPv6 only (ipv6(7), `IPV6_V6ONLY`).
    pub v6_only: bool,
    /// `SO_REUSEADDR`: others that say so too may have it, but for two that listen.
    pub reuse_address: bool,
    /// `SO_REUSEPORT`: others that say so too may have it.
    pub reuse_port: bool,
    /// It listens.
    pub listens: bool,
}

impl Claim {
    /// Whether both could be meant by one packet.
    fn overlaps(&self, other: &Self) -> bool {
        let covers = |one: &Self, other: &Self| match (one.address.ip(), other.address.ip()) {
            (IpAddr::V6(all), IpAddr::V4(_)) => all.is_unspecified() && !one.v6_only,
            (one, other) => one == other || one.is_unspecified() && one.is_ipv4() == other.is_ipv4(),
        };
        covers(self, other) || covers(other, self)
    }

    fn conflicts(&self, other: &Self) -> bool {
        let share = self.reuse_port && other.reuse_port
            || self.reuse_address && other.reuse_address && !self.listens && !other.listens;
        !share && self.overlaps(other)
    }
}

/// Names a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimId {
    port: u16,
    serial: u64,
}

impl ClaimId {
    /// The port.
    pub fn port(self) -> u16 {
        self.port
    }
}

/// The claims of one protocol.
#[derive(Debug, Default)]
pub struct Ports {
    claims: HashMap<u16, alloc::vec::Vec<(u64, Claim)>, foldhash::fast::FixedState>,
    serial: u64,
}

impl Ports {
    /// Claims a port; of those nobody has if `claim` names port 0, looked for from where `random` says.
    ///
    /// # Errors
    /// `EADDRINUSE`; `ENOMEM`.
    pub fn claim(&mut self, claim: Claim, random: u64) -> Result<ClaimId, Errno> {
        match claim.address.port() {
            0 => self.claim_any(claim, random),
            port => self.claim_port(claim, port),
        }
    }

    /// Of those that nobody has, whatever may be shared.
    fn claim_any(&mut self, claim: Claim, random: u64) -> Result<ClaimId, Errno> {
        let free = ephemeral_from(random).find(|port| !self.claims.contains_key(port));
        free.map_or(Err(Errno::EADDRINUSE), |port| self.claim_port(claim, port))
    }

    fn claim_port(&mut self, mut claim: Claim, port: u16) -> Result<ClaimId, Errno> {
        claim.address.set_port(port);
        self.claims.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let claims = self.claims.entry(port).or_default();
        if claims.iter().any(|(_, other)| claim.conflicts(other)) {
            return Err(Errno::EADDRINUSE);
        }
        claims.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.serial += 1;
        claims.push((self.serial, claim));
        Ok(ClaimId { port, serial: self.serial })
    }

    /// Says that who has the claim listens from now on.
    ///
    /// # Errors
    /// `EADDRINUSE`: another one does.
    pub fn listen(&mut self, id: ClaimId) -> Result<(), Errno> {
        let claims = self.claims.get_mut(&id.port).ok_or(Errno::EINVAL)?;
        let index = claims.iter().position(|(serial, _)| *serial == id.serial).ok_or(Errno::EINVAL)?;
        let listening = Claim { listens: true, ..claims[index].1 };
        let others = claims.iter().filter(|(serial, _)| *serial != id.serial);
        if others.clone().any(|(_, other)| other.listens && listening.conflicts(other)) {
            return Err(Errno::EADDRINUSE);
        }
        claims[index].1 = listening;
        Ok(())
    }

    /// Whether somebody has `port`, at any address.
    pub fn is_claimed(&self, port: u16) -> bool {
        self.claims.contains_key(&port)
    }

    /// Gives a claim up.
    pub fn release(&mut self, id: ClaimId) {
        let Some(claims) = self.claims.get_mut(&id.port) else { return };
        claims.retain(|(serial, _)| *serial != id.serial);
        if claims.is_empty() {
            self.claims.remove(&id.port);
        }
    }
}

#[cfg(test)]
mod tests;
