//! The last hand at a packet: its checksum, or what a device is left to do to it: a checksum to fill in, segments to cut.

use core::net::IpAddr;

use smoltcp::wire::{IpProtocol, TcpPacket, UdpPacket};

use super::device::{Finish, Offloads};
use super::link::ETHERNET;
use super::outlet::Cut;
use super::packet::Packet;
use super::reassembly;
use super::sum;

/// Where the checksum lies in a TCP and in a UDP header.
const IN_TCP: usize = 16;
const IN_UDP: usize = 6;

/// Fills in the checksum of what the packet carries that `bytes` are, or begins it and answers what the device has to do, if it can.
pub(super) fn of(bytes: &mut [u8], cut: Cut, offloads: Offloads) -> Finish {
    begin(bytes, cut, offloads).unwrap_or_default()
}

fn begin(bytes: &mut [u8], cut: Cut, offloads: Offloads) -> Option<Finish> {
    let packet = Packet::parse(bytes).filter(|packet| !reassembly::is_piece(packet))?;
    let start = packet.bytes.len() - packet.payload.len();
    let (place, headers) = match packet.protocol {
        IpProtocol::Tcp => {
            (IN_TCP, start + usize::from(TcpPacket::new_checked(packet.payload).ok()?.header_len()))
        }
        IpProtocol::Udp => (IN_UDP, start),
        _ => return None,
    };
    let (begun, is_udp) = (pseudo_header(&packet, packet.payload.len()), packet.protocol == IpProtocol::Udp);
    let finish = Finish {
        checksum: Some((u16::try_from(ETHERNET + start).ok()?, u16::try_from(place).ok()?)),
        segments: match cut.segment {
            Some(size) => Some((size, u16::try_from(ETHERNET + headers).ok()?)),
            None => None,
        },
        is_v6: packet.source.is_ipv6(),
    };
    let at = start + place;
    bytes.get_mut(at..at + 2)?.copy_from_slice(&begun.to_be_bytes());
    if offloads.checksums {
        return Some(finish);
    }
    let whole = !sum::of(bytes.get(start..)?);
    // In UDP, 0 says that there is none (RFC 768).
    let whole = if is_udp && whole == 0 { u16::MAX } else { whole };
    bytes.get_mut(at..at + 2)?.copy_from_slice(&whole.to_be_bytes());
    None
}

/// Whether the checksum of TCP or UDP that `packet` carries is right. Over IPv4 a datagram may have none (RFC 768), over IPv6 not (RFC 8200, section 8.1).
pub(super) fn is_right(packet: &Packet<'_>) -> bool {
    let sums_up = |bytes: &[u8]| sum::add(pseudo_header(packet, bytes.len()), sum::of(bytes)) == u16::MAX;
    match packet.protocol {
        IpProtocol::Tcp => sums_up(packet.payload),
        IpProtocol::Udp => UdpPacket::new_checked(packet.payload).is_ok_and(|datagram| {
            let has_none = datagram.checksum() == 0;
            if has_none { packet.source.is_ipv4() } else { sums_up(&packet.payload[..datagram.len().into()]) }
        }),
        _ => true,
    }
}

/// The sum of the pseudo-header of `length` bytes (RFC 9293, section 3.1; RFC 8200, section 8.1), not complemented.
fn pseudo_header(packet: &Packet<'_>, length: usize) -> u16 {
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => sum::of(&address.octets()),
        IpAddr::V6(address) => sum::of(&address.octets()),
    };
    let addresses = sum::add(address(packet.source), address(packet.destination));
    let length = sum::of(&(length as u64).to_be_bytes());
    sum::add(addresses, sum::add(length, u8::from(packet.protocol).into()))
}

#[cfg(test)]
mod tests;
