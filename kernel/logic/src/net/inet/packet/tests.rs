//! Nothing that comes in is trusted.

use proptest::prelude::*;

use alloc::vec;
use alloc::vec::Vec;

use smoltcp::wire::{Ipv4Packet, TcpPacket};

use super::Packet;

/// An IPv4 header in front of `payload`.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len()) as u16;
    let mut bytes = vec![0x45, 0, (length >> 8) as u8, length as u8, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    bytes.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn a_segment_is_found() {
    let mut tcp = [0; 20];
    tcp[..4].copy_from_slice(&[0x30, 0x39, 0, 80]);
    (tcp[12], tcp[13]) = (0x50, 0x12);
    let mut bytes = ipv4(6, &tcp);
    bytes.extend_from_slice(b"padding");
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(packet.bytes.len(), 40);
    let segment = packet.segment().unwrap();
    assert_eq!(segment.remote, "10.0.0.1:12345".parse().unwrap());
    assert_eq!(segment.local, "10.0.0.2:80".parse().unwrap());
    assert!(segment.syn && segment.ack && !segment.rst);
}

#[test]
fn a_segment_is_cut() {
    let mut tcp = vec![0; 20];
    tcp[..4].copy_from_slice(&[0x30, 0x39, 0, 80]);
    (tcp[12], tcp[13]) = (0x50, 0x11);
    tcp.extend_from_slice(b"here and behind");
    let whole = ipv4(6, &tcp);
    let cut = Packet::parse(&whole).unwrap().cut_to(4).unwrap();
    let packet = Packet::parse(&cut).unwrap();
    let segment = TcpPacket::new_checked(packet.payload).unwrap();
    assert_eq!((segment.payload(), segment.fin(), segment.ack()), (&b"here"[..], false, true));
    assert!(segment.verify_checksum(&packet.source.into(), &packet.destination.into()));
    assert!(Ipv4Packet::new_checked(&cut[..]).unwrap().verify_checksum());
    assert!(Packet::parse(&ipv4(6, &tcp[..19])).unwrap().cut_to(0).is_none(), "it is none");
}

#[test]
fn a_datagram_is_found() {
    let bytes = ipv4(17, &[0, 53, 0x30, 0x39, 0, 10, 0, 0, b'h', b'i']);
    let (local, remote, payload) = Packet::parse(&bytes).unwrap().datagram().unwrap();
    assert_eq!((local.port(), remote.port(), payload), (12345, 53, &b"hi"[..]));
}

proptest! {
    #[test]
    fn nothing_that_comes_in_is_trusted(bytes in prop::collection::vec(any::<u8>(), 0..100), version in 0..16_u8) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = version << 4 | *first & 15;
        }
        if let Some(packet) = Packet::parse(&bytes) {
            prop_assert!(packet.payload.len() <= bytes.len());
            packet.segment();
            packet.datagram();
        }
    }
}
