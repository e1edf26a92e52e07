//! Frames come apart wherever the bytes are cut, and a full queue stops the device.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::errno::Errno;
use abi::io::PollEvents;

use super::{Input, MOST_QUEUED};
use crate::boot::cmdline::Stdin;
use crate::file::Io;
use crate::file::io::VecSink;

fn input(stdin: Stdin) -> Input {
    Input::new(stdin, Box::new(|| {}))
}

fn feed(input: &Input, bytes: &[u8]) {
    for &byte in bytes {
        input.receive(byte);
    }
}

fn read(input: &Input, line_wise: bool, count: usize) -> Result<alloc::vec::Vec<u8>, Errno> {
    let mut sink = VecSink::new(count);
    input.read(&Io::default(), line_wise, &mut sink).map(|_| sink.bytes)
}

#[test]
fn frames_and_their_end() {
    let input = input(Stdin::Framed);
    assert_eq!(read(&input, false, 9), Err(Errno::EAGAIN));
    feed(&input, &[3, 0, b'a', b'b']);
    assert_eq!(read(&input, false, 9), Ok(b"ab".to_vec()));
    feed(&input, &[b'c', 1, 0, b'd', 0, 0, b'x', b'y']);
    assert_eq!(read(&input, false, 9), Ok(b"cd".to_vec()));
    assert_eq!(read(&input, false, 9), Ok(alloc::vec![]), "the end; what follows is dropped");
    assert!(input.readiness(&Io::default()).contains(PollEvents::HUP | PollEvents::IN));
}

#[test]
fn lines_one_at_a_time() {
    let input = input(Stdin::Raw);
    feed(&input, b"one\ntwo\nthr");
    assert_eq!(read(&input, true, 99), Ok(b"one\n".to_vec()));
    assert_eq!(read(&input, true, 2), Ok(b"tw".to_vec()));
    assert_eq!(read(&input, true, 99), Ok(b"o\n".to_vec()));
    assert_eq!(read(&input, true, 99), Ok(b"thr".to_vec()));
}

#[test]
fn a_full_queue_stops_the_device() {
    let resumed = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&resumed);
    let input = Input::new(
        Stdin::Raw,
        Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }),
    );
    for _ in 1..MOST_QUEUED {
        assert!(input.receive(1));
    }
    assert!(!input.receive(1));
    read(&input, false, MOST_QUEUED / 4).unwrap();
    assert_eq!(resumed.load(Ordering::Relaxed), 0);
    read(&input, false, MOST_QUEUED / 2).unwrap();
    assert_eq!(resumed.load(Ordering::Relaxed), 1);
    assert_eq!(read(&Input::new(Stdin::None, Box::new(|| {})), false, 1), Ok(alloc::vec![]));
}
