//! Frames say what they are meant to say.

use etherparse::{SlicedPacket, TransportSlice};
use fastrand::Rng;

use super::{ARP_SENDER, HEADER, LONGEST, Victim, anywhere, expected_by};

const VICTIM: Victim =
    Victim { guest: std::net::Ipv4Addr::new(10, 77, 0, 2), host: std::net::Ipv4Addr::new(10, 77, 0, 1) };

#[test]
fn a_request_for_a_connection() {
    let mut rng = Rng::with_seed(1);
    let from = anywhere(&mut rng);
    let frame = VICTIM.asks(from, 80, &mut rng);
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    let Some(TransportSlice::Tcp(segment)) = packet.transport else { panic!("no TCP in {frame:?}") };
    assert!(segment.syn() && !segment.ack() && !segment.rst());
    assert_eq!((segment.source_port(), segment.destination_port()), (from.port(), 80));
    let sum = segment.calc_checksum_ipv4(from.ip().octets(), VICTIM.guest.octets()).unwrap();
    assert_eq!(segment.checksum(), sum);
}

#[test]
fn resets_begin_or_end_something() {
    let mut rng = Rng::with_seed(2);
    for sequence in 0..100 {
        let from = anywhere(&mut rng);
        let frame = VICTIM.resets(from, 80, sequence, &mut rng);
        let packet = SlicedPacket::from_ethernet(&frame).unwrap();
        let Some(TransportSlice::Tcp(segment)) = packet.transport else { panic!("no TCP in {frame:?}") };
        assert!(segment.rst() || segment.syn());
        assert_eq!(segment.sequence_number(), sequence);
    }
}

#[test]
fn what_the_guest_expects_is_read() {
    let (mut rng, from) = (Rng::with_seed(3), "10.77.0.1:4000".parse().unwrap());
    let answer = |payload: &[u8]| {
        VICTIM.segment(from, 80, payload, |header| {
            header.ack = true;
            header.acknowledgment_number = 0xffff_fff0;
        })
    };
    let frame = answer(b"HTTP/1.1");
    let guest = (VICTIM.guest, 80).into();
    assert_eq!(expected_by(&frame, from.into(), guest), Some(0xffff_fff0));
    assert_eq!(expected_by(&frame, guest, from.into()), None, "that is the other way");
    assert_eq!(expected_by(&VICTIM.asks(from, 80, &mut rng), from.into(), guest), None, "it expects nothing");
    assert_eq!(expected_by(&answer(b""), from.into(), guest), None, "more may have come since");
    assert_eq!(expected_by(&frame[..HEADER + 4], from.into(), guest), None);
}

#[test]
fn changed_frames_can_be_sent_and_claim_nothing() {
    let mut rng = Rng::with_seed(4);
    for _ in 0..20_000 {
        let frame = VICTIM.changed(&mut rng);
        assert!((HEADER..=LONGEST).contains(&frame.len()));
        assert_ne!(frame.get(ARP_SENDER), Some(&VICTIM.host.octets()[..]));
        let noise = Victim::noise(&mut rng);
        assert!((HEADER..=LONGEST).contains(&noise.len()));
    }
}

#[test]
fn a_seed_is_a_sequence() {
    let all = |seed| {
        let mut rng = Rng::with_seed(seed);
        (0..100).map(|_| VICTIM.changed(&mut rng)).collect::<Vec<_>>()
    };
    assert_eq!(all(5), all(5));
    assert_ne!(all(5), all(6));
}
