//! Datagrams that are too long for a packet, sent in pieces (RFC 791, section 2.3; RFC 8200, section 4.5).

use core::net::IpAddr;

use smoltcp::wire::{IpProtocol, IpRepr, Ipv4Packet};

use super::outlet::{Cut, Outlet, mark};
use super::udp::Way;

/// Bytes of the header of each piece over IPv6.
const HEADER: usize = 8;
/// Offsets, and lengths of all pieces but the last, are multiples of this.
const UNIT: usize = 8;

/// Sends `datagram`, with its header and checksum, as pieces of the packet that `number` names.
pub(super) fn send(way: &Way, number: u32, datagram: &[u8], outlet: &mut dyn Outlet) {
    let is_v6 = way.remote.is_ipv6();
    let between = if is_v6 { HEADER } else { 0 };
    let header = |length: usize| {
        let protocol = if is_v6 { IpProtocol::Ipv6Frag } else { IpProtocol::Udp };
        let (local, remote): (IpAddr, IpAddr) = (way.local.ip(), way.remote.ip());
        IpRepr::new(local.into(), remote.into(), protocol, between + length, way.hop_limit)
    };
    let checksums = outlet.capabilities().checksums();
    let most = outlet.capabilities().mtu().saturating_sub(header(0).buffer_len()) / UNIT * UNIT;
    for (index, part) in datagram.chunks(most.max(UNIT)).enumerate() {
        let (ip, offset) = (header(part.len()), index * most);
        let is_last = offset + part.len() == datagram.len();
        let packet = outlet.buffer(ip.buffer_len());
        ip.emit(&mut packet[..], &checksums);
        mark(packet, way.traffic_class, checksums.ipv4.tx());
        let start = ip.header_len();
        if is_v6 {
            let place = u16::try_from(offset).unwrap_or(0) | u16::from(!is_last);
            packet[start..start + 2].copy_from_slice(&[u8::from(IpProtocol::Udp), 0]);
            packet[start + 2..start + 4].copy_from_slice(&place.to_be_bytes());
            packet[start + 4..start + HEADER].copy_from_slice(&number.to_be_bytes());
        } else {
            let mut ip = Ipv4Packet::new_unchecked(&mut packet[..]);
            // Half of a random number is as random.
            ip.set_ident((number & 0xffff) as u16);
            ip.clear_flags();
            ip.set_more_frags(!is_last);
            ip.set_frag_offset(u16::try_from(offset).unwrap_or(0));
            if checksums.ipv4.tx() {
                ip.fill_checksum();
            }
        }
        packet[start + between..].copy_from_slice(part);
        outlet.send(Cut::default());
    }
}
