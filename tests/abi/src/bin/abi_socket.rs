//! What all sockets share: options, addresses and their lengths, messages, waiting, errors. Families have files of their own.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::mem::{size_of, zeroed};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use abi_tests::memory::{anonymous, unmap};
use abi_tests::sockets::{
    Address, Control, accept, bind, connect, get, listen, name, pair, receive, receive_from, receive_message,
    send, send_message, send_to, set, set_nonblocking, shutdown, socket,
};
use abi_tests::{Fd, call, cases, check, handle, open};
use libc::{
    EAGAIN, EBADF, EDOM, EFAULT, EINTR, EINVAL, EMSGSIZE, ENOBUFS, ENOPROTOOPT, ENOTSOCK, EPIPE,
    MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_WAITFORONE, SA_RESTART, SHUT_WR,
    SO_BROADCAST, SO_DOMAIN, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_PROTOCOL, SO_RCVBUF, SO_RCVTIMEO,
    SO_REUSEADDR, SO_SNDBUF, SO_SNDTIMEO, SO_TYPE, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET,
    iovec, linger, mmsghdr, sockaddr_un, socklen_t, timespec, timeval,
};

cases! {
    what_a_socket_is, switches, buffers_are_doubled, lingering, timeouts_are_kept, lengths_of_options,
    unknown_options, lengths_of_addresses, addresses_are_cut, receiving_times_out, accepting_times_out,
    sending_times_out, connecting_times_out, all_of_it, all_of_it_ends_early, looking_leaves_it, waiting_this_once,
    parts_of_a_message, too_many_parts, wild_parts, fresh_memory_is_brought_in, lengths_of_headers,
    several_at_once, several_until_one_is_missing, several_wait_for_one, several_and_a_timeout, broken_pipes,
    a_signal_interrupts, a_signal_restarts, wild_pointers, places_are_no_sockets, closing_others_wait,
    duplicates_share, sent_from_a_file,
}

fn bytes(text: &str) -> Result<Vec<u8>, i32> {
    Ok(text.as_bytes().to_vec())
}

// covers: getsockopt
fn what_a_socket_is() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let fd = socket(kind);
        assert_eq!(get::<i32>(&fd, SO_TYPE), Ok(kind));
        assert_eq!(get::<i32>(&fd, SO_DOMAIN), Ok(libc::AF_UNIX));
        assert_eq!(get::<i32>(&fd, SO_PROTOCOL), Ok(0));
        assert_eq!(get::<i32>(&fd, SO_ERROR), Ok(0));
        for option in [SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR] {
            assert_eq!(set(&fd, option, 1), Err(ENOPROTOOPT));
        }
    }
}

// covers: setsockopt, getsockopt
fn switches() {
    let fd = socket(SOCK_STREAM);
    for option in
        [SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, libc::SO_DONTROUTE, libc::SO_OOBINLINE, libc::SO_PASSCRED]
    {
        assert_eq!(get::<i32>(&fd, option), Ok(0), "{option}");
        assert_eq!(set(&fd, option, 77), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(1));
        assert_eq!(set(&fd, option, 0), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(0));
    }
}

fn buffers_are_doubled() {
    let fd = socket(SOCK_STREAM);
    for option in [SO_SNDBUF, SO_RCVBUF] {
        assert!(get::<i32>(&fd, option).unwrap() >= 65_536);
        assert_eq!(set(&fd, option, 20_000), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(40_000));
        assert_eq!(set(&fd, option, 0), Ok(0));
        assert!((2000..8000).contains(&get::<i32>(&fd, option).unwrap()), "there is a least");
        assert_eq!(set(&fd, option, i32::MAX), Ok(0));
        let most = get::<i32>(&fd, option).unwrap();
        assert!((100_000..i32::MAX).contains(&most), "there is a most");
        assert_eq!(set(&fd, option, -1), Ok(0));
        assert_eq!(get::<i32>(&fd, option), Ok(most));
    }
}

fn lingering() {
    let fd = socket(SOCK_STREAM);
    let get = || {
        let [on, seconds] = get::<[i32; 2]>(&fd, SO_LINGER).unwrap();
        (on, seconds)
    };
    assert_eq!(get(), (0, 0));
    assert_eq!(set(&fd, SO_LINGER, linger { l_onoff: 5, l_linger: 30 }), Ok(0));
    assert_eq!(get(), (1, 30));
    assert_eq!(set(&fd, SO_LINGER, linger { l_onoff: 1, l_linger: 0 }), Ok(0));
    assert_eq!(get(), (1, 0));
    assert_eq!(set(&fd, SO_LINGER, linger { l_onoff: 0, l_linger: 9 }), Ok(0));
    assert_eq!(get().0, 0);
    assert_eq!(set(&fd, SO_LINGER, 1), Err(EINVAL), "too short");
}

fn timeouts_are_kept() {
    let fd = socket(SOCK_STREAM);
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([0, 0]));
        assert_eq!(set(&fd, option, timeval { tv_sec: 2, tv_usec: 500_000 }), Ok(0));
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([2, 500_000]));
        assert_eq!(set(&fd, option, timeval { tv_sec: 1, tv_usec: 1_000_000 }), Err(EDOM));
        assert_eq!(set(&fd, option, timeval { tv_sec: 1, tv_usec: -1 }), Err(EDOM));
        assert_eq!(set(&fd, option, 1), Err(EINVAL));
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([2, 500_000]));
        assert_eq!(set(&fd, option, timeval { tv_sec: 0, tv_usec: 0 }), Ok(0));
        assert_eq!(get::<[i64; 2]>(&fd, option), Ok([0, 0]));
    }
}

/// getsockopt(2) of `SO_TYPE` with room for `length` bytes; answers what it says and the room.
fn type_in(fd: &Fd, length: socklen_t) -> (Result<i32, i32>, socklen_t, [u8; 8]) {
    let (mut length, mut room) = (length, [0xee; 8]);
    // SAFETY: no more than the room is asked for.
    let answer =
        unsafe { libc::getsockopt(fd.0, SOL_SOCKET, SO_TYPE, room.as_mut_ptr().cast(), &raw mut length) };
    (check(answer), length, room)
}

fn lengths_of_options() {
    let fd = socket(SOCK_SEQPACKET);
    assert_eq!(type_in(&fd, 8), (Ok(0), 4, [5, 0, 0, 0, 0xee, 0xee, 0xee, 0xee]));
    assert_eq!(type_in(&fd, 1), (Ok(0), 1, [5, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee]));
    assert_eq!(type_in(&fd, 0), (Ok(0), 0, [0xee; 8]));
    assert_eq!(type_in(&fd, u32::MAX).0, Err(EINVAL));
    assert_eq!(set(&fd, SO_KEEPALIVE, 1u8), Err(EINVAL));
    assert_eq!(set(&fd, SO_KEEPALIVE, 1u64), Ok(0), "what is longer is not looked at");
    let value = 1i32;
    let set = |length: u32| {
        let words = [fd.0 as usize, SOL_SOCKET as usize, SO_KEEPALIVE as usize, &raw const value as usize];
        call(libc::SYS_setsockopt, [words[0], words[1], words[2], words[3], length as usize, 0])
    };
    assert_eq!(set(u32::MAX), Err(EINVAL));
    assert_eq!(set(4), Ok(0));
}

fn unknown_options() {
    let fd = socket(SOCK_STREAM);
    assert_eq!(set(&fd, 9999, 1), Err(ENOPROTOOPT));
    assert_eq!(get::<i32>(&fd, 9999), Err(ENOPROTOOPT));
    let value = 1i32;
    for level in [libc::IPPROTO_TCP, libc::IPPROTO_IP, 9999] {
        // SAFETY: a number.
        let answer = unsafe { libc::setsockopt(fd.0, level, 1, (&raw const value).cast(), 4) };
        assert_eq!(check(answer), Err(libc::EOPNOTSUPP), "other levels are other families'");
    }
}

// covers: getsockname, getpeername, bind, connect
fn lengths_of_addresses() {
    let fd = socket(SOCK_DGRAM);
    let at = Address::hidden("lengths");
    let raw = |number, length: u32| {
        call(number, [fd.0 as usize, &raw const at.raw as usize, length as usize, 0, 0, 0])
    };
    for number in [libc::SYS_bind, libc::SYS_connect] {
        for length in [u32::MAX, 129, 128, 0, 1] {
            assert_eq!(raw(number, length), Err(EINVAL), "{length}");
        }
    }
    assert_eq!(name(&fd).unwrap().length, 2, "nothing happened");
}

fn addresses_are_cut() {
    let fd = socket(SOCK_DGRAM);
    let at = Address::hidden("cut");
    bind(&fd, &at).unwrap();
    let get = |length: socklen_t| {
        let mut room = [0xee_u8; 32];
        let mut length = length;
        // SAFETY: no more than the room is asked for.
        let answer = unsafe { libc::getsockname(fd.0, room.as_mut_ptr().cast(), &raw mut length) };
        (check(answer), length, room)
    };
    let (answer, length, room) = get(5);
    assert_eq!((answer, length), (Ok(0), at.length), "the whole length is told");
    assert_eq!((&room[..5], room[5]), (&[1, 0, 0, b'c', b'u'][..], 0xee));
    let (answer, length, room) = get(0);
    assert_eq!((answer, length, room), (Ok(0), at.length, [0xee; 32]));
    assert_eq!(get(u32::MAX).0, Err(EINVAL));
}

fn short() -> timeval {
    timeval { tv_sec: 0, tv_usec: 40_000 }
}

/// Whether it took about as long as [`short`].
fn waited(since: Instant) -> bool {
    (Duration::from_millis(35)..Duration::from_secs(5)).contains(&since.elapsed())
}

// covers: recvfrom, read
fn receiving_times_out() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        set(&one, SO_RCVTIMEO, short()).unwrap();
        let start = Instant::now();
        assert_eq!(receive(&one, 10, 0), Err(EAGAIN));
        assert!(waited(start));
        let (start, mut room) = (Instant::now(), [0u8; 10]);
        // SAFETY: an array.
        assert_eq!(check(unsafe { libc::read(one.0, room.as_mut_ptr().cast(), 10) }), Err(EAGAIN));
        assert!(waited(start));
        let start = Instant::now();
        assert_eq!(receive_message(&one, 10, 0, 0).err(), Some(EAGAIN));
        assert!(waited(start));
        send(&other, b"there", 0).unwrap();
        assert_eq!(receive(&one, 10, 0), bytes("there"));
    }
}

// covers: accept
fn accepting_times_out() {
    let listener = socket(SOCK_STREAM);
    bind(&listener, &Address::hidden("accept-timeout")).unwrap();
    listen(&listener, 1).unwrap();
    set(&listener, SO_RCVTIMEO, short()).unwrap();
    let start = Instant::now();
    assert_eq!(accept(&listener).err(), Some(EAGAIN));
    assert!(waited(start));
}

// covers: sendto, write
fn sending_times_out() {
    for kind in [SOCK_STREAM, SOCK_DGRAM] {
        let (one, _other) = pair(kind);
        let block = [0u8; 1024];
        while send(&one, &block, MSG_DONTWAIT).is_ok() {}
        set(&one, SO_SNDTIMEO, short()).unwrap();
        let start = Instant::now();
        assert_eq!(send(&one, &block, 0), Err(EAGAIN));
        assert!(waited(start));
        // SAFETY: an array.
        assert_eq!(check(unsafe { libc::write(one.0, block.as_ptr().cast(), 1024) }), Err(EAGAIN));
    }
    // What was sent before it is up counts.
    let (one, _other) = pair(SOCK_STREAM);
    set(&one, SO_SNDTIMEO, short()).unwrap();
    let sent = send(&one, &vec![0; 8 << 20], 0).unwrap();
    assert!((1000..8 << 20).contains(&sent));
}

// covers: connect
fn connecting_times_out() {
    let listener = socket(SOCK_STREAM);
    let at = Address::hidden("connect-timeout");
    bind(&listener, &at).unwrap();
    listen(&listener, 0).unwrap();
    let first = socket(SOCK_STREAM);
    connect(&first, &at).unwrap();
    let late = socket(SOCK_STREAM);
    set(&late, SO_SNDTIMEO, short()).unwrap();
    let start = Instant::now();
    assert_eq!(connect(&late, &at), Err(EAGAIN));
    assert!(waited(start));
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

fn waiting_this_once() {
    let (one, other) = pair(SOCK_STREAM);
    assert_eq!(receive(&one, 1, MSG_DONTWAIT), Err(EAGAIN));
    set_nonblocking(&one, true);
    assert_eq!(receive(&one, 1, 0), Err(EAGAIN));
    assert_eq!(receive_message(&one, 1, 0, 0).err(), Some(EAGAIN));
    set_nonblocking(&one, false);
    let thread = thread::spawn(move || receive(&one, 4, 0));
    send(&other, b"last", 0).unwrap();
    assert_eq!(thread.join().unwrap(), bytes("last"));
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

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    SIGNALS.fetch_add(1, Ordering::SeqCst);
}

fn broken_pipes() {
    handle(libc::SIGPIPE, 0, count);
    let signals = || SIGNALS.swap(0, Ordering::SeqCst);
    signals();
    let (one, other) = pair(SOCK_STREAM);
    drop(other);
    assert_eq!((send(&one, b"x", MSG_NOSIGNAL), signals()), (Err(EPIPE), 0));
    assert_eq!((send(&one, b"x", 0), signals()), (Err(EPIPE), 1));
    assert_eq!((send_message(&one, &[b"x"], &[], 0), signals()), (Err(EPIPE), 1));
    // SAFETY: one byte.
    let written = check(unsafe { libc::write(one.0, b"x".as_ptr().cast(), 1) });
    assert_eq!((written, signals()), (Err(EPIPE), 1));
    // Messages have no readers.
    let (one, other) = pair(SOCK_SEQPACKET);
    drop(other);
    assert_eq!((send(&one, b"x", 0), signals()), (Err(EPIPE), 0));
    // SAFETY: one byte.
    let written = check(unsafe { libc::write(one.0, b"x".as_ptr().cast(), 1) });
    assert_eq!((written, signals()), (Err(EPIPE), 0));
}

/// Has `signal` sent to this thread after a while.
fn soon(signal: i32, then: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    // SAFETY: names the calling thread, which waits for the other one.
    let me = unsafe { libc::pthread_self() } as usize;
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        // SAFETY: as above.
        unsafe { libc::pthread_kill(me as libc::pthread_t, signal) };
        then();
    })
}

fn a_signal_interrupts() {
    handle(libc::SIGUSR1, 0, count);
    let (one, _other) = pair(SOCK_STREAM);
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(receive(&one, 1, 0), Err(EINTR));
    thread.join().unwrap();
    let listener = socket(SOCK_STREAM);
    let at = Address::hidden("interrupt");
    bind(&listener, &at).unwrap();
    listen(&listener, 0).unwrap();
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(accept(&listener).err(), Some(EINTR));
    thread.join().unwrap();
    let first = socket(SOCK_STREAM);
    connect(&first, &at).unwrap();
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(connect(&socket(SOCK_STREAM), &at), Err(EINTR));
    thread.join().unwrap();
    // What was moved before counts.
    let (one, other) = pair(SOCK_STREAM);
    send(&other, b"some", 0).unwrap();
    let thread = soon(libc::SIGUSR1, || ());
    assert_eq!(receive(&one, 100, MSG_WAITALL), bytes("some"));
    thread.join().unwrap();
}

fn a_signal_restarts() {
    handle(libc::SIGUSR2, SA_RESTART, count);
    for kind in [SOCK_STREAM, SOCK_DGRAM] {
        SIGNALS.store(0, Ordering::SeqCst);
        let (one, other) = pair(kind);
        let thread = soon(libc::SIGUSR2, move || {
            thread::sleep(Duration::from_millis(20));
            send(&other, b"after", 0).unwrap();
        });
        assert_eq!(receive(&one, 10, 0), bytes("after"));
        assert_eq!(SIGNALS.load(Ordering::SeqCst), 1);
        thread.join().unwrap();
    }
}

// covers: bind, connect, getsockname, getpeername, getsockopt, setsockopt, sendmsg, recvmsg, sendto, recvfrom, socketpair, accept
fn wild_pointers() {
    let (one, other) = pair(SOCK_DGRAM);
    let fd = one.0 as usize;
    let (number, wild) = (16u32, 8usize);
    let good = &raw const number as usize;
    let refused = [
        (libc::SYS_bind, [fd, wild, 16, 0, 0, 0]),
        (libc::SYS_connect, [fd, wild, 16, 0, 0, 0]),
        (libc::SYS_getsockname, [fd, wild, good, 0, 0, 0]),
        (libc::SYS_getsockname, [fd, good, wild, 0, 0, 0]),
        (libc::SYS_getpeername, [fd, wild, good, 0, 0, 0]),
        (libc::SYS_getsockopt, [fd, 1, SO_TYPE as usize, wild, good, 0]),
        (libc::SYS_getsockopt, [fd, 1, SO_TYPE as usize, good, wild, 0]),
        (libc::SYS_setsockopt, [fd, 1, SO_KEEPALIVE as usize, wild, 4, 0]),
        (libc::SYS_sendmsg, [fd, wild, 0, 0, 0, 0]),
        (libc::SYS_recvmsg, [fd, wild, 0, 0, 0, 0]),
        (libc::SYS_sendto, [fd, wild, 10, 0, 0, 0]),
        (libc::SYS_sendto, [fd, good, 4, 0, wild, 16]),
        (libc::SYS_socketpair, [1, 1, 0, wild, 0, 0]),
    ];
    let before = std::fs::read_dir("/proc/self/fd").unwrap().count();
    for (call_number, words) in refused {
        assert_eq!(call(call_number, words), Err(EFAULT), "{call_number} {words:?}");
    }
    assert_eq!(std::fs::read_dir("/proc/self/fd").unwrap().count(), before, "no descriptor stays");
    // The address of the sender cannot be written: the message was received all the same.
    let named = Address::hidden("wild");
    bind(&other, &named).unwrap();
    send(&other, b"lost", 0).unwrap();
    let mut room = [0u8; 8];
    let words = [fd, room.as_mut_ptr() as usize, 8, 0, wild, good];
    assert_eq!(call(libc::SYS_recvfrom, words), Err(EFAULT));
    assert_eq!(&room[..4], b"lost");
    assert_eq!(receive(&one, 10, MSG_DONTWAIT), Err(EAGAIN));
}

fn places_are_no_sockets() {
    let place = open("/", libc::O_PATH).unwrap();
    let folder = open("/", 0).unwrap();
    assert_eq!(listen(&place, 1), Err(EBADF));
    assert_eq!(listen(&folder, 1), Err(ENOTSOCK));
    assert_eq!(send(&folder, b"x", 0), Err(ENOTSOCK));
    assert_eq!(receive(&Fd(-1), 1, 0), Err(EBADF));
    assert_eq!(get::<i32>(&folder, SO_TYPE), Err(ENOTSOCK));
}

fn closing_others_wait() {
    let (one, other) = pair(SOCK_STREAM);
    // Another number of the same socket keeps it, and the connection.
    // SAFETY: the case's own.
    let again = Fd(unsafe { libc::dup(one.0) });
    drop(one);
    assert_eq!(send(&other, b"still", 0), Ok(5));
    assert_eq!(receive(&again, 10, 0), bytes("still"));
    drop(again);
    assert_eq!(receive(&other, 10, 0), bytes(""));
}

fn duplicates_share() {
    let (one, _other) = pair(SOCK_STREAM);
    // SAFETY: the case's own.
    let again = Fd(unsafe { libc::dup(one.0) });
    set_nonblocking(&again, true);
    assert_eq!(receive(&one, 1, 0), Err(EAGAIN));
    set(&again, SO_KEEPALIVE, 1).unwrap();
    assert_eq!(get::<i32>(&one, SO_KEEPALIVE), Ok(1));
    assert_eq!(size_of::<sockaddr_un>(), 110);
    let (fd, to) = (socket(SOCK_DGRAM), Address::hidden("control"));
    bind(&fd, &to).unwrap();
    assert_eq!(send_to(&fd, b"me", 0, &to), Ok(2));
    assert_eq!(receive_from(&fd, 10, 0).unwrap().1.tail(), to.tail());
    assert_eq!(send_message(&one, &[b"x"], &[Control::rights(&[])], 0), Ok(1), "no descriptors are none");
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
