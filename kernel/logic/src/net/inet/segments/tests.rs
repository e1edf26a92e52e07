//! Pieces of packets, put together again.

use core::net::{IpAddr, SocketAddr};

use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU16;

use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, IpRepr, Ipv4Packet, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use super::Segments;
use crate::net::inet::device::{ETHERNET, Offloads};
use crate::net::inet::finish;
use crate::net::inet::packet::Packet;

fn repr(control: TcpControl, payload: &[u8]) -> TcpRepr<'_> {
    TcpRepr {
        src_port: 80,
        dst_port: 5000,
        control,
        // Numbers begin again within the packet.
        seq_number: TcpSeqNumber(-1000),
        ack_number: Some(TcpSeqNumber(77)),
        window_len: 1234,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [Some((10, 20)), None, None],
        timestamp: None,
        payload,
    }
}

/// A frame without the checksum of TCP.
fn frame([from, to]: [IpAddr; 2], repr: &TcpRepr<'_>) -> Vec<u8> {
    let ip = IpRepr::new(from.into(), to.into(), IpProtocol::Tcp, repr.buffer_len(), 64);
    let mut bytes = vec![0xee; ETHERNET + ip.buffer_len()];
    ip.emit(&mut bytes[ETHERNET..], &ChecksumCapabilities::default());
    let mut segment = TcpPacket::new_unchecked(&mut bytes[ETHERNET + ip.header_len()..]);
    repr.emit(&mut segment, &from.into(), &to.into(), &ChecksumCapabilities::ignored());
    bytes
}

fn ends(is_v6: bool) -> [IpAddr; 2] {
    let [one, other] = if is_v6 { ["2001:db8::1", "2001:db8::2"] } else { ["192.0.2.1", "192.0.2.2"] };
    [one.parse().unwrap(), other.parse().unwrap()]
}

proptest! {
    #[test]
    fn pieces_are_the_whole(
        payload in proptest::collection::vec(any::<u8>(), 1..9000),
        size in 1..3000_u16,
        is_v6: bool,
        ends_stream: bool,
        checksums: bool,
    ) {
        let control = if ends_stream { TcpControl::Fin } else { TcpControl::Psh };
        let repr = repr(control, &payload);
        let whole = frame(ends(is_v6), &repr);
        let segments = Segments::of(&whole, NonZeroU16::new(size).unwrap()).unwrap();
        let mut sent = Vec::new();
        let mut is_last = false;
        for piece in segments.pieces() {
            prop_assert!(!is_last);
            let mut bytes = vec![0xaa; piece.length()];
            let finish = piece.write(&mut bytes, Offloads { checksums, ..Offloads::default() });
            prop_assert_eq!(finish.checksum.is_some(), checksums);
            let parsed = Packet::parse(&bytes[ETHERNET..]).unwrap();
            prop_assert_eq!(ETHERNET + parsed.bytes.len(), bytes.len());
            prop_assert_eq!(&bytes[..ETHERNET], &whole[..ETHERNET]);
            prop_assert!(is_v6 || Ipv4Packet::new_unchecked(parsed.bytes).verify_checksum());
            let segment = TcpPacket::new_checked(parsed.payload).unwrap();
            prop_assert_eq!(segment.seq_number(), repr.seq_number + sent.len());
            sent.extend_from_slice(segment.payload());
            is_last = sent.len() == payload.len();
            prop_assert!(segment.payload().len() == usize::from(size) || is_last);
            prop_assert_eq!((segment.fin(), segment.psh()), (is_last && ends_stream, is_last && !ends_stream));
            prop_assert!(checksums || finish::is_right(&parsed));
            // Everything else is as it was.
            prop_assert_eq!(parsed.segment().unwrap().remote, SocketAddr::new(ends(is_v6)[0], 80));
            let options = &whole[bytes.len() - parsed.payload.len() + 20..][..12];
            prop_assert_eq!(segment.options(), options);
            prop_assert_eq!((segment.ack(), segment.ack_number(), segment.window_len()), (true, TcpSeqNumber(77), 1234));
        }
        prop_assert!(is_last);
        prop_assert_eq!(sent, payload);
    }
}

#[test]
fn what_is_no_segment_is_not_cut() {
    let size = NonZeroU16::new(100).unwrap();
    assert!(Segments::of(&[0x45; 3], size).is_none());
    let mut other = frame(ends(false), &repr(TcpControl::None, b"words"));
    other[ETHERNET + 9] = 1;
    assert!(Segments::of(&other, size).is_none());
}
