//! What the two ends of a TCP connection over the loopback interface see of each other: beginnings, ends, resets, full buffers (tcp(7), connect(2)).
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use abi_tests::inet::{self, connect, listener, pair, set};
use abi_tests::{cases, check};
use libc::{
    EADDRNOTAVAIL, EAGAIN, EALREADY, ECONNABORTED, ECONNREFUSED, ECONNRESET, EINPROGRESS, EISCONN, ENOTCONN,
    EPIPE, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP, MSG_DONTWAIT, MSG_NOSIGNAL, POLLERR, POLLHUP, POLLIN,
    POLLOUT, POLLRDHUP, c_int, socklen_t,
};

cases! {
    told_later, refused_later, full_backlog, full_backlog_waits, closed_with_others_waiting, reset_before_accept,
    ended_by_both, bytes_before_the_end, bytes_before_the_reset, reset_after_the_end, read_no_more, itself, one_of_each,
    given_up, buffers_hold, both_ways_at_once, two_readers, duplicates, close_while_used, edges,
}

const ALL: i16 = POLLIN | POLLOUT | POLLRDHUP;

/// socket(2) of TCP over IPv4.
fn socket(flags: c_int) -> TcpStream {
    // SAFETY: no memory is passed.
    let fd = check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC | flags, 0) });
    // SAFETY: a descriptor of its own.
    unsafe { TcpStream::from_raw_fd(fd.unwrap()) }
}

/// Binds it to an address that others may have had.
fn bind(socket: &TcpStream, address: SocketAddr) -> SocketAddr {
    set(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1).unwrap();
    inet::bind(socket, address).unwrap();
    socket.local_addr().unwrap()
}

/// Closes it with a reset.
fn reset(socket: TcpStream) {
    set(&socket, libc::SOL_SOCKET, libc::SO_LINGER, libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
}

/// `SO_ERROR`.
fn error(socket: &TcpStream) -> i32 {
    socket.take_error().unwrap().map_or(0, |error| error.raw_os_error().unwrap())
}

fn number(socket: &TcpStream, request: libc::Ioctl) -> c_int {
    let mut number = 0;
    // SAFETY: room for a number.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut number) }).unwrap();
    number
}

fn poll(socket: &impl AsRawFd, events: i16, timeout_ms: c_int) -> i16 {
    let mut entry = libc::pollfd { fd: socket.as_raw_fd(), events, revents: 0 };
    // SAFETY: one entry.
    check(unsafe { libc::poll(&raw mut entry, 1, timeout_ms) }).unwrap();
    entry.revents
}

fn receive(stream: &TcpStream, most: usize) -> Result<Vec<u8>, i32> {
    let mut bytes = vec![0; most];
    // SAFETY: a slice.
    let count =
        check(unsafe { libc::recv(stream.as_raw_fd(), bytes.as_mut_ptr().cast(), most, MSG_DONTWAIT) })?;
    bytes.truncate(count as usize);
    Ok(bytes)
}

fn send(stream: &TcpStream, bytes: &[u8]) -> Result<isize, i32> {
    let flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    // SAFETY: a slice.
    check(unsafe { libc::send(stream.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) })
}

fn name_of(stream: &TcpStream) -> Result<SocketAddr, i32> {
    stream.peer_addr().map_err(|error| error.raw_os_error().unwrap())
}

// covers: connect
fn told_later() {
    let (_listener, address) = listener();
    let client = socket(libc::SOCK_NONBLOCK);
    assert_eq!(connect(&client, address), Err(EINPROGRESS), "however soon it is there");
    assert_eq!(poll(&client, POLLOUT, 1000), POLLOUT);
    assert_eq!(error(&client), 0);
    assert_eq!(connect(&client, address), Ok(0), "said once");
    assert_eq!(connect(&client, address), Err(EISCONN));
}

fn refused_later() {
    let (listener, address) = listener();
    drop(listener);
    let client = socket(libc::SOCK_NONBLOCK);
    for _ in 0..2 {
        assert_eq!(connect(&client, address), Err(EINPROGRESS));
        assert_eq!(poll(&client, ALL, 1000), ALL | POLLERR | POLLHUP);
        assert_eq!(connect(&client, address), Err(ECONNREFUSED));
        assert_eq!(poll(&client, ALL, 0), POLLOUT | POLLHUP, "as in the beginning");
    }
    assert_eq!(connect(&client, address), Err(EINPROGRESS));
    assert_eq!(poll(&client, POLLERR, 1000), POLLERR | POLLHUP);
    assert_eq!(error(&client), ECONNREFUSED);
    assert_eq!(connect(&client, address), Err(ECONNABORTED), "why was told already");
}

/// A listener whose queue is full of `full`, as small as it can be.
fn full_listener() -> (TcpListener, SocketAddr, TcpStream) {
    let (listener, address) = listener();
    // SAFETY: no memory is passed.
    check(unsafe { libc::listen(listener.as_raw_fd(), 0) }).unwrap();
    let full = TcpStream::connect(address).unwrap();
    (listener, address, full)
}

// covers: listen
fn full_backlog() {
    let (listener, address, _full) = full_listener();
    let client = socket(libc::SOCK_NONBLOCK);
    assert_eq!(connect(&client, address), Err(EINPROGRESS));
    assert_eq!(poll(&client, ALL, 20), 0);
    assert_eq!(connect(&client, address), Err(EALREADY));
    assert_eq!((send(&client, b"x"), receive(&client, 1)), (Err(EAGAIN), Err(EAGAIN)));
    assert_eq!(name_of(&client), Err(ENOTCONN));
    listener.accept().unwrap();
    assert_eq!(poll(&client, POLLOUT, 10_000), POLLOUT, "there is room now");
    assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
}

fn full_backlog_waits() {
    let (listener, address, _full) = full_listener();
    let waiting = thread::spawn(move || TcpStream::connect(address).unwrap().local_addr().unwrap());
    thread::sleep(Duration::from_millis(20));
    listener.accept().unwrap();
    let (_late, peer) = listener.accept().unwrap();
    assert_eq!(waiting.join().unwrap(), peer);
    let given_up = socket(libc::SOCK_NONBLOCK);
    let _again = TcpStream::connect(address).unwrap();
    assert_eq!(connect(&given_up, address), Err(EINPROGRESS));
    drop(given_up);
    listener.accept().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(listener.accept().unwrap_err().raw_os_error(), Some(EAGAIN), "who gave up does not come");
}

fn closed_with_others_waiting() {
    let (listener, address, full) = full_listener();
    let client = socket(libc::SOCK_NONBLOCK);
    assert_eq!(connect(&client, address), Err(EINPROGRESS));
    drop(listener);
    assert_eq!(poll(&full, ALL, 1000), ALL | POLLERR | POLLHUP);
    assert_eq!(error(&full), ECONNRESET);
    assert_eq!(poll(&client, POLLOUT, 10_000), POLLOUT | POLLERR | POLLHUP);
    assert_eq!(error(&client), ECONNREFUSED);
}

// covers: accept4
fn reset_before_accept() {
    let (listener, address) = listener();
    reset(TcpStream::connect(address).unwrap());
    let (server, _) = listener.accept().unwrap();
    assert_eq!(poll(&server, ALL, 1000), ALL | POLLERR | POLLHUP);
    assert_eq!(name_of(&server), Err(ENOTCONN));
    assert_eq!((receive(&server, 1), receive(&server, 1)), (Err(ECONNRESET), Ok(vec![])));
    assert_eq!(send(&server, b"x"), Err(EPIPE));
}

// covers: shutdown
fn ended_by_both() {
    let (client, server) = pair();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(poll(&server, POLLRDHUP, 1000), POLLRDHUP);
    assert_eq!(poll(&client, ALL, 0), POLLOUT);
    assert!(name_of(&client).is_ok());
    server.shutdown(Shutdown::Write).unwrap();
    for end in [&client, &server] {
        assert_eq!(poll(end, POLLHUP, 1000), POLLHUP);
        assert_eq!(poll(end, ALL, 0), ALL | POLLHUP);
        assert_eq!(name_of(end), Err(ENOTCONN));
        assert_eq!(end.shutdown(Shutdown::Read).unwrap_err().raw_os_error(), Some(ENOTCONN));
        assert_eq!((receive(end, 1), send(end, b"x")), (Ok(vec![]), Err(EPIPE)));
    }
}

fn bytes_before_the_end() {
    let (mut client, server) = pair();
    client.write_all(b"last").unwrap();
    drop(client);
    assert_eq!(poll(&server, POLLRDHUP, 1000), POLLRDHUP);
    assert_eq!(poll(&server, ALL, 0), ALL);
    assert_eq!(send(&server, b"x"), Ok(1), "nobody has said that he does not read");
    assert_eq!(poll(&server, POLLERR, 1000), POLLERR | POLLHUP);
    assert_eq!(receive(&server, 10), Ok(b"last".to_vec()));
    assert_eq!((receive(&server, 10), receive(&server, 10)), (Ok(vec![]), Ok(vec![])));
    assert_eq!((error(&server), error(&server)), (EPIPE, 0));
    assert_eq!(send(&server, b"x"), Err(EPIPE));
}

fn bytes_before_the_reset() {
    for at_once in [false, true] {
        let (mut client, mut server) = pair();
        client.write_all(b"last").unwrap();
        server.write_all(b"unread").unwrap();
        assert_eq!(poll(&client, POLLIN, 1000), POLLIN);
        if at_once {
            reset(client)
        } else {
            drop(client)
        }
        assert_eq!(poll(&server, POLLHUP, 1000), POLLERR | POLLHUP);
        assert_eq!(poll(&server, ALL, 0), ALL | POLLERR | POLLHUP);
        assert_eq!(receive(&server, 10), Ok(b"last".to_vec()));
        assert_eq!((receive(&server, 10), receive(&server, 10)), (Err(ECONNRESET), Ok(vec![])));
        assert_eq!(send(&server, b"x"), Err(EPIPE));
    }
}

fn reset_after_the_end() {
    let (client, server) = pair();
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(poll(&client, POLLRDHUP, 1000), POLLRDHUP);
    reset(server);
    assert_eq!(poll(&client, POLLERR, 1000), POLLERR | POLLHUP);
    assert_eq!((receive(&client, 1), receive(&client, 1)), (Ok(vec![]), Ok(vec![])));
    assert_eq!(send(&client, b"x"), Err(EPIPE));
    assert_eq!(error(&client), 0, "told");
}

fn read_no_more() {
    let (mut client, server) = pair();
    server.shutdown(Shutdown::Read).unwrap();
    assert_eq!((poll(&server, ALL, 0), poll(&client, ALL, 0)), (ALL, POLLOUT));
    assert_eq!(receive(&server, 10), Ok(vec![]));
    client.write_all(b"abc").unwrap();
    thread::sleep(Duration::from_millis(5));
    assert_eq!(receive(&server, 10), Ok(b"abc".to_vec()), "what comes all the same");
    assert_eq!(receive(&server, 10), Ok(vec![]));
}

fn itself() {
    let both = socket(0);
    let here = bind(&both, (Ipv4Addr::LOCALHOST, 0).into());
    assert_eq!(connect(&both, here), Ok(0));
    assert_eq!(name_of(&both), Ok(here));
    assert_eq!(send(&both, b"hello"), Ok(5));
    assert_eq!(poll(&both, POLLIN, 1000), POLLIN);
    assert_eq!(receive(&both, 10), Ok(b"hello".to_vec()));
    assert_eq!(poll(&both, ALL, 0), POLLOUT);
    both.shutdown(Shutdown::Write).unwrap();
    assert_eq!(poll(&both, POLLHUP, 1000), POLLHUP);
    assert_eq!((receive(&both, 10), name_of(&both)), (Ok(vec![]), Err(ENOTCONN)));
}

fn one_of_each() {
    let (listener, address) = listener();
    let (one, other) = (socket(0), socket(0));
    let from = bind(&one, (Ipv4Addr::LOCALHOST, 0).into());
    bind(&other, from);
    assert_eq!(connect(&one, address), Ok(0));
    assert_eq!(connect(&other, address), Err(EADDRNOTAVAIL));
    assert_eq!(listener.accept().unwrap().1, from);
}

fn given_up() {
    let (client, server) = pair();
    let nothing = libc::sockaddr { sa_family: libc::AF_UNSPEC as u16, sa_data: [0; 14] };
    let length = size_of_val(&nothing) as socklen_t;
    // SAFETY: an address of this size.
    assert_eq!(unsafe { libc::connect(client.as_raw_fd(), &raw const nothing, length) }, 0);
    assert_eq!(name_of(&client), Err(ENOTCONN));
    assert_eq!(poll(&server, POLLERR, 1000), POLLERR | POLLHUP);
    assert_eq!(receive(&server, 1), Err(ECONNRESET));
    let (listener, address) = listener();
    assert_eq!(connect(&client, address), Ok(0), "it may go on elsewhere");
    listener.accept().unwrap();
}

// covers: ioctl
fn buffers_hold() {
    let (mut client, server) = pair();
    client.write_all(&[7; 1000]).unwrap();
    assert_eq!(poll(&server, POLLIN, 1000), POLLIN);
    assert_eq!((number(&client, libc::TIOCOUTQ), number(&server, libc::FIONREAD)), (0, 1000));
    client.set_nonblocking(true).unwrap();
    let mut written = 1000;
    while let Ok(count) = client.write(&[7; 65_536]) {
        written += count;
    }
    assert!(number(&client, libc::TIOCOUTQ) > 0, "not all of it has come");
    let mut left = written;
    while left > 0 {
        assert_eq!(poll(&server, POLLIN, 1000), POLLIN);
        let bytes = receive(&server, 100_000).unwrap();
        assert!(bytes.iter().all(|&byte| byte == 7));
        left -= bytes.len();
    }
    assert_eq!(poll(&client, POLLOUT, 1000), POLLOUT);
    assert_eq!(number(&server, libc::FIONREAD), 0);
}

fn both_ways_at_once() {
    const LENGTH: usize = 2_000_000;
    let byte = |index: usize| (index * 31 + index / 4099) as u8;
    let (client, server) = pair();
    let ends = [Arc::new(client), Arc::new(server)];
    let writers: Vec<_> = ends
        .iter()
        .map(|end| {
            let end = Arc::clone(end);
            thread::spawn(move || {
                (&*end).write_all(&(0..LENGTH).map(byte).collect::<Vec<u8>>()).unwrap();
                end.shutdown(Shutdown::Write).unwrap();
            })
        })
        .collect();
    let readers: Vec<_> = ends
        .iter()
        .map(|end| {
            let end = Arc::clone(end);
            thread::spawn(move || {
                let mut bytes = Vec::new();
                (&*end).read_to_end(&mut bytes).unwrap();
                assert_eq!(bytes.len(), LENGTH);
                assert!(bytes.iter().enumerate().all(|(index, &found)| found == byte(index)));
            })
        })
        .collect();
    writers.into_iter().chain(readers).for_each(|thread| thread.join().unwrap());
}

fn two_readers() {
    let (mut client, server) = pair();
    let (server, total) = (Arc::new(server), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (server, total) = (Arc::clone(&server), Arc::clone(&total));
            thread::spawn(move || {
                let mut bytes = [0; 1000];
                loop {
                    match (&*server).read(&mut bytes).unwrap() {
                        0 => return,
                        count => total.fetch_add(count, Ordering::Relaxed),
                    };
                }
            })
        })
        .collect();
    for _ in 0..500 {
        client.write_all(&[1; 777]).unwrap();
    }
    drop(client);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    assert_eq!(total.load(Ordering::Relaxed), 500 * 777);
}

// covers: dup
fn duplicates() {
    let (client, mut server) = pair();
    let mut other = client.try_clone().unwrap();
    drop(client);
    other.write_all(b"still here").unwrap();
    let mut bytes = [0; 100];
    assert_eq!(server.read(&mut bytes).unwrap(), 10);
    other.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut bytes).unwrap(), 0);
    server.write_all(b"so am I").unwrap();
    drop(server);
    assert_eq!(other.read(&mut bytes).unwrap(), 7);
    assert_eq!(other.read(&mut bytes).unwrap(), 0);
}

fn close_while_used() {
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        for number in 0..200_usize {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write(&[7; 100]);
            let mut byte = [0];
            while number % 2 == 0 && stream.read(&mut byte).is_ok_and(|count| count > 0) {}
        }
    });
    for number in 0..200_usize {
        let mut stream = TcpStream::connect(address).unwrap();
        let _ = stream.write(b"abc");
        let mut bytes = [0; 50];
        if number % 3 == 0 {
            // Some of it stays unread.
            let _ = stream.read(&mut bytes);
        } else if number % 3 == 1 {
            while stream.read(&mut bytes).is_ok_and(|count| count > 0) && number % 2 == 1 {}
        }
    }
    server.join().unwrap();
}

fn edges() {
    let (mut client, server) = pair();
    let epoll = abi_tests::epoll::Epoll::new();
    let server = abi_tests::Fd(std::os::fd::IntoRawFd::into_raw_fd(server));
    epoll.add(&server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    assert_eq!(epoll.events(&server, 0), EPOLLOUT);
    assert_eq!(epoll.events(&server, 0), 0);
    for _ in 0..2 {
        client.write_all(b"x").unwrap();
        assert_eq!(epoll.events(&server, 1000), EPOLLIN | EPOLLOUT, "more is news");
        assert_eq!(epoll.events(&server, 0), 0);
    }
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(epoll.events(&server, 1000), EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    assert_eq!(epoll.events(&server, 0), 0);
}
