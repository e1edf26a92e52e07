//! What is left of a packet's checksum.

use core::net::SocketAddr;
use core::num::NonZeroU16;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, IpRepr, UdpPacket, UdpRepr};

use super::{Finish, IN_UDP, is_right, of};
use crate::net::inet::device::Offloads;
use crate::net::inet::outlet::Cut;
use crate::net::inet::packet::Packet;

fn datagram(local: &str, remote: &str, payload: &[u8]) -> (alloc::vec::Vec<u8>, usize) {
    let (local, remote): (SocketAddr, SocketAddr) = (local.parse().unwrap(), remote.parse().unwrap());
    let ip = IpRepr::new(local.ip().into(), remote.ip().into(), IpProtocol::Udp, 8 + payload.len(), 64);
    let mut bytes = alloc::vec![0; ip.header_len() + 8 + payload.len()];
    let sums = ChecksumCapabilities::ignored();
    ip.emit(&mut bytes[..], &sums);
    let repr = UdpRepr { src_port: local.port(), dst_port: remote.port() };
    let mut packet = UdpPacket::new_unchecked(&mut bytes[ip.header_len()..]);
    repr.emit(
        &mut packet,
        &local.ip().into(),
        &remote.ip().into(),
        payload.len(),
        |to| to.copy_from_slice(payload),
        &sums,
    );
    (bytes, ip.header_len())
}

/// What a device does (virtio specification, section 5.1.6.2).
fn complete(bytes: &mut [u8], start: usize, offset: usize) {
    let words = bytes[start..]
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |&low| low.into()));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    bytes[start + offset..start + offset + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

#[test]
fn the_device_completes_it() {
    for (local, remote) in
        [("192.0.2.1:1000", "192.0.2.99:2000"), ("[2001:db8::1]:1000", "[2001:db8::ffff]:2000")]
    {
        let (mut bytes, header) = datagram(local, remote, b"some words, an odd number");
        let offloads = Offloads { checksums: true, ..Offloads::default() };
        let finish = of(&mut bytes, Cut::default(), offloads);
        assert_eq!(finish.checksum, Some((14 + header as u16, IN_UDP as u16)));
        assert_eq!(finish.segments, None);
        complete(&mut bytes, header, IN_UDP);
        let (local, remote): (SocketAddr, SocketAddr) = (local.parse().unwrap(), remote.parse().unwrap());
        let packet = UdpPacket::new_checked(&bytes[header..]).unwrap();
        assert!(packet.verify_checksum(&local.ip().into(), &remote.ip().into()), "{local}");
    }
}

#[test]
fn without_a_device_that_does_it_it_is_done() {
    for (local, remote) in [("192.0.2.1:1", "192.0.2.2:2"), ("[2001:db8::1]:1000", "[2001:db8::ffff]:2000")] {
        let (mut bytes, header) = datagram(local, remote, b"odd");
        let cut = Cut { segment: NonZeroU16::new(1000) };
        assert_eq!(of(&mut bytes, cut, Offloads::default()), Finish::default());
        let (local, remote): (SocketAddr, SocketAddr) = (local.parse().unwrap(), remote.parse().unwrap());
        let datagram = UdpPacket::new_checked(&bytes[header..]).unwrap();
        assert!(datagram.checksum() != 0, "{local}");
        assert!(datagram.verify_checksum(&local.ip().into(), &remote.ip().into()), "{local}");
        let packet = Packet::parse(&bytes).unwrap();
        assert!(is_right(&packet));
        bytes[header] ^= 1;
        let packet = Packet::parse(&bytes).unwrap();
        assert!(!is_right(&packet));
    }
}

#[test]
fn what_is_no_packet_stays() {
    let mut bytes = [0x45; 3];
    let offloads = Offloads { checksums: true, ..Offloads::default() };
    assert_eq!(of(&mut bytes, Cut::default(), offloads), Finish::default());
    assert_eq!(bytes, [0x45; 3]);
}
