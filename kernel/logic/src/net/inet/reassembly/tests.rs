//! Pieces in any order, pieces that do not go together, and floods of them.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::{MOST, MOST_BYTES, MOST_PIECES, PATIENCE_NS, Reassembly, is_piece};
use crate::net::inet::packet::Packet;

/// A piece of a packet of IPv4.
fn piece(number: u16, offset: usize, is_last: bool, bytes: &[u8]) -> Vec<u8> {
    let length = (20 + bytes.len()) as u16;
    let place = (offset / 8) as u16 | if is_last { 0 } else { 0x2000 };
    let mut packet = Vec::from([0x45, 0]);
    packet.extend(length.to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend(place.to_be_bytes());
    packet.extend([64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend(bytes);
    packet
}

/// A piece of a packet of IPv6.
fn piece_v6(number: u32, offset: usize, is_last: bool, bytes: &[u8]) -> Vec<u8> {
    let mut packet = Vec::from([0x60, 0, 0, 0]);
    packet.extend(((8 + bytes.len()) as u16).to_be_bytes());
    packet.extend([44, 64]);
    packet.extend([0xfd; 32]);
    packet.extend([17, 0]);
    packet.extend((offset as u16 | u16::from(!is_last)).to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend(bytes);
    packet
}

fn add(pieces: &mut Reassembly, packet: &[u8], now_ns: u64) -> Option<Vec<u8>> {
    pieces.add(&Packet::parse(packet).unwrap(), now_ns)
}

#[test]
fn in_any_order() {
    let bytes: Vec<u8> = (0..100).collect();
    let mut pieces = Reassembly::default();
    let seen = |packet: &[u8]| is_piece(&Packet::parse(packet).unwrap());
    assert!(
        seen(&piece(1, 80, true, &[1])) && seen(&piece(1, 0, false, &[1])) && !seen(&piece(1, 0, true, &[1]))
    );
    assert_eq!(add(&mut pieces, &piece(1, 80, true, &bytes[80..]), 0), None);
    assert_eq!(add(&mut pieces, &piece(2, 0, false, &bytes[..40]), 0), None, "another one");
    assert_eq!(add(&mut pieces, &piece(1, 0, false, &bytes[..40]), 0), None);
    assert_eq!(add(&mut pieces, &piece(1, 0, false, &bytes[..40]), 0), None, "once more");
    let whole = add(&mut pieces, &piece(1, 40, false, &bytes[40..80]), 0).unwrap();
    let packet = Packet::parse(&whole).unwrap();
    assert!(!is_piece(&packet));
    assert_eq!((packet.payload, packet.bytes.len()), (&bytes[..], 120));
    assert_eq!(pieces.0.len(), 1);
    let mut pieces = Reassembly::default();
    assert_eq!(add(&mut pieces, &piece_v6(1, 40, true, &bytes[40..]), 0), None);
    let whole = add(&mut pieces, &piece_v6(1, 0, false, &bytes[..40]), 0).unwrap();
    assert_eq!((whole[6], &whole[40..], whole.len()), (17, &bytes[..], 140));
}

#[test]
fn pieces_that_do_not_go_together() {
    let first = piece(1, 0, false, &[1; 40]);
    for other in [
        piece(1, 32, true, &[2; 40]),
        piece(1, 0, false, &[2; 40]),
        piece(1, 0, false, &[1; 48]),
        piece(1, 8, false, &[1; 8]),
        piece(1, 0, true, &[1; 8]),
    ] {
        let mut pieces = Reassembly::default();
        add(&mut pieces, &first, 0);
        assert_eq!(add(&mut pieces, &other, 0), None);
        assert_eq!(add(&mut pieces, &piece(1, 40, true, &[3; 8]), 0), None, "all is given up");
    }
    let mut pieces = Reassembly::default();
    add(&mut pieces, &piece(1, 40, true, &[3; 8]), 0);
    assert_eq!(add(&mut pieces, &piece(1, 48, true, &[3; 8]), 0), None, "two ends");
    assert!(pieces.0.is_empty());
    for wrong in [piece(1, 0, false, &[1; 39]), piece(1, 0, false, &[]), piece(1, 65_528, true, &[1; 80])] {
        assert_eq!(add(&mut pieces, &wrong, 0), None);
        assert!(pieces.0.is_empty(), "nothing is kept");
    }
}

#[test]
fn what_is_late_comes_to_nothing() {
    let mut pieces = Reassembly::default();
    add(&mut pieces, &piece(1, 0, false, &[1; 40]), 0);
    assert_eq!(pieces.next_deadline(), Some(PATIENCE_NS));
    assert_eq!(add(&mut pieces, &piece(1, 40, true, &[1; 40]), PATIENCE_NS), None);
    pieces.expire(2 * PATIENCE_NS);
    assert_eq!(pieces.next_deadline(), None);
}

#[test]
fn floods_take_bounded_memory() {
    let mut pieces = Reassembly::default();
    for number in 0..1000_u16 {
        add(&mut pieces, &piece(number, 0, false, &[1; 1480]), number.into());
        assert!(pieces.0.len() <= MOST);
    }
    for number in 0..1000_u16 {
        add(&mut pieces, &piece(number, 65_000, false, &[1; 80]), 1000 + u64::from(number));
        assert!(pieces.0.iter().map(|pending| pending.bytes.len()).sum::<usize>() <= MOST_BYTES);
    }
    let mut pieces = Reassembly::default();
    for place in 0..1000 {
        add(&mut pieces, &piece(1, place * 16, false, &[1; 8]), 0);
        assert!(pieces.0.iter().all(|pending| pending.there.len() <= MOST_PIECES));
    }
}

proptest! {
    #[test]
    fn anything(packets in prop::collection::vec((0..3_u16, 0..20_usize, any::<bool>(), 0..6_usize), 0..60)) {
        let bytes: Vec<u8> = (0..255).collect();
        let mut pieces = Reassembly::default();
        for (number, place, is_last, length) in packets {
            let (start, end) = (place * 8, (place + length) * 8);
            let whole = add(&mut pieces, &piece(number, start, is_last, &bytes[start..end]), 0);
            // What was the same in all pieces is that in the whole.
            if let Some(whole) = whole {
                prop_assert_eq!(&whole[20..], &bytes[..whole.len() - 20]);
            }
        }
    }
}
