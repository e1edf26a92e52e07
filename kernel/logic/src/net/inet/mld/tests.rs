//! Reports as the RFC draws them.

use core::net::Ipv6Addr;

use smoltcp::wire::{Icmpv6Packet, Ipv6HopByHopHeader, Ipv6Packet};

use super::{MOST, ROUTERS, Told, asks, report};
use crate::net::inet::packet::Packet;

#[test]
fn a_report_is_well_formed() {
    let groups = ["ff02::1:ff00:1".parse().unwrap(), "ff02::fb".parse().unwrap()];
    let own = "fe80::1".parse().unwrap();
    let bytes = report(Some(own), &groups, Told::Joined);
    let packet = Ipv6Packet::new_checked(&bytes[..]).unwrap();
    assert_eq!((packet.src_addr(), packet.dst_addr(), packet.hop_limit()), (own, ROUTERS, 1));
    assert_eq!(packet.total_len(), bytes.len());
    let header = Ipv6HopByHopHeader::new_unchecked(&packet.payload()[2..8]);
    assert_eq!(header.options(), &[5, 2, 0, 0, 1, 0]);
    let message = Icmpv6Packet::new_checked(&packet.payload()[8..]).unwrap();
    assert!(message.verify_checksum(&own, &ROUTERS));
    assert_eq!(message.nr_mcast_addr_rcrds(), 2);
    assert_eq!(&message.payload()[..4], &[4, 0, 0, 0]);
    assert_eq!(&message.payload()[20 + 4..40], &groups[1].octets());
}

#[test]
fn more_groups_than_fit() {
    let groups = alloc::vec![ROUTERS; MOST + 5];
    assert_eq!(report(None, &groups, Told::Asked).len(), 40 + 8 + 8 + MOST * 20);
}

#[test]
fn only_routers_ask() {
    let mut bytes = [0; 64];
    (bytes[0], bytes[5], bytes[6], bytes[40]) = (0x60, 24, 58, 130);
    bytes[8..10].copy_from_slice(&[0xfe, 0x80]);
    assert_eq!(asks(&Packet::parse(&bytes).unwrap()), Some(Ipv6Addr::UNSPECIFIED), "the first version");
    bytes[8] = 0x20;
    assert_eq!(asks(&Packet::parse(&bytes).unwrap()), None, "from afar");
}
