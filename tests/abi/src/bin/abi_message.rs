//! Messages of sockets: many parts, many at once, what is brought in for them, what is refused.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::mem::zeroed;
use std::thread;
use std::time::Duration;

use abi_tests::memory::{anonymous, unmap};
use abi_tests::sockets::{Address, pair, receive, send, send_message, set, shutdown};
use abi_tests::{Fd, call, cases, check, open};
use libc::{
    EAGAIN, EBADF, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL,
    MSG_WAITFORONE, SHUT_WR, SO_RCVTIMEO, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET, iovec,
    mmsghdr, timespec, timeval,
};

cases! {
    all_of_it, all_of_it_ends_early, looking_leaves_it, parts_of_a_message, too_many_parts, wild_parts,
    fresh_memory_is_brought_in, lengths_of_headers, several_at_once, several_until_one_is_missing,
    several_wait_for_one, several_and_a_timeout, sent_from_a_file,
}

fn bytes(text: &str) -> Result<Vec<u8>, i32> {
    Ok(text.as_bytes().to_vec())
}

fn short() -> timeval {
    timeval { tv_sec: 0, tv_usec: 40_000 }
}

fn all_of_it() {
    let (one, other) = pair(SOCK_STREAM);
    let thread = thread::spawn(move || {
        for part in ["all", " of", " it", " and more"] {
            send(&one, part.as_bytes(), 0).unwrap();
            thread::sleep(Duration::from_millis(3));
        }
    });
    assert_eq!(receive(&other, 9, MSG_WAITALL), bytes("all of it"));
    thread.join().unwrap();
    assert_eq!(receive(&other, 100, 0), bytes(" and more"));
    let (one, other) = pair(SOCK_DGRAM);
    send(&one, b"one message", 0).unwrap();
    assert_eq!(receive(&other, 100, MSG_WAITALL), bytes("one message"));
}

fn all_of_it_ends_early() {
    let (one, other) = pair(SOCK_STREAM);
    send(&one, b"the end", 0).unwrap();
    shutdown(&one, SHUT_WR).unwrap();
    assert_eq!(receive(&other, 100, MSG_WAITALL), bytes("the end"));
    let (one, other) = pair(SOCK_STREAM);
    send(&one, b"in time", 0).unwrap();
    set(&other, SO_RCVTIMEO, short()).unwrap();
    assert_eq!(receive(&other, 100, MSG_WAITALL), bytes("in time"));
    send(&one, b"at once", 0).unwrap();
    assert_eq!(receive(&other, 100, MSG_WAITALL | MSG_DONTWAIT), bytes("at once"));
}

fn looking_leaves_it() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        assert_eq!(receive(&other, 10, MSG_PEEK | MSG_DONTWAIT), Err(EAGAIN));
        send(&one, b"look", 0).unwrap();
        for _ in 0..3 {
            assert_eq!(receive(&other, 3, MSG_PEEK), bytes("loo"));
            assert_eq!(receive(&other, 10, MSG_PEEK), bytes("look"));
        }
        assert_eq!(receive(&other, 10, 0), bytes("look"));
        assert_eq!(receive(&other, 10, MSG_DONTWAIT), Err(EAGAIN));
    }
}

/// recvmsg(2) into rooms of these sizes.
fn receive_parts(fd: &Fd, sizes: &[usize], flags: i32) -> Result<(Vec<Vec<u8>>, i32), i32> {
    let mut rooms: Vec<Vec<u8>> = sizes.iter().map(|&size| vec![0; size]).collect();
    let mut parts: Vec<iovec> = rooms
        .iter_mut()
        .map(|room| iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() })
        .collect();
    // SAFETY: all zero is a header.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_iov = parts.as_mut_ptr();
    header.msg_iovlen = parts.len() as _;
    // SAFETY: the header's parts live until the call is over.
    let mut left = check(unsafe { libc::recvmsg(fd.0, &raw mut header, flags) })? as usize;
    for room in &mut rooms {
        let count = room.len().min(left);
        room.truncate(count);
        left -= count;
    }
    Ok((rooms, header.msg_flags))
}

// covers: sendmsg, recvmsg, writev, readv
fn parts_of_a_message() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        assert_eq!(send_message(&one, &[b"ab", b"", b"cde", b"f"], &[], 0), Ok(6));
        let (rooms, flags) = receive_parts(&other, &[1, 0, 4, 10], 0).unwrap();
        assert_eq!(
            (rooms, flags & MSG_TRUNC),
            (vec![b"a".to_vec(), vec![], b"bcde".to_vec(), b"f".to_vec()], 0)
        );
        let parts: [iovec; 2] =
            [b"gh", b"ij"].map(|part| iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: 2 });
        // SAFETY: slices.
        assert_eq!(check(unsafe { libc::writev(one.0, parts.as_ptr(), 2) }), Ok(4));
        let mut room = [0u8; 8];
        let (start, end) = room.split_at_mut(3);
        let rooms =
            [start, end].map(|room| iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() });
        // SAFETY: parts of an array.
        assert_eq!(check(unsafe { libc::readv(other.0, rooms.as_ptr(), 2) }), Ok(4));
        assert_eq!(&room[..4], b"ghij");
    }
}

/// sendmsg(2) and recvmsg(2) by number with a header of words: its iovecs at `parts`, `count` of them.
fn with_parts(number: i64, fd: &Fd, parts: usize, count: usize) -> Result<i64, i32> {
    let header = [0, 0, parts, count, 0, 0, 0];
    call(number, [fd.0 as usize, header.as_ptr() as usize, MSG_DONTWAIT as usize, 0, 0, 0])
}

fn too_many_parts() {
    let (one, other) = pair(SOCK_STREAM);
    let byte = [7u8; 1];
    let parts = vec![iovec { iov_base: byte.as_ptr().cast_mut().cast(), iov_len: 1 }; 1025];
    let at = parts.as_ptr() as usize;
    assert_eq!(with_parts(libc::SYS_sendmsg, &one, at, 1024), Ok(1024));
    assert_eq!(with_parts(libc::SYS_sendmsg, &one, at, 1025), Err(EMSGSIZE));
    assert_eq!(receive(&other, 2000, 0).map(|bytes| bytes.len()), Ok(1024));
    assert_eq!(with_parts(libc::SYS_recvmsg, &one, at, 1025), Err(EMSGSIZE));
    let long = [iovec { iov_base: byte.as_ptr().cast_mut().cast(), iov_len: usize::MAX }];
    for number in [libc::SYS_sendmsg, libc::SYS_recvmsg] {
        assert_eq!(with_parts(number, &one, long.as_ptr() as usize, 1), Err(EINVAL));
        assert_eq!(with_parts(number, &one, 8, 1), Err(EFAULT));
    }
    assert_eq!(with_parts(libc::SYS_sendmsg, &one, 8, 0), Ok(0), "none of them");
}

fn wild_parts() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        let wild = anonymous(1);
        unmap(wild, 4096).unwrap();
        let parts = [
            iovec { iov_base: b"good".as_ptr().cast_mut().cast(), iov_len: 4 },
            iovec { iov_base: wild.cast(), iov_len: 4 },
        ];
        let sent = with_parts(libc::SYS_sendmsg, &one, parts.as_ptr() as usize, 2);
        if kind == SOCK_STREAM {
            // Whether the good ones were sent differs; nothing else was.
            assert!(matches!(sent, Err(EFAULT) | Ok(4)), "{sent:?}");
            let came = receive(&other, 10, MSG_DONTWAIT);
            assert_eq!(came, if sent == Ok(4) { bytes("good") } else { Err(EAGAIN) });
        } else {
            assert_eq!(sent, Err(EFAULT));
            assert_eq!(receive(&other, 10, MSG_DONTWAIT), Err(EAGAIN), "all or nothing");
        }
        send(&one, b"whole", 0).unwrap();
        let words = [other.0 as usize, wild as usize, 5, 0, 0, 0];
        assert_eq!(call(libc::SYS_recvfrom, words), Err(EFAULT));
    }
}

fn fresh_memory_is_brought_in() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        let (length, pages) = (60_000, 15);
        let sent = send(&one, &vec![9u8; length], 0).unwrap() as usize;
        assert_eq!(sent, length);
        // Never touched: two halves, neither at a page's start.
        let (first, second) = (anonymous(pages), anonymous(pages));
        // SAFETY: within the maps.
        let halves = unsafe { [first.add(100), second.add(5000)] };
        let rooms = halves.map(|at| iovec { iov_base: at.cast(), iov_len: 30_000 });
        let looks = anonymous(pages);
        let words = [other.0 as usize, looks as usize, length, MSG_PEEK as usize, 0, 0];
        assert_eq!(call(libc::SYS_recvfrom, words), Ok(60_000));
        assert_eq!(with_parts(libc::SYS_recvmsg, &other, rooms.as_ptr() as usize, 2), Ok(60_000));
        for at in halves {
            // SAFETY: received there.
            assert!(unsafe { std::slice::from_raw_parts(at, 30_000) }.iter().all(|&byte| byte == 9));
        }
        // Never touched either: zeros are sent.
        let zeros = anonymous(pages);
        let words = [one.0 as usize, zeros as usize, length, 0, 0, 0];
        assert_eq!(call(libc::SYS_sendto, words), Ok(length as i64));
        let mut got = Vec::new();
        while got.len() < length {
            got.extend(receive(&other, length, 0).unwrap());
        }
        assert!(got.iter().all(|&byte| byte == 0));
        for map in [first, second, looks, zeros] {
            unmap(map, pages * 4096).unwrap();
        }
    }
}

fn lengths_of_headers() {
    let (one, other) = pair(SOCK_DGRAM);
    let part = iovec { iov_base: b"x".as_ptr().cast_mut().cast(), iov_len: 1 };
    let at = Address::hidden("headers");
    let send = |name_length: usize, control: usize, control_length: usize| {
        let header = [
            &raw const at.raw as usize,
            name_length,
            &raw const part as usize,
            1,
            control,
            control_length,
            0,
        ];
        call(libc::SYS_sendmsg, [one.0 as usize, header.as_ptr() as usize, 0, 0, 0, 0])
    };
    assert_eq!(send(0xffff_ffff, 0, 0), Err(EINVAL));
    assert_eq!(send(111, 0, 0), Err(EINVAL));
    assert_eq!(send(0, 8, 1 << 30), Err(ENOBUFS));
    assert_eq!(send(0, 8, 32), Err(EFAULT));
    // A control message that says it is longer than its room, or shorter than its header.
    for length in [0usize, 15, 33, 1 << 20] {
        let control = [length, SOL_SOCKET as usize | (libc::SCM_RIGHTS as usize) << 32, 0, 0];
        assert_eq!(send(0, control.as_ptr() as usize, 32), Err(EINVAL), "{length}");
    }
    let less_than_a_header = [0usize; 1];
    assert_eq!(send(0, less_than_a_header.as_ptr() as usize, 8), Ok(1));
    assert_eq!(receive(&other, 10, 0), bytes("x"));
}

/// Messages for sendmmsg(2) and recvmmsg(2), each with one buffer.
fn messages(parts: &mut [iovec]) -> Vec<mmsghdr> {
    parts
        .iter_mut()
        .map(|part| {
            // SAFETY: all zero is a header.
            let mut message: mmsghdr = unsafe { zeroed() };
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message
        })
        .collect()
}

fn rooms(buffers: &mut [[u8; 16]]) -> Vec<iovec> {
    buffers.iter_mut().map(|room| iovec { iov_base: room.as_mut_ptr().cast(), iov_len: 16 }).collect()
}

/// sendmmsg(2) of `texts`.
fn send_several(fd: &Fd, texts: &[&str], flags: i32) -> (Result<i32, i32>, Vec<u32>) {
    let mut parts: Vec<iovec> = texts
        .iter()
        .map(|text| iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: text.len() })
        .collect();
    let mut messages = messages(&mut parts);
    // SAFETY: the messages live until the call is over.
    let answer = unsafe { libc::sendmmsg(fd.0, messages.as_mut_ptr(), messages.len() as u32, flags as _) };
    (check(answer), messages.iter().map(|message| message.msg_len).collect())
}

/// recvmmsg(2) of up to `count` messages.
fn receive_several(
    fd: &Fd,
    count: usize,
    flags: i32,
    timeout: Option<&mut timespec>,
) -> Result<Vec<Vec<u8>>, i32> {
    let mut buffers = vec![[0u8; 16]; count];
    let mut parts = rooms(&mut buffers);
    let mut messages = messages(&mut parts);
    let timeout = timeout.map_or(std::ptr::null_mut(), |timeout| &raw mut *timeout);
    // SAFETY: the messages live until the call is over.
    let answer = unsafe { libc::recvmmsg(fd.0, messages.as_mut_ptr(), count as u32, flags as _, timeout) };
    let came = check(answer)? as usize;
    let lengths = messages.iter().map(|message| message.msg_len as usize);
    Ok(buffers.iter().zip(lengths).take(came).map(|(room, length)| room[..length].to_vec()).collect())
}

// covers: sendmmsg, recvmmsg
fn several_at_once() {
    let (one, other) = pair(SOCK_DGRAM);
    assert_eq!(send_several(&one, &["one", "two", "three"], 0), (Ok(3), vec![3, 3, 5]));
    assert_eq!(
        receive_several(&other, 5, MSG_DONTWAIT, None),
        Ok(vec![b"one".to_vec(), b"two".to_vec(), b"three".to_vec()])
    );
    assert_eq!(receive_several(&other, 5, MSG_DONTWAIT, None), Err(EAGAIN));
    assert_eq!(send_several(&one, &[], 0).0, Ok(0));
    assert_eq!(receive_several(&other, 0, 0, None), Ok(vec![]));
}

fn several_until_one_is_missing() {
    let (one, other) = pair(SOCK_SEQPACKET);
    let texts = vec!["0123456789abcdef"; 2000];
    let (sent, _) = send_several(&one, &texts, MSG_DONTWAIT);
    let sent = sent.unwrap() as usize;
    assert!((1..=1024).contains(&sent), "no more than that, and no more than there is room for");
    let mut came = 0;
    while let Ok(messages) = receive_several(&other, 100, MSG_DONTWAIT, None) {
        came += messages.len();
    }
    assert_eq!(came, sent);
    let parts = [0usize; 16];
    let wild = [one.0 as usize, 8, 1, 0, 0, 0];
    assert_eq!(call(libc::SYS_sendmmsg, wild), Err(EFAULT));
    assert_eq!(call(libc::SYS_recvmmsg, wild), Err(EFAULT));
    let words = [9999, parts.as_ptr() as usize, 1, 0, 0, 0];
    assert_eq!(call(libc::SYS_sendmmsg, words), Err(EBADF));
}

fn several_wait_for_one() {
    let (one, other) = pair(SOCK_DGRAM);
    let thread = thread::spawn(move || receive_several(&other, 3, MSG_WAITFORONE, None));
    thread::sleep(Duration::from_millis(5));
    send(&one, b"first", 0).unwrap();
    assert_eq!(thread.join().unwrap(), Ok(vec![b"first".to_vec()]));
}

fn several_and_a_timeout() {
    let (one, other) = pair(SOCK_DGRAM);
    send_several(&one, &["a", "b"], 0).0.unwrap();
    let mut none = timespec { tv_sec: 0, tv_nsec: 0 };
    assert_eq!(
        receive_several(&other, 2, 0, Some(&mut none)),
        Ok(vec![b"a".to_vec()]),
        "it is up after the first"
    );
    let mut long = timespec { tv_sec: 100, tv_nsec: 0 };
    assert_eq!(receive_several(&other, 1, 0, Some(&mut long)), Ok(vec![b"b".to_vec()]));
    assert_eq!(long.tv_sec, 99, "what is left of it");
    let mut wrong = timespec { tv_sec: 0, tv_nsec: 1_000_000_000 };
    assert_eq!(receive_several(&other, 1, MSG_DONTWAIT, Some(&mut wrong)), Err(EINVAL));
}

// covers: sendfile
fn sent_from_a_file() {
    let scratch = abi_tests::Scratch::new("sendfile");
    let data: Vec<u8> = (0..300_000u32).map(|at| (at % 253) as u8).collect();
    std::fs::write(scratch.path("file"), &data).unwrap();
    let file = open(scratch.path("file"), 0).unwrap();
    let (one, other) = pair(SOCK_STREAM);
    let thread = thread::spawn(move || {
        let mut sent = 0;
        while sent < 300_000 {
            // SAFETY: no memory is passed.
            let count = unsafe { libc::sendfile(one.0, file.0, std::ptr::null_mut(), 300_000 - sent) };
            assert!(count > 0);
            sent += count as usize;
        }
    });
    assert!(receive(&other, 300_000, MSG_WAITALL) == Ok(data));
    thread.join().unwrap();
}
