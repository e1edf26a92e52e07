//! Readiness of many files, asked for by one thread: epoll_create, epoll_ctl, epoll_wait.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::collections::BTreeSet;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

use abi_tests::epoll::{Epoll, count_up, counter, pipe, read, write};
use abi_tests::{Fd, Scratch, call, cases, check, open};
use libc::{EBADF, EEXIST, EFAULT, EINVAL, ENOENT, EPERM, c_int};
use libc::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD};
use libc::{EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLRDNORM};

cases! {
    creation, level_triggered, edge_triggered, edge_after_partial_read, edge_of_the_own_side_only,
    edge_of_a_full_pipe, edge_again_when_asked_again, oneshot, errors_and_hang_ups, data_is_the_programs,
    refusals, what_cannot_be_polled, wild_pointers, missing_page, modify_and_delete, ready_when_added,
    closing_removes, duplicates_keep, same_descriptor_twice, each_has_its_turn, many_ready,
    ten_thousand_interests, timeouts,
}

// covers: epoll_create
// covers: epoll_create1
fn creation() {
    // SAFETY: numbers only.
    unsafe {
        let fd = Fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC)).unwrap());
        assert_eq!(libc::fcntl(fd.0, libc::F_GETFD), libc::FD_CLOEXEC);
        assert_eq!(libc::fcntl(fd.0, libc::F_GETFL), libc::O_RDWR);
        assert_eq!(check(libc::epoll_create1(1)), Err(EINVAL));
        drop(Fd(check(libc::epoll_create(1)).unwrap()));
        assert_eq!(call(libc::SYS_epoll_create, [0; 6]), Err(EINVAL));
        let old = call(libc::SYS_epoll_create, [1, 0, 0, 0, 0, 0]).unwrap();
        drop(Fd(i32::try_from(old).unwrap()));
    }
    let epoll = Epoll::new();
    assert_eq!(read(&epoll.0, 8), Err(EINVAL));
    assert_eq!(write(&epoll.0, b"12345678"), Err(EINVAL));
}

// covers: epoll_wait
// covers: epoll_ctl
fn level_triggered() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, EPOLLIN);
    assert_eq!(epoll.events(&reader, 0), 0);
    write(&writer, b"ab").unwrap();
    for _ in 0..3 {
        assert_eq!(epoll.events(&reader, -1), EPOLLIN);
    }
    read(&reader, 1).unwrap();
    assert_eq!(epoll.events(&reader, 0), EPOLLIN);
    read(&reader, 1).unwrap();
    assert_eq!(epoll.events(&reader, 0), 0);
}

fn edge_triggered() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, EPOLLIN | EPOLLET);
    write(&writer, b"a").unwrap();
    assert_eq!(epoll.events(&reader, -1), EPOLLIN);
    assert_eq!(epoll.events(&reader, 20), 0, "told once");
    write(&writer, b"b").unwrap();
    assert_eq!(epoll.events(&reader, -1), EPOLLIN, "every write is a change");
    assert_eq!(epoll.events(&reader, 0), 0);
    // What has been read meanwhile is not told of.
    write(&writer, b"c").unwrap();
    read(&reader, 10).unwrap();
    assert_eq!(epoll.events(&reader, 0), 0);
}

fn edge_after_partial_read() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, EPOLLIN | EPOLLET);
    write(&writer, b"abcd").unwrap();
    assert_eq!(epoll.events(&reader, -1), EPOLLIN);
    read(&reader, 2).unwrap();
    assert_eq!(epoll.events(&reader, 20), 0, "a read is no change, though bytes are left");
    write(&writer, b"e").unwrap();
    assert_eq!(epoll.events(&reader, -1), EPOLLIN);
    assert_eq!(read(&reader, 10), Ok(3));
}

/// Reading is no event for readers, writing none for writers.
fn edge_of_the_own_side_only() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&writer, EPOLLOUT | EPOLLET);
    assert_eq!(epoll.events(&writer, -1), EPOLLOUT);
    for _ in 0..3 {
        write(&writer, b"abc").unwrap();
        assert_eq!(epoll.events(&writer, 0), 0);
    }
    let fd = counter(0);
    epoll.add(&fd, EPOLLIN | EPOLLET);
    count_up(&fd);
    assert_eq!(epoll.events(&fd, -1), EPOLLIN);
    count_up(&fd);
    read(&fd, 8).unwrap();
    assert_eq!(epoll.events(&fd, 0), 0);
    drop(reader);
}

fn edge_of_a_full_pipe() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    while write(&writer, &[0; 4096]).is_ok() {}
    epoll.add(&writer, EPOLLOUT | EPOLLET);
    assert_eq!(epoll.events(&writer, 0), 0);
    read(&reader, 4096).unwrap();
    assert_eq!(epoll.events(&writer, -1), EPOLLOUT);
    read(&reader, 4096).unwrap();
    assert_eq!(epoll.events(&writer, 0), 0, "it was not full any more");
}

fn edge_again_when_asked_again() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    write(&writer, b"a").unwrap();
    epoll.add(&reader, EPOLLIN | EPOLLET);
    assert_eq!(epoll.events(&reader, 0), EPOLLIN);
    assert_eq!(epoll.events(&reader, 0), 0);
    epoll.modify(&reader, EPOLLIN | EPOLLET);
    assert_eq!(epoll.events(&reader, 0), EPOLLIN);
    assert_eq!(epoll.events(&reader, 0), 0);
}

fn oneshot() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, EPOLLIN | EPOLLONESHOT);
    write(&writer, b"a").unwrap();
    assert_eq!(epoll.events(&reader, -1), EPOLLIN);
    write(&writer, b"b").unwrap();
    assert_eq!(epoll.events(&reader, 20), 0);
    epoll.modify(&reader, EPOLLIN | EPOLLONESHOT);
    assert_eq!(epoll.events(&reader, -1), EPOLLIN);
    drop(writer);
    assert_eq!(epoll.events(&reader, 20), 0, "hang-ups neither");
    epoll.modify(&reader, EPOLLONESHOT);
    assert_eq!(epoll.events(&reader, 0), EPOLLHUP);
}

fn errors_and_hang_ups() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, 0);
    write(&writer, b"a").unwrap();
    assert_eq!(epoll.events(&reader, 0), 0);
    drop(writer);
    assert_eq!(epoll.events(&reader, -1), EPOLLHUP, "unasked");
    epoll.modify(&reader, EPOLLIN | EPOLLRDNORM);
    assert_eq!(epoll.events(&reader, -1), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
    epoll.delete(&reader).unwrap();
    let (reader, writer) = pipe();
    epoll.add(&writer, EPOLLET);
    drop(reader);
    assert_eq!(epoll.events(&writer, -1), EPOLLERR);
    assert_eq!(epoll.events(&writer, 0), 0);
}

fn data_is_the_programs() {
    let (epoll, fd) = (Epoll::new(), counter(1));
    epoll.ctl(EPOLL_CTL_ADD, fd.0, EPOLLIN, 0x0123_4567_89ab_cdef).unwrap();
    assert_eq!(epoll.wait_for(1, 0), Ok(vec![(EPOLLIN, 0x0123_4567_89ab_cdef)]));
    epoll.ctl(EPOLL_CTL_MOD, fd.0, EPOLLIN | EPOLLOUT, u64::MAX).unwrap();
    assert_eq!(epoll.wait_for(1, 0), Ok(vec![(EPOLLIN | EPOLLOUT, u64::MAX)]));
}

fn refusals() {
    let (epoll, fd, other) = (Epoll::new(), counter(0), counter(0));
    assert_eq!(epoll.ctl(EPOLL_CTL_MOD, fd.0, EPOLLIN, 0), Err(ENOENT));
    assert_eq!(epoll.delete(&fd), Err(ENOENT));
    epoll.add(&fd, EPOLLIN);
    assert_eq!(epoll.ctl(EPOLL_CTL_ADD, fd.0, EPOLLIN, 0), Err(EEXIST));
    assert_eq!(epoll.ctl(EPOLL_CTL_ADD, epoll.0.0, EPOLLIN, 0), Err(EINVAL));
    assert_eq!(epoll.ctl(9, fd.0, EPOLLIN, 0), Err(EINVAL));
    assert_eq!(epoll.ctl(EPOLL_CTL_ADD, 9999, EPOLLIN, 0), Err(EBADF));
    assert_eq!(Epoll(Fd(9999)).ctl(EPOLL_CTL_ADD, fd.0, EPOLLIN, 0), Err(EBADF));
    let wrong = Epoll(other);
    assert_eq!(wrong.ctl(EPOLL_CTL_ADD, fd.0, EPOLLIN, 0), Err(EINVAL));
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    let mut wait = |fd: c_int, most| {
        // SAFETY: nothing is written: it is refused.
        check(unsafe { libc::epoll_wait(fd, &mut event, most, 0) })
    };
    assert_eq!(wait(wrong.0.0, 1), Err(EINVAL));
    assert_eq!(wait(9999, 1), Err(EBADF));
    assert_eq!(wait(epoll.0.0, 0), Err(EINVAL));
    assert_eq!(wait(epoll.0.0, -1), Err(EINVAL));
}

fn what_cannot_be_polled() {
    let (epoll, scratch) = (Epoll::new(), Scratch::new("epoll"));
    let regular = open(scratch.path("file"), libc::O_CREAT | libc::O_RDWR).unwrap();
    let directory = open(scratch.root(), libc::O_RDONLY).unwrap();
    let null = open("/dev/null", libc::O_RDWR).unwrap();
    let path = open(scratch.path("file"), libc::O_PATH).unwrap();
    for fd in [&regular, &directory, &null] {
        assert_eq!(epoll.ctl(EPOLL_CTL_ADD, fd.0, EPOLLIN, 0), Err(EPERM));
        assert_eq!(epoll.ctl(EPOLL_CTL_DEL, fd.0, EPOLLIN, 0), Err(EPERM));
    }
    assert_eq!(epoll.ctl(EPOLL_CTL_ADD, path.0, EPOLLIN, 0), Err(EBADF));
    assert_eq!(Epoll(counter(0)).ctl(EPOLL_CTL_ADD, regular.0, EPOLLIN, 0), Err(EPERM));
}

fn wild_pointers() {
    let (epoll, fd) = (Epoll::new(), counter(1));
    let number = |fd: &Fd| fd.0.cast_unsigned() as usize;
    let (at, add) = (number(&epoll.0), EPOLL_CTL_ADD.cast_unsigned() as usize);
    assert_eq!(call(libc::SYS_epoll_ctl, [at, add, number(&fd), 8, 0, 0]), Err(EFAULT));
    assert_eq!(call(libc::SYS_epoll_ctl, [at, add, number(&fd), usize::MAX - 4, 0, 0]), Err(EFAULT));
    assert_eq!(call(libc::SYS_epoll_ctl, [9999, 9, 9999, 8, 0, 0]), Err(EFAULT), "the event is read first");
    assert_eq!(call(libc::SYS_epoll_wait, [at, usize::MAX - 100, 4, 0, 0, 0]), Err(EFAULT));
    epoll.add(&fd, EPOLLIN | EPOLLET);
    assert_eq!(call(libc::SYS_epoll_wait, [at, 8, 4, 0, 0, 0]), Err(EFAULT));
    assert_eq!(epoll.events(&fd, 0), EPOLLIN, "it was not told yet");
    assert_eq!(call(libc::SYS_epoll_pwait, [at, 16, 4, 0, 8, 8]), Err(EFAULT));
    assert_eq!(call(libc::SYS_epoll_pwait2, [at, 16, 4, 8, 0, 8]), Err(EFAULT));
}

/// The events go into memory that nobody has touched, and over the end of a page.
fn missing_page() {
    let (epoll, fd, other) = (Epoll::new(), counter(1), counter(1));
    epoll.add(&fd, EPOLLIN | EPOLLET);
    epoll.add(&other, EPOLLIN | EPOLLET);
    let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: fresh memory of two pages.
    unsafe {
        let fresh = libc::mmap(null_mut(), 8192, prot, flags, -1, 0);
        let events = fresh.byte_add(4096 - 18).cast::<libc::epoll_event>();
        assert_eq!(libc::epoll_wait(epoll.0.0, events, 100, 0), 2);
        let data: BTreeSet<u64> = (0..2).map(|index| events.add(index).read_unaligned().u64).collect();
        assert_eq!(data, [&fd, &other].map(|fd| u64::from(fd.0.cast_unsigned())).into());
        libc::munmap(fresh, 8192);
    }
}

fn modify_and_delete() {
    let (epoll, fd) = (Epoll::new(), counter(1));
    epoll.add(&fd, EPOLLIN);
    assert_eq!(epoll.events(&fd, 0), EPOLLIN);
    epoll.modify(&fd, EPOLLOUT);
    assert_eq!(epoll.events(&fd, 0), EPOLLOUT);
    epoll.modify(&fd, 0);
    assert_eq!(epoll.events(&fd, 0), 0);
    epoll.modify(&fd, EPOLLIN);
    assert_eq!(epoll.delete(&fd), Ok(()));
    assert_eq!(epoll.events(&fd, 0), 0, "it was ready, and is gone");
    assert_eq!(epoll.delete(&fd), Err(ENOENT));
    count_up(&fd);
    assert_eq!(epoll.events(&fd, 0), 0);
    epoll.add(&fd, EPOLLIN);
    assert_eq!(epoll.events(&fd, 0), EPOLLIN);
    // Without an event, which Linux has allowed since 2.6.9.
    // SAFETY: numbers.
    assert_eq!(unsafe { libc::epoll_ctl(epoll.0.0, EPOLL_CTL_DEL, fd.0, null_mut()) }, 0);
}

fn ready_when_added() {
    let (epoll, (_reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&writer, EPOLLIN | EPOLLOUT);
    assert_eq!(epoll.events(&writer, 0), EPOLLOUT);
}

fn closing_removes() {
    let (epoll, fd) = (Epoll::new(), counter(1));
    epoll.add(&fd, EPOLLIN);
    let number = fd.0;
    drop(fd);
    assert_eq!(epoll.wait_for(8, 0), Ok(vec![]));
    assert_eq!(epoll.ctl(EPOLL_CTL_DEL, number, 0, 0), Err(EBADF));
    let fd = counter(1);
    assert_eq!(fd.0, number, "the lowest free one");
    assert_eq!(epoll.delete(&fd), Err(ENOENT), "it is another file");
    epoll.add(&fd, EPOLLIN);
    assert_eq!(epoll.events(&fd, 0), EPOLLIN);
    let (reader, writer) = pipe();
    epoll.add(&reader, EPOLLIN);
    drop(reader);
    assert_eq!(epoll.events(&fd, 0), EPOLLIN);
    drop((writer, fd));
    assert_eq!(epoll.wait_for(8, 0), Ok(vec![]));
}

/// An interest is in the open file: it ends with the last descriptor, not with the one it was asked for by.
fn duplicates_keep() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    epoll.add(&reader, EPOLLIN);
    // SAFETY: takes a descriptor.
    let copy = Fd(unsafe { libc::dup(reader.0) });
    let data = u64::from(reader.0.cast_unsigned());
    drop(reader);
    write(&writer, b"a").unwrap();
    assert_eq!(epoll.wait_for(8, -1), Ok(vec![(EPOLLIN, data)]));
    assert_eq!(epoll.delete(&copy), Err(ENOENT), "its key is the other descriptor");
    drop(copy);
    assert_eq!(epoll.wait_for(8, 0), Ok(vec![]));
}

fn same_descriptor_twice() {
    let (epoll, (reader, writer)) = (Epoll::new(), pipe());
    // SAFETY: takes descriptors.
    let copy = Fd(unsafe { libc::dup(reader.0) });
    epoll.add(&reader, EPOLLIN);
    epoll.add(&copy, EPOLLIN | EPOLLONESHOT);
    write(&writer, b"a").unwrap();
    assert_eq!(epoll.wait_for(8, -1).unwrap().len(), 2);
    assert_eq!(epoll.events(&reader, 0), EPOLLIN);
    // The number comes to stand for something else while the file it stood for is open.
    let other = counter(1);
    // SAFETY: takes descriptors.
    assert_eq!(unsafe { libc::dup2(other.0, reader.0) }, reader.0);
    epoll.ctl(EPOLL_CTL_ADD, reader.0, EPOLLIN | EPOLLOUT, 77).unwrap();
    let found: BTreeSet<_> = epoll.wait_for(8, 0).unwrap().into_iter().collect();
    let data = u64::from(reader.0.cast_unsigned());
    assert_eq!(found, BTreeSet::from([(EPOLLIN, data), (EPOLLIN | EPOLLOUT, 77)]));
}

/// With room for one event everybody has a turn.
fn each_has_its_turn() {
    let epoll = Epoll::new();
    let fds: Vec<Fd> = (0..5).map(|_| counter(1)).collect();
    fds.iter().for_each(|fd| epoll.add(fd, EPOLLIN));
    let rounds: Vec<u64> = (0..10).map(|_| epoll.wait_for(1, 0).unwrap()[0].1).collect();
    let expected: Vec<u64> = fds.iter().map(|fd| u64::from(fd.0.cast_unsigned())).collect();
    assert_eq!(rounds, [expected.clone(), expected].concat());
}

fn many_ready() {
    let epoll = Epoll::new();
    let fds: Vec<Fd> = (0..300).map(|_| counter(1)).collect();
    fds.iter().for_each(|fd| epoll.add(fd, EPOLLIN | EPOLLET));
    let (mut seen, mut sizes) = (BTreeSet::new(), Vec::new());
    loop {
        let events = epoll.wait_for(128, 0).unwrap();
        if events.is_empty() {
            break;
        }
        sizes.push(events.len());
        seen.extend(events.iter().map(|&(_, data)| data));
    }
    assert_eq!((sizes, seen.len()), (vec![128, 128, 44], 300));
}

fn ten_thousand_interests() {
    let limit = libc::rlimit { rlim_cur: 20_100, rlim_max: 20_100 };
    // SAFETY: a structure; asks for the limit first.
    let can = unsafe {
        let mut now = std::mem::zeroed::<libc::rlimit>();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut now);
        now.rlim_cur >= 20_100 || libc::setrlimit(libc::RLIMIT_NOFILE, &limit) == 0
    };
    let count = if can { 10_000 } else { 900 };
    let epoll = Epoll::new();
    let fds: Vec<Fd> = (0..count).map(|_| counter(0)).collect();
    fds.iter().for_each(|fd| epoll.add(fd, EPOLLIN));
    assert_eq!(epoll.wait_for(16, 0), Ok(vec![]));
    for step in 0..1000 {
        let fd = &fds[step * 7919 % fds.len()];
        count_up(fd);
        assert_eq!(epoll.events(fd, -1), EPOLLIN);
        read(fd, 8).unwrap();
        assert_eq!(epoll.events(fd, 0), 0);
    }
    fds.iter().for_each(count_up);
    let events = epoll.wait_for(20_000, 0).unwrap();
    assert_eq!(events.len(), fds.len());
    fds.iter().step_by(2).for_each(|fd| epoll.delete(fd).unwrap());
    assert_eq!(epoll.wait_for(20_000, 0).unwrap().len(), fds.len() / 2);
    drop(fds);
    assert_eq!(epoll.wait_for(16, 0), Ok(vec![]));
}

fn timeouts() {
    let (epoll, fd) = (Epoll::new(), counter(0));
    epoll.add(&fd, EPOLLIN);
    let start = Instant::now();
    assert_eq!(epoll.events(&fd, 30), 0);
    assert!(start.elapsed() >= Duration::from_millis(30) && start.elapsed() < Duration::from_secs(5));
    assert_eq!(Epoll::new().wait_for(1, 5), Ok(vec![]));
}
