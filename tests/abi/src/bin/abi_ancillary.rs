//! What goes and comes beside datagrams, and the options that are about that (ip(7), ipv6(7), udp(7)).
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::IntoRawFd as _;
use std::time::Duration;

use abi_tests::inet::{get, set};
use abi_tests::sockets::{Control, Received, receive_message, send_message};
use abi_tests::{Fd, cases, check};
use libc::{
    EACCES, EADDRNOTAVAIL, EINVAL, ENETUNREACH, ENOPROTOOPT, ENOTCONN, IP_MTU, IP_MTU_DISCOVER, IP_PKTINFO,
    IP_RECVTOS, IP_RECVTTL, IP_TOS, IP_TTL, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, IPV6_HOPLIMIT, IPV6_MTU,
    IPV6_PKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVPKTINFO, IPV6_RECVTCLASS, IPV6_TCLASS, IPV6_UNICAST_HOPS,
    IPV6_V6ONLY, SO_REUSEADDR, SOL_SOCKET, UDP_SEGMENT, c_int, in_pktinfo, in6_pktinfo,
};

cases! {
    destinations_are_told, destinations_of_the_sixth_kind, sources_are_chosen, limits_and_marks, limits_and_marks_of_the_sixth_kind,
    controls_that_make_no_sense, cut_into_pieces, everybody, how_long_packets_may_be, numbers_that_options_take, too_late_to_choose,
    on_which_link
}

fn bound(ip: impl Into<IpAddr>) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((ip.into(), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// The socket's own descriptor, for the calls about messages.
fn as_fd(socket: &UdpSocket) -> Fd {
    Fd(socket.try_clone().unwrap().into_raw_fd())
}

fn receive(socket: &UdpSocket) -> Received {
    receive_message(&as_fd(socket), 2000, 400, 0).unwrap()
}

fn send(socket: &UdpSocket, controls: &[Control]) -> Result<isize, i32> {
    send_message(&as_fd(socket), &[b"word"], controls, 0)
}

fn control(level: c_int, kind: c_int, data: &[u8]) -> Control {
    Control { level, kind, data: data.to_vec() }
}

fn number(level: c_int, kind: c_int, value: c_int) -> Control {
    control(level, kind, &value.to_ne_bytes())
}

/// The data of a control message that must be there.
fn data(received: &Received, level: c_int, kind: c_int) -> Vec<u8> {
    let mut found = received.controls.iter().filter(|control| (control.level, control.kind) == (level, kind));
    found.next().expect("it is told").data.clone()
}

fn told(received: &Received, level: c_int, kind: c_int) -> c_int {
    match data(received, level, kind)[..] {
        [byte] => byte.into(),
        ref bytes => c_int::from_ne_bytes(bytes.try_into().unwrap()),
    }
}

fn info(index: c_int, own: [u8; 4], address: [u8; 4]) -> Vec<u8> {
    [&index.to_ne_bytes()[..], &own, &address].concat()
}

fn info_v6(address: Ipv6Addr, index: u32) -> Vec<u8> {
    [&address.octets()[..], &index.to_ne_bytes()].concat()
}

// covers: recvmsg, setsockopt
fn destinations_are_told() {
    let ((sender, _), (socket, address)) = (bound(Ipv4Addr::LOCALHOST), bound(Ipv4Addr::UNSPECIFIED));
    let to = |last| (Ipv4Addr::new(127, 0, 0, last), address.port());
    sender.send_to(b"word", to(1)).unwrap();
    assert!(receive(&socket).controls.is_empty(), "nobody asked");
    set(&socket, IPPROTO_IP, IP_PKTINFO, 1).unwrap();
    for last in [1, 77] {
        sender.send_to(b"word", to(last)).unwrap();
        let received = receive(&socket);
        assert_eq!(received.bytes, b"word");
        assert_eq!(data(&received, IPPROTO_IP, IP_PKTINFO), info(1, [127, 0, 0, last], [127, 0, 0, last]));
    }
    assert_eq!(size_of::<in_pktinfo>(), 12);
}

fn destinations_of_the_sixth_kind() {
    let (socket, address) = bound(Ipv6Addr::UNSPECIFIED);
    set(&socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1).unwrap();
    assert_eq!(get(&socket, IPPROTO_IPV6, IPV6_RECVPKTINFO), Ok(1));
    let (sender, _) = bound(Ipv6Addr::LOCALHOST);
    sender.send_to(b"word", (Ipv6Addr::LOCALHOST, address.port())).unwrap();
    let received = receive(&socket);
    assert_eq!(data(&received, IPPROTO_IPV6, IPV6_PKTINFO), info_v6(Ipv6Addr::LOCALHOST, 1));
    let (sender, _) = bound(Ipv4Addr::LOCALHOST);
    sender.send_to(b"word", (Ipv4Addr::new(127, 0, 0, 9), address.port())).unwrap();
    let received = receive(&socket);
    let mapped = Ipv4Addr::new(127, 0, 0, 9).to_ipv6_mapped();
    assert_eq!(data(&received, IPPROTO_IPV6, IPV6_PKTINFO), info_v6(mapped, 1));
    // Both kinds of options are told of what came over IPv4.
    set(&socket, IPPROTO_IP, IP_RECVTTL, 1).unwrap();
    sender.send_to(b"word", (Ipv4Addr::LOCALHOST, address.port())).unwrap();
    assert_eq!(told(&receive(&socket), IPPROTO_IP, IP_TTL), 64);
    assert_eq!(size_of::<in6_pktinfo>(), 20);
}

// covers: sendmsg
fn sources_are_chosen() {
    let ((sender, from), (socket, address)) = (bound(Ipv4Addr::UNSPECIFIED), bound(Ipv4Addr::LOCALHOST));
    sender.connect(address).unwrap();
    let own = control(IPPROTO_IP, IP_PKTINFO, &info(0, [127, 0, 0, 5], [0; 4]));
    assert_eq!(send(&sender, &[own]), Ok(4));
    assert_eq!(socket.recv_from(&mut [0; 9]).unwrap().1, (Ipv4Addr::new(127, 0, 0, 5), from.port()).into());
    let foreign = control(IPPROTO_IP, IP_PKTINFO, &info(0, [192, 0, 2, 5], [0; 4]));
    assert_eq!(send(&sender, &[foreign]), Err(ENETUNREACH));
    let ((sender, from), (socket, address)) = (bound(Ipv6Addr::UNSPECIFIED), bound(Ipv6Addr::LOCALHOST));
    sender.connect(address).unwrap();
    let own = control(IPPROTO_IPV6, IPV6_PKTINFO, &info_v6(Ipv6Addr::LOCALHOST, 0));
    assert_eq!(send(&sender, &[own]), Ok(4));
    assert_eq!(socket.recv_from(&mut [0; 9]).unwrap().1, (Ipv6Addr::LOCALHOST, from.port()).into());
    let foreign = control(IPPROTO_IPV6, IPV6_PKTINFO, &info_v6("2001:db8::5".parse().unwrap(), 0));
    assert_eq!(send(&sender, &[foreign]), Err(EINVAL));
}

// covers: getsockopt
fn limits_and_marks() {
    let ((sender, _), (socket, address)) = (bound(Ipv4Addr::LOCALHOST), bound(Ipv4Addr::LOCALHOST));
    sender.connect(address).unwrap();
    for name in [IP_RECVTTL, IP_RECVTOS] {
        assert_eq!(get(&socket, IPPROTO_IP, name), Ok(0));
        set(&socket, IPPROTO_IP, name, 1).unwrap();
    }
    let heard = || {
        let received = receive(&socket);
        (told(&received, IPPROTO_IP, IP_TTL), told(&received, IPPROTO_IP, IP_TOS))
    };
    send(&sender, &[]).unwrap();
    assert_eq!(heard(), (64, 0));
    set(&sender, IPPROTO_IP, IP_TTL, 7).unwrap();
    set(&sender, IPPROTO_IP, IP_TOS, 0x28).unwrap();
    send(&sender, &[]).unwrap();
    assert_eq!(heard(), (7, 0x28));
    send(&sender, &[number(IPPROTO_IP, IP_TTL, 9), number(IPPROTO_IP, IP_TOS, 2)]).unwrap();
    assert_eq!(heard(), (9, 2), "this once");
    send(&sender, &[control(IPPROTO_IP, IP_TOS, &[3])]).unwrap();
    assert_eq!(heard(), (7, 3));
}

fn limits_and_marks_of_the_sixth_kind() {
    let ((sender, _), (socket, address)) = (bound(Ipv6Addr::LOCALHOST), bound(Ipv6Addr::LOCALHOST));
    sender.connect(address).unwrap();
    for name in [IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS] {
        set(&socket, IPPROTO_IPV6, name, 1).unwrap();
    }
    let heard = || {
        let received = receive(&socket);
        (told(&received, IPPROTO_IPV6, IPV6_HOPLIMIT), told(&received, IPPROTO_IPV6, IPV6_TCLASS))
    };
    send(&sender, &[]).unwrap();
    assert_eq!(heard(), (64, 0));
    set(&sender, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7).unwrap();
    set(&sender, IPPROTO_IPV6, IPV6_TCLASS, 0x28).unwrap();
    send(&sender, &[]).unwrap();
    assert_eq!(heard(), (7, 0x28));
    send(&sender, &[number(IPPROTO_IPV6, IPV6_HOPLIMIT, 9), number(IPPROTO_IPV6, IPV6_TCLASS, 0x81)])
        .unwrap();
    assert_eq!(heard(), (9, 0x81), "this once");
}

fn controls_that_make_no_sense() {
    let ((sender, _), (_socket, address)) = (bound(Ipv4Addr::LOCALHOST), bound(Ipv4Addr::LOCALHOST));
    sender.connect(address).unwrap();
    for control in [
        number(IPPROTO_IP, IP_TTL, 0),
        number(IPPROTO_IP, IP_TTL, 256),
        number(IPPROTO_IP, IP_TOS, 256),
        number(IPPROTO_IP, 999, 1),
        number(SOL_SOCKET, 999, 1),
        control(IPPROTO_IP, IP_PKTINFO, &[0; 11]),
        control(IPPROTO_UDP, UDP_SEGMENT, &[0; 4]),
    ] {
        assert_eq!(send(&sender, &[control]), Err(EINVAL));
    }
    assert_eq!(send(&sender, &[number(IPPROTO_IPV6, IPV6_TCLASS, 999)]), Ok(4), "not IPv4's");
    let ((sender, _), (_socket, address)) = (bound(Ipv6Addr::LOCALHOST), bound(Ipv6Addr::LOCALHOST));
    sender.connect(address).unwrap();
    for control in [
        number(IPPROTO_IPV6, IPV6_HOPLIMIT, 256),
        number(IPPROTO_IPV6, IPV6_TCLASS, -2),
        control(IPPROTO_IPV6, IPV6_PKTINFO, &[0; 19]),
    ] {
        assert_eq!(send(&sender, &[control]), Err(EINVAL));
    }
    assert_eq!(send(&sender, &[number(IPPROTO_IP, IP_TTL, 999)]), Ok(4), "not IPv6's");
}

fn cut_into_pieces() {
    for ip in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let ((sender, _), (socket, address)) = (bound(ip), bound(ip));
        sender.connect(address).unwrap();
        assert_eq!(get(&sender, IPPROTO_UDP, UDP_SEGMENT), Ok(0));
        set(&sender, IPPROTO_UDP, UDP_SEGMENT, 100).unwrap();
        assert_eq!(get(&sender, IPPROTO_UDP, UDP_SEGMENT), Ok(100));
        let bytes: Vec<u8> = (0..250).collect();
        assert_eq!(sender.send(&bytes).unwrap(), 250);
        let pieces: Vec<_> = (0..3).map(|_| receive(&socket).bytes).collect();
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
        assert_eq!(pieces.concat(), bytes);
        sender.send(&bytes[..100]).unwrap();
        assert_eq!(receive(&socket).bytes.len(), 100);
        let pieces_of = control(IPPROTO_UDP, UDP_SEGMENT, &200_u16.to_ne_bytes());
        let sent = send_message(&as_fd(&sender), &[&bytes[..130], &bytes[130..]], &[pieces_of], 0);
        assert_eq!(sent, Ok(250));
        assert_eq!((receive(&socket).bytes.len(), receive(&socket).bytes), (200, bytes[200..].to_vec()));
        assert_eq!(set(&sender, IPPROTO_UDP, UDP_SEGMENT, 65_536), Err(EINVAL));
        assert_eq!(set(&sender, IPPROTO_UDP, UDP_SEGMENT, -1), Err(EINVAL));
        // Hundreds of pieces are too many on every Linux.
        set(&sender, IPPROTO_UDP, UDP_SEGMENT, 2).unwrap();
        assert_eq!(sender.send(&[7; 1000]).unwrap_err().raw_os_error(), Some(EINVAL));
    }
    assert_eq!(abi_tests::sockets::set(&Fd(stream()), 999, 1), Err(ENOPROTOOPT));
}

fn stream() -> i32 {
    // SAFETY: plain numbers.
    check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) }).unwrap()
}

/// A socket at every address that others may be at too.
fn shared(port: u16) -> (UdpSocket, u16) {
    // SAFETY: plain numbers.
    let fd = check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) }).unwrap();
    // SAFETY: nobody else has it.
    let socket = unsafe { <UdpSocket as std::os::fd::FromRawFd>::from_raw_fd(fd) };
    set(&socket, SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    // SAFETY: all zero is an address.
    let mut address: libc::sockaddr_in = unsafe { zeroed() };
    (address.sin_family, address.sin_port) = (libc::AF_INET as u16, port.to_be());
    // SAFETY: an address of this size.
    check(unsafe { libc::bind(fd, (&raw const address).cast(), size_of::<libc::sockaddr_in>() as u32) })
        .unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

fn everybody() {
    let (sender, _) = bound(Ipv4Addr::UNSPECIFIED);
    let (one, port) = shared(0);
    let (other, _) = shared(port);
    let all = (Ipv4Addr::new(127, 255, 255, 255), port);
    assert_eq!(sender.send_to(b"x", all).unwrap_err().raw_os_error(), Some(EACCES));
    assert_eq!(sender.connect(all).unwrap_err().raw_os_error(), Some(EACCES));
    sender.set_broadcast(true).unwrap();
    assert_eq!(sender.send_to(b"to all", all).unwrap(), 6);
    for socket in [one, other] {
        let (mut bytes, expected) = ([0; 10], sender.local_addr().unwrap().port());
        let (count, from) = socket.recv_from(&mut bytes).unwrap();
        assert_eq!((&bytes[..count], from.port()), (&b"to all"[..], expected));
    }
}

fn how_long_packets_may_be() {
    let ((socket, address), (other, address_v6)) = (bound(Ipv4Addr::LOCALHOST), bound(Ipv6Addr::LOCALHOST));
    assert_eq!(get(&socket, IPPROTO_IP, IP_MTU), Err(ENOTCONN));
    assert_eq!(get(&other, IPPROTO_IPV6, IPV6_MTU), Err(ENOTCONN));
    socket.connect(address).unwrap();
    assert_eq!(get(&socket, IPPROTO_IP, IP_MTU), Ok(65_535));
    other.connect(address_v6).unwrap();
    assert!(get(&other, IPPROTO_IPV6, IPV6_MTU).unwrap() >= 65_535);
}

fn numbers_that_options_take() {
    let ((socket, _), (other, _)) = (bound(Ipv4Addr::LOCALHOST), bound(Ipv6Addr::LOCALHOST));
    for wrong in [0, 256, -2] {
        assert_eq!(set(&socket, IPPROTO_IP, IP_TTL, wrong), Err(EINVAL), "{wrong}");
    }
    assert_eq!((set(&socket, IPPROTO_IP, IP_TTL, 5_u8), get(&socket, IPPROTO_IP, IP_TTL)), (Ok(0), Ok(5)));
    assert_eq!((set(&socket, IPPROTO_IP, IP_TTL, -1), get(&socket, IPPROTO_IP, IP_TTL)), (Ok(0), Ok(64)));
    assert_eq!(
        (set(&socket, IPPROTO_IP, IP_TOS, 0xb8_u8), get(&socket, IPPROTO_IP, IP_TOS)),
        (Ok(0), Ok(0xb8))
    );
    for how in 0..=5 {
        assert_eq!(set(&socket, IPPROTO_IP, IP_MTU_DISCOVER, how), Ok(0));
        assert_eq!(get(&socket, IPPROTO_IP, IP_MTU_DISCOVER), Ok(how));
    }
    assert_eq!(set(&socket, IPPROTO_IP, IP_MTU_DISCOVER, 6), Err(EINVAL));
    assert_eq!(set(&socket, IPPROTO_IPV6, IPV6_TCLASS, 1), Err(ENOPROTOOPT), "IPv4's are not IPv6's");
    // One and the other of a socket of IPv6.
    assert_eq!(set(&other, IPPROTO_IP, IP_TTL, 9), Ok(0));
    assert_eq!(get(&other, IPPROTO_IPV6, IPV6_UNICAST_HOPS), Ok(64));
    for wrong in [256, -2] {
        assert_eq!(set(&other, IPPROTO_IPV6, IPV6_TCLASS, wrong), Err(EINVAL));
        assert_eq!(set(&other, IPPROTO_IPV6, IPV6_UNICAST_HOPS, wrong), Err(EINVAL));
    }
    assert_eq!(
        (set(&other, IPPROTO_IPV6, IPV6_TCLASS, -1), get(&other, IPPROTO_IPV6, IPV6_TCLASS)),
        (Ok(0), Ok(0))
    );
    assert_eq!(set(&other, IPPROTO_IPV6, IPV6_TCLASS, 1_u8), Err(EINVAL), "no single bytes");
}

fn too_late_to_choose() {
    let (socket, _) = bound(Ipv6Addr::LOCALHOST);
    assert_eq!(set(&socket, IPPROTO_IPV6, IPV6_V6ONLY, 1), Err(EINVAL));
}

// covers: bind, connect
fn on_which_link() {
    let address = |scope| SocketAddrV6::new("fe80::1234".parse().unwrap(), 0, 0, scope);
    let failed = |scope| UdpSocket::bind(address(scope)).unwrap_err().raw_os_error();
    assert_eq!(failed(0), Some(EINVAL));
    assert_eq!(failed(1), Some(EADDRNOTAVAIL));
    let (socket, _) = bound(Ipv6Addr::UNSPECIFIED);
    let to = SocketAddrV6::new("fe80::1234".parse().unwrap(), 9, 0, 0);
    assert_eq!(socket.connect(to).unwrap_err().raw_os_error(), Some(EINVAL));
    assert_eq!(std::net::TcpListener::bind(address(0)).unwrap_err().raw_os_error(), Some(EINVAL));
    assert_eq!(std::net::TcpStream::connect(to).unwrap_err().raw_os_error(), Some(EINVAL));
}
