//! Two ends of one connection within a machine: what each of them sees of the other, as Linux tells it of TCP over its loopback interface.

extern crate std;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::Shutdown;

use super::End;
use crate::file::Io;
use crate::file::io::{SliceSink, SliceSource};
use crate::file::poll::{READABLE, WRITABLE};
use crate::net::inet::rings::{RING, tests::bounded};
use crate::net::inet::stack::{Stack, Surroundings};

const IO: fn() -> Io<'static> = Io::default;

struct Pair {
    stack: Arc<Stack>,
    client: End,
    server: End,
}

fn pair() -> Pair {
    let ends = ("127.0.0.1:1000".parse().unwrap(), "127.0.0.1:80".parse().unwrap());
    let client = End::of_client(ends, true);
    let stack =
        Stack::new(Surroundings { now: || 0, random: || 7, rings: || Ok(bounded(RING)), hurry: || () });
    Pair { stack, server: client.other(), client }
}

impl Pair {
    fn write(&self, end: &End, bytes: &[u8]) -> Result<usize, Errno> {
        end.write(&self.stack, &IO(), &mut SliceSource(bytes))
    }

    /// What is read of one end, what poll(2) says of it then, and what one more write answers.
    fn rest(&self, end: &End) -> (Vec<Result<Vec<u8>, Errno>>, PollEvents, Result<usize, Errno>) {
        let mut reads = Vec::new();
        while reads.len() < 4 && reads.last() != Some(&Ok(Vec::new())) {
            reads.push(read(end, 100));
        }
        (reads, end.readiness(&IO()), self.write(end, b"more"))
    }
}

fn read(end: &End, most: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; most];
    let count = end.read(&IO(), &mut SliceSink::new(&mut bytes), false)?;
    bytes.truncate(count);
    Ok(bytes)
}

fn closed() -> PollEvents {
    READABLE | WRITABLE | PollEvents::RDHUP | PollEvents::HUP
}

#[test]
fn ends_after_its_bytes() {
    let pair = pair();
    pair.write(&pair.client, b"abc").unwrap();
    pair.client.release(&pair.stack, false);
    assert_eq!(pair.server.readiness(&IO()), READABLE | WRITABLE | PollEvents::RDHUP);
    assert_eq!(pair.write(&pair.server, b"x"), Ok(1), "nobody has said yet that he does not read");
    assert_eq!(pair.server.readiness(&IO()), closed() | PollEvents::ERR);
    assert!(!pair.server.is_there());
    let rest = (vec![Ok(b"abc".to_vec()), Ok(vec![])], closed() | PollEvents::ERR, Err(Errno::EPIPE));
    assert_eq!(pair.rest(&pair.server), rest);
}

#[test]
fn bytes_that_nobody_read_reset_it() {
    for at_once in [false, true] {
        let pair = pair();
        pair.write(&pair.client, b"abc").unwrap();
        pair.write(&pair.server, b"unread").unwrap();
        pair.client.release(&pair.stack, at_once);
        assert_eq!(pair.server.readiness(&IO()), closed() | PollEvents::ERR);
        let reads = vec![Ok(b"abc".to_vec()), Err(Errno::ECONNRESET), Ok(vec![])];
        assert_eq!(pair.rest(&pair.server), (reads, closed(), Err(Errno::EPIPE)));
    }
}

#[test]
fn a_reset_after_the_end_is_told_to_writers_only() {
    let pair = pair();
    pair.server.shut(&pair.stack, Shutdown::Write).unwrap();
    pair.server.release(&pair.stack, true);
    let rest = (vec![Ok(vec![])], closed() | PollEvents::ERR, Err(Errno::EPIPE));
    assert_eq!(pair.rest(&pair.client), rest);
    assert_eq!(pair.client.take_error(), None, "the write has told it");
}

#[test]
fn what_both_have_ended_is_not_reset() {
    let pair = pair();
    pair.write(&pair.client, b"left").unwrap();
    pair.client.shut(&pair.stack, Shutdown::Write).unwrap();
    assert!(pair.client.is_there() && pair.server.is_there());
    pair.server.shut(&pair.stack, Shutdown::Write).unwrap();
    assert_eq!(pair.client.shut(&pair.stack, Shutdown::Write), Err(Errno::ENOTCONN));
    assert!(!pair.client.is_there() && !pair.server.is_there());
    pair.client.release(&pair.stack, true);
    let reads = vec![Ok(b"left".to_vec()), Ok(vec![])];
    assert_eq!(pair.rest(&pair.server), (reads, closed(), Err(Errno::EPIPE)));
}

#[test]
fn who_reads_no_more_still_gets_what_comes() {
    let pair = pair();
    pair.server.shut(&pair.stack, Shutdown::Read).unwrap();
    assert_eq!(pair.client.readiness(&IO()), WRITABLE);
    assert_eq!(read(&pair.server, 10).unwrap(), b"");
    assert_eq!(pair.write(&pair.client, b"abc"), Ok(3));
    assert_eq!(read(&pair.server, 10).unwrap(), b"abc");
    pair.write(&pair.client, b"q").unwrap();
    pair.server.release(&pair.stack, false);
    assert_eq!(read(&pair.client, 10), Err(Errno::ECONNRESET));
}

#[test]
fn as_much_as_both_buffers_hold() {
    let pair = pair();
    pair.client.set_buffers([5000, 1]);
    pair.server.set_buffers([1, 10_000]);
    assert_eq!(pair.write(&pair.client, &[7; 12_000]), Ok(12_000));
    assert_eq!((pair.server.readable(), pair.client.unsent()), (12_000, 2000));
    assert_eq!(pair.write(&pair.client, &[7; 12_000]), Ok(3000));
    assert_eq!(pair.write(&pair.client, &[7; 12_000]), Err(Errno::EAGAIN));
    assert_eq!(pair.client.readiness(&IO()), PollEvents::empty());
    assert_eq!(read(&pair.server, 4999).unwrap().len(), 4999);
    assert_eq!(pair.client.readiness(&IO()), PollEvents::empty(), "not worth it yet");
    read(&pair.server, 1).unwrap();
    assert_eq!(pair.client.readiness(&IO()), WRITABLE);
    assert_eq!(pair.write(&pair.server, &[7; 12_000]), Ok(2), "the other way is another matter");
}
