//! TCP over the loopback interface (tcp(7), ip(7)).
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use abi_tests::inet::{bind, connect, failed, get, listener, pair, set};
use abi_tests::{call, cases, check};
use libc::{
    EADDRINUSE, EADDRNOTAVAIL, EAGAIN, ECONNREFUSED, ECONNRESET, EINPROGRESS, EINVAL, EISCONN, ENOPROTOOPT,
    ENOTCONN, EOPNOTSUPP, EPIPE, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, c_int,
};

cases! {
    both_ways, addresses, nobody_listens, a_port_is_one_sockets, any_port, unconnected, half_closed, reset_by_unread_bytes,
    reset_by_linger, written_after_the_end, peeked, wait_for_all, nonblocking, connect_without_waiting, refused_without_waiting,
    accept_waits, accepted_before_asked, backlog_of_many, both_families, only_one_family, bulk, many_at_once, timeouts, events,
    options, wrong_kinds, shut_while_waiting, closed_listener, connect_to_anywhere, connected_once_more
}

fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 100];
    let count = stream.read(&mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// socket(2) of TCP over IPv4.
fn socket() -> TcpStream {
    // SAFETY: no memory is passed.
    let fd =
        check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) }).unwrap();
    // SAFETY: a descriptor of its own.
    unsafe { TcpStream::from_raw_fd(fd) }
}

fn listen(socket: &impl AsRawFd, backlog: c_int) -> Result<c_int, i32> {
    // SAFETY: no memory is passed.
    check(unsafe { libc::listen(socket.as_raw_fd(), backlog) })
}

fn poll(socket: &impl AsRawFd, events: i16, timeout_ms: c_int) -> i16 {
    let mut entry = libc::pollfd { fd: socket.as_raw_fd(), events, revents: 0 };
    // SAFETY: one entry.
    check(unsafe { libc::poll(&raw mut entry, 1, timeout_ms) }).unwrap();
    entry.revents
}

fn receive(stream: &TcpStream, most: usize, flags: c_int) -> Result<Vec<u8>, i32> {
    let mut bytes = vec![0; most];
    // SAFETY: a slice.
    let count = check(unsafe { libc::recv(stream.as_raw_fd(), bytes.as_mut_ptr().cast(), most, flags) })?;
    bytes.truncate(count as usize);
    Ok(bytes)
}

fn send(stream: &TcpStream, bytes: &[u8], flags: c_int) -> Result<isize, i32> {
    // SAFETY: a slice.
    check(unsafe { libc::send(stream.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) })
}

// covers: socket, bind, listen, accept4, connect, recvfrom, sendto
fn both_ways() {
    let (mut client, mut server) = pair();
    client.write_all(b"question").unwrap();
    assert_eq!(read(&mut server).unwrap(), b"question");
    server.write_all(b"answer").unwrap();
    drop(server);
    assert_eq!(read(&mut client).unwrap(), b"answer");
    assert_eq!(read(&mut client).unwrap(), b"");
}

// covers: getsockname, getpeername
fn addresses() {
    let (listener, address) = listener();
    let client = TcpStream::connect(address).unwrap();
    let (server, peer) = listener.accept().unwrap();
    assert_eq!(client.peer_addr().unwrap(), address);
    assert_eq!(client.local_addr().unwrap(), peer);
    assert_eq!(server.local_addr().unwrap(), address);
    assert_eq!(server.peer_addr().unwrap(), peer);
    assert!((32_768..=60_999).contains(&peer.port()), "{peer}");
    assert_eq!(socket().local_addr().unwrap(), "0.0.0.0:0".parse().unwrap());
}

fn nobody_listens() {
    let (listener, address) = listener();
    drop(listener);
    assert_eq!(failed(TcpStream::connect(address)), ECONNREFUSED);
    let socket = socket();
    assert_eq!(connect(&socket, address), Err(ECONNREFUSED));
    assert_eq!(connect(&socket, address), Err(ECONNREFUSED), "it may be tried again");
}

fn a_port_is_one_sockets() {
    let (_listener, address) = listener();
    let (one, other) = (socket(), socket());
    assert_eq!(bind(&one, address), Err(EADDRINUSE));
    assert_eq!(bind(&one, (Ipv4Addr::UNSPECIFIED, address.port()).into()), Err(EADDRINUSE));
    assert_eq!(bind(&one, (Ipv4Addr::new(127, 0, 0, 2), address.port()).into()), Ok(0));
    assert_eq!(bind(&one, (Ipv4Addr::LOCALHOST, 0).into()), Err(EINVAL), "it has one");
    assert_eq!(bind(&other, (Ipv4Addr::new(192, 0, 2, 1), 0).into()), Err(EADDRNOTAVAIL));
    let mut shared = Vec::new();
    for _ in 0..2 {
        let socket = socket();
        set(&socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1).unwrap();
        let port = shared.first().map_or(0, |first: &TcpStream| first.local_addr().unwrap().port());
        bind(&socket, (Ipv4Addr::LOCALHOST, port).into()).unwrap();
        listen(&socket, 1).unwrap();
        shared.push(socket);
    }
}

fn any_port() {
    let listeners: Vec<_> = (0..50).map(|_| listener()).collect();
    let ports: std::collections::BTreeSet<u16> =
        listeners.iter().map(|(_, address)| address.port()).collect();
    assert_eq!(ports.len(), 50);
}

fn unconnected() {
    let socket = socket();
    assert_eq!(poll(&socket, POLLIN | POLLOUT, 0), POLLOUT | POLLHUP);
    assert_eq!(failed(socket.peer_addr()), ENOTCONN);
    assert_eq!(receive(&socket, 1, 0), Err(ENOTCONN));
    assert_eq!(send(&socket, b"x", libc::MSG_NOSIGNAL), Err(EPIPE));
    assert_eq!(failed(socket.shutdown(Shutdown::Both)), ENOTCONN);
    // SAFETY: no address is asked for.
    let accepted = unsafe { libc::accept(socket.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut()) };
    assert_eq!(check(accepted), Err(EINVAL));
}

// covers: shutdown
fn half_closed() {
    let (mut client, mut server) = pair();
    client.write_all(b"last words").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut all = Vec::new();
    server.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"last words");
    assert_eq!(send(&client, b"x", libc::MSG_NOSIGNAL), Err(EPIPE));
    server.write_all(b"still heard").unwrap();
    assert_eq!(read(&mut client).unwrap(), b"still heard");
    drop(server);
    assert_eq!(read(&mut client).unwrap(), b"");
}

fn reset_by_unread_bytes() {
    let (mut client, server) = pair();
    client.write_all(b"nobody reads this").unwrap();
    assert_eq!(poll(&server, POLLIN, 1000), POLLIN);
    drop(server);
    assert_eq!(poll(&client, POLLIN | POLLOUT, 1000), POLLIN | POLLOUT | POLLERR | POLLHUP);
    assert_eq!(failed(read(&mut client)), ECONNRESET);
    assert_eq!(read(&mut client).unwrap(), b"", "told once");
    assert_eq!(send(&client, b"x", libc::MSG_NOSIGNAL), Err(EPIPE));
}

fn reset_by_linger() {
    let (mut client, server) = pair();
    set(&server, libc::SOL_SOCKET, libc::SO_LINGER, libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    drop(server);
    assert_eq!(failed(read(&mut client)), ECONNRESET);
}

fn written_after_the_end() {
    let (client, server) = pair();
    drop(server);
    assert_eq!(poll(&client, POLLRDHUP, 1000), POLLRDHUP);
    assert_eq!(send(&client, b"x", libc::MSG_NOSIGNAL), Ok(1), "the other side could still listen");
    assert_eq!(poll(&client, POLLERR | POLLHUP, 1000) & POLLHUP, POLLHUP, "it does not");
    assert_eq!(send(&client, b"x", libc::MSG_NOSIGNAL), Err(EPIPE));
}

fn peeked() {
    let (mut client, server) = pair();
    client.write_all(b"seen").unwrap();
    assert_eq!(receive(&server, 2, libc::MSG_PEEK).unwrap(), b"se");
    assert_eq!(receive(&server, 100, libc::MSG_PEEK).unwrap(), b"seen");
    assert_eq!(receive(&server, 100, 0).unwrap(), b"seen");
    assert_eq!(receive(&server, 100, libc::MSG_DONTWAIT), Err(EAGAIN));
}

fn wait_for_all() {
    let (mut client, server) = pair();
    let reader = thread::spawn(move || receive(&server, 8, libc::MSG_WAITALL));
    for piece in [&b"abc"[..], b"de", b"fghij"] {
        client.write_all(piece).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(reader.join().unwrap().unwrap(), b"abcdefgh");
}

fn nonblocking() {
    let (mut client, server) = pair();
    client.set_nonblocking(true).unwrap();
    assert_eq!(failed(read(&mut client)), EAGAIN);
    let mut written = 0;
    let error = loop {
        match client.write(&[7; 65_536]) {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert!(written >= 65_536, "{written}");
    assert_eq!(poll(&client, POLLOUT, 0), 0);
    let mut got = 0;
    while got < written {
        got += receive(&server, 100_000, 0).unwrap().len();
    }
    assert_eq!(poll(&client, POLLOUT, 1000), POLLOUT);
}

fn connect_without_waiting() {
    let (listener, address) = listener();
    let client = socket();
    client.set_nonblocking(true).unwrap();
    let answer = connect(&client, address);
    assert!(matches!(answer, Ok(0) | Err(EINPROGRESS)), "{answer:?}");
    assert_eq!(poll(&client, POLLOUT, 1000), POLLOUT);
    assert_eq!(get(&client, libc::SOL_SOCKET, libc::SO_ERROR), Ok(0));
    let again = connect(&client, address);
    assert!(matches!(again, Ok(0) | Err(EISCONN)), "{again:?}");
    listener.accept().unwrap();
}

fn refused_without_waiting() {
    let (listener, address) = listener();
    drop(listener);
    let client = socket();
    client.set_nonblocking(true).unwrap();
    match connect(&client, address) {
        Err(EINPROGRESS) => {
            assert_eq!(poll(&client, POLLOUT, 1000), POLLOUT | POLLERR | POLLHUP);
            assert_eq!(get(&client, libc::SOL_SOCKET, libc::SO_ERROR), Ok(ECONNREFUSED));
            assert_eq!(get(&client, libc::SOL_SOCKET, libc::SO_ERROR), Ok(0), "told once");
        }
        answer => assert_eq!(answer, Err(ECONNREFUSED)),
    }
}

fn accept_waits() {
    let (listener, address) = listener();
    listener.set_nonblocking(true).unwrap();
    assert_eq!(failed(listener.accept()), EAGAIN);
    listener.set_nonblocking(false).unwrap();
    let server = thread::spawn(move || listener.accept().unwrap().1);
    thread::sleep(Duration::from_millis(10));
    let client = TcpStream::connect(address).unwrap();
    assert_eq!(server.join().unwrap(), client.local_addr().unwrap());
}

fn accepted_before_asked() {
    let (listener, address) = listener();
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"early").unwrap();
    drop(client);
    assert_eq!(poll(&listener, POLLIN, 1000), POLLIN);
    let mut server = listener.accept().unwrap().0;
    assert_eq!(read(&mut server).unwrap(), b"early");
    assert_eq!(read(&mut server).unwrap(), b"");
}

fn backlog_of_many() {
    let (listener, address) = listener();
    let clients: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (index, mut client) in clients.iter().enumerate() {
        client.write_all(&[index as u8]).unwrap();
    }
    for index in 0..100 {
        let mut server = listener.accept().unwrap().0;
        assert_eq!(read(&mut server).unwrap(), [index], "in the order they came");
    }
}

fn both_families() {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let four = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let peer = listener.accept().unwrap().1;
    let SocketAddr::V6(mapped) = peer else { panic!("{peer}") };
    assert_eq!(mapped.ip().to_ipv4_mapped(), Some(Ipv4Addr::LOCALHOST));
    assert_eq!(mapped.port(), four.local_addr().unwrap().port());
    let six = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
    assert_eq!(listener.accept().unwrap().1, six.local_addr().unwrap());
}

fn only_one_family() {
    // SAFETY: no memory is passed.
    let fd = check(unsafe { libc::socket(libc::AF_INET6, libc::SOCK_STREAM, 0) }).unwrap();
    // SAFETY: a descriptor of its own.
    let listener = unsafe { TcpListener::from_raw_fd(fd) };
    assert_eq!(get(&listener, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY), Ok(0));
    set(&listener, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1).unwrap();
    listen(&listener, 5).unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(failed(TcpStream::connect((Ipv4Addr::LOCALHOST, port))), ECONNREFUSED);
    TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
}

fn bulk() {
    let (mut client, mut server) = pair();
    let byte = |index: usize| (index * 31 + index / 4099) as u8;
    const LENGTH: usize = 3_000_000;
    let writer = thread::spawn(move || {
        let bytes: Vec<u8> = (0..LENGTH).map(byte).collect();
        client.write_all(&bytes).unwrap();
    });
    let (mut at, mut bytes) = (0, vec![0; 50_000]);
    loop {
        let count = server.read(&mut bytes).unwrap();
        if count == 0 {
            break;
        }
        assert!(
            bytes[..count].iter().enumerate().all(|(index, &found)| found == byte(at + index)),
            "near {at}"
        );
        at += count;
    }
    assert_eq!(at, LENGTH);
    writer.join().unwrap();
}

fn many_at_once() {
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        let handlers: Vec<_> = (0..20)
            .map(|_| {
                let mut stream = listener.accept().unwrap().0;
                thread::spawn(move || {
                    let mut byte = [0];
                    while stream.read(&mut byte).unwrap() > 0 {
                        stream.write_all(&[byte[0] + 1]).unwrap();
                    }
                })
            })
            .collect();
        handlers.into_iter().for_each(|handler| handler.join().unwrap());
    });
    let clients: Vec<_> = (0..20)
        .map(|number: u8| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                for round in 0..50 {
                    stream.write_all(&[number + round]).unwrap();
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    assert_eq!(byte[0], number + round + 1);
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    server.join().unwrap();
}

fn timeouts() {
    let (mut client, _server) = pair();
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let start = std::time::Instant::now();
    assert_eq!(failed(read(&mut client)), EAGAIN);
    assert!(start.elapsed() >= Duration::from_millis(20));
}

// covers: poll
fn events() {
    let (listener, address) = listener();
    assert_eq!(poll(&listener, POLLIN | POLLOUT, 0), 0);
    let mut client = TcpStream::connect(address).unwrap();
    assert_eq!(poll(&listener, POLLIN | POLLOUT, 1000), POLLIN);
    let server = listener.accept().unwrap().0;
    let all = POLLIN | POLLOUT | POLLRDHUP;
    assert_eq!(poll(&server, all, 0), POLLOUT);
    client.write_all(b"x").unwrap();
    assert_eq!(poll(&server, POLLIN, 1000), POLLIN);
    receive(&server, 1, 0).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(poll(&server, POLLRDHUP, 1000), POLLRDHUP);
    assert_eq!(poll(&server, all, 0), POLLIN | POLLOUT | POLLRDHUP);
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(poll(&server, POLLHUP, 1000), POLLHUP);
    assert_eq!(poll(&server, all, 0), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

// covers: setsockopt, getsockopt
fn options() {
    let (client, server) = pair();
    assert_eq!(get(&client, libc::IPPROTO_TCP, libc::TCP_NODELAY), Ok(0));
    client.set_nodelay(true).unwrap();
    assert!(client.nodelay().unwrap());
    assert_eq!(get(&client, libc::SOL_SOCKET, libc::SO_TYPE), Ok(libc::SOCK_STREAM));
    assert_eq!(get(&client, libc::SOL_SOCKET, libc::SO_DOMAIN), Ok(libc::AF_INET));
    assert_eq!(get(&client, libc::SOL_SOCKET, libc::SO_PROTOCOL), Ok(libc::IPPROTO_TCP));
    assert_eq!(get(&client, libc::SOL_SOCKET, libc::SO_ACCEPTCONN), Ok(0));
    assert_eq!(get(&client, libc::SOL_SOCKET, 9999), Err(ENOPROTOOPT));
    assert_eq!(get(&client, libc::IPPROTO_TCP, 9999), Err(ENOPROTOOPT));
    assert_eq!(get(&client, libc::IPPROTO_IP, libc::IP_TTL), Ok(64));
    set(&client, libc::IPPROTO_IP, libc::IP_TTL, 3).unwrap();
    assert_eq!(client.ttl().unwrap(), 3);
    assert_eq!(set(&client, libc::IPPROTO_IP, libc::IP_TTL, 256), Err(EINVAL));
    set(&client, libc::IPPROTO_IP, libc::IP_TTL, -1).unwrap();
    assert_eq!(client.ttl().unwrap(), 64);
    // What routers say of congestion is TCP's own.
    set(&client, libc::IPPROTO_IP, libc::IP_TOS, 0xb9).unwrap();
    assert_eq!(get(&client, libc::IPPROTO_IP, libc::IP_TOS), Ok(0xb8));
    assert_eq!(set(&client, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, 1), Err(ENOPROTOOPT));
    let v6 = TcpListener::bind("[::1]:0").unwrap();
    set(&v6, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, 0xb9).unwrap();
    assert_eq!(get(&v6, libc::IPPROTO_IPV6, libc::IPV6_TCLASS), Ok(0xb8));
    assert_eq!(set(&v6, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, 256), Err(EINVAL));
    for quick in [0, 1] {
        set(&client, libc::IPPROTO_TCP, libc::TCP_QUICKACK, quick).unwrap();
        assert_eq!(get(&client, libc::IPPROTO_TCP, libc::TCP_QUICKACK), Ok(quick));
    }
    set(&server, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1).unwrap();
    set(&server, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 10).unwrap();
    assert_eq!(get(&server, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE), Ok(10));
    assert_eq!(set(&server, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 0), Err(EINVAL));
    for (option, default, most) in [(libc::TCP_KEEPINTVL, 75, 32_767), (libc::TCP_KEEPCNT, 9, 127)] {
        assert_eq!(get(&server, libc::IPPROTO_TCP, option), Ok(default));
        set(&server, libc::IPPROTO_TCP, option, most).unwrap();
        assert_eq!(get(&server, libc::IPPROTO_TCP, option), Ok(most));
        assert_eq!(set(&server, libc::IPPROTO_TCP, option, most + 1), Err(EINVAL));
        assert_eq!(set(&server, libc::IPPROTO_TCP, option, 0), Err(EINVAL));
    }
}

// covers: socket, socketpair
fn wrong_kinds() {
    let socket = |domain: c_int, kind: c_int, protocol: c_int| {
        call(libc::SYS_socket, [domain as usize, kind as usize, protocol as usize, 0, 0, 0]).map(|fd| {
            // SAFETY: a descriptor of its own.
            drop(unsafe { TcpStream::from_raw_fd(fd as c_int) });
        })
    };
    assert_eq!(socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP), Ok(()));
    assert_eq!(socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_UDP), Err(libc::EPROTONOSUPPORT));
    assert_eq!(socket(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDP), Ok(()));
    assert_eq!(socket(libc::AF_INET6, libc::SOCK_STREAM, 0), Ok(()));
    assert_eq!(socket(libc::AF_INET, libc::SOCK_SEQPACKET, 0), Err(libc::ESOCKTNOSUPPORT));
    let fds = [0i32; 2];
    let pair = [libc::AF_INET as usize, libc::SOCK_STREAM as usize, 0, fds.as_ptr() as usize, 0, 0];
    assert_eq!(call(libc::SYS_socketpair, pair), Err(EOPNOTSUPP));
}

fn shut_while_waiting() {
    let (client, _server) = pair();
    let client = Arc::new(client);
    let waiting = Arc::clone(&client);
    let reader = thread::spawn(move || receive(&waiting, 10, 0));
    thread::sleep(Duration::from_millis(20));
    client.shutdown(Shutdown::Both).unwrap();
    assert_eq!(reader.join().unwrap(), Ok(Vec::new()));
}

fn closed_listener() {
    let (listener, address) = listener();
    let mut client = TcpStream::connect(address).unwrap();
    drop(listener);
    assert_eq!(failed(read(&mut client)), ECONNRESET);
    assert_eq!(failed(TcpStream::connect(address)), ECONNREFUSED);
}

fn connect_to_anywhere() {
    let (listener, address) = listener();
    let client = TcpStream::connect((Ipv4Addr::UNSPECIFIED, address.port())).unwrap();
    assert_eq!(client.peer_addr().unwrap(), address, "that is here");
    listener.accept().unwrap();
}

fn connected_once_more() {
    let (client, _server) = pair();
    let peer = client.peer_addr().unwrap();
    assert_eq!(connect(&client, peer), Err(EISCONN));
    let (_one, other) = listener();
    assert_eq!(connect(&client, other), Err(EISCONN));
    assert_eq!(listen(&client, 1), Err(EINVAL));
}
