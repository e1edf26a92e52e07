//! Sockets of this machine (unix(7)): streams, packets and datagrams, by path, by abstract name, in pairs.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use abi_tests::sockets::{
    Address, Control, accept, accept_from, bind, connect, events, get, listen, name, pair, peer, receive,
    receive_from, receive_message, send, send_message, send_to, set, set_nonblocking, shutdown, socket,
};
use abi_tests::{Fd, Scratch, call, cases, check, errno, open};
use libc::{
    EADDRINUSE, EAGAIN, EBADF, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, EMSGSIZE, ENOENT, ENOTCONN, ENXIO,
    EOPNOTSUPP, EPERM, EPIPE, EPROTONOSUPPORT, EPROTOTYPE, ESOCKTNOSUPPORT, ESPIPE, MSG_CMSG_CLOEXEC,
    MSG_CTRUNC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, POLLHUP, POLLIN, POLLOUT, POLLRDHUP,
    SHUT_RD, SHUT_RDWR, SHUT_WR, SO_ACCEPTCONN, SO_ERROR, SO_PASSCRED, SO_PEERCRED, SO_SNDBUF, SOCK_DGRAM,
    SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM,
};

cases! {
    a_pair_talks_both_ways, kinds_and_protocols, a_server_by_path, a_server_by_abstract_name, names_are_chosen,
    names_in_use, nobody_listens, wrong_types, states_of_a_stream, bind_twice, a_path_may_fill_the_room,
    unlinked_while_bound, permissions_of_a_name, a_node_is_no_server, opening_a_socket_file, the_backlog_fills,
    a_listener_goes, accept_tells_who, half_closed, reading_is_shut, the_peer_goes, the_peer_leaves_bytes_unread,
    a_full_stream, a_blocked_writer_goes_on, a_blocked_reader_wakes, records_keep_their_borders,
    datagrams_keep_their_borders, datagrams_name_their_sender, datagrams_connect, datagrams_of_others_are_refused,
    a_datagram_peer_goes, datagrams_too_long, empty_datagrams, an_inbox_fills, rights_arrive, rights_of_a_stream_stop_it,
    rights_without_room, rights_that_nobody_takes, rights_are_checked, a_socket_carries_itself, credentials_are_passed,
    credentials_are_checked, who_the_peer_is, readiness_of_streams, readiness_of_listeners, what_is_waiting,
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

fn names_are_chosen() {
    let any = Address::new(b"");
    let mut seen = Vec::new();
    let sockets: Vec<Fd> = (0..20).map(|_| socket(SOCK_DGRAM)).collect();
    for fd in &sockets {
        assert_eq!(bind(fd, &any), Ok(0));
        let tail = name(fd).unwrap().tail();
        assert_eq!((tail.len(), tail[0]), (6, 0));
        assert!(tail[1..].iter().all(u8::is_ascii_hexdigit));
        assert!(!seen.contains(&tail));
        seen.push(tail);
        assert_eq!(bind(fd, &any), Ok(0), "it has one");
    }
}

fn names_in_use() {
    let scratch = Scratch::new("in-use");
    for at in [Address::path(scratch.path("s")), Address::hidden("in-use")] {
        let first = socket(SOCK_STREAM);
        assert_eq!(bind(&first, &at), Ok(0));
        assert_eq!(bind(&socket(SOCK_STREAM), &at), Err(EADDRINUSE));
    }
    // The file stays, and its name is taken still.
    assert_eq!(bind(&socket(SOCK_STREAM), &Address::path(scratch.path("s"))), Err(EADDRINUSE));
    std::fs::write(scratch.path("file"), "").unwrap();
    assert_eq!(bind(&socket(SOCK_STREAM), &Address::path(scratch.path("file"))), Err(EADDRINUSE));
    assert_eq!(bind(&socket(SOCK_STREAM), &Address::path(scratch.path("no/s"))), Err(ENOENT));
    assert_eq!(bind(&socket(SOCK_STREAM), &Address::path(scratch.path("file/s"))), Err(libc::ENOTDIR));
    let short = Address { length: 1, ..Address::new(b"") };
    assert_eq!(bind(&socket(SOCK_STREAM), &short), Err(EINVAL));
    let long = Address { length: 111, ..Address::new(b"x") };
    assert_eq!(bind(&socket(SOCK_STREAM), &long), Err(EINVAL));
    let mut other = Address::hidden("x");
    other.raw.sun_family = libc::AF_INET as u16;
    assert_eq!(bind(&socket(SOCK_STREAM), &other), Err(EINVAL));
}

// covers: connect
fn nobody_listens() {
    let scratch = Scratch::new("nobody");
    let to = |at: &Address| connect(&socket(SOCK_STREAM), at);
    assert_eq!(to(&Address::path(scratch.path("missing"))), Err(ENOENT));
    std::fs::write(scratch.path("file"), "").unwrap();
    assert_eq!(to(&Address::path(scratch.path("file"))), Err(ECONNREFUSED));
    let bound = socket(SOCK_STREAM);
    bind(&bound, &Address::path(scratch.path("bound"))).unwrap();
    assert_eq!(to(&Address::path(scratch.path("bound"))), Err(ECONNREFUSED), "it does not listen");
    drop(bound);
    assert_eq!(to(&Address::path(scratch.path("bound"))), Err(ECONNREFUSED), "it is gone");
    assert_eq!(to(&Address::hidden("missing")), Err(ECONNREFUSED));
    assert_eq!(to(&Address::new(b"")), Err(EINVAL));
    assert_eq!(to(&Address::none()), Err(EINVAL));
    let mut other = Address::hidden("x");
    other.raw.sun_family = 99;
    assert_eq!(to(&other), Err(EINVAL));
}

fn wrong_types() {
    let scratch = Scratch::new("types");
    let stream = Address::path(scratch.path("stream"));
    let _listener = server(SOCK_STREAM, &stream, 1);
    assert_eq!(connect(&socket(SOCK_SEQPACKET), &stream), Err(EPROTOTYPE));
    assert_eq!(connect(&socket(SOCK_DGRAM), &stream), Err(EPROTOTYPE));
    assert_eq!(send_to(&socket(SOCK_DGRAM), b"x", 0, &stream), Err(EPROTOTYPE));
    let datagram = Address::path(scratch.path("datagram"));
    let inbox = socket(SOCK_DGRAM);
    bind(&inbox, &datagram).unwrap();
    assert_eq!(connect(&socket(SOCK_STREAM), &datagram), Err(EPROTOTYPE));
    assert_eq!(listen(&inbox, 1), Err(EOPNOTSUPP));
    assert_eq!(accept(&inbox).err(), Some(EOPNOTSUPP));
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

fn bind_twice() {
    let fd = socket(SOCK_STREAM);
    assert_eq!(bind(&fd, &Address::hidden("one")), Ok(0));
    assert_eq!(bind(&fd, &Address::hidden("two")), Err(EINVAL));
    assert_eq!(connect(&socket(SOCK_STREAM), &Address::hidden("two")), Err(ECONNREFUSED));
    let other = socket(SOCK_STREAM);
    assert_eq!(bind(&other, &Address::hidden("two")), Ok(0), "nobody has it");
}

fn a_path_may_fill_the_room() {
    let scratch = Scratch::new("long");
    let mut tail = scratch.root().to_str().unwrap().as_bytes().to_vec();
    tail.push(b'/');
    tail.resize(108, b'x');
    let at = Address::new(&tail);
    assert_eq!(at.length, 110);
    let listener = server(SOCK_STREAM, &at, 1);
    let _client = connected(SOCK_STREAM, &at);
    // The zero behind it counts, and has no room.
    let told = name(&listener).unwrap();
    assert_eq!((told.length, told.raw.sun_path == at.raw.sun_path), (111, true));
}

fn unlinked_while_bound() {
    let scratch = Scratch::new("unlinked");
    let at = Address::path(scratch.path("s"));
    let listener = server(SOCK_STREAM, &at, 1);
    let client = connected(SOCK_STREAM, &at);
    std::fs::remove_file(scratch.path("s")).unwrap();
    assert_eq!(connect(&socket(SOCK_STREAM), &at), Err(ENOENT));
    let accepted = accept(&listener).unwrap();
    send(&client, b"still", 0).unwrap();
    assert_eq!(receive(&accepted, 10, 0), bytes("still"));
    assert_eq!(name(&listener).unwrap().tail(), at.tail());
    let _next = server(SOCK_STREAM, &at, 1);
    assert!(connect(&socket(SOCK_STREAM), &at).is_ok());
}

fn permissions_of_a_name() {
    let scratch = Scratch::new("mask");
    // SAFETY: no memory is passed; the mask comes back.
    let before = unsafe { libc::umask(0o027) };
    let listener = socket(SOCK_STREAM);
    let bound = bind(&listener, &Address::path(scratch.path("s")));
    // SAFETY: as above.
    unsafe { libc::umask(before) };
    assert_eq!(bound, Ok(0));
    let mode = std::fs::metadata(scratch.path("s")).unwrap().permissions().mode();
    assert_eq!(mode, libc::S_IFSOCK | 0o750);
    // Another name of the same socket leads to it too; so does a moved one.
    listen(&listener, 3).unwrap();
    std::fs::hard_link(scratch.path("s"), scratch.path("link")).unwrap();
    std::os::unix::fs::symlink("s", scratch.path("symlink")).unwrap();
    let _by_link = connected(SOCK_STREAM, &Address::path(scratch.path("link")));
    let _by_symlink = connected(SOCK_STREAM, &Address::path(scratch.path("symlink")));
    std::fs::rename(scratch.path("s"), scratch.path("moved")).unwrap();
    let _by_moved = connected(SOCK_STREAM, &Address::path(scratch.path("moved")));
}

// covers: mknod
fn a_node_is_no_server() {
    let scratch = Scratch::new("node");
    let path = scratch.c("node");
    // SAFETY: the path is a C string.
    assert_eq!(check(unsafe { libc::mknod(path.as_ptr(), libc::S_IFSOCK | 0o600, 0) }), Ok(0));
    assert_eq!(connect(&socket(SOCK_STREAM), &Address::path(scratch.path("node"))), Err(ECONNREFUSED));
    assert_eq!(bind(&socket(SOCK_STREAM), &Address::path(scratch.path("node"))), Err(EADDRINUSE));
}

// covers: open
fn opening_a_socket_file() {
    let scratch = Scratch::new("open");
    let _listener = server(SOCK_STREAM, &Address::path(scratch.path("s")), 1);
    assert_eq!(open(scratch.path("s"), libc::O_RDWR).err(), Some(ENXIO));
    let (one, _other) = pair(SOCK_STREAM);
    assert_eq!(open(format!("/proc/self/fd/{}", one.0), libc::O_RDWR).err(), Some(ENXIO));
    let place = open(scratch.path("s"), libc::O_PATH).unwrap();
    assert_eq!(listen(&place, 1), Err(EBADF));
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

fn records_keep_their_borders() {
    let (one, other) = pair(SOCK_SEQPACKET);
    for text in ["first", "second one", "third"] {
        send(&one, text.as_bytes(), 0).unwrap();
    }
    assert_eq!(receive(&other, 100, 0), bytes("first"));
    let cut = receive_message(&other, 6, 0, 0).unwrap();
    assert_eq!((cut.bytes.as_slice(), cut.flags & MSG_TRUNC), (&b"second"[..], MSG_TRUNC));
    let whole = receive_message(&other, 6, 0, 0).unwrap();
    assert_eq!((whole.bytes.as_slice(), whole.flags & MSG_TRUNC), (&b"third"[..], 0), "the rest is lost");
    assert_eq!(send_to(&one, b"named", 0, &Address::hidden("nobody")), Ok(5), "a name is not looked at");
    assert_eq!(receive(&other, 100, 0), bytes("named"));
    // More buffers than one.
    assert_eq!(send_message(&one, &[b"in", b"", b"parts"], &[], 0), Ok(7));
    assert_eq!(receive(&other, 100, 0), bytes("inparts"));
}

fn datagrams_keep_their_borders() {
    let (one, other) = pair(SOCK_DGRAM);
    send(&one, b"a longer one", 0).unwrap();
    send(&one, b"short", 0).unwrap();
    assert_eq!(receive(&other, 4, MSG_PEEK), bytes("a lo"));
    let cut = receive_message(&other, 4, 0, MSG_PEEK | MSG_TRUNC).unwrap();
    assert_eq!((cut.count, cut.flags & MSG_TRUNC), (12, MSG_TRUNC), "its real length");
    assert_eq!(receive(&other, 8, 0), bytes("a longer"));
    assert_eq!(receive(&other, 8, 0), bytes("short"));
    assert_eq!(receive(&other, 8, MSG_DONTWAIT), Err(EAGAIN));
}

// covers: sendto, recvfrom
fn datagrams_name_their_sender() {
    let (here, there) = (Address::hidden("here"), Address::hidden("there"));
    let (one, other) = (socket(SOCK_DGRAM), socket(SOCK_DGRAM));
    bind(&one, &here).unwrap();
    bind(&other, &there).unwrap();
    assert_eq!(send_to(&one, b"hello", 0, &there), Ok(5));
    let (text, from) = receive_from(&other, 10, 0).unwrap();
    assert_eq!((text.as_slice(), from.tail()), (&b"hello"[..], here.tail()));
    assert_eq!(send_to(&other, b"answer", 0, &from), Ok(6));
    assert_eq!(receive(&one, 10, 0), bytes("answer"));
    assert_eq!(send_to(&socket(SOCK_DGRAM), b"anonymous", 0, &there), Ok(9));
    assert_eq!(receive_from(&other, 10, 0).unwrap().1.length, 0);
    assert_eq!(send_to(&one, b"x", 0, &Address::hidden("gone")), Err(ECONNREFUSED));
    assert_eq!(send(&one, b"x", 0), Err(ENOTCONN));
    assert_eq!(send_to(&one, b"to myself", 0, &here), Ok(9));
    assert_eq!(receive(&one, 10, 0), bytes("to myself"));
}

fn datagrams_connect() {
    let (here, there) = (Address::hidden("dc-here"), Address::hidden("dc-there"));
    let (one, other) = (socket(SOCK_DGRAM), socket(SOCK_DGRAM));
    bind(&one, &here).unwrap();
    bind(&other, &there).unwrap();
    assert_eq!(peer(&one).err(), Some(ENOTCONN));
    connect(&one, &there).unwrap();
    assert_eq!(peer(&one).unwrap().tail(), there.tail());
    assert_eq!(send(&one, b"plain", 0), Ok(5));
    assert_eq!(receive(&other, 10, 0), bytes("plain"));
    // A peer can be changed, and taken away.
    let third = socket(SOCK_DGRAM);
    bind(&third, &Address::hidden("dc-third")).unwrap();
    connect(&one, &Address::hidden("dc-third")).unwrap();
    assert_eq!(send(&one, b"third", 0), Ok(5));
    assert_eq!(receive(&third, 10, 0), bytes("third"));
    let mut nobody = Address::new(b"");
    nobody.raw.sun_family = libc::AF_UNSPEC as u16;
    assert_eq!(connect(&one, &nobody), Ok(0));
    assert_eq!(send(&one, b"x", 0), Err(ENOTCONN));
}

fn datagrams_of_others_are_refused() {
    let (here, there) = (Address::hidden("or-here"), Address::hidden("or-there"));
    let (one, other, third) = (socket(SOCK_DGRAM), socket(SOCK_DGRAM), socket(SOCK_DGRAM));
    bind(&one, &here).unwrap();
    bind(&other, &there).unwrap();
    connect(&one, &there).unwrap();
    assert_eq!(send_to(&third, b"x", 0, &here), Err(EPERM), "it hears its peer only");
    assert_eq!(connect(&third, &here), Err(EPERM));
    assert_eq!(send_to(&other, b"peer", 0, &here), Ok(4));
    assert_eq!(receive(&one, 10, 0), bytes("peer"));
}

fn a_datagram_peer_goes() {
    let (one, other) = pair(SOCK_DGRAM);
    drop(other);
    assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(ECONNREFUSED));
    assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(ENOTCONN));
    let (one, other) = pair(SOCK_DGRAM);
    shutdown(&other, SHUT_RD).unwrap();
    assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(EPIPE));
    assert_eq!(shutdown(&one, SHUT_WR), Ok(0));
    assert_eq!(send(&one, b"x", MSG_NOSIGNAL), Err(EPIPE));
    let thread = thread::spawn(move || receive(&other, 10, 0));
    assert_eq!(thread.join().unwrap(), bytes(""));
}

fn datagrams_too_long() {
    for kind in [SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        let most: i32 = get(&one, SO_SNDBUF).unwrap();
        assert_eq!(send(&one, &vec![0; most as usize], 0), Err(EMSGSIZE));
        let long = vec![3u8; 100_000];
        assert_eq!(send(&one, &long, 0), Ok(100_000));
        assert_eq!(receive(&other, 200_000, 0), Ok(long));
        set(&one, SO_SNDBUF, 5000).unwrap();
        assert_eq!(send(&one, &[0; 10_000], 0), Err(EMSGSIZE));
        assert_eq!(send(&one, &[0; 9000], 0), Ok(9000));
    }
}

fn empty_datagrams() {
    for kind in [SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        assert_eq!(send(&one, b"", 0), Ok(0));
        assert_eq!(send(&one, b"next", 0), Ok(4));
        assert_ne!(events(&other) & POLLIN, 0);
        assert_eq!(receive(&other, 10, 0), bytes(""));
        assert_eq!(receive(&other, 10, 0), bytes("next"));
    }
    let (one, other) = pair(SOCK_STREAM);
    assert_eq!(send(&one, b"", 0), Ok(0));
    assert_eq!(receive(&other, 10, MSG_DONTWAIT), Err(EAGAIN), "a stream has none");
}

fn an_inbox_fills() {
    let (one, other) = pair(SOCK_DGRAM);
    let mut count = 0;
    while send(&one, b"one more", MSG_DONTWAIT).is_ok() {
        count += 1;
        assert!(count < 100_000);
    }
    assert_eq!((errno(), events(&one) & POLLOUT), (EAGAIN, 0));
    let thread = thread::spawn(move || send(&one, b"the last", 0).map(|_| one));
    for _ in 0..count {
        assert_eq!(receive(&other, 10, 0), bytes("one more"));
    }
    assert_eq!(receive(&other, 10, 0), bytes("the last"));
    let one = thread.join().unwrap().unwrap();
    assert_ne!(events(&one) & POLLOUT, 0);
}

// covers: sendmsg, recvmsg
fn rights_arrive() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let scratch = Scratch::new("rights");
        std::fs::write(scratch.path("file"), "through another door").unwrap();
        let (one, other) = pair(kind);
        let file = open(scratch.path("file"), libc::O_RDONLY).unwrap();
        let (near, far) = pair(SOCK_STREAM);
        assert_eq!(send_message(&one, &[b"with files"], &[Control::rights(&[file.0, near.0])], 0), Ok(10));
        drop((file, near));
        let received = receive_message(&other, 100, 200, MSG_CMSG_CLOEXEC).unwrap();
        assert_eq!((received.bytes.as_slice(), received.controls.len()), (&b"with files"[..], 1));
        assert_eq!(received.flags & MSG_CTRUNC, 0);
        let fds = received.controls[0].fds();
        assert_eq!(fds.len(), 2);
        // SAFETY: no memory is passed.
        assert_eq!(unsafe { libc::fcntl(fds[0].0, libc::F_GETFD) }, libc::FD_CLOEXEC);
        // SAFETY: the descriptor is this case's, and goes with the file.
        let mut file = unsafe { std::fs::File::from_raw_fd(libc::dup(fds[0].0)) };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through another door");
        send(&fds[1], b"same socket", 0).unwrap();
        assert_eq!(receive(&far, 100, 0), bytes("same socket"));
    }
}

fn rights_of_a_stream_stop_it() {
    let (one, other) = pair(SOCK_STREAM);
    let null = open("/dev/null", libc::O_RDWR).unwrap();
    send(&one, b"before ", 0).unwrap();
    send_message(&one, &[b"with"], &[Control::rights(&[null.0])], 0).unwrap();
    send(&one, b" behind", 0).unwrap();
    send_message(&one, &[b" end"], &[Control::rights(&[null.0, null.0])], 0).unwrap();
    let looked = receive_message(&other, 100, 100, MSG_PEEK).unwrap();
    assert_eq!(looked.bytes, b"before with", "up to the bytes they came with");
    assert_eq!(looked.controls[0].fds().len(), 1, "who looks has them too");
    let first = receive_message(&other, 3, 100, 0).unwrap();
    assert_eq!((first.bytes.as_slice(), first.controls.len()), (&b"bef"[..], 0));
    let part = receive_message(&other, 6, 100, 0).unwrap();
    assert_eq!(
        (part.bytes.as_slice(), part.controls[0].fds().len()),
        (&b"ore wi"[..], 1),
        "with the first byte"
    );
    let rest = receive_message(&other, 100, 100, 0).unwrap();
    assert_eq!((rest.bytes.as_slice(), rest.controls[0].fds().len()), (&b"th behind end"[..], 2));
}

fn rights_without_room() {
    let null = open("/dev/null", libc::O_RDWR).unwrap();
    let send_three = |one: &Fd| send_message(one, &[b"x"], &[Control::rights(&[null.0; 3])], 0).unwrap();
    let (one, other) = pair(SOCK_DGRAM);
    send_three(&one);
    // Room for two: what does not fit is closed.
    let some = receive_message(&other, 10, 24, 0).unwrap();
    assert_eq!((some.controls[0].fds().len(), some.flags & MSG_CTRUNC), (2, MSG_CTRUNC));
    assert_eq!(some.control_bytes, 24);
    send_three(&one);
    let none = receive_message(&other, 10, 8, 0).unwrap();
    assert_eq!((none.controls.len(), none.flags & MSG_CTRUNC, none.control_bytes), (0, MSG_CTRUNC, 0));
    send_three(&one);
    assert_eq!(receive(&other, 10, 0), bytes("x"));
}

fn rights_that_nobody_takes() {
    let (near, far) = pair(SOCK_STREAM);
    let (one, other) = pair(SOCK_STREAM);
    send_message(&one, &[b"x"], &[Control::rights(&[near.0])], 0).unwrap();
    drop(near);
    assert_eq!(receive(&far, 1, MSG_DONTWAIT), Err(EAGAIN), "it is on its way still");
    drop(other);
    assert_eq!(receive(&far, 1, 0), bytes(""), "it was given up with the channel");
    // Chains of them, each on its way in the next one.
    let (mut inner, last) = pair(SOCK_STREAM);
    for _ in 0..2000 {
        let (near, far) = pair(SOCK_STREAM);
        // Linux refuses when they are nested too deep.
        if send_message(&near, &[b"x"], &[Control::rights(&[inner.0])], 0).is_err() {
            break;
        }
        inner = far;
    }
    drop(inner);
    assert_eq!(receive(&last, 1, 0), bytes(""));
}

fn rights_are_checked() {
    let (one, other) = pair(SOCK_STREAM);
    let sent = |control: Control| send_message(&one, &[b"x"], &[control], 0);
    assert_eq!(sent(Control::rights(&[9999])), Err(EBADF));
    assert_eq!(sent(Control::rights(&[-1])), Err(EBADF));
    assert_eq!(sent(Control::rights(&vec![0; 254])), Err(EINVAL));
    assert_eq!(sent(Control { level: libc::SOL_SOCKET, kind: 77, data: vec![0; 4] }), Err(EINVAL));
    assert_eq!(receive(&other, 1, MSG_DONTWAIT), Err(EAGAIN), "nothing was sent");
    assert_eq!(sent(Control { level: libc::IPPROTO_TCP, kind: 1, data: vec![0; 4] }), Ok(1), "not looked at");
    let two = [Control::rights(&[one.0]), Control::rights(&[other.0])];
    assert_eq!(receive(&other, 1, 0), bytes("x"));
    assert_eq!(send_message(&one, &[b"y"], &two, 0), Ok(1));
    let received = receive_message(&other, 10, 100, 0).unwrap();
    let fds: Vec<Fd> = received.controls.iter().flat_map(Control::fds).collect();
    assert_eq!((received.controls.len(), fds.len()), (1, 2), "they go as one");
}

fn a_socket_carries_itself() {
    for _ in 0..10 {
        let (one, other) = pair(SOCK_STREAM);
        send_message(&one, &[b"x"], &[Control::rights(&[one.0, other.0])], 0).unwrap();
    }
    let (one, other) = pair(SOCK_STREAM);
    assert_eq!(send(&one, b"fine", 0), Ok(4));
    assert_eq!(receive(&other, 10, 0), bytes("fine"));
}

// covers: setsockopt
fn credentials_are_passed() {
    // SAFETY: no memory is passed.
    let me = unsafe { Control::credentials(libc::getpid(), libc::getuid(), libc::getgid()) };
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        let (one, other) = pair(kind);
        send(&one, b"unasked", 0).unwrap();
        assert_eq!(receive_message(&other, 10, 100, 0).unwrap().controls, vec![]);
        set(&other, SO_PASSCRED, 1).unwrap();
        send(&one, b"asked", 0).unwrap();
        assert_eq!(receive_message(&other, 10, 100, 0).unwrap().controls, vec![me.clone()]);
        send_message(&one, &[b"said"], std::slice::from_ref(&me), 0).unwrap();
        let null = open("/dev/null", libc::O_RDWR).unwrap();
        assert_eq!(receive_message(&other, 10, 100, 0).unwrap().controls, vec![me.clone()]);
        send_message(&one, &[b"both"], &[Control::rights(&[null.0])], 0).unwrap();
        let both = receive_message(&other, 10, 100, 0).unwrap();
        assert_eq!((both.controls.len(), &both.controls[0]), (2, &me));
        drop(both.controls[1].fds());
        send(&one, b"cut", 0).unwrap();
        assert_eq!(receive_message(&other, 10, 0, 0).unwrap().flags & MSG_CTRUNC, MSG_CTRUNC);
    }
}

fn credentials_are_checked() {
    let (one, other) = pair(SOCK_DGRAM);
    set(&other, SO_PASSCRED, 1).unwrap();
    // SAFETY: no memory is passed.
    let (pid, uid, gid) = unsafe { (libc::getpid(), libc::getuid(), libc::getgid()) };
    let sent = |control: Control| send_message(&one, &[b"x"], &[control], 0);
    let short = Control { data: vec![0; 8], ..Control::credentials(pid, uid, gid) };
    assert_eq!(sent(short), Err(EINVAL));
    let stranger = sent(Control::credentials(1 << 28, uid, gid));
    assert!(matches!(stranger, Err(libc::ESRCH | EPERM)), "{stranger:?}");
    assert_eq!(sent(Control::credentials(pid, uid, gid)), Ok(1));
    assert_eq!(
        receive_message(&other, 10, 100, 0).unwrap().controls,
        vec![Control::credentials(pid, uid, gid)]
    );
}

// covers: getsockopt
fn who_the_peer_is() {
    // SAFETY: no memory is passed.
    let me = unsafe { [libc::getpid() as u32, libc::geteuid(), libc::getegid()] };
    let (one, _other) = pair(SOCK_STREAM);
    assert_eq!(get::<[u32; 3]>(&one, SO_PEERCRED), Ok(me));
    let at = Address::hidden("peercred");
    let listener = server(SOCK_STREAM, &at, 1);
    let client = connected(SOCK_STREAM, &at);
    assert_eq!(get::<[u32; 3]>(&client, SO_PEERCRED), Ok(me));
    assert_eq!(get::<[u32; 3]>(&accept(&listener).unwrap(), SO_PEERCRED), Ok(me));
    let nobody = [0, u32::MAX, u32::MAX];
    assert_eq!(get::<[u32; 3]>(&socket(SOCK_STREAM), SO_PEERCRED), Ok(nobody));
    assert_eq!(get::<[u32; 3]>(&socket(SOCK_DGRAM), SO_PEERCRED), Ok(nobody));
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
