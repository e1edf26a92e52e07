//! Reports as the RFC draws them.

use core::net::Ipv4Addr;

use smoltcp::wire::Ipv4Packet;

use super::{MOST, ROUTERS, asks, checksum, report};
use crate::net::inet::mld::Told;
use crate::net::inet::packet::Packet;

#[test]
fn a_report_is_well_formed() {
    let groups = [Ipv4Addr::new(224, 0, 0, 251), Ipv4Addr::new(239, 1, 2, 3)];
    let bytes = report(Ipv4Addr::new(192, 0, 2, 1), &groups, Told::Left);
    let packet = Ipv4Packet::new_checked(&bytes[..]).unwrap();
    assert!(packet.verify_checksum());
    assert_eq!((packet.header_len(), packet.hop_limit(), packet.dst_addr()), (24, 1, ROUTERS));
    assert_eq!(usize::from(packet.total_len()), bytes.len());
    let message = packet.payload();
    assert_eq!((checksum(message), message[0], &message[6..8]), (0, 0x22, &[0, 2][..]));
    assert_eq!(&message[16..24], &[3, 0, 0, 0, 239, 1, 2, 3]);
    assert_eq!(report(ROUTERS, &[ROUTERS; MOST + 1], Told::Asked).len(), 24 + 8 + MOST * 8);
}

#[test]
fn questions() {
    let mut bytes = [0; 28];
    bytes[..4].copy_from_slice(&[0x45, 0, 0, 28]);
    (bytes[8], bytes[9]) = (1, 2);
    bytes[12..20].copy_from_slice(&[192, 0, 2, 9, 224, 0, 0, 1]);
    (bytes[20], bytes[22]) = (0x11, 0xee);
    bytes[23] = 0xff;
    let asked = |bytes: &[u8]| asks(&Packet::parse(bytes).unwrap());
    assert_eq!(asked(&bytes), Some(Ipv4Addr::UNSPECIFIED));
    bytes[23] = 0;
    assert_eq!(asked(&bytes), None, "not what was sent");
    bytes[9] = 17;
    assert_eq!(asked(&bytes), None);
}
