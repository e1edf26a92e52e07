//! Standard input as the host sends it: raw, or framed with signals between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use abi::errno::Errno;
use logic::boot::cmdline::Stdin;
use logic::file::Io;
use logic::file::input::{Input, Origin, SignalCharacters};
use logic::file::io::VecSink;

/// Bytes that wait for a reader at most: those of the queue, and one.
const MOST_QUEUED: usize = 64 * 1024 + 1;

/// One input.
pub fn run(data: &[u8]) {
    let [kind, every, rest @ ..] = data else { return };
    let stdin = [Stdin::Raw, Stdin::Framed, Stdin::None][usize::from(kind % 3)];
    let origin = if kind & 8 == 0 { Origin::Stream } else { Origin::Terminal };
    let signals = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&signals);
    let notify = Box::new(move |_| {
        heard.fetch_add(1, Ordering::Relaxed);
    });
    let input = Input::new(stdin, origin, Box::new(|| ()), notify);
    let keeps_input = kind & 16 != 0;
    input.set_signal_characters(SignalCharacters { interrupt: 3, quit: 28, suspend: 26, keeps_input });
    let mut read = Vec::new();
    // Once more and more, so that a queue can be full.
    let times = 1 + usize::from(kind >> 5) * 500;
    for (index, &byte) in rest.iter().cycle().take(rest.len() * times).enumerate() {
        if !input.receive(byte) {
            // The device stops.
            assert!(input.available() < MOST_QUEUED);
            read.extend(take(&input, kind & 4 != 0).unwrap_or_default());
        }
        if *every > 0 && index.is_multiple_of(usize::from(*every)) {
            read.extend(take(&input, kind & 4 != 0).unwrap_or_default());
        }
    }
    while let Ok(bytes) = take(&input, false) {
        if bytes.is_empty() {
            break;
        }
        read.extend(bytes);
    }
    assert!(signals.load(Ordering::Relaxed) + read.len() <= rest.len() * times);
    if stdin == Stdin::Raw && origin == Origin::Stream {
        assert!(rest.iter().cycle().take(rest.len() * times).eq(&read), "raw bytes came as others");
    }
}

fn take(input: &Input, by_line: bool) -> Result<Vec<u8>, Errno> {
    let mut sink = VecSink::new(1000);
    input.read(&Io::default(), by_line, &mut sink)?;
    Ok(sink.bytes)
}

/// Lines, and frames with a signal and an end.
pub fn seeds() -> Vec<Vec<u8>> {
    let framed = [&[1, 3, 5, 0][..], b"hello", &[255, 255, 2, 1, 0, b'x', 0, 0]].concat();
    let many = [&[0xe0, 0][..], b"0123456789abcdef0123456789abcdef"].concat();
    vec![[&[12, 3][..], b"a line\nand\x03another\n"].concat(), framed, many]
}
