//! Groups over the loopback interface (ip(7), `IP_ADD_MEMBERSHIP`; ipv6(7)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use abi_tests::cases;
use abi_tests::inet::{failed, get, set};
use libc::{
    EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EINVAL, ENODEV, IP_ADD_MEMBERSHIP, IP_MULTICAST_IF, IP_MULTICAST_LOOP,
    IP_MULTICAST_TTL, IPPROTO_IP, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_LOOP,
    c_int,
};

cases! { members_hear, who_has_left_hears_no_more, who_is_bound_to_a_group, requests_that_make_no_sense, options_of_senders }

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 1);
/// The loopback interface.
const HERE: u32 = 1;

fn bound(ip: impl Into<IpAddr>) -> UdpSocket {
    let socket = UdpSocket::bind((ip.into(), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

/// A socket that speaks to groups on this machine.
fn speaker() -> UdpSocket {
    let socket = bound(Ipv4Addr::UNSPECIFIED);
    set(&socket, IPPROTO_IP, IP_MULTICAST_IF, Ipv4Addr::LOCALHOST.octets()).unwrap();
    socket
}

fn heard(socket: &UdpSocket) -> Result<(Vec<u8>, SocketAddr), i32> {
    let mut bytes = [0; 100];
    let (count, from) = socket.recv_from(&mut bytes).map_err(|error| error.raw_os_error().unwrap())?;
    Ok((bytes[..count].to_vec(), from))
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().unwrap().port()
}

// covers: setsockopt, sendto, recvfrom
fn members_hear() {
    let (member, sender) = (bound(Ipv4Addr::UNSPECIFIED), speaker());
    member.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    assert_eq!(sender.send_to(b"to all", (GROUP, port(&member))).unwrap(), 6);
    let (bytes, from) = heard(&member).unwrap();
    assert_eq!((&bytes[..], from), (&b"to all"[..], (Ipv4Addr::LOCALHOST, port(&sender)).into()));
    // A connected one speaks to it, too.
    sender.connect((GROUP, port(&member))).unwrap();
    sender.send(b"").unwrap();
    assert_eq!(heard(&member).unwrap().0, b"");
}

fn who_has_left_hears_no_more() {
    let (member, sender) = (bound(Ipv4Addr::UNSPECIFIED), speaker());
    member.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    member.leave_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    sender.send_to(b"to nobody", (GROUP, port(&member))).unwrap();
    member.set_nonblocking(true).unwrap();
    assert_eq!(heard(&member), Err(EAGAIN));
    assert_eq!(failed(member.leave_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)), EADDRNOTAVAIL);
}

fn who_is_bound_to_a_group() {
    let (member, sender) = (bound(GROUP), speaker());
    member.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    sender.send_to(b"not to it", (Ipv4Addr::LOCALHOST, port(&member))).unwrap();
    sender.send_to(b"to it", (GROUP, port(&member))).unwrap();
    assert_eq!(heard(&member).unwrap().0, b"to it");
}

fn requests_that_make_no_sense() {
    let socket = bound(Ipv4Addr::UNSPECIFIED);
    socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    assert_eq!(failed(socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)), EADDRINUSE);
    assert_eq!(failed(socket.join_multicast_v4(&Ipv4Addr::LOCALHOST, &Ipv4Addr::LOCALHOST)), EINVAL);
    assert_eq!(failed(socket.join_multicast_v4(&GROUP, &Ipv4Addr::new(192, 0, 2, 9))), ENODEV);
    assert_eq!(set(&socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, 7_i32), Err(EINVAL));
    let socket = bound(Ipv6Addr::UNSPECIFIED);
    let group: Ipv6Addr = "ff02::7777".parse().unwrap();
    socket.join_multicast_v6(&group, HERE).unwrap();
    assert_eq!(failed(socket.join_multicast_v6(&group, HERE)), EADDRINUSE);
    assert_eq!(failed(socket.join_multicast_v6(&Ipv6Addr::LOCALHOST, HERE)), EINVAL);
    assert_eq!(failed(socket.join_multicast_v6(&group, 9999)), ENODEV);
    socket.leave_multicast_v6(&group, HERE).unwrap();
    assert_eq!(failed(socket.leave_multicast_v6(&group, HERE)), EADDRNOTAVAIL);
}

fn options_of_senders() {
    let socket = bound(Ipv4Addr::UNSPECIFIED);
    assert_eq!((socket.multicast_ttl_v4().unwrap(), socket.multicast_loop_v4().unwrap()), (1, true));
    socket.set_multicast_ttl_v4(7).unwrap();
    socket.set_multicast_loop_v4(false).unwrap();
    assert_eq!((socket.multicast_ttl_v4().unwrap(), socket.multicast_loop_v4().unwrap()), (7, false));
    assert_eq!(set(&socket, IPPROTO_IP, IP_MULTICAST_TTL, 256), Err(EINVAL));
    assert_eq!(
        (set(&socket, IPPROTO_IP, IP_MULTICAST_TTL, -1), get(&socket, IPPROTO_IP, IP_MULTICAST_TTL)),
        (Ok(0), Ok(1))
    );
    assert_eq!(set(&socket, IPPROTO_IP, IP_MULTICAST_LOOP, 1_u8), Ok(0));
    assert_eq!(get(&socket, IPPROTO_IP, IP_MULTICAST_LOOP), Ok(1));
    assert_eq!(get(&socket, IPPROTO_IP, IP_MULTICAST_IF), Ok(0));
    set(&socket, IPPROTO_IP, IP_MULTICAST_IF, Ipv4Addr::LOCALHOST.octets()).unwrap();
    assert_eq!(get(&socket, IPPROTO_IP, IP_MULTICAST_IF), Ok(c_int::from_ne_bytes([127, 0, 0, 1])));
    let other = bound(Ipv6Addr::UNSPECIFIED);
    let get = |name| get(&other, IPPROTO_IPV6, name);
    assert_eq!(
        (get(IPV6_MULTICAST_HOPS), get(IPV6_MULTICAST_LOOP), get(IPV6_MULTICAST_IF)),
        (Ok(1), Ok(1), Ok(0))
    );
    assert_eq!(set(&other, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 256), Err(EINVAL));
    assert_eq!(set(&other, IPPROTO_IPV6, IPV6_MULTICAST_IF, 9999), Err(ENODEV));
    assert_eq!((set(&other, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1), get(IPV6_MULTICAST_IF)), (Ok(0), Ok(1)));
}
