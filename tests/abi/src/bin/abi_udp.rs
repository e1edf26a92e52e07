//! UDP over the loopback interface (udp(7), ip(7)).
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use abi_tests::inet::failed;
use abi_tests::{cases, check};
use libc::{
    EADDRINUSE, EAGAIN, ECONNREFUSED, EDESTADDRREQ, EINVAL, EMSGSIZE, ENOTCONN, EPIPE, MSG_DONTWAIT,
    MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, POLLIN, POLLOUT, c_int,
};

cases! {
    there_and_back, whole_or_not_at_all, peeked, connected, refused, disconnected, unconnected, longest, empty, waits, timeouts, events,
    both_families, shared_port, shut, many, available
}

fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn receive(socket: &UdpSocket, most: usize, flags: c_int) -> Result<(Vec<u8>, isize), i32> {
    let mut bytes = vec![0; most];
    // SAFETY: a slice.
    let count = check(unsafe { libc::recv(socket.as_raw_fd(), bytes.as_mut_ptr().cast(), most, flags) })?;
    bytes.truncate(count as usize);
    Ok((bytes, count))
}

fn poll(socket: &UdpSocket, timeout_ms: c_int) -> i16 {
    let mut entry =
        libc::pollfd { fd: socket.as_raw_fd(), events: POLLIN | POLLOUT | libc::POLLRDHUP, revents: 0 };
    // SAFETY: one entry.
    check(unsafe { libc::poll(&raw mut entry, 1, timeout_ms) }).unwrap();
    entry.revents
}

// covers: sendto, recvfrom
fn there_and_back() {
    let ((one, first), (other, second)) = (socket(), socket());
    assert_eq!(one.send_to(b"question", second).unwrap(), 8);
    let mut bytes = [0; 100];
    assert_eq!(other.recv_from(&mut bytes).unwrap(), (8, first));
    assert_eq!(&bytes[..8], b"question");
    other.send_to(b"answer", first).unwrap();
    assert_eq!(one.recv_from(&mut bytes).unwrap(), (6, second));
}

fn whole_or_not_at_all() {
    let ((one, _), (other, second)) = (socket(), socket());
    one.send_to(b"0123456789", second).unwrap();
    one.send_to(b"next", second).unwrap();
    assert_eq!(receive(&other, 4, 0).unwrap().0, b"0123", "the rest is lost");
    assert_eq!(receive(&other, 2, MSG_TRUNC | MSG_PEEK).unwrap().1, 4, "its real length");
    assert_eq!(receive(&other, 100, 0).unwrap().0, b"next");
}

fn peeked() {
    let ((one, _), (other, second)) = (socket(), socket());
    one.send_to(b"seen", second).unwrap();
    assert_eq!(receive(&other, 100, MSG_PEEK).unwrap().0, b"seen");
    assert_eq!(receive(&other, 100, 0).unwrap().0, b"seen");
    assert_eq!(receive(&other, 100, MSG_DONTWAIT), Err(EAGAIN));
}

// covers: connect
fn connected() {
    let ((one, first), (other, second), (third, _)) = (socket(), socket(), socket());
    one.connect(second).unwrap();
    assert_eq!(one.peer_addr().unwrap(), second);
    one.send(b"to the peer").unwrap();
    assert_eq!(receive(&other, 100, 0).unwrap().0, b"to the peer");
    third.send_to(b"not from the peer", first).unwrap();
    other.send_to(b"from the peer", first).unwrap();
    assert_eq!(receive(&one, 100, 0).unwrap().0, b"from the peer");
    assert_eq!(receive(&one, 100, MSG_DONTWAIT), Err(EAGAIN));
}

fn refused() {
    let ((one, _), (other, second)) = (socket(), socket());
    drop(other);
    one.send_to(b"nobody is told", second).unwrap();
    assert_eq!(receive(&one, 100, MSG_DONTWAIT), Err(EAGAIN), "it is not connected");
    one.connect(second).unwrap();
    one.send(b"anybody?").unwrap();
    assert_eq!(receive(&one, 100, 0), Err(ECONNREFUSED));
    assert_eq!(receive(&one, 100, MSG_DONTWAIT), Err(EAGAIN), "told once");
    one.send(b"anybody?").unwrap();
    assert_eq!(failed(one.send(b"still?")), ECONNREFUSED);
}

fn disconnected() {
    let ((one, _), (_other, second)) = (socket(), socket());
    one.connect(second).unwrap();
    let nobody = libc::sockaddr { sa_family: libc::AF_UNSPEC as u16, sa_data: [0; 14] };
    // SAFETY: an address of this size.
    check(unsafe { libc::connect(one.as_raw_fd(), &raw const nobody, 16) }).unwrap();
    assert_eq!(failed(one.peer_addr()), ENOTCONN);
    assert_eq!(failed(one.send(b"x")), EDESTADDRREQ);
}

fn unconnected() {
    let (one, _) = socket();
    assert_eq!(failed(one.send(b"x")), EDESTADDRREQ);
    assert_eq!(failed(one.peer_addr()), ENOTCONN);
    assert_eq!(failed(one.send_to(b"x", (Ipv4Addr::LOCALHOST, 0))), EINVAL);
    assert_eq!(failed(UdpSocket::bind(one.local_addr().unwrap())), EADDRINUSE);
}

fn longest() {
    let ((one, _), (other, second)) = (socket(), socket());
    let bytes: Vec<u8> = (0..65_508_u32).map(|index| (index * 7) as u8).collect();
    assert_eq!(failed(one.send_to(&bytes, second)), EMSGSIZE);
    assert_eq!(one.send_to(&bytes[..65_507], second).unwrap(), 65_507);
    assert!(receive(&other, 70_000, 0).unwrap().0 == bytes[..65_507]);
}

fn empty() {
    let ((one, _), (other, second)) = (socket(), socket());
    assert_eq!(one.send_to(b"", second).unwrap(), 0);
    assert_eq!(poll(&other, 1000), POLLIN | POLLOUT);
    assert_eq!(receive(&other, 100, 0).unwrap().1, 0);
    assert_eq!(receive(&other, 100, MSG_DONTWAIT), Err(EAGAIN));
}

fn waits() {
    let ((one, _), (other, second)) = (socket(), socket());
    let reader = thread::spawn(move || receive(&other, 100, 0).unwrap().0);
    thread::sleep(Duration::from_millis(10));
    one.send_to(b"at last", second).unwrap();
    assert_eq!(reader.join().unwrap(), b"at last");
}

fn timeouts() {
    let (one, _) = socket();
    one.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let start = std::time::Instant::now();
    assert_eq!(failed(one.recv(&mut [0])), EAGAIN);
    assert!(start.elapsed() >= Duration::from_millis(20));
}

// covers: poll
fn events() {
    let ((one, _), (other, second)) = (socket(), socket());
    assert_eq!(poll(&other, 0), POLLOUT);
    one.send_to(b"x", second).unwrap();
    assert_eq!(poll(&other, 1000), POLLIN | POLLOUT);
}

fn both_families() {
    let server = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).unwrap();
    let port = server.local_addr().unwrap().port();
    let (four, first) = socket();
    four.send_to(b"four", (Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut bytes = [0; 10];
    let (count, from) = server.recv_from(&mut bytes).unwrap();
    let SocketAddr::V6(mapped) = from else { panic!("{from}") };
    assert_eq!(
        (count, mapped.ip().to_ipv4_mapped(), mapped.port()),
        (4, Some(Ipv4Addr::LOCALHOST), first.port())
    );
    server.send_to(b"back", from).unwrap();
    assert_eq!(receive(&four, 100, 0).unwrap().0, b"back");
    let six = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    six.send_to(b"six", (Ipv6Addr::LOCALHOST, port)).unwrap();
    assert_eq!(server.recv_from(&mut bytes).unwrap(), (3, six.local_addr().unwrap()));
}

fn shared_port() {
    let (one, first) = socket();
    let everywhere = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), first.port())).unwrap();
    let (sender, _) = socket();
    sender.send_to(b"one", first).unwrap();
    sender.send_to(b"other", everywhere.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&one, 100, 0).unwrap().0, b"one");
    assert_eq!(receive(&everywhere, 100, 0).unwrap().0, b"other");
}

// covers: shutdown
fn shut() {
    let ((one, _), (_other, second)) = (socket(), socket());
    one.connect(second).unwrap();
    // SAFETY: no memory is passed.
    check(unsafe { libc::shutdown(one.as_raw_fd(), libc::SHUT_RDWR) }).unwrap();
    assert_eq!(receive(&one, 10, 0).unwrap().1, 0);
    // SAFETY: a slice.
    let sent = check(unsafe { libc::send(one.as_raw_fd(), b"x".as_ptr().cast(), 1, MSG_NOSIGNAL) });
    assert_eq!(sent, Err(EPIPE));
}

fn many() {
    let ((one, _), (other, second)) = (socket(), socket());
    for index in 0..100_u8 {
        one.send_to(&[index], second).unwrap();
    }
    for index in 0..100 {
        assert_eq!(receive(&other, 10, 0).unwrap().0, [index], "in order");
    }
    for _ in 0..2000 {
        one.send_to(&[7; 1000], second).unwrap();
    }
    let mut count = 0;
    while receive(&other, 2000, MSG_DONTWAIT).is_ok() {
        count += 1;
    }
    assert!((50..1000).contains(&count), "{count}: some are lost, not all");
}

// covers: ioctl
fn available() {
    let ((one, _), (other, second)) = (socket(), socket());
    one.send_to(b"12345", second).unwrap();
    one.send_to(b"123", second).unwrap();
    assert_eq!(poll(&other, 1000) & POLLIN, POLLIN);
    let mut count: c_int = -1;
    // SAFETY: room for a number.
    check(unsafe { libc::ioctl(other.as_raw_fd(), libc::FIONREAD, &raw mut count) }).unwrap();
    assert_eq!(count, 5, "the first one's");
}
