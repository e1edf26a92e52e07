//! Saying which groups of IPv4 a link listens to (IGMP, version 3: RFC 3376), so that switches and routers bring their packets.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::wire::{IpProtocol, Ipv4Packet};

use super::mld::Told;
use super::packet::Packet;

/// Who wants to hear of it.
pub(super) const ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
/// Bytes of the header of IP with a router alert (RFC 2113), of the message's beginning, and of what it says of a group.
const HEADER: usize = 24;
const BEGINNING: usize = 8;
const RECORD: usize = 8;
/// Groups that are told of at once, at most.
const MOST: usize = 60;
/// Kinds of messages.
const QUERY: u8 = 0x11;
const REPORT: u8 = 0x22;

/// The message, from `source`.
pub(super) fn report(source: Ipv4Addr, groups: &[Ipv4Addr], told: Told) -> Vec<u8> {
    let groups = &groups[..groups.len().min(MOST)];
    let length = u16::try_from(HEADER + BEGINNING + groups.len() * RECORD).unwrap_or(0);
    let mut bytes = Vec::with_capacity(usize::from(length));
    bytes.extend_from_slice(&[0x46, 0xc0]);
    bytes.extend_from_slice(&length.to_be_bytes());
    // Not to be cut, through no router.
    bytes.extend_from_slice(&[0, 0, 0x40, 0, 1, u8::from(IpProtocol::Igmp), 0, 0]);
    bytes.extend_from_slice(&source.octets());
    bytes.extend_from_slice(&ROUTERS.octets());
    bytes.extend_from_slice(&[0x94, 4, 0, 0]);
    bytes.extend_from_slice(&[REPORT, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&u16::try_from(groups.len()).unwrap_or(0).to_be_bytes());
    for group in groups {
        bytes.extend_from_slice(&[told as u8, 0, 0, 0]);
        bytes.extend_from_slice(&group.octets());
    }
    let sum = checksum(&bytes[HEADER..]);
    bytes[HEADER + 2..HEADER + 4].copy_from_slice(&sum.to_be_bytes());
    Ipv4Packet::new_unchecked(&mut bytes[..]).fill_checksum();
    bytes
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0)));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(0)
}

/// Which group a router asks for, if it asks whether groups are listened to; the unspecified address is all.
pub(super) fn asks(packet: &Packet<'_>) -> Option<Ipv4Addr> {
    let message = packet.payload;
    let is_query = packet.protocol == IpProtocol::Igmp && *message.first()? == QUERY;
    let group = message.get(4..8)?.first_chunk::<4>()?;
    // An odd byte more does not change what is right: the sum of all is zero.
    (is_query && checksum(message) == 0).then(|| Ipv4Addr::from(*group))
}

#[cfg(test)]
mod tests;
