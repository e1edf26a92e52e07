//! What is written comes out, all of it or one at a time, and who waits is told.

use abi::errno::Errno;
use abi::io::PollEvents;

use super::{EventFd, MOST, Takes};
use crate::file::io::{SliceSink, SliceSource};
use crate::file::wakers::tests::Sleeper;
use crate::file::{File, Io, NOTHING};

fn read(fd: &EventFd, io: &Io<'_>) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    fd.read_at(io, 0, &mut SliceSink::new(&mut bytes)).map(|_| u64::from_ne_bytes(bytes))
}

fn write(fd: &EventFd, io: &Io<'_>, number: u64) -> Result<usize, Errno> {
    fd.write_at(io, 0, &mut SliceSource(&number.to_ne_bytes()))
}

#[test]
fn everything_or_one() {
    let io = Io::default();
    let fd = EventFd::new(1, Takes::Everything);
    assert_eq!(write(&fd, &io, 4), Ok(8));
    assert_eq!((read(&fd, &io), read(&fd, &io)), (Ok(5), Err(Errno::EAGAIN)));
    let fd = EventFd::new(2, Takes::One);
    assert_eq!((read(&fd, &io), read(&fd, &io), read(&fd, &io)), (Ok(1), Ok(1), Err(Errno::EAGAIN)));
}

#[test]
fn it_holds_so_much() {
    let io = Io::default();
    let fd = EventFd::new(0, Takes::Everything);
    assert_eq!(write(&fd, &io, u64::MAX), Err(Errno::EINVAL));
    assert_eq!((write(&fd, &io, MOST), write(&fd, &io, 1)), (Ok(8), Err(Errno::EAGAIN)));
    assert_eq!(fd.readiness(&io), PollEvents::IN);
    assert_eq!(read(&fd, &io), Ok(MOST));
    assert_eq!(fd.readiness(&io), PollEvents::OUT);
}

#[test]
fn who_waits_is_told() {
    let ((reads, reader), (writes, writer)) = (Sleeper::new(), Sleeper::new());
    let fd = EventFd::new(0, Takes::Everything);
    let (reading, writing) = (Io::new(Some(&reader), &NOTHING), Io::new(Some(&writer), &NOTHING));
    assert_eq!(read(&fd, &reading), Err(Errno::EAGAIN));
    assert_eq!(write(&fd, &writing, MOST), Ok(8));
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (1, 0));
    assert_eq!(write(&fd, &writing, 1), Err(Errno::EAGAIN));
    assert_eq!(read(&fd, &reading), Ok(MOST));
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (0, 1));
}
