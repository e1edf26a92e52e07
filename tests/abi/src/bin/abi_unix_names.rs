//! Names of sockets of this machine (unix(7)): files, and those in no directory.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::os::unix::fs::PermissionsExt as _;

use abi_tests::sockets::{
    Address, accept, bind, connect, listen, name, pair, receive, send, send_to, socket,
};
use abi_tests::{Fd, Scratch, cases, check, open};
use libc::{
    EADDRINUSE, EBADF, ECONNREFUSED, EINVAL, ENOENT, ENXIO, EOPNOTSUPP, EPROTOTYPE, SOCK_DGRAM,
    SOCK_SEQPACKET, SOCK_STREAM,
};

cases! {
    names_are_chosen, names_in_use, nobody_listens, wrong_types, bind_twice, a_path_may_fill_the_room,
    unlinked_while_bound, permissions_of_a_name, a_node_is_no_server, opening_a_socket_file,
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
