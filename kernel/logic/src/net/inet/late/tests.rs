//! What comes after the end.

extern crate std;

use core::net::SocketAddr;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use smoltcp::wire::TcpSeqNumber;

use super::{KEPT_NS, LastWords, Late, Lateness, MOST};
use crate::net::inet::packet::Segment;

const WORDS: LastWords = LastWords { ours: TcpSeqNumber(100), theirs: TcpSeqNumber(200) };

fn late() -> Late<u32> {
    Late::new(SeedableRandomState::with_seed(7, SharedSeed::global_fixed()))
}

/// A segment with this number that says nothing.
fn segment(sequence: i32) -> Segment {
    let nowhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    Segment {
        local: nowhere,
        remote: nowhere,
        sequence: TcpSeqNumber(sequence),
        length: 0,
        acknowledged: TcpSeqNumber(100),
        syn: false,
        ack: true,
        rst: false,
        fin: false,
    }
}

fn meet(late: &mut Late<u32>, segment: Segment) -> Lateness {
    late.meet(&1, &segment, || 1)
}

#[test]
fn an_end_is_acknowledged_again() {
    let mut late = late();
    assert_eq!(meet(&mut late, segment(200)), Lateness::New, "there was none");
    late.keep(1, WORDS, 0);
    assert_eq!(meet(&mut late, Segment { fin: true, ..segment(199) }), Lateness::Again(WORDS));
    assert_eq!(meet(&mut late, Segment { length: 20, ..segment(150) }), Lateness::Again(WORDS));
    assert_eq!(meet(&mut late, segment(200)), Lateness::Nothing, "two would go on for ever");
    assert_eq!(late.meet(&2, &segment(200), || 1), Lateness::New);
    assert_eq!(late.meet(&1, &segment(199), || KEPT_NS), Lateness::New, "not for ever");
    assert!(!late.is_kept(&1, 1));
}

#[test]
fn a_reset_is_believed_with_the_very_number() {
    let mut late = late();
    late.keep(1, WORDS, 0);
    assert_eq!(meet(&mut late, Segment { rst: true, ..segment(199) }), Lateness::Nothing);
    assert!(late.is_kept(&1, 1));
    assert_eq!(meet(&mut late, Segment { rst: true, ..segment(200) }), Lateness::Nothing);
    assert!(!late.is_kept(&1, 1));
}

#[test]
fn a_peer_begins_anew() {
    let mut late = late();
    late.keep(1, WORDS, 0);
    let first = |sequence| Segment { syn: true, ack: false, ..segment(sequence) };
    assert_eq!(meet(&mut late, first(200)), Lateness::Again(WORDS), "an old one");
    assert_eq!(meet(&mut late, first(201)), Lateness::New);
    assert!(!late.is_kept(&1, 1));
}

#[test]
fn so_many_are_kept_at_most() {
    let mut late = late();
    let most = u32::try_from(MOST).unwrap();
    for (place, now) in (0..2 * most).zip(0..) {
        late.keep(place, WORDS, now);
    }
    assert_eq!((late.by_place.len(), late.order.len()), (MOST, MOST));
    assert!(!late.is_kept(&(most - 1), 1) && late.is_kept(&most, 1));
    // The same place once more is kept for as long as the last one.
    late.keep(most, WORDS, KEPT_NS);
    late.keep(most + 1, WORDS, KEPT_NS + u64::from(2 * most));
    assert!(late.is_kept(&most, KEPT_NS + 1));
    assert_eq!(late.by_place.len(), 2, "the others had their time");
}
