//! Frames come apart wherever the bytes are cut, and a full queue stops the device.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::signal::Signal;

use super::{Input, MOST_QUEUED, Origin, SignalCharacters};
use crate::boot::cmdline::Stdin;
use crate::file::Io;
use crate::file::io::VecSink;

fn input_of(stdin: Stdin) -> Input {
    Input::new(stdin, Origin::Stream, Box::new(|| {}), Box::new(|_| panic!("nobody sent a signal")))
}

/// Input, and the number of the last signal.
fn with_signals(stdin: Stdin, origin: Origin) -> (Input, Arc<AtomicU32>) {
    let last = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&last);
    let notify = Box::new(move |signal: Signal| seen.store(signal.raw().cast_unsigned(), Ordering::Relaxed));
    (Input::new(stdin, origin, Box::new(|| {}), notify), last)
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
    let input = input_of(Stdin::Framed);
    assert_eq!(read(&input, false, 9), Err(Errno::EAGAIN));
    feed(&input, &[3, 0, b'a', b'b']);
    assert_eq!(read(&input, false, 9), Ok(b"ab".to_vec()));
    feed(&input, &[b'c', 1, 0, b'd', 0, 0, 2, 0, b'x', b'y']);
    assert_eq!(read(&input, false, 9), Ok(b"cd".to_vec()));
    assert_eq!(read(&input, false, 9), Ok(alloc::vec![]), "the end; what follows is dropped");
    assert!(input.readiness(&Io::default()).contains(PollEvents::HUP | PollEvents::IN));
}

#[test]
fn lines_one_at_a_time() {
    let input = input_of(Stdin::Raw);
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
        Origin::Stream,
        Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }),
        Box::new(|_| {}),
    );
    for _ in 1..MOST_QUEUED {
        assert!(input.receive(1));
    }
    assert!(!input.receive(1));
    read(&input, false, MOST_QUEUED / 4).unwrap();
    assert_eq!(resumed.load(Ordering::Relaxed), 0);
    read(&input, false, MOST_QUEUED / 2).unwrap();
    assert_eq!(resumed.load(Ordering::Relaxed), 1);
    assert_eq!(read(&input_of(Stdin::None), false, 1), Ok(alloc::vec![]));
}

#[test]
fn a_frame_can_be_a_signal_also_behind_the_end() {
    let (input, last) = with_signals(Stdin::Framed, Origin::Stream);
    feed(&input, &[1, 0, b'a', 0xff, 0xff, 15, 1, 0, b'b']);
    assert_eq!(last.load(Ordering::Relaxed), 15);
    assert_eq!(read(&input, false, 9), Ok(b"ab".to_vec()));
    feed(&input, &[0, 0, 0xff, 0xff, 2, 0xff, 0xff, 200]);
    assert_eq!(last.load(Ordering::Relaxed), 2, "there is no signal 200");
    assert_eq!(read(&input, false, 9), Ok(alloc::vec![]));
}

#[test]
fn a_terminals_characters_are_signals() {
    let characters = SignalCharacters { interrupt: 3, quit: 28, suspend: 26, keeps_input: false };
    let (input, last) = with_signals(Stdin::Raw, Origin::Terminal);
    feed(&input, b"\x03");
    assert_eq!(read(&input, false, 9), Ok(b"\x03".to_vec()), "without ISIG it is a byte");
    input.set_signal_characters(characters);
    feed(&input, b"lost\x03kept\0");
    assert_eq!(last.load(Ordering::Relaxed), 2);
    assert_eq!(read(&input, false, 9), Ok(b"kept\0".to_vec()));
    input.set_signal_characters(SignalCharacters { keeps_input: true, ..characters });
    feed(&input, b"kept\x1c");
    assert_eq!(last.load(Ordering::Relaxed), 3);
    assert_eq!(read(&input, false, 9), Ok(b"kept".to_vec()));

    let (pipe, last) = with_signals(Stdin::Raw, Origin::Stream);
    pipe.set_signal_characters(characters);
    feed(&pipe, b"\x03");
    assert_eq!((read(&pipe, false, 9), last.load(Ordering::Relaxed)), (Ok(b"\x03".to_vec()), 0));
}
