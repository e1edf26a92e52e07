//! Who asks, and asks again.

use smoltcp::wire::TcpSeqNumber;

use super::Listener;
use crate::net::inet::packet::Segment;

#[test]
fn who_asks_again_gets_the_same_answer() {
    let listener = Listener::new("0.0.0.0:80".parse().unwrap(), false, 1, 7);
    let mut segment = Segment {
        local: "10.0.0.2:80".parse().unwrap(),
        remote: "10.0.0.1:40000".parse().unwrap(),
        syn: true,
        ack: false,
        rst: false,
        fin: false,
        acknowledged: TcpSeqNumber(0),
        sequence: TcpSeqNumber(5),
        length: 0,
    };
    let mut ask = |sequence, packet: &[u8], seed| {
        segment.sequence = TcpSeqNumber(sequence);
        listener.ask(&segment, packet, seed, 0).unwrap()
    };
    assert_eq!(ask(5, b"at one time", 1), 1);
    // Another time stamp, another identification: the packet is another one, who asks is not.
    assert_eq!(ask(5, b"a second later", 2), 1);
    assert_eq!(ask(6, b"from the same port", 3), 3);
    let ends = (segment.local, segment.remote);
    assert_eq!(listener.answered(&ends).unwrap().map(|asking| asking.seed), Some(3));
    assert!(listener.answered(&ends).is_err());
}
