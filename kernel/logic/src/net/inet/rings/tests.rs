//! Rings for tests, and which parts of them a connection asks for.

use alloc::boxed::Box;
use alloc::vec;

use abi::errno::Errno;
use smoltcp::wire::TcpSeqNumber;

use super::{Direction, LEAST_SHARE, RING, Rings, Span, Usage};

/// Rings that are always there, in which only so much may be used.
#[derive(Debug)]
struct Bounded {
    most: usize,
}

impl Rings for Bounded {
    fn bytes(&mut self) -> [&'static mut [u8]; 2] {
        [vec![0; RING].leak(), vec![0; RING].leak()]
    }

    fn hold(&mut self, _ring: Direction, span: Span) -> Result<(), Errno> {
        assert!(span.start < RING && span.known <= span.length && span.length <= RING, "{span:?}");
        if span.length > self.most { Err(Errno::ENOBUFS) } else { Ok(()) }
    }

    fn let_go(&mut self) {}

    fn share(&self) -> usize {
        LEAST_SHARE.max(self.most)
    }
}

/// Rings of which at most `most` bytes may be used, each.
pub(in crate::net::inet) fn bounded(most: usize) -> Box<dyn Rings> {
    Box::new(Bounded { most })
}

#[test]
fn what_comes_is_held_where_it_will_lie() {
    let (mut usage, _buffers) = Usage::new(bounded(1000));
    usage.begin_with(TcpSeqNumber(-100));
    usage.expect(TcpSeqNumber(-100), 200, usize::MAX).unwrap();
    assert_eq!(usage.reach, 200, "round the end of the numbers");
    // Behind a gap, and once more.
    usage.expect(TcpSeqNumber(400), 100, usize::MAX).unwrap();
    usage.expect(TcpSeqNumber(-100), 200, usize::MAX).unwrap();
    assert_eq!(usage.reach, 600);
    assert_eq!(usage.expect(TcpSeqNumber(900), 1, usize::MAX), Err(Errno::ENOBUFS));
    usage.consumed(200);
    assert_eq!((usage.reach, usage.read_at, usage.first), (400, 200, TcpSeqNumber(100)));
    usage.expect(TcpSeqNumber(900), 1, usize::MAX).unwrap();
    // What was read before, and what is far out of reach, needs nothing.
    usage.expect(TcpSeqNumber(-50), 100, usize::MAX).unwrap();
    usage.expect(TcpSeqNumber(i32::MAX), 100, usize::MAX).unwrap();
    assert_eq!(usage.reach, 801);
}

#[test]
fn memory_rests_a_second_before_it_goes() {
    const SECOND: u64 = 1_000_000_000;
    let (mut usage, _buffers) = Usage::new(bounded(1000));
    assert_eq!(usage.rest(0, 5), None, "there is none");
    usage.begin_with(TcpSeqNumber(1));
    usage.expect(TcpSeqNumber(1), 10, usize::MAX).unwrap();
    assert_eq!(usage.rest(0, 5), Some(SECOND + 5));
    assert_eq!(usage.rest(0, SECOND + 5), Some(2 * SECOND + 5), "it was not read yet");
    usage.consumed(10);
    assert_eq!(usage.rest(1, 2 * SECOND), Some(3 * SECOND), "something is sent");
    assert_eq!(usage.rest(0, 3 * SECOND), None);
}

#[test]
fn what_comes_may_begin_in_the_ring_and_end_behind_it() {
    let (mut usage, _buffers) = Usage::new(bounded(RING));
    usage.begin_with(TcpSeqNumber(5));
    assert_eq!(usage.expect(TcpSeqNumber(5) + (RING - 100), 1000, usize::MAX), Ok(100));
    assert_eq!(usage.reach, RING, "as much of it is taken as there is room for");
    let (mut usage, _buffers) = Usage::new(bounded(RING - 1));
    usage.begin_with(TcpSeqNumber(5));
    assert_eq!(usage.expect(TcpSeqNumber(5) + (RING - 100), 1000, usize::MAX), Err(Errno::ENOBUFS));
    for far in [RING, RING + 1, 2 * RING, i32::MAX as usize] {
        assert_eq!(usage.expect(TcpSeqNumber(5) + far, 1000, usize::MAX), Ok(0), "all of it lies behind");
    }
    assert_eq!(
        (usage.expect(TcpSeqNumber(5 - 100), 50, usize::MAX), usage.reach),
        (Ok(50), 0),
        "it was read"
    );
}

#[test]
fn nothing_comes_behind_the_end_of_the_stream() {
    let (mut usage, _buffers) = Usage::new(bounded(RING));
    usage.begin_with(TcpSeqNumber(5));
    for (ahead, length, fitting) in [(0, 100, 20), (15, 10, 5), (20, 1, 0), (21, 1000, 0)] {
        assert_eq!(usage.expect(TcpSeqNumber(5) + ahead, length, 20), Ok(fitting));
    }
    assert_eq!(usage.reach, 20);
}
