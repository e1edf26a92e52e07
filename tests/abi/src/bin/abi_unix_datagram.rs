//! Sockets of this machine that keep borders (unix(7)): datagrams and packets.

use std::thread;

use abi_tests::sockets::{
    Address, bind, connect, events, get, pair, peer, receive, receive_from, receive_message, send,
    send_message, send_to, set, shutdown, socket,
};
use abi_tests::{cases, errno};
use libc::{
    EAGAIN, ECONNREFUSED, EMSGSIZE, ENOTCONN, EPERM, EPIPE, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC,
    POLLIN, POLLOUT, SHUT_RD, SHUT_WR, SO_SNDBUF, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM,
};

cases! {
    records_keep_their_borders, datagrams_keep_their_borders, datagrams_name_their_sender,
    datagrams_connect, datagrams_of_others_are_refused, a_datagram_peer_goes, datagrams_too_long,
    empty_datagrams, an_inbox_fills,
}

fn bytes(text: &str) -> Result<Vec<u8>, i32> {
    Ok(text.as_bytes().to_vec())
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
