//! Two sockets of one machine, without a device: handshakes, backlogs, ends, and datagrams.

extern crate std;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::errno::Errno;
use abi::net::Shutdown;

use super::{Stack, Surroundings};
use crate::file::Io;
use crate::file::io::{SliceSink, SliceSource};
use crate::file::poll::WRITABLE;
use crate::net::inet::connection::Connection;
use crate::net::inet::ports::Claim;
use crate::net::inet::rings::{RING, tests::bounded};
use crate::net::inet::udp::How;

std::thread_local! {
    static NOW: AtomicU64 = const { AtomicU64::new(0) };
    static RANDOM: AtomicU64 = const { AtomicU64::new(1) };
}

fn now() -> u64 {
    NOW.with(|now| now.load(Ordering::Relaxed))
}

fn random() -> u64 {
    RANDOM.with(|state| {
        let next = state.load(Ordering::Relaxed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.store(next, Ordering::Relaxed);
        next >> 7
    })
}

fn stack() -> Arc<Stack> {
    Stack::new(Surroundings { now, random, rings: || Ok(bounded(RING)), hurry: || () })
}

/// Time goes on to what is due next; false when nothing is.
fn go_on(stack: &Stack) -> bool {
    let Some(next) = stack.next_deadline() else { return false };
    NOW.with(|now| now.fetch_max(next, Ordering::Relaxed));
    stack.tick();
    true
}

fn claim(address: SocketAddr) -> Claim {
    Claim { address, v6_only: false, reuse_address: false, reuse_port: false, listens: false }
}

const ANY: &str = "0.0.0.0:0";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn connect(stack: &Stack, local: SocketAddr, remote: SocketAddr) -> Result<Connection, Errno> {
    stack.connect(local, remote)
}

fn write(stack: &Stack, connection: &Connection, bytes: &[u8]) -> Result<usize, Errno> {
    connection.write(stack, &Io::default(), &mut SliceSource(bytes))
}

fn read(stack: &Stack, connection: &Connection) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; 100_000];
    let count = connection.read(stack, &Io::default(), &mut SliceSink::new(&mut bytes), false)?;
    bytes.truncate(count);
    Ok(bytes)
}

#[test]
fn a_request_and_its_answer() {
    let stack = stack();
    let server = address("127.0.0.1:80");
    let bound = stack.bind(claim(server)).unwrap();
    let listener = stack.listen(&bound, server, false, 1).unwrap();
    assert_eq!(listener.accept(&Io::default()).unwrap_err(), Errno::EAGAIN);
    let client = connect(&stack, address(ANY), server).unwrap();
    let accepted = listener.accept(&Io::default()).unwrap();
    assert_eq!(accepted.ends(), (server, client.ends().0));
    assert_eq!(write(&stack, &client, b"request"), Ok(7));
    assert_eq!(read(&stack, &accepted).unwrap(), b"request");
    assert_eq!(write(&stack, &accepted, b"answer"), Ok(6));
    accepted.shut(&stack, Shutdown::Write).unwrap();
    assert_eq!(read(&stack, &client).unwrap(), b"answer");
    assert_eq!(read(&stack, &client).unwrap(), b"");
    client.shut(&stack, Shutdown::Write).unwrap();
    assert_eq!(stack.next_deadline(), None);
    assert!(stack.tcp.lock().count() == 0, "nothing is left");
}

#[test]
fn nobody_listens() {
    let stack = stack();
    let client = connect(&stack, address(ANY), address("127.0.0.1:81")).unwrap();
    assert_eq!(client.take_error(), Some(Errno::ECONNREFUSED));
    assert!(stack.tcp.lock().count() == 0);
    assert_eq!(connect(&stack, address(ANY), address("192.0.2.1:81")).unwrap_err(), Errno::ENETUNREACH);
}

#[test]
fn a_full_backlog_makes_others_wait() {
    let stack = stack();
    let server = address("127.0.0.1:80");
    let bound = stack.bind(claim(server)).unwrap();
    let listener = stack.listen(&bound, server, false, 1).unwrap();
    let clients: Vec<_> = (0..3).map(|_| connect(&stack, address(ANY), server).unwrap()).collect();
    assert_eq!(clients.iter().map(Connection::is_there).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(write(&stack, &clients[2], b"early"), Err(Errno::EAGAIN));
    listener.accept(&Io::default()).unwrap();
    assert_eq!(clients[2].opened(&Io::default()), Ok(()), "it takes the place");
    for client in &clients {
        write(&stack, client, b"x").unwrap();
    }
    listener.accept(&Io::default()).unwrap();
    let last = listener.accept(&Io::default()).unwrap();
    assert_eq!(read(&stack, &last).unwrap(), b"x");
}

#[test]
fn who_waits_for_a_place_too_long_gives_up() {
    let stack = stack();
    let server = address("127.0.0.1:80");
    let bound = stack.bind(claim(server)).unwrap();
    let listener = stack.listen(&bound, server, false, 0).unwrap();
    let clients: Vec<_> = (0..4).map(|_| connect(&stack, address(ANY), server).unwrap()).collect();
    assert_eq!(clients[3].opened(&Io::default()), Err(Errno::EAGAIN));
    clients[1].release(&stack, false);
    assert_eq!(stack.tcp.lock().count(), 3);
    let start = now();
    assert!(go_on(&stack), "not for ever");
    assert_eq!(now() - start, 127_000_000_000);
    assert_eq!(clients[3].opened(&Io::default()), Err(Errno::ETIMEDOUT));
    assert_eq!(clients[2].take_error(), Some(Errno::ETIMEDOUT));
    assert_eq!(stack.tcp.lock().count(), 1);
    let late = connect(&stack, address(ANY), server).unwrap();
    listener.set_backlog(1);
    assert_eq!(late.opened(&Io::default()), Ok(()), "those that gave up take no place");
    let last = connect(&stack, address(ANY), server).unwrap();
    stack.close_listener(&listener);
    assert_eq!(last.opened(&Io::default()), Err(Errno::ECONNREFUSED));
    assert!(stack.tcp.lock().count() == 0);
}

#[test]
fn nobody_keeps_who_does_not_wait_any_more() {
    let stack = stack();
    let server = address("127.0.0.1:80");
    let bound = stack.bind(claim(server)).unwrap();
    let listener = stack.listen(&bound, server, false, 0).unwrap();
    for _ in 0..1000 {
        connect(&stack, address(ANY), server).unwrap().release(&stack, false);
    }
    assert!(listener.close().1.len() < 10);
}

#[test]
fn one_connection_between_two_addresses() {
    let stack = stack();
    let server = address("127.0.0.1:80");
    let bound = stack.bind(claim(server)).unwrap();
    let listener = stack.listen(&bound, server, false, 5).unwrap();
    let from = address("127.0.0.1:1000");
    let client = connect(&stack, from, server).unwrap();
    assert_eq!(connect(&stack, from, server).unwrap_err(), Errno::EADDRNOTAVAIL);
    assert_eq!(connect(&stack, server, from).unwrap_err(), Errno::EADDRNOTAVAIL, "nor the other way round");
    let accepted = listener.accept(&Io::default()).unwrap();
    client.release(&stack, false);
    assert_eq!(connect(&stack, from, server).unwrap_err(), Errno::EADDRNOTAVAIL, "one side is still there");
    accepted.release(&stack, false);
    connect(&stack, from, server).unwrap();
}

#[test]
fn a_socket_may_be_connected_to_itself() {
    let stack = stack();
    let here = address("127.0.0.1:1000");
    let both = connect(&stack, here, here).unwrap();
    assert_eq!(both.ends(), (here, here));
    assert_eq!(write(&stack, &both, b"hello"), Ok(5));
    assert_eq!(read(&stack, &both).unwrap(), b"hello");
    assert_eq!(both.readiness(&Io::default()), WRITABLE);
    both.shut(&stack, Shutdown::Write).unwrap();
    assert_eq!(read(&stack, &both).unwrap(), b"");
    both.release(&stack, false);
    assert!(stack.tcp.lock().count() == 0);
}

#[test]
fn who_is_not_accepted_is_turned_away() {
    let stack = stack();
    let server = address("127.0.0.1:80");
    let bound = stack.bind(claim(server)).unwrap();
    let listener = stack.listen(&bound, server, false, 5).unwrap();
    let client = connect(&stack, address(ANY), server).unwrap();
    stack.close_listener(&listener);
    assert_eq!(read(&stack, &client), Err(Errno::ECONNRESET));
    let late = connect(&stack, address(ANY), server).unwrap();
    assert_eq!(late.take_error(), Some(Errno::ECONNREFUSED));
}

#[test]
fn one_listener_for_both_families() {
    let stack = stack();
    let bound = stack.bind(claim(address("[::]:80"))).unwrap();
    let listener = stack.listen(&bound, address("[::]:80"), false, 5).unwrap();
    let four = connect(&stack, address(ANY), address("127.0.0.1:80")).unwrap();
    let six = connect(&stack, address("[::]:0"), address("[::1]:80")).unwrap();
    for client in [four, six] {
        let accepted = listener.accept(&Io::default()).unwrap();
        assert_eq!(accepted.ends().1, client.ends().0);
    }
}

#[test]
fn many_connections() {
    let stack = stack();
    let server = address("127.0.0.1:80");
    let bound = stack.bind(claim(server)).unwrap();
    let listener = stack.listen(&bound, server, false, 5).unwrap();
    let pairs: Vec<_> = (0..500)
        .map(|_| (connect(&stack, address(ANY), server).unwrap(), listener.accept(&Io::default()).unwrap()))
        .collect();
    for (index, (client, accepted)) in pairs.iter().enumerate() {
        write(&stack, client, &index.to_le_bytes()).unwrap();
        assert_eq!(read(&stack, accepted).unwrap(), index.to_le_bytes());
    }
}

fn receive(endpoint: &super::OpenEndpoint) -> Result<(SocketAddr, Vec<u8>), Errno> {
    let taken =
        endpoint.endpoint().receive(&Io::default(), false, |first| Ok((first.from, first.bytes.clone())))?;
    Ok(taken.unwrap())
}

#[test]
fn datagrams() {
    let stack = stack();
    let server = stack.open_endpoint(claim(address("127.0.0.1:53"))).unwrap();
    let client = stack.open_endpoint(claim(address(ANY))).unwrap();
    assert_eq!(client.send(address("127.0.0.1:53"), &How::default(), &mut SliceSource(b"question")), Ok(8));
    assert_eq!(client.send(address("127.0.0.1:53"), &How::default(), &mut SliceSource(b"")), Ok(0));
    let (from, bytes) = receive(&server).unwrap();
    assert_eq!(bytes, b"question");
    assert_eq!(receive(&server).unwrap().1, b"");
    assert_eq!(receive(&server), Err(Errno::EAGAIN));
    server.send(from, &How::default(), &mut SliceSource(b"answer")).unwrap();
    assert_eq!(receive(&client).unwrap(), (address("127.0.0.1:53"), b"answer".to_vec()));
    let long = vec![7; 65_508];
    assert_eq!(
        client.send(address("127.0.0.1:53"), &How::default(), &mut SliceSource(&long)),
        Err(Errno::EMSGSIZE)
    );
    assert_eq!(
        client.send(address("127.0.0.1:53"), &How::default(), &mut SliceSource(&long[1..])),
        Ok(65_507)
    );
    assert_eq!(receive(&server).unwrap().1.len(), 65_507);
    assert_eq!(stack.open_endpoint(claim(address("127.0.0.1:53"))).unwrap_err(), Errno::EADDRINUSE);
    drop(server);
    stack.open_endpoint(claim(address("127.0.0.1:53"))).unwrap();
}

#[test]
fn a_connected_endpoint_hears_its_peer_only() {
    let stack = stack();
    let server = stack.open_endpoint(claim(address("127.0.0.1:53"))).unwrap();
    let client = stack.open_endpoint(claim(address(ANY))).unwrap();
    client.connect(Some(address("127.0.0.1:53")), 0).unwrap();
    let (local, remote) = client.endpoint().ends();
    assert_eq!((local.ip(), remote), (address("127.0.0.1:0").ip(), Some(address("127.0.0.1:53"))));
    let other = stack.open_endpoint(claim(address(ANY))).unwrap();
    other.send(local, &How::default(), &mut SliceSource(b"not for you")).unwrap();
    assert_eq!(receive(&client), Err(Errno::EAGAIN));
    server.send(local, &How::default(), &mut SliceSource(b"for you")).unwrap();
    assert_eq!(receive(&client).unwrap().1, b"for you");
    drop(server);
    client.send(address("127.0.0.1:53"), &How::default(), &mut SliceSource(b"anybody?")).unwrap();
    assert_eq!(receive(&client), Err(Errno::ECONNREFUSED), "nobody has the port");
    assert_eq!(receive(&client), Err(Errno::EAGAIN), "once");
}

#[test]
fn too_many_datagrams_are_lost() {
    let stack = stack();
    let server = stack.open_endpoint(claim(address("[::1]:53"))).unwrap();
    let client = stack.open_endpoint(claim(address("[::]:0"))).unwrap();
    for _ in 0..1000 {
        client.send(address("[::1]:53"), &How::default(), &mut SliceSource(&[1; 1000])).unwrap();
    }
    let mut count = 0;
    while receive(&server).is_ok() {
        count += 1;
    }
    assert_eq!(count, 212_992 / 1256);
}
