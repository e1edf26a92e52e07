//! What a device is left to do to a packet: checksums to fill in, segments to cut.

use core::net::IpAddr;

use smoltcp::wire::{IpProtocol, TcpPacket};

use super::device::{Finish, Offloads};
use super::link::ETHERNET;
use super::outlet::Cut;
use super::packet::Packet;
use super::reassembly;

/// Where the checksum lies in a TCP and in a UDP header.
const IN_TCP: usize = 16;
const IN_UDP: usize = 6;

/// What is left to do to the packet that `bytes` are, with its checksum begun; `None` when nothing is.
pub(super) fn of(bytes: &mut [u8], cut: Cut, offloads: Offloads) -> Option<Finish> {
    if !offloads.checksums {
        return None;
    }
    let packet = Packet::parse(bytes).filter(|packet| !reassembly::is_piece(packet))?;
    let start = packet.bytes.len() - packet.payload.len();
    let (place, headers) = match packet.protocol {
        IpProtocol::Tcp => {
            (IN_TCP, start + usize::from(TcpPacket::new_checked(packet.payload).ok()?.header_len()))
        }
        IpProtocol::Udp => (IN_UDP, start),
        _ => return None,
    };
    let sum = pseudo_header(&packet);
    let finish = Finish {
        checksum: Some((u16::try_from(ETHERNET + start).ok()?, u16::try_from(place).ok()?)),
        segments: match cut.segment {
            Some(size) => Some((size, u16::try_from(ETHERNET + headers).ok()?)),
            None => None,
        },
        is_v6: packet.source.is_ipv6(),
    };
    bytes.get_mut(start + place..start + place + 2)?.copy_from_slice(&sum.to_be_bytes());
    Some(finish)
}

/// The sum of the pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1), not complemented.
fn pseudo_header(packet: &Packet<'_>) -> u16 {
    let words = |bytes: &[u8]| {
        bytes.as_chunks().0.iter().map(|&word| u64::from(u16::from_be_bytes(word))).sum::<u64>()
    };
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => words(&address.octets()),
        IpAddr::V6(address) => words(&address.octets()),
    };
    let mut sum = address(packet.source)
        + address(packet.destination)
        + u64::from(u8::from(packet.protocol))
        + packet.payload.len() as u64;
    loop {
        match u16::try_from(sum) {
            Ok(sum) => return sum,
            Err(_) => sum = (sum & 0xffff) + (sum >> 16),
        }
    }
}

#[cfg(test)]
mod tests;
