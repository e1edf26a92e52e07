//! The last hand at a packet: its checksum, or what a device is left to do to it: a checksum to fill in, segments to cut.

use core::net::IpAddr;

use smoltcp::wire::{IpProtocol, TcpPacket, UdpPacket};

use super::device::{ETHERNET, Finish, Offloads};
use super::outlet::Cut;
use super::packet::Packet;
use super::reassembly;
use super::sum;

/// Where the checksum lies in a TCP and in a UDP header.
const IN_TCP: usize = 16;
const IN_UDP: usize = 6;

/// A checksum of TCP or UDP that is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksum {
    /// Where in the packet the bytes begin that it covers.
    start: usize,
    /// Where it lies behind that.
    place: usize,
    /// The sum of the pseudo-header, but for the length.
    begun: u16,
}

impl Checksum {
    /// That of what `packet` carries, if it has one and is all there.
    pub(super) fn of(packet: &Packet<'_>) -> Option<Self> {
        let place = match packet.protocol {
            IpProtocol::Tcp => IN_TCP,
            IpProtocol::Udp => IN_UDP,
            _ => return None,
        };
        let start = packet.bytes.len() - packet.payload.len();
        (!reassembly::is_piece(packet)).then(|| Self { start, place, begun: pseudo_header(packet) })
    }

    /// Fills it in where `bytes` are such a packet, of any length, or begins it and answers where it is, if the device does the rest ([`Finish::checksum`]).
    pub(super) fn make(self, bytes: &mut [u8], offloads: Offloads) -> Option<(u16, u16)> {
        let Self { start, place, begun } = self;
        let at = start + place;
        let begun = with_length(begun, bytes.len().checked_sub(start)?);
        bytes.get_mut(at..at + 2)?.copy_from_slice(&begun.to_be_bytes());
        if offloads.checksums {
            return Some((u16::try_from(ETHERNET + start).ok()?, u16::try_from(place).ok()?));
        }
        let whole = !sum::of(bytes.get(start..)?);
        // In UDP, 0 says that there is none (RFC 768).
        let whole = if place == IN_UDP && whole == 0 { u16::MAX } else { whole };
        bytes.get_mut(at..at + 2)?.copy_from_slice(&whole.to_be_bytes());
        None
    }
}

/// Fills in the checksum of what the packet carries that `bytes` are, or begins it and answers what the device has to do, if it can. What is to be cut is cut
/// by the device.
pub(super) fn of(bytes: &mut [u8], cut: Cut, offloads: Offloads) -> Finish {
    let Some(packet) = Packet::parse(bytes) else { return Finish::default() };
    let is_v6 = packet.source.is_ipv6();
    let segments = cut.segment.and_then(|size| {
        let header = TcpPacket::new_checked(packet.payload).ok()?.header_len();
        let headers = ETHERNET + packet.bytes.len() - packet.payload.len() + usize::from(header);
        Some((size, u16::try_from(headers).ok()?))
    });
    let checksum = Checksum::of(&packet).and_then(|checksum| checksum.make(bytes, offloads));
    checksum.map_or_else(Finish::default, |checksum| Finish { checksum: Some(checksum), segments, is_v6 })
}

/// Whether the checksum of TCP or UDP that `packet` carries is right. Over IPv4 a datagram may have none (RFC 768), over IPv6 not (RFC 8200, section 8.1).
pub(super) fn is_right(packet: &Packet<'_>) -> bool {
    let sums_up =
        |bytes: &[u8]| sum::add(with_length(pseudo_header(packet), bytes.len()), sum::of(bytes)) == u16::MAX;
    match packet.protocol {
        IpProtocol::Tcp => sums_up(packet.payload),
        IpProtocol::Udp => UdpPacket::new_checked(packet.payload).is_ok_and(|datagram| {
            let has_none = datagram.checksum() == 0;
            if has_none { packet.source.is_ipv4() } else { sums_up(&packet.payload[..datagram.len().into()]) }
        }),
        _ => true,
    }
}

/// The sum of the pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1) without the length, not complemented.
fn pseudo_header(packet: &Packet<'_>) -> u16 {
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => sum::of_number(address.to_bits().into()),
        IpAddr::V6(address) => sum::of(&address.octets()),
    };
    let addresses = sum::add(address(packet.source), address(packet.destination));
    sum::add(addresses, u8::from(packet.protocol).into())
}

/// The sum of `pseudo_header` and the length of what it stands in front of.
fn with_length(pseudo_header: u16, length: usize) -> u16 {
    sum::add(pseudo_header, sum::of_number(length as u64))
}

#[cfg(test)]
mod tests;
