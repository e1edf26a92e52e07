//! Which segments are put together.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, IpRepr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use super::{Added, Gather, MOST};
use crate::net::inet::packet::Packet;

const V4: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))];
const V6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2)),
];

fn segment(
    ends: [IpAddr; 2],
    sequence: i32,
    payload: &[u8],
    change: impl FnOnce(&mut TcpRepr<'_>),
) -> Vec<u8> {
    let mut repr = TcpRepr {
        src_port: 1,
        dst_port: 2,
        control: TcpControl::None,
        seq_number: TcpSeqNumber(sequence),
        ack_number: Some(TcpSeqNumber(77)),
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload,
    };
    change(&mut repr);
    let [source, destination] = ends.map(Into::into);
    let ip = IpRepr::new(source, destination, IpProtocol::Tcp, repr.buffer_len(), 64);
    let checksums = ChecksumCapabilities::default();
    let mut bytes = alloc::vec![0; ip.buffer_len()];
    ip.emit(&mut bytes[..], &checksums);
    repr.emit(
        &mut TcpPacket::new_unchecked(&mut bytes[ip.header_len()..]),
        &source,
        &destination,
        &checksums,
    );
    bytes
}

fn add(gather: &mut Gather, bytes: &[u8]) -> Added {
    gather.add(&Packet::parse(bytes).unwrap())
}

/// What a packet brings: its first number, its bytes, whether they are to be pushed.
fn read(bytes: &[u8]) -> (i32, Vec<u8>, bool) {
    let packet = Packet::parse(bytes).unwrap();
    let segment = TcpPacket::new_checked(packet.payload).unwrap();
    (segment.seq_number().0, segment.payload().to_vec(), segment.psh())
}

#[test]
fn what_follows_is_put_together() {
    for ends in [V4, V6] {
        let mut gather = Gather::default();
        let data: Vec<u8> = (0..3500_u32).map(|index| (index / 7) as u8).collect();
        for (number, part) in data.chunks(1400).enumerate() {
            let push = |repr: &mut TcpRepr<'_>| {
                if part.len() < 1400 {
                    repr.control = TcpControl::Psh;
                }
            };
            let bytes = segment(ends, i32::try_from(number * 1400).unwrap(), part, push);
            assert_eq!(add(&mut gather, &bytes), Added::Kept);
        }
        assert_eq!(read(&gather.take()), (0, data, true));
        assert!(gather.take().is_empty());
    }
}

#[test]
fn what_says_something_else_is_not() {
    let full = [7; 1400];
    let first = || {
        let mut gather = Gather::default();
        assert_eq!(add(&mut gather, &segment(V4, 0, &full, |_| ())), Added::Kept);
        gather
    };
    type Change = fn(&mut TcpRepr<'_>);
    let changes: [Change; 6] = [
        |repr| repr.seq_number = TcpSeqNumber(1401),
        |repr| repr.ack_number = Some(TcpSeqNumber(78)),
        |repr| repr.window_len = 999,
        |repr| repr.control = TcpControl::Fin,
        |repr| repr.src_port = 3,
        |repr| repr.max_seg_size = Some(1000),
    ];
    for change in changes {
        let mut gather = first();
        assert_eq!(add(&mut gather, &segment(V4, 1400, &full, change)), Added::Behind);
        assert_eq!(read(&gather.take()).1, full, "the first one stays as it came");
    }
    let mut gather = first();
    assert_eq!(
        add(&mut gather, &segment([V4[0], IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3))], 1400, &full, |_| ())),
        Added::Behind
    );
    assert_eq!(add(&mut gather, &segment(V4, 1400, &[], |_| ())), Added::Behind, "no data");
    assert_eq!(
        add(&mut gather, &segment(V4, 1400, &[1; 10], |_| ())),
        Added::Kept,
        "little is enough to go on"
    );
    assert_eq!(
        add(&mut Gather::default(), &segment(V4, 0, &[1; 10], |_| ())),
        Added::Not,
        "but not to begin"
    );
    assert_eq!(
        add(&mut Gather::default(), &segment(V4, 0, &[1; 30_000], |_| ())),
        Added::Not,
        "it is long already"
    );
}

#[test]
fn a_packet_has_an_end() {
    let full = [7; 1400];
    let mut gather = Gather::default();
    let kept = (0..100_i32)
        .take_while(|&number| add(&mut gather, &segment(V4, number * 1400, &full, |_| ())) == Added::Kept);
    let count = kept.count();
    assert_eq!(count, (MOST - 40) / 1400);
    assert_eq!(read(&gather.take()).1.len(), count * 1400);
}
