//! Interests against counters and pipes: levels, edges, endings, nesting, and who is woken.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::event::{EpollEvent, EpollFlags};
use abi::fs::OpenFlags;
use abi::io::PollEvents;
use abi::reg::Fd;
use zerocopy::FromBytes as _;

use super::Epoll;
use super::nesting::Nesting;
use crate::file::Io;
use crate::file::eventfd::{EventFd, Takes};
use crate::file::io::{Sink, SliceSource, VecSink};
use crate::file::open::OpenFile;
use crate::file::wakers::tests::Sleeper;
use crate::fs::anonymous;

const IN: u32 = PollEvents::IN.bits() as u32;
const ET: u32 = EpollFlags::ET.bits();
const ONESHOT: u32 = EpollFlags::ONESHOT.bits();
const EXCLUSIVE: u32 = EpollFlags::EXCLUSIVE.bits();

static NESTING: Nesting = Nesting::new();

fn counter(initial: u32) -> Arc<OpenFile> {
    anonymous::open("eventfd", EventFd::new(initial, Takes::Everything), OpenFlags::RDWR)
}

fn instance() -> Arc<OpenFile> {
    anonymous::open("eventpoll", Epoll::default(), OpenFlags::RDWR)
}

fn epoll(open: &Arc<OpenFile>) -> &Epoll {
    open.file.epoll().unwrap()
}

fn add(open: &Arc<OpenFile>, fd: i32, file: &Arc<OpenFile>, events: u32) -> Result<(), Errno> {
    let asked = EpollEvent { events, data: u64::from(fd.cast_unsigned()) };
    epoll(open).add(&NESTING, open, (Fd(fd), file), asked)
}

fn modify(open: &Arc<OpenFile>, fd: i32, file: &Arc<OpenFile>, events: u32) -> Result<(), Errno> {
    let asked = EpollEvent { events, data: u64::from(fd.cast_unsigned()) };
    epoll(open).modify(open, (Fd(fd), file), asked)
}

fn count_up(file: &Arc<OpenFile>) {
    file.write(&Io::default(), &mut SliceSource(&1u64.to_ne_bytes())).unwrap();
}

fn reset(file: &Arc<OpenFile>) {
    file.read(&Io::default(), &mut VecSink::new(8)).unwrap();
}

/// The data of up to `most` events.
fn collect(open: &Arc<OpenFile>, most: usize) -> Vec<u64> {
    let mut sink = VecSink::new(most * Epoll::EVENT);
    match epoll(open).collect(None, &mut sink) {
        Ok(bytes) => assert_eq!(bytes, sink.bytes.len()),
        Err(errno) => assert_eq!((errno, sink.bytes.len()), (Errno::EAGAIN, 0)),
    }
    let events = sink.bytes.chunks(Epoll::EVENT);
    events.map(|event| EpollEvent::read_from_bytes(event).unwrap().data).collect()
}

#[test]
fn levels_last_edges_do_not() {
    let (open, level, edge, once) = (instance(), counter(0), counter(0), counter(0));
    add(&open, 1, &level, IN).unwrap();
    add(&open, 2, &edge, IN | ET).unwrap();
    add(&open, 3, &once, IN | ONESHOT).unwrap();
    assert_eq!(collect(&open, 9), []);
    [&edge, &level, &once].into_iter().for_each(count_up);
    assert_eq!(collect(&open, 9), [2, 1, 3], "in the order they came");
    assert_eq!(collect(&open, 9), [1]);
    [&edge, &once].into_iter().for_each(count_up);
    assert_eq!(collect(&open, 9), [1, 2]);
    modify(&open, 3, &once, IN | ONESHOT).unwrap();
    reset(&level);
    assert_eq!(collect(&open, 9), [3]);
    assert!(!epoll(&open).may_have_events());
}

#[test]
fn with_little_room_each_has_its_turn() {
    let (open, files) = (instance(), [(); 3].map(|()| counter(1)));
    for (fd, file) in (1..).zip(&files) {
        add(&open, fd, file, IN).unwrap();
    }
    assert_eq!((0..6).map(|_| collect(&open, 1)[0]).collect::<Vec<_>>(), [1, 2, 3, 1, 2, 3]);
    assert_eq!((collect(&open, 2), collect(&open, 2)), (vec![1, 2], vec![3, 1]));
}

#[test]
fn it_ends_with_the_file() {
    let (open, file, other) = (instance(), counter(1), counter(0));
    add(&open, 1, &file, IN).unwrap();
    add(&open, 2, &other, IN).unwrap();
    let copy = Arc::clone(&file);
    drop(file);
    assert_eq!(collect(&open, 9), [1]);
    drop(copy);
    assert_eq!(collect(&open, 9), []);
    assert_eq!(epoll(&open).interests.lock().len(), 1);
    count_up(&other);
    assert_eq!(collect(&open, 9), [2]);
}

#[test]
fn it_ends_with_the_instance() {
    let (open, file) = (instance(), counter(1));
    add(&open, 1, &file, IN).unwrap();
    let ready = Arc::downgrade(&epoll(&open).ready);
    drop(open);
    assert_eq!(ready.strong_count(), 0, "nobody has anything of it any more");
    count_up(&file);
    assert!(file.interested().is_empty());
}

#[test]
fn what_is_deleted_leaves_nothing_behind() {
    let (open, file) = (instance(), counter(1));
    for _ in 0..1000 {
        add(&open, 1, &file, IN).unwrap();
        epoll(&open).delete(&open, (Fd(1), &file)).unwrap();
    }
    assert!(epoll(&open).ready.len() < 50, "those that were ready");
    assert_eq!(collect(&open, 9), []);
    assert!(!epoll(&open).may_have_events());
}

#[test]
fn the_descriptor_and_the_file_name_it() {
    let (open, file, other) = (instance(), counter(1), counter(1));
    add(&open, 1, &file, IN).unwrap();
    assert_eq!(add(&open, 1, &file, IN), Err(Errno::EEXIST));
    add(&open, 2, &file, IN).unwrap();
    add(&open, 1, &other, IN).unwrap();
    assert_eq!(collect(&open, 9).len(), 3);
    assert_eq!(modify(&open, 3, &file, IN), Err(Errno::ENOENT));
    assert_eq!(add(&open, 9, &open, IN), Err(Errno::EINVAL));
}

#[test]
fn loops_and_depths_are_refused() {
    let levels = [(); 7].map(|()| instance());
    let nest = |outer: usize, inner: usize| add(&levels[outer], 1, &levels[inner], IN);
    // From the top down: the way up counts too.
    for outer in (1..5).rev() {
        assert_eq!(nest(outer, outer - 1), Ok(()));
    }
    assert_eq!(nest(0, 5), Err(Errno::ELOOP));
    assert_eq!(nest(6, 4), Err(Errno::ELOOP));
    assert_eq!(nest(0, 3), Err(Errno::ELOOP), "a loop");
    assert_eq!(nest(3, 5), Ok(()));
    epoll(&levels[4]).delete(&levels[4], (Fd(1), &levels[3])).unwrap();
    assert_eq!(nest(0, 6), Ok(()));
}

#[test]
fn a_change_goes_up() {
    let (outer, inner, file) = (instance(), instance(), counter(0));
    add(&outer, 1, &inner, IN | ET).unwrap();
    add(&inner, 2, &file, IN).unwrap();
    assert_eq!(collect(&outer, 9), []);
    count_up(&file);
    assert_eq!((collect(&outer, 9), collect(&outer, 9)), (vec![1], vec![]));
    count_up(&file);
    assert_eq!((collect(&outer, 9), collect(&inner, 9)), (vec![1], vec![2]));
    count_up(&file);
    reset(&file);
    assert_eq!((collect(&outer, 9), collect(&inner, 9)), (vec![], vec![]));
    drop(inner);
    assert_eq!(epoll(&outer).interests.lock().len(), 0);
}

#[test]
fn one_thread_for_one_change() {
    let (open, file, other) = (instance(), counter(0), counter(0));
    add(&open, 1, &file, IN | ET).unwrap();
    add(&open, 2, &other, IN | ET).unwrap();
    let ((first, waker), (second, other_waker)) = (Sleeper::new(), Sleeper::new());
    let wait = |waker| epoll(&open).collect(Some(waker), &mut VecSink::new(Epoll::EVENT));
    assert_eq!((wait(&waker), wait(&other_waker)), (Err(Errno::EAGAIN), Err(Errno::EAGAIN)));
    count_up(&file);
    assert_eq!((first.wake_ups(), second.wake_ups()), (0, 1), "who came last");
    count_up(&other);
    assert_eq!((first.wake_ups(), second.wake_ups()), (1, 0));
    assert_eq!((wait(&waker), wait(&other_waker)), (Ok(12), Ok(12)));
}

#[test]
fn a_wake_up_that_is_not_used_is_passed_on() {
    let (open, file) = (instance(), counter(0));
    add(&open, 1, &file, IN | ET).unwrap();
    let ((first, waker), (second, other_waker)) = (Sleeper::new(), Sleeper::new());
    let wait = |waker| epoll(&open).collect(Some(waker), &mut VecSink::new(Epoll::EVENT));
    assert_eq!((wait(&waker), wait(&other_waker)), (Err(Errno::EAGAIN), Err(Errno::EAGAIN)));
    count_up(&file);
    assert_eq!((first.wake_ups(), second.wake_ups()), (0, 1));
    epoll(&open).give_up(&other_waker);
    assert_eq!((first.wake_ups(), second.wake_ups()), (1, 0));
    assert_eq!(wait(&waker), Ok(12));
}

#[test]
fn exclusive_interests_share_a_change() {
    let (file, instances) = (counter(0), [(); 3].map(|()| instance()));
    let sleepers = [(); 3].map(|()| Sleeper::new());
    for (open, (_, waker)) in instances.iter().zip(&sleepers) {
        add(open, 1, &file, IN | EXCLUSIVE).unwrap();
        let _ = epoll(open).collect(Some(waker), &mut VecSink::new(Epoll::EVENT));
    }
    let woken = || sleepers.each_ref().map(|(sleeper, _)| sleeper.wake_ups());
    count_up(&file);
    assert_eq!(woken(), [1, 0, 0]);
    count_up(&file);
    assert_eq!(woken(), [0, 1, 0], "nobody waits for the first one");
    assert_eq!(add(&instances[0], 2, &file, IN | EXCLUSIVE | ONESHOT), Err(Errno::EINVAL));
    assert_eq!(modify(&instances[0], 1, &file, IN), Err(Errno::EINVAL));
}

/// Memory that is not there.
struct Missing;

impl Sink for Missing {
    fn room(&self) -> usize {
        Epoll::EVENT
    }

    fn put(&mut self, _bytes: &[u8]) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }
}

#[test]
fn an_event_that_cannot_be_handed_over_is_kept() {
    let (open, file, other) = (instance(), counter(1), counter(1));
    add(&open, 1, &file, IN | ET).unwrap();
    add(&open, 2, &other, IN | ET).unwrap();
    assert_eq!(epoll(&open).collect(None, &mut Missing), Err(Errno::EFAULT));
    assert_eq!(collect(&open, 9), [1, 2]);
}

#[test]
fn what_it_costs_to_be_polled_does_not_take_events() {
    let (open, file, gone) = (instance(), counter(1), counter(1));
    add(&open, 1, &gone, IN).unwrap();
    add(&open, 2, &file, IN | ET).unwrap();
    reset(&gone);
    for _ in 0..2 {
        assert!(open.file.readiness(&Io::default()).contains(PollEvents::IN));
    }
    assert_eq!(collect(&open, 9), [2]);
    assert!(open.file.readiness(&Io::default()).is_empty());
}

#[test]
fn an_event_behind_many_that_are_gone_is_found() {
    let (open, gone, file) = (instance(), counter(1), counter(1));
    for fd in 0..1000 {
        add(&open, fd, &gone, IN).unwrap();
    }
    add(&open, 2000, &file, IN | ET).unwrap();
    reset(&gone);
    assert!(open.file.readiness(&Io::default()).contains(PollEvents::IN));
    assert_eq!((collect(&open, 9), collect(&open, 9)), (vec![2000], vec![]));
}
