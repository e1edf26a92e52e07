//! Bytes come out in order, small writes are whole, ends that go are noticed.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;

use abi::errno::Errno;
use abi::io::PollEvents;

use super::{CAPACITY, Pipe, PipeEnd};
use crate::file::io::{SliceSource, VecSink};
use crate::file::wakers::tests::Sleeper;
use crate::file::{File, Io, NOTHING};

fn ends() -> (PipeEnd, PipeEnd) {
    let pipe: Arc<Pipe> = Arc::default();
    (PipeEnd::new(Arc::clone(&pipe), true, false), PipeEnd::new(pipe, false, true))
}

fn write(end: &PipeEnd, bytes: &[u8]) -> Result<usize, Errno> {
    end.write_at(&Io::default(), 0, &mut SliceSource(bytes))
}

fn read(end: &PipeEnd, count: usize) -> Result<vec::Vec<u8>, Errno> {
    let mut sink = VecSink::new(count);
    end.read_at(&Io::default(), 0, &mut sink).map(|_| sink.bytes)
}

#[test]
fn bytes_come_out_as_they_went_in() {
    let (reader, writer) = ends();
    let mut model = VecDeque::new();
    let mut next = 0u8;
    // Steps that are prime to each other and to the ring's size, so that it wraps everywhere.
    for step in 0..2000usize {
        let bytes: vec::Vec<u8> = (0..step % 977)
            .map(|_| {
                next = next.wrapping_add(1);
                next
            })
            .collect();
        match write(&writer, &bytes) {
            Ok(count) => model.extend(&bytes[..count]),
            Err(errno) => assert_eq!(errno, Errno::EAGAIN),
        }
        let got = read(&reader, step % 701).unwrap_or_default();
        let expected: vec::Vec<u8> = model.drain(..got.len()).collect();
        assert_eq!(got, expected);
    }
}

#[test]
fn small_writes_are_whole() {
    let (reader, writer) = ends();
    assert_eq!(write(&writer, &vec![1; CAPACITY - 10]), Ok(CAPACITY - 10));
    assert_eq!(write(&writer, &[2; 11]), Err(Errno::EAGAIN));
    assert_eq!(write(&writer, &[2; 10]), Ok(10));
    assert_eq!(write(&writer, &[3; 1]), Err(Errno::EAGAIN));
    assert_eq!(read(&reader, 5000).map(|bytes| bytes.len()), Ok(5000));
    assert_eq!(write(&writer, &vec![4; 8000]), Ok(5000), "more than PIPE_BUF may be split");
}

#[test]
fn ends_that_go_are_noticed() {
    let (reader, writer) = ends();
    assert_eq!(read(&reader, 1), Err(Errno::EAGAIN));
    write(&writer, b"x").unwrap();
    drop(writer);
    assert!(reader.readiness(&Io::default()).contains(PollEvents::IN | PollEvents::HUP));
    assert_eq!((read(&reader, 9), read(&reader, 9)), (Ok(b"x".to_vec()), Ok(vec![])));
    let (reader, writer) = ends();
    drop(reader);
    assert_eq!(write(&writer, b"x"), Err(Errno::EPIPE));
    assert!(writer.readiness(&Io::default()).contains(PollEvents::ERR));
}

#[test]
fn capacity_changes_keep_what_is_inside() {
    let (reader, writer) = ends();
    write(&writer, &[7; 5000]).unwrap();
    assert_eq!(writer.set_capacity(4096), Err(Errno::EBUSY));
    assert_eq!(writer.set_capacity(5000), Ok(8192));
    assert_eq!(writer.set_capacity(2 << 20), Err(Errno::EPERM));
    assert_eq!(write(&writer, &[8; 5000]), Ok(3192));
    assert_eq!(reader.available(0), Ok(8192));
}

#[test]
fn opening_a_fifo_meets_a_partner_that_came_first_and_left_early() {
    let pipe: Arc<Pipe> = Arc::default();
    let writer = PipeEnd::new(Arc::clone(&pipe), false, true);
    assert_eq!(writer.opened(&Io::default()), Err(Errno::EAGAIN));
    let reader = PipeEnd::new(Arc::clone(&pipe), true, false);
    // The writer goes on before the reader looks, and is done with it.
    assert_eq!(writer.opened(&Io::default()), Ok(()));
    write(&writer, b"x").unwrap();
    drop(writer);
    assert_eq!(reader.opened(&Io::default()), Ok(()));
    assert_eq!(read(&reader, 9), Ok(b"x".to_vec()));
    let late = PipeEnd::new(pipe, true, false);
    assert_eq!(late.opened(&Io::default()), Err(Errno::EAGAIN), "nobody has come for this one");
}

#[test]
fn only_the_other_side_is_told() {
    let (reader, writer) = ends();
    let ((reads, waker), (writes, other)) = (Sleeper::new(), Sleeper::new());
    let watch = |end: &PipeEnd, waker, events| {
        let _ = end.readiness(&Io::new(Some(waker), &NOTHING).for_events(events));
    };
    watch(&reader, &waker, PollEvents::IN);
    watch(&writer, &other, PollEvents::OUT);
    write(&writer, &[1; CAPACITY]).unwrap();
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (1, 0));
    watch(&reader, &waker, PollEvents::IN);
    read(&reader, 1).unwrap();
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (0, 1));
    watch(&writer, &other, PollEvents::OUT);
    read(&reader, CAPACITY).unwrap();
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (0, 1), "it was as good as full");
    watch(&writer, &other, PollEvents::OUT);
    write(&writer, b"xy").unwrap();
    read(&reader, 1).unwrap();
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (1, 0), "there was room all the time");
    drop(reader);
    assert_eq!(writes.wake_ups(), 1);
}
