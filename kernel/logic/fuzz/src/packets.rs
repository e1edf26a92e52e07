//! Packets that come in, right in everything that nobody asked to be wrong.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::machine::{OUR_MAC, PEER_MAC};
use crate::sent::sum;

/// Numbers of protocols.
pub(crate) const ICMP: u8 = 1;
pub(crate) const IGMP: u8 = 2;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const PIECE: u8 = 44;
pub(crate) const ICMPV6: u8 = 58;

/// Where a payload's checksum lies.
fn place(protocol: u8) -> Option<usize> {
    match protocol {
        TCP => Some(16),
        UDP => Some(6),
        ICMP | IGMP | ICMPV6 => Some(2),
        _ => None,
    }
}

/// The sum of what the checksum covers besides the payload.
fn pseudo_header((source, destination): (IpAddr, IpAddr), protocol: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for address in [source, destination] {
        match address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
    }
    bytes.extend((length as u32).to_be_bytes());
    bytes.extend([0, 0, 0, protocol]);
    bytes
}

/// Fills in the checksum of what a packet between `ends` carries.
pub(crate) fn fill_checksum(ends: (IpAddr, IpAddr), protocol: u8, payload: &mut [u8]) {
    let Some(at) = place(protocol).filter(|at| at + 2 <= payload.len()) else { return };
    payload[at..at + 2].fill(0);
    let covered = match protocol {
        ICMP | IGMP => payload.to_vec(),
        _ => [&pseudo_header(ends, protocol, payload.len())[..], payload].concat(),
    };
    let sum = !sum(&covered);
    let sum = if protocol == UDP && sum == 0 { u16::MAX } else { sum };
    payload[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// A packet of IPv4; `piece`: its number, and where in the whole it lies (RFC 791).
pub(crate) fn ipv4(
    (source, destination): (Ipv4Addr, Ipv4Addr),
    protocol: u8,
    (number, place): (u16, u16),
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(((20 + payload.len()) as u16).to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend(place.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    let sum = !sum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A packet of IPv6.
pub(crate) fn ipv6(
    (source, destination): (Ipv6Addr, Ipv6Addr),
    protocol: u8,
    hop_limit: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([protocol, hop_limit]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

/// A packet of whichever version the addresses are, with the right checksum for what it carries.
pub(crate) fn ip(ends: (IpAddr, IpAddr), protocol: u8, hop_limit: u8, mut payload: Vec<u8>) -> Vec<u8> {
    fill_checksum(ends, protocol, &mut payload);
    match ends {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            ipv4((source, destination), protocol, (0, 0), &payload)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            ipv6((source, destination), protocol, hop_limit, &payload)
        }
        _ => Vec::new(),
    }
}

/// The frame around a packet, from `from` to `to`.
pub(crate) fn frame_between((from, to): ([u8; 6], [u8; 6]), packet: &[u8]) -> Vec<u8> {
    let kind = if packet.first().is_some_and(|byte| byte >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] };
    [&to[..], &from, &kind, packet].concat()
}

/// The frame around a packet from the neighbour to us.
pub(crate) fn frame(packet: &[u8]) -> Vec<u8> {
    frame_between((PEER_MAC, OUR_MAC), packet)
}

/// ARP: `operation`, from whom, about whom.
pub(crate) fn arp(operation: u8, (mac, who): ([u8; 6], Ipv4Addr), target: ([u8; 6], Ipv4Addr)) -> Vec<u8> {
    let to = if operation == 1 { [0xff; 6] } else { target.0 };
    let mut frame = [&to[..], &mac, &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation]].concat();
    frame.extend(mac);
    frame.extend(who.octets());
    frame.extend(target.0);
    frame.extend(target.1.octets());
    frame
}

/// A message of neighbour discovery (RFC 4861): `kind`, flags, about whom, options.
pub(crate) fn discovery(kind: u8, flags: u8, target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, flags, 0, 0, 0];
    message.extend(target.octets());
    message.extend(options);
    message
}

/// The group of who may be `target` (RFC 4291, section 2.7.1).
pub(crate) fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = target.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]))
}

/// The Ethernet address of a group.
pub(crate) fn group_mac(group: IpAddr) -> [u8; 6] {
    match group {
        IpAddr::V4(group) => {
            let [_, a, b, c] = group.octets();
            [1, 0, 0x5e, a & 0x7f, b, c]
        }
        IpAddr::V6(group) => {
            let [.., a, b, c, d] = group.octets();
            [0x33, 0x33, a, b, c, d]
        }
    }
}
