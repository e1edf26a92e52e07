//! Waiting for files: poll, ppoll, select, pselect.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::time::{Duration, Instant};

use abi_tests::{Fd, call, cases, check};
use libc::{EBADF, EFAULT, EINVAL, POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, pollfd};

cases! { pipe_events, nothing_ready, wakes_when_written, closed_and_negative, refusals, ppoll_waits, select_sets, pselect_waits }

fn pipe() -> (Fd, Fd) {
    let mut fds = [0; 2];
    // SAFETY: room for two numbers.
    unsafe { libc::pipe(fds.as_mut_ptr()) };
    (Fd(fds[0]), Fd(fds[1]))
}

fn poll(entries: &mut [(i32, i16)], timeout: i32) -> (Result<i32, i32>, Vec<i16>) {
    let mut fds: Vec<pollfd> =
        entries.iter().map(|&(fd, events)| pollfd { fd, events, revents: 0x7fff }).collect();
    // SAFETY: the entries are a slice.
    let answer = check(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as u64, timeout) });
    (answer, fds.iter().map(|entry| entry.revents).collect())
}

fn write(fd: &Fd) {
    // SAFETY: one byte.
    unsafe { libc::write(fd.0, b"x".as_ptr().cast(), 1) };
}

// covers: poll
fn pipe_events() {
    let (reader, writer) = pipe();
    assert_eq!(poll(&mut [(reader.0, POLLIN), (writer.0, POLLOUT | POLLIN)], 0), (Ok(1), vec![0, POLLOUT]));
    write(&writer);
    assert_eq!(poll(&mut [(reader.0, POLLIN), (writer.0, 0)], -1), (Ok(1), vec![POLLIN, 0]));
    drop(writer);
    assert_eq!(poll(&mut [(reader.0, POLLIN)], -1), (Ok(1), vec![POLLIN | POLLHUP]));
    let (reader, writer) = pipe();
    drop(reader);
    assert_eq!(poll(&mut [(writer.0, 0)], -1).1, vec![POLLERR]);
}

fn nothing_ready() {
    let (reader, _writer) = pipe();
    let start = Instant::now();
    assert_eq!(poll(&mut [(reader.0, POLLIN)], 20), (Ok(0), vec![0]));
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert_eq!(poll(&mut [], 5).0, Ok(0));
}

fn wakes_when_written() {
    for _ in 0..50 {
        let (reader, writer) = pipe();
        let thread = std::thread::spawn(move || {
            write(&writer);
            writer
        });
        assert_eq!(poll(&mut [(reader.0, POLLIN)], 10_000).0, Ok(1));
        drop(thread.join().unwrap());
    }
}

fn closed_and_negative() {
    assert_eq!(poll(&mut [(9999, POLLIN), (-1, POLLIN)], -1), (Ok(1), vec![POLLNVAL, 0]));
}

fn refusals() {
    assert_eq!(call(libc::SYS_poll, [1, 1, 0, 0, 0, 0]), Err(EFAULT));
    assert_eq!(call(libc::SYS_poll, [0, 100_000_000, 0, 0, 0, 0]), Err(EINVAL));
}

// covers: ppoll
fn ppoll_waits() {
    let (reader, writer) = pipe();
    let mut entry = pollfd { fd: reader.0, events: POLLIN, revents: 0 };
    let time = libc::timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    // SAFETY: one entry and a time.
    unsafe {
        assert_eq!(libc::ppoll(&mut entry, 1, &time, std::ptr::null()), 0);
        write(&writer);
        assert_eq!(libc::ppoll(&mut entry, 1, std::ptr::null(), std::ptr::null()), 1);
        let bad = libc::timespec { tv_sec: -1, tv_nsec: 0 };
        assert_eq!(check(libc::ppoll(&mut entry, 1, &bad, std::ptr::null())), Err(EINVAL));
    }
}

// covers: select
fn select_sets() {
    let (reader, writer) = pipe();
    let highest = reader.0.max(writer.0) + 1;
    // SAFETY: sets and a time on this stack.
    unsafe {
        let mut read: libc::fd_set = std::mem::zeroed();
        let mut write_set: libc::fd_set = std::mem::zeroed();
        libc::FD_SET(reader.0, &mut read);
        libc::FD_SET(writer.0, &mut write_set);
        let mut time = libc::timeval { tv_sec: 0, tv_usec: 1000 };
        assert_eq!(libc::select(highest, &mut read, &mut write_set, std::ptr::null_mut(), &mut time), 1);
        assert!(!libc::FD_ISSET(reader.0, &read) && libc::FD_ISSET(writer.0, &write_set));
        write(&writer);
        libc::FD_SET(reader.0, &mut read);
        assert_eq!(
            libc::select(highest, &mut read, &mut write_set, std::ptr::null_mut(), std::ptr::null_mut()),
            2
        );
        let mut bad: libc::fd_set = std::mem::zeroed();
        let closed = reader.0;
        drop(reader);
        libc::FD_SET(closed, &mut bad);
        assert_eq!(
            check(libc::select(closed + 1, &mut bad, std::ptr::null_mut(), std::ptr::null_mut(), &mut time)),
            Err(EBADF)
        );
        let null = std::ptr::null_mut();
        assert_eq!(check(libc::select(-1, null, null, null, &mut time)), Err(EINVAL));
        let mut short = libc::timeval { tv_sec: 0, tv_usec: 2000 };
        assert_eq!(libc::select(0, null, null, null, &mut short), 0);
    }
}

// covers: pselect6
fn pselect_waits() {
    let time = libc::timespec { tv_sec: 0, tv_nsec: 2_000_000 };
    let null = std::ptr::null_mut();
    let start = Instant::now();
    // SAFETY: empty sets and a time.
    assert_eq!(unsafe { libc::pselect(0, null, null, null, &time, std::ptr::null()) }, 0);
    assert!(start.elapsed() >= Duration::from_millis(2));
}
