//! Sockets of this machine (unix(7)): in pairs, streams and their ends, listeners.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use abi_tests::sockets::{
    Address, accept, accept_from, bind, connect, events, get, listen, name, pair, peer, receive, send,
    send_to, set, set_nonblocking, shutdown, socket,
};
use abi_tests::{Fd, Scratch, call, cases, check, errno};
use libc::{
    EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE, EPROTONOSUPPORT,
    ESOCKTNOSUPPORT, ESPIPE, MSG_DONTWAIT, MSG_NOSIGNAL, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, SHUT_RD,
    SHUT_RDWR, SHUT_WR, SO_ACCEPTCONN, SO_ERROR, SO_SNDBUF, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_SEQPACKET,
    SOCK_STREAM,
};

cases! {
    a_pair_talks_both_ways, kinds_and_protocols, a_server_by_path, a_server_by_abstract_name,
    states_of_a_stream, the_backlog_fills, a_listener_goes, accept_tells_who, half_closed,
    reading_is_shut, the_peer_goes, the_peer_leaves_bytes_unread, a_full_stream, a_blocked_writer_goes_on,
    a_blocked_reader_wakes, readiness_of_streams, readiness_of_listeners, what_is_waiting,
    sockets_are_sockets, standard_library, many_threads_connect,
}

fn bytes(text: &str) -> Result<Vec<u8>, i32> {
    Ok(text.as_bytes().to_vec())
}

/// A listening socket with its address.
fn server(kind: i32, at: &Address, backlog: i32) -> Fd {
    let fd = socket(kind);
    bind(&fd, at).unwrap();
    listen(&fd, backlog).unwrap();
    fd
}

fn connected(kind: i32, to: &Address) -> Fd {
    let fd = socket(kind);
    connect(&fd, to).unwrap();
    fd
}

// covers: socketpair, sendto, recvfrom, read, write
fn a_pair_talks_both_ways() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        assert_eq!(send(&one, b"there", 0), Ok(5));
        assert_eq!(send(&other, b"back", 0), Ok(4));
        assert_eq!(receive(&other, 100, 0), bytes("there"));
        assert_eq!(receive(&one, 100, 0), bytes("back"));
        // SAFETY: plain reads and writes of arrays.
        unsafe {
            assert_eq!(libc::write(one.0, b"written".as_ptr().cast(), 7), 7);
            let mut room = [0u8; 16];
            assert_eq!(libc::read(other.0, room.as_mut_ptr().cast(), 16), 7);
            assert_eq!(&room[..7], b"written");
        }
        assert_eq!(receive(&one, 1, MSG_DONTWAIT), Err(EAGAIN));
        assert_eq!(name(&one).unwrap().length, 2, "a pair has no names");
        assert_eq!(peer(&one).unwrap().length, 2);
    }
}

// covers: socket
fn kinds_and_protocols() {
    let new = |kind: i32, protocol: i32| {
        // SAFETY: no memory is passed.
        check(unsafe { libc::socket(libc::AF_UNIX, kind, protocol) }).map(Fd)
    };
    assert!(new(SOCK_STREAM, 1).is_ok(), "PF_UNIX is a protocol");
    assert_eq!(new(SOCK_STREAM, 6).err(), Some(EPROTONOSUPPORT));
    assert_eq!(new(libc::SOCK_RDM, 0).err(), Some(ESOCKTNOSUPPORT));
    assert_eq!(new(11, 0).err(), Some(EINVAL));
    assert_eq!(new(SOCK_STREAM | 0x10, 0).err(), Some(EINVAL));
    let raw = new(libc::SOCK_RAW, 0).unwrap();
    assert_eq!(get::<i32>(&raw, libc::SO_TYPE), Ok(SOCK_DGRAM), "as on BSD");
    let flagged = new(SOCK_STREAM | SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0).unwrap();
    // SAFETY: no memory is passed.
    unsafe {
        assert_eq!(libc::fcntl(flagged.0, libc::F_GETFL) & libc::O_NONBLOCK, libc::O_NONBLOCK);
        assert_eq!(libc::fcntl(flagged.0, libc::F_GETFD), libc::FD_CLOEXEC);
        assert_eq!(libc::fcntl(flagged.0, libc::F_GETFL) & libc::O_ACCMODE, libc::O_RDWR);
    }
}

// covers: bind, listen, connect, accept, getsockname, getpeername
fn a_server_by_path() {
    for kind in [SOCK_STREAM, SOCK_SEQPACKET] {
        let scratch = Scratch::new("server");
        let at = Address::path(scratch.path("s"));
        let server = server(kind, &at, 5);
        let client = connected(kind, &at);
        // What is sent before somebody accepts is there.
        assert_eq!(send(&client, b"early", 0), Ok(5));
        let accepted = accept(&server).unwrap();
        assert_eq!(receive(&accepted, 10, 0), bytes("early"));
        assert_eq!(send(&accepted, b"answer", 0), Ok(6));
        assert_eq!(receive(&client, 10, 0), bytes("answer"));
        for named in [name(&server), name(&accepted), peer(&client)] {
            assert_eq!(named.unwrap().tail(), at.tail());
        }
        assert_eq!(name(&client).unwrap().length, 2);
        assert_eq!(peer(&accepted).unwrap().length, 2);
        assert_eq!(peer(&server).err(), Some(ENOTCONN));
        let kind_of_file = std::fs::metadata(scratch.path("s")).unwrap().file_type();
        assert!(kind_of_file.is_socket());
    }
}

// covers: bind, connect
fn a_server_by_abstract_name() {
    let at = Address::hidden("server");
    let listener = server(SOCK_STREAM, &at, 1);
    let client = connected(SOCK_STREAM, &at);
    let accepted = accept(&listener).unwrap();
    assert_eq!(peer(&client).unwrap().tail(), at.tail());
    assert_eq!(name(&accepted).unwrap().tail(), at.tail());
    // A connection that goes does not take the server's name along.
    drop((client, accepted));
    let _again = connected(SOCK_STREAM, &at);
    // Longer, shorter: others.
    let mut longer = at;
    longer.length += 1;
    assert_eq!(connect(&socket(SOCK_STREAM), &longer), Err(ECONNREFUSED));
    drop(listener);
    assert_eq!(connect(&socket(SOCK_STREAM), &at), Err(ECONNREFUSED), "it went with its socket");
    let _next = server(SOCK_STREAM, &at, 1);
}

// covers: listen, accept, sendto, recvfrom, shutdown
fn states_of_a_stream() {
    let fresh = socket(SOCK_STREAM);
    assert_eq!(listen(&fresh, 1), Err(EINVAL), "without a name");
    assert_eq!(accept(&fresh).err(), Some(EINVAL));
    assert_eq!(send(&fresh, b"x", MSG_NOSIGNAL), Err(ENOTCONN));
    assert_eq!(receive(&fresh, 1, 0), Err(EINVAL));
    assert_eq!(peer(&fresh).err(), Some(ENOTCONN));
    assert_eq!(receive(&socket(SOCK_SEQPACKET), 1, 0), Err(ENOTCONN));
    let at = Address::hidden("states");
    let listener = server(SOCK_STREAM, &at, 1);
    assert_eq!(get::<i32>(&listener, SO_ACCEPTCONN), Ok(1));
    assert_eq!(send(&listener, b"x", MSG_NOSIGNAL), Err(ENOTCONN));
    assert_eq!(connect(&listener, &at), Err(EINVAL), "it listens");
    let client = connected(SOCK_STREAM, &at);
    assert_eq!(connect(&client, &at), Err(EISCONN));
    assert_eq!(listen(&client, 1), Err(EINVAL));
    assert_eq!(send_to(&client, b"x", 0, &at), Err(EISCONN));
    assert_eq!(send_to(&socket(SOCK_STREAM), b"x", 0, &at), Err(EOPNOTSUPP));
    assert_eq!(get::<i32>(&client, SO_ACCEPTCONN), Ok(0));
    assert_eq!(shutdown(&socket(SOCK_STREAM), 3), Err(EINVAL));
}

// covers: connect
fn the_backlog_fills() {
    let at = Address::hidden("backlog");
    let listener = server(SOCK_STREAM, &at, 1);
    let waiting: Vec<Fd> = (0..2).map(|_| connected(SOCK_STREAM, &at)).collect();
    let late = socket(SOCK_STREAM | SOCK_NONBLOCK);
    assert_eq!(connect(&late, &at), Err(EAGAIN));
    let thread = thread::spawn(move || connected(SOCK_STREAM, &at));
    thread::sleep(Duration::from_millis(20));
    assert!(!thread.is_finished(), "it waits for a place");
    let _first = accept(&listener).unwrap();
    thread.join().unwrap();
    assert_eq!(connect(&late, &at), Err(EAGAIN));
    // A longer queue has places at once.
    listen(&listener, 5).unwrap();
    assert_eq!(connect(&late, &at), Ok(0));
    drop(waiting);
}

// covers: accept
fn a_listener_goes() {
    let at = Address::hidden("goes");
    let listener = server(SOCK_STREAM, &at, 0);
    let client = connected(SOCK_STREAM, &at);
    let thread = thread::spawn(move || connect(&socket(SOCK_STREAM), &at));
    thread::sleep(Duration::from_millis(20));
    drop(listener);
    assert_eq!(thread.join().unwrap(), Err(ECONNREFUSED), "who waits for a place learns it");
    assert_eq!(receive(&client, 1, 0), Err(ECONNRESET));
    assert_eq!(receive(&client, 1, 0), bytes(""), "an error is told once");
    let at = Address::hidden("shut");
    let listener = server(SOCK_STREAM, &at, 1);
    let _early = connected(SOCK_STREAM, &at);
    shutdown(&listener, SHUT_RD).unwrap();
    assert_eq!(connect(&socket(SOCK_STREAM), &at), Err(ECONNREFUSED));
    assert!(accept(&listener).is_ok());
    assert_eq!(accept(&listener).err(), Some(EINVAL));
}

// covers: accept, accept4
fn accept_tells_who() {
    let at = Address::hidden("who");
    let listener = server(SOCK_STREAM, &at, 5);
    let client = socket(SOCK_STREAM);
    let named = Address::hidden("client");
    bind(&client, &named).unwrap();
    connect(&client, &at).unwrap();
    let (accepted, from) = accept_from(&listener).unwrap();
    assert_eq!((from.length, from.tail()), (named.length, named.tail()));
    assert_eq!(peer(&accepted).unwrap().tail(), named.tail());
    let _nameless = connected(SOCK_STREAM, &at);
    assert_eq!(accept_from(&listener).unwrap().1.length, 2);
    let _another = connected(SOCK_STREAM, &at);
    let flags = SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let accepted = call(libc::SYS_accept4, [listener.0 as usize, 0, 0, flags as usize, 0, 0]).unwrap();
    let accepted = Fd(accepted as i32);
    assert_eq!(receive(&accepted, 1, 0), Err(EAGAIN));
    // SAFETY: no memory is passed.
    assert_eq!(unsafe { libc::fcntl(accepted.0, libc::F_GETFD) }, libc::FD_CLOEXEC);
    set_nonblocking(&listener, true);
    assert_eq!(accept(&listener).err(), Some(EAGAIN));
    let call = call(libc::SYS_accept4, [listener.0 as usize, 0, 0, 1, 0, 0]);
    assert_eq!(call, Err(EINVAL));
}

// covers: shutdown
fn half_closed() {
    for kind in [SOCK_STREAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        send(&one, b"last", 0).unwrap();
        assert_eq!(shutdown(&one, SHUT_WR), Ok(0));
        assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(EPIPE));
        assert_eq!(receive(&other, 10, 0), bytes("last"));
        assert_eq!(receive(&other, 10, 0), bytes(""));
        assert_eq!(receive(&other, 10, 0), bytes(""));
        assert_eq!(send(&other, b"back", 0), Ok(4));
        assert_eq!(receive(&one, 10, 0), bytes("back"));
        assert_eq!(receive(&one, 10, MSG_DONTWAIT), Err(EAGAIN));
        assert_eq!(shutdown(&one, SHUT_RDWR), Ok(0));
        assert_eq!(receive(&one, 10, 0), bytes(""));
    }
}

fn reading_is_shut() {
    let (one, other) = pair(SOCK_STREAM);
    send(&other, b"before", 0).unwrap();
    shutdown(&one, SHUT_RD).unwrap();
    assert_eq!(send(&other, b"x", MSG_NOSIGNAL), Err(EPIPE));
    assert_eq!(receive(&one, 10, 0), bytes("before"));
    assert_eq!(receive(&one, 10, 0), bytes(""));
    assert_eq!(send(&one, b"there", 0), Ok(5));
    assert_eq!(receive(&other, 10, 0), bytes("there"));
}

// covers: write
fn the_peer_goes() {
    let (one, other) = pair(SOCK_STREAM);
    send(&other, b"bye", 0).unwrap();
    drop(other);
    assert_eq!(receive(&one, 10, 0), bytes("bye"));
    assert_eq!(receive(&one, 10, 0), bytes(""));
    assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(EPIPE));
    // std ignores SIGPIPE: write(2) tells the same.
    // SAFETY: one byte.
    assert_eq!(check(unsafe { libc::write(one.0, b"x".as_ptr().cast(), 1) }), Err(EPIPE));
    assert_eq!(get::<i32>(&one, SO_ERROR), Ok(0));
}

fn the_peer_leaves_bytes_unread() {
    let (one, other) = pair(SOCK_STREAM);
    send(&one, b"unread", 0).unwrap();
    send(&other, b"read", 0).unwrap();
    drop(other);
    assert_eq!(receive(&one, 10, 0), bytes("read"));
    assert_eq!(receive(&one, 10, 0), Err(ECONNRESET));
    assert_eq!(receive(&one, 10, 0), bytes(""));
    let (one, other) = pair(SOCK_STREAM);
    send(&one, b"unread", 0).unwrap();
    drop(other);
    assert_ne!(events(&one) & libc::POLLERR, 0);
    assert_eq!(get::<i32>(&one, SO_ERROR), Ok(ECONNRESET));
    assert_eq!(get::<i32>(&one, SO_ERROR), Ok(0));
    let (one, other) = pair(SOCK_SEQPACKET);
    send(&one, b"unread", 0).unwrap();
    drop(other);
    assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(ECONNRESET));
    assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(EPIPE));
}

fn a_full_stream() {
    let (one, other) = pair(SOCK_STREAM);
    let block = vec![7u8; 4096];
    let mut sent = 0;
    while let Ok(count) = send(&one, &block, MSG_DONTWAIT) {
        sent += count as usize;
        assert!(sent < 1 << 22, "there is an end to it");
    }
    assert_eq!(errno(), EAGAIN);
    assert!(sent >= 32 * 1024);
    assert_eq!(events(&one) & POLLOUT, 0);
    let mut received = 0;
    while received < sent {
        let part = receive(&other, 10_000, 0).unwrap();
        assert!(part.iter().all(|&byte| byte == 7));
        received += part.len();
    }
    assert_eq!(receive(&other, 1, MSG_DONTWAIT), Err(EAGAIN));
    assert_ne!(events(&one) & POLLOUT, 0);
    // A smaller buffer holds less.
    set(&one, SO_SNDBUF, 4096).unwrap();
    let mut less = 0;
    while let Ok(count) = send(&one, &block[..512], MSG_DONTWAIT) {
        less += count as usize;
    }
    assert!(less < sent / 2, "{less} of {sent}");
}

fn a_blocked_writer_goes_on() {
    let (one, other) = pair(SOCK_STREAM);
    let whole = 3 << 20;
    let thread = thread::spawn(move || {
        let data: Vec<u8> = (0..whole).map(|at| (at % 251) as u8).collect();
        assert_eq!(send(&one, &data, 0), Ok(whole as isize), "all of it, however long that takes");
    });
    let mut at = 0;
    loop {
        let part = receive(&other, 70_001, 0).unwrap();
        if part.is_empty() {
            break;
        }
        for byte in part {
            assert_eq!(byte, (at % 251) as u8);
            at += 1;
        }
    }
    assert_eq!(at, whole);
    thread.join().unwrap();
}

fn a_blocked_reader_wakes() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        for _ in 0..30 {
            let (one, other) = pair(kind);
            let thread = thread::spawn(move || receive(&other, 10, 0));
            thread::yield_now();
            send(&one, b"wake", 0).unwrap();
            assert_eq!(thread.join().unwrap(), bytes("wake"));
        }
    }
    let (one, other) = pair(SOCK_STREAM);
    let thread = thread::spawn(move || receive(&other, 10, 0));
    thread::sleep(Duration::from_millis(5));
    drop(one);
    assert_eq!(thread.join().unwrap(), bytes(""));
}

// covers: poll
fn readiness_of_streams() {
    assert_eq!(events(&socket(SOCK_STREAM)), POLLOUT | POLLHUP);
    assert_eq!(events(&socket(SOCK_DGRAM)), POLLOUT);
    let (one, other) = pair(SOCK_STREAM);
    assert_eq!(events(&one), POLLOUT);
    send(&other, b"x", 0).unwrap();
    assert_eq!(events(&one), POLLOUT | POLLIN);
    receive(&one, 1, 0).unwrap();
    shutdown(&other, SHUT_WR).unwrap();
    assert_eq!(events(&one), POLLOUT | POLLIN | POLLRDHUP);
    assert_eq!(events(&other), POLLOUT);
    drop(other);
    assert_eq!(events(&one), POLLOUT | POLLIN | POLLRDHUP | POLLHUP);
    let (one, other) = pair(SOCK_DGRAM);
    drop(other);
    assert_eq!(events(&one), POLLOUT);
}

fn readiness_of_listeners() {
    let at = Address::hidden("readiness");
    let listener = server(SOCK_STREAM, &at, 1);
    assert_eq!(events(&listener), 0);
    let listening = listener.0;
    let thread = thread::spawn(move || {
        let mut entry = libc::pollfd { fd: listening, events: POLLIN, revents: 0 };
        // SAFETY: one entry.
        (unsafe { libc::poll(&raw mut entry, 1, 10_000) }, entry.revents)
    });
    thread::sleep(Duration::from_millis(5));
    let _client = connected(SOCK_STREAM, &at);
    assert_eq!(thread.join().unwrap(), (1, POLLIN));
    assert_eq!(events(&listener), POLLIN);
    let _accepted = accept(&listener).unwrap();
    assert_eq!(events(&listener), 0);
}

// covers: ioctl
fn what_is_waiting() {
    let waiting = |fd: &Fd| {
        let mut count = 0i32;
        // SAFETY: room for a number.
        check(unsafe { libc::ioctl(fd.0, libc::FIONREAD, &raw mut count) }).map(|_| count)
    };
    for (kind, first) in [(SOCK_STREAM, 8), (SOCK_SEQPACKET, 8), (SOCK_DGRAM, 3)] {
        let (one, other) = pair(kind);
        assert_eq!(waiting(&other), Ok(0));
        send(&one, b"abc", 0).unwrap();
        send(&one, b"defgh", 0).unwrap();
        assert_eq!(waiting(&other), Ok(first), "{kind}");
    }
    assert_eq!(waiting(&server(SOCK_STREAM, &Address::hidden("waiting"), 1)), Err(EINVAL));
    let (one, other) = pair(SOCK_STREAM);
    let unsent = || {
        let mut count = 0i32;
        // SAFETY: room for a number.
        check(unsafe { libc::ioctl(one.0, libc::TIOCOUTQ, &raw mut count) }).map(|_| count)
    };
    assert_eq!(unsent(), Ok(0));
    send(&one, b"abc", 0).unwrap();
    assert!(unsent().unwrap() >= 3);
    receive(&other, 3, 0).unwrap();
    assert_eq!(unsent(), Ok(0));
    let mut on = 1i32;
    // SAFETY: a number.
    assert_eq!(unsafe { libc::ioctl(one.0, libc::FIONBIO, &raw mut on) }, 0);
    assert_eq!(receive(&one, 1, 0), Err(EAGAIN));
}

// covers: fstat, lseek, readlink, pread64
fn sockets_are_sockets() {
    let (one, _other) = pair(SOCK_STREAM);
    // SAFETY: all zero is a stat, with room for one.
    let stat = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        assert_eq!(libc::fstat(one.0, &raw mut stat), 0);
        stat
    };
    assert_eq!(stat.st_mode & libc::S_IFMT, libc::S_IFSOCK);
    let link = std::fs::read_link(format!("/proc/self/fd/{}", one.0)).unwrap();
    assert_eq!(link.to_str().unwrap(), format!("socket:[{}]", stat.st_ino));
    // SAFETY: one byte.
    unsafe {
        assert_eq!(check(libc::lseek(one.0, 0, libc::SEEK_SET)), Err(ESPIPE));
        let mut room = 0u8;
        assert_eq!(check(libc::pread(one.0, (&raw mut room).cast(), 1, 0)), Err(ESPIPE));
        assert_eq!(check(libc::ftruncate(one.0, 0)), Err(EINVAL));
        assert_eq!(check(libc::fsync(one.0)), Err(EINVAL));
    }
}

fn standard_library() {
    let scratch = Scratch::new("std");
    let path = scratch.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        stream.write_all(text.to_uppercase().as_bytes()).unwrap();
    });
    let mut client = UnixStream::connect(&path).unwrap();
    assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(path.as_path()));
    client.write_all(b"shout").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "SHOUT");
    server.join().unwrap();
    let (one, other) = UnixDatagram::pair().unwrap();
    one.send(b"datagram").unwrap();
    let mut room = [0; 16];
    assert_eq!(other.recv(&mut room).unwrap(), 8);
    client.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    // Linux counts in ticks.
    let timeout = client.read_timeout().unwrap().unwrap();
    assert!((10..20).contains(&timeout.as_millis()));
    assert!(client.as_raw_fd() > 2);
}

fn many_threads_connect() {
    let at = Address::hidden("many");
    let listener = server(SOCK_STREAM, &at, 2);
    let clients: Vec<_> = (0..40u8)
        .map(|number| {
            thread::spawn(move || {
                let fd = connected(SOCK_STREAM, &at);
                send(&fd, &[number], 0).unwrap();
                assert_eq!(receive(&fd, 1, 0), Ok(vec![number + 100]));
            })
        })
        .collect();
    let mut seen = [false; 40];
    for _ in 0..40 {
        let fd = accept(&listener).unwrap();
        let number = receive(&fd, 1, 0).unwrap()[0];
        seen[usize::from(number)] = true;
        send(&fd, &[number + 100], 0).unwrap();
    }
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(seen.iter().all(|&seen| seen));
}
