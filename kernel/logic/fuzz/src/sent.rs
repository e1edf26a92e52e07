//! What a frame that goes out must be: whole, from here, with right checksums, and not longer than the link takes.

use logic::net::inet::device::{Finish, Offloads};
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, Icmpv4Packet, Icmpv6Packet, IpAddress, IpProtocol, Ipv4Packet,
    Ipv6Packet, TcpPacket, UdpPacket,
};

use crate::machine::OUR_MAC;

const ETHERNET: usize = 14;
/// Bytes of the headers of IPv6 and of a piece of a packet.
const HEADER_V6: usize = 40;
const PIECE_V6: usize = 8;

/// Checks a frame. `finish` is what the device does to it, which is done here first.
pub(crate) fn check(frame: &[u8], finish: Finish, mtu: usize, offloads: Offloads) {
    let mut bytes = frame.to_vec();
    assert!(bytes.len() >= ETHERNET, "shorter than its header");
    if let Some((start, offset)) = finish.checksum {
        assert!(offloads.checksums, "the device makes no checksums");
        let (start, at) = (usize::from(start), usize::from(start) + usize::from(offset));
        assert!(at + 2 <= bytes.len(), "the checksum lies behind the frame");
        let sum = !sum(&bytes[start..]);
        // A device writes what it has summed up; UDP's zero is another matter, and equal to this.
        bytes[at..at + 2].copy_from_slice(&if sum == 0 { [0xff; 2] } else { sum.to_be_bytes() });
    }
    let longest = match finish.segments {
        Some((size, headers)) => {
            assert!(offloads.segmentation[usize::from(finish.is_v6)], "the device cuts nothing");
            assert!(finish.checksum.is_some(), "what is cut needs checksums");
            assert!(
                usize::from(headers) < bytes.len()
                    && usize::from(headers) + usize::from(size.get()) <= mtu + ETHERNET
            );
            usize::from(u16::MAX)
        }
        None => mtu,
    };
    let ethernet = EthernetFrame::new_checked(&bytes[..]).expect("a frame");
    assert_eq!(ethernet.src_addr().0, OUR_MAC, "from another card");
    // Every link takes this much of IPv6 (RFC 8200, section 5), and what is not data does not ask.
    assert!(bytes.len() - ETHERNET <= longest.max(1280), "{} bytes where {mtu} fit", bytes.len() - ETHERNET);
    match ethernet.ethertype() {
        EthernetProtocol::Arp => assert_eq!(bytes.len(), ETHERNET + 28),
        EthernetProtocol::Ipv4 => check_v4(&bytes[ETHERNET..]),
        EthernetProtocol::Ipv6 => check_v6(&bytes[ETHERNET..]),
        other => panic!("a frame with {other}"),
    }
}

fn check_v4(bytes: &[u8]) {
    let packet = Ipv4Packet::new_checked(bytes).expect("a packet");
    assert_eq!(usize::from(packet.total_len()), bytes.len(), "the length of the packet");
    assert!(packet.verify_checksum(), "the checksum of the header");
    assert!(!packet.src_addr().is_multicast() && !packet.src_addr().is_broadcast());
    if packet.more_frags() || packet.frag_offset() != 0 {
        return;
    }
    check_payload(
        packet.next_header(),
        packet.payload(),
        (packet.src_addr().into(), packet.dst_addr().into()),
    );
}

fn check_v6(bytes: &[u8]) {
    let packet = Ipv6Packet::new_checked(bytes).expect("a packet");
    assert_eq!(packet.total_len(), bytes.len(), "the length of the packet");
    assert!(!packet.src_addr().is_multicast());
    let ends = (packet.src_addr().into(), packet.dst_addr().into());
    match packet.next_header() {
        IpProtocol::Ipv6Frag => assert!(packet.payload().len() > PIECE_V6),
        // What asks routers to look at it (MLD).
        IpProtocol::HopByHop => {
            check_payload(IpProtocol::Icmpv6, &bytes[HEADER_V6 + 8..], ends);
        }
        protocol => check_payload(protocol, packet.payload(), ends),
    }
}

fn check_payload(protocol: IpProtocol, payload: &[u8], (source, destination): (IpAddress, IpAddress)) {
    match protocol {
        IpProtocol::Tcp => {
            let segment = TcpPacket::new_checked(payload).expect("a segment");
            assert!(segment.verify_checksum(&source, &destination), "the checksum of TCP");
        }
        IpProtocol::Udp => {
            let datagram = UdpPacket::new_checked(payload).expect("a datagram");
            assert_eq!(usize::from(datagram.len()), payload.len());
            assert!(datagram.verify_checksum(&source, &destination), "the checksum of UDP");
        }
        IpProtocol::Icmp => {
            assert!(
                Icmpv4Packet::new_checked(payload).expect("a message").verify_checksum(),
                "the checksum of ICMP"
            );
        }
        IpProtocol::Icmpv6 => {
            let (IpAddress::Ipv6(source), IpAddress::Ipv6(destination)) = (source, destination) else {
                panic!("ICMPv6 over IPv4")
            };
            let message = Icmpv6Packet::new_checked(payload).expect("a message");
            assert!(message.verify_checksum(&source, &destination), "the checksum of ICMPv6");
        }
        IpProtocol::Igmp => assert_eq!(sum(payload), u16::MAX, "the checksum of IGMP"),
        other => panic!("a packet with {other}"),
    }
}

/// The Internet checksum (RFC 1071), two bytes at a time and not complemented.
pub(crate) fn sum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|word| u64::from(word[0]) << 8 | u64::from(word.get(1).copied().unwrap_or(0)));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
