//! Saying which groups a link listens to (MLD, version 2: RFC 3810), so that switches and routers bring their packets.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use smoltcp::wire::{Icmpv6Message, Icmpv6Packet, IpProtocol};

use super::packet::Packet;

/// Who wants to hear of it.
const ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
/// The header in front of the message: a router looks at it (RFC 2711).
const ALERT: [u8; 8] = [58, 0, 5, 2, 0, 0, 1, 0];
/// Bytes of the header of IPv6, of the message's beginning, and of what it says of a group.
const HEADER: usize = 40;
const BEGINNING: usize = 8;
const RECORD: usize = 20;
/// Groups that are told of at once, at most.
const MOST: usize = 60;

/// What is said of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// They are listened to, as was asked.
    Asked = 2,
    /// They are listened to from now on.
    Joined = 4,
    /// They are listened to no more.
    Left = 3,
}

/// The message, from `source`, which is nowhere until that is certain (RFC 3590).
pub(super) fn report(source: Option<Ipv6Addr>, groups: &[Ipv6Addr], told: Told) -> Vec<u8> {
    let groups = &groups[..groups.len().min(MOST)];
    let source = source.unwrap_or(Ipv6Addr::UNSPECIFIED);
    let count = u16::try_from(groups.len()).unwrap_or(0);
    let payload = u16::try_from(ALERT.len() + BEGINNING + groups.len() * RECORD).unwrap_or(0);
    let mut bytes = Vec::with_capacity(HEADER + usize::from(payload));
    bytes.extend_from_slice(&[0x60, 0, 0, 0]);
    bytes.extend_from_slice(&payload.to_be_bytes());
    // Each router on the way, of which there is none, looks at it.
    bytes.extend_from_slice(&[0, 1]);
    bytes.extend_from_slice(&source.octets());
    bytes.extend_from_slice(&ROUTERS.octets());
    bytes.extend_from_slice(&ALERT);
    bytes.extend_from_slice(&[u8::from(Icmpv6Message::MldReport), 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&count.to_be_bytes());
    for group in groups {
        bytes.extend_from_slice(&[told as u8, 0, 0, 0]);
        bytes.extend_from_slice(&group.octets());
    }
    let mut message = Icmpv6Packet::new_unchecked(&mut bytes[HEADER + ALERT.len()..]);
    message.fill_checksum(&source, &ROUTERS);
    bytes
}

/// Which group a router asks for, if it asks whether groups are listened to; the unspecified address is all (RFC 3810, section 5.1).
pub(super) fn asks(packet: &Packet<'_>) -> Option<Ipv6Addr> {
    let is_asked = packet.protocol == IpProtocol::Icmpv6
        && *packet.payload.first()? == u8::from(Icmpv6Message::MldQuery)
        && matches!(packet.source, IpAddr::V6(source) if source.is_unicast_link_local());
    // The first 24 bytes are the same in version 1.
    let group = packet.payload.get(8..24)?.first_chunk::<16>()?;
    is_asked.then(|| Ipv6Addr::from(*group))
}

#[cfg(test)]
mod tests;
