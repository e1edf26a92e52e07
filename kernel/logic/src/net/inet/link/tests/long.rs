//! More than a segment at once.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{ETHERNET, Fake, Machine, OUR, OUR_MAC, Setting6, THEIRS};
use super::{carry, connect, listen, machine_on, network};
use crate::file::io::SliceSource;
use crate::net::inet::device::{Finish, Offloads};

/// Bytes of a segment.
const SEGMENT: usize = 1460;

/// Two machines; the first one's device does what `offloads` say.
fn machines(offloads: Offloads) -> [Machine; 2] {
    let [mut ours, mut theirs] = [OUR_MAC, [2, 0, 0, 0, 0, 2]].map(Fake::new);
    Arc::get_mut(&mut ours).unwrap().offloads = offloads;
    Arc::get_mut(&mut theirs).unwrap().is_checked = offloads.checksums;
    [(ours, OUR), (theirs, THEIRS)]
        .map(|(device, address)| machine_on(device, network(address), Setting6::None))
}

/// Sends `count` bytes at once and has them arrive; answers bytes of the frames, and what their payloads are to be cut into.
fn send(offloads: Offloads, count: usize) -> Vec<(usize, Option<u16>)> {
    let [us, them] = machines(offloads);
    let (_bound, _listener) = listen(&them, "192.0.2.2:80", 1);
    let connection = connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    let write = |count| {
        let bytes = alloc::vec![7; count];
        us.stack.step(&connection, |flow| flow.write(&mut SliceSource(&bytes))).unwrap()
    };
    // A connection sends little at once in the beginning.
    write(10 * SEGMENT);
    carry(&us, &them, &mut || false);
    write(count);
    let of = |(frame, finish): &(Vec<u8>, Finish)| (frame.len(), finish.segments.map(|(size, _)| size.get()));
    let frames = us.device.sent.lock().iter().map(of).collect();
    carry(&us, &them, &mut || false);
    assert_eq!(connection.look(|flow| flow.unacknowledged()), 0, "{offloads:?}");
    frames
}

#[test]
fn a_device_that_cuts_gets_the_whole() {
    let offloads = Offloads { checksums: true, segmentation: [true, false] };
    assert_eq!(send(offloads, 5 * SEGMENT), [(ETHERNET + 40 + 5 * SEGMENT, Some(SEGMENT as u16))]);
}

#[test]
fn for_others_it_is_cut_here() {
    for offloads in [
        Offloads::default(),
        Offloads { checksums: true, segmentation: [false, true] },
        Offloads { checksums: false, segmentation: [true, true] },
    ] {
        let mut expected = [(ETHERNET + 40 + SEGMENT, None); 5];
        expected[4].0 -= 1;
        assert_eq!(send(offloads, 5 * SEGMENT - 1), expected);
    }
}
