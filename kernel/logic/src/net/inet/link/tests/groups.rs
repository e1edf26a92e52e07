//! Groups on links: who listens is told of, hears, and is told of again when he leaves.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{ETHERNET, Machine, OUR, OUR_MAC, Setting6, machine_with, network};
use crate::file::Io;
use crate::file::io::SliceSource;
use crate::net::inet::ports::Claim;
use crate::net::inet::stack::OpenEndpoint;
use crate::net::inet::udp::How;

const THEIR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);

fn us() -> Machine {
    let us = machine_with(OUR_MAC, network(OUR), Setting6::Automatic);
    us.stack.tick();
    us.device.take_sent();
    us
}

fn open(us: &Machine, address: &str) -> OpenEndpoint {
    let address = address.parse().unwrap();
    us.stack
        .open_endpoint(Claim {
            address,
            v6_only: false,
            reuse_address: true,
            reuse_port: false,
            listens: false,
        })
        .unwrap()
}

/// A datagram without a checksum, from a neighbour, in a frame for `mac`.
fn datagram(mac: [u8; 6], to: Ipv4Addr) -> alloc::vec::Vec<u8> {
    let mut ip = alloc::vec![0x45, 0, 0, 30, 0, 0, 0x40, 0, 1, 17, 0, 0, 192, 0, 2, 2];
    ip.extend(to.octets());
    let check = super::sum(&ip);
    ip[10..12].copy_from_slice(&check.to_be_bytes());
    [&mac[..], &THEIR_MAC, &[8, 0], &ip, &[0, 9, 0x27, 0x0f, 0, 10, 0, 0, b'h', b'i']].concat()
}

#[test]
fn who_listens_hears() {
    let us = us();
    let (one, other) = (open(&us, "0.0.0.0:9999"), open(&us, "0.0.0.0:9999"));
    let waiting = || [&one, &other].map(|end| end.endpoint().first_size());
    let mac = [1, 0, 0x5e, 1, 2, 3];
    us.come(&datagram(mac, GROUP));
    assert_eq!(waiting(), [0, 0], "nobody listens yet");
    us.stack.join(GROUP.into(), 2).unwrap();
    let told = us.device.take_sent();
    assert_eq!((told.len(), &told[0][..6], told[0][ETHERNET + 9]), (1, &[1, 0, 0x5e, 0, 0, 22][..], 2));
    us.come(&datagram(mac, GROUP));
    assert_eq!(waiting(), [2, 2], "each that could be meant");
    us.come(&datagram(mac, OUR));
    let again = one.endpoint().receive(&Io::default(), false, |first| Ok(first.beside.link));
    assert_eq!((again, one.endpoint().first_size()), (Ok(Some(2)), 0), "not in a group's frame");
    us.stack.leave(GROUP.into(), 2);
    assert_eq!(us.device.take_sent()[0][ETHERNET + 32], 3, "left");
    us.come(&datagram(mac, GROUP));
    assert_eq!(one.endpoint().first_size(), 0);
}

#[test]
fn who_speaks_to_a_group_asks_for_nobody() {
    let us = us();
    let end = open(&us, "0.0.0.0:0");
    let member = open(&us, "0.0.0.0:9999");
    us.stack.join(GROUP.into(), 2).unwrap();
    us.device.take_sent();
    let how = How { hop_limit: 1, loops: true, ..How::default() };
    let sent = end.send((GROUP, 9999).into(), &how, &mut SliceSource(b"word"));
    assert_eq!(sent, Ok(4));
    let frames = us.device.take_sent();
    assert_eq!((frames.len(), &frames[0][..6], frames[0][ETHERNET + 8]), (1, &[1, 0, 0x5e, 1, 2, 3][..], 1));
    assert_eq!(member.endpoint().first_size(), 4, "here too");
    let quiet = How { loops: false, ..how };
    end.send((GROUP, 9999).into(), &quiet, &mut SliceSource(b"other")).unwrap();
    let heard = || member.endpoint().receive(&Io::default(), false, |first| Ok(first.bytes.len()));
    assert_eq!((heard(), heard().is_err()), (Ok(Some(4)), true));
}

#[test]
fn the_sixth_kind() {
    let us = us();
    let (group, mac): (Ipv6Addr, _) = ("ff02::fb".parse().unwrap(), [0x33, 0x33, 0, 0, 0, 0xfb]);
    us.stack.join(group.into(), 2).unwrap();
    let told = us.device.take_sent();
    assert_eq!((told.len(), &told[0][told[0].len() - 16..]), (1, &group.octets()[..]));
    let member = open(&us, "[::]:5353");
    let how = How { link: 2, hop_limit: 255, loops: true, ..How::default() };
    member.send(SocketAddr::new(IpAddr::V6(group), 5353), &how, &mut SliceSource(b"who?")).unwrap();
    let frames = us.device.take_sent();
    assert_eq!(
        (&frames[0][..6], &frames[0][12..14], frames[0][ETHERNET + 7]),
        (&mac[..], &[0x86, 0xdd][..], 255)
    );
    assert_eq!(member.endpoint().first_size(), 4);
    us.stack.leave(group.into(), 2);
    us.stack.join(group.into(), 1).unwrap();
    assert_eq!(us.device.take_sent().len(), 1, "nobody is told of the loopback interface");
    assert!(us.stack.join(group.into(), 9).is_err());
}
