//! Which links and addresses there are: rtnetlink(7), getifaddrs(3), and ioctl(2) on sockets (netdevice(7)).

use std::collections::BTreeSet;
use std::ffi::{CStr, c_int};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::net::UnixDatagram;

use abi_tests::{call, cases, check};
use libc::{EAGAIN, ECONNREFUSED, EINVAL, ENODEV, ENOTTY, EOPNOTSUPP, EPROTONOSUPPORT, ESOCKTNOSUPPORT};

cases! {
    what_can_be_made, names_of_sockets, getifaddrs_tells_of_the_loopback_interface, names_and_numbers,
    requests_about_an_interface, a_list_of_interfaces, a_dump_ends, an_error_repeats_the_request, nothing_is_waited_for
}

/// Their types differ from one C library to the other.
const SIOCGIFNAME: usize = libc::SIOCGIFNAME as usize;
const SIOCGIFFLAGS: usize = libc::SIOCGIFFLAGS as usize;
const SIOCGIFADDR: usize = libc::SIOCGIFADDR as usize;
const SIOCGIFBRDADDR: usize = libc::SIOCGIFBRDADDR as usize;
const SIOCGIFNETMASK: usize = libc::SIOCGIFNETMASK as usize;
const SIOCGIFMTU: usize = libc::SIOCGIFMTU as usize;
const SIOCGIFHWADDR: usize = libc::SIOCGIFHWADDR as usize;
const SIOCGIFINDEX: usize = libc::SIOCGIFINDEX as usize;

const GET_LINK: u16 = 18;
const GET_ADDRESS: u16 = 22;
const REQUEST: u16 = 1;
const DUMP: u16 = 0x300;
const ERROR: u16 = 2;
const DONE: u16 = 3;

fn socket() -> File {
    let fd =
        unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    unsafe { File::from_raw_fd(check(fd).unwrap()) }
}

fn address(port: u32, groups: u32) -> libc::sockaddr_nl {
    let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as u16;
    (address.nl_pid, address.nl_groups) = (port, groups);
    address
}

fn request(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = ((16 + body.len()) as u32).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((REQUEST | flags).to_ne_bytes());
    bytes.extend(77_u32.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

/// Kinds, flags, numbers, ports and bodies of the messages of one datagram.
fn messages(mut bytes: &[u8]) -> Vec<(u16, u16, u32, u32, Vec<u8>)> {
    let mut all = Vec::new();
    while bytes.len() >= 16 {
        let number = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let (length, both) = (number(0) as usize, number(4));
        all.push((both as u16, (both >> 16) as u16, number(8), number(12), bytes[16..length].to_vec()));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

fn answers(mut socket: &File) -> Vec<(u16, u16, u32, u32, Vec<u8>)> {
    let mut all = Vec::new();
    let mut room = vec![0; 32768];
    loop {
        let count = socket.read(&mut room).unwrap();
        all.extend(messages(&room[..count]));
        if all.last().is_none_or(|(kind, ..)| [DONE, ERROR].contains(kind)) {
            return all;
        }
    }
}

// covers: socket, socketpair
fn what_can_be_made() {
    let make = |kind: c_int, protocol: c_int| {
        call(libc::SYS_socket, [libc::AF_NETLINK as usize, kind as usize, protocol as usize, 0, 0, 0])
    };
    assert_eq!(make(libc::SOCK_STREAM, 0), Err(ESOCKTNOSUPPORT));
    assert_eq!(make(libc::SOCK_RAW, 999), Err(EPROTONOSUPPORT));
    assert!(make(libc::SOCK_DGRAM, 0).is_ok());
    let fds = [0i32; 2];
    let words = [libc::AF_NETLINK as usize, libc::SOCK_RAW as usize, 0, fds.as_ptr() as usize, 0, 0];
    assert_eq!(call(libc::SYS_socketpair, words), Err(EOPNOTSUPP));
}

// covers: bind, connect, getsockname, getpeername, sendto
fn names_of_sockets() {
    let socket = socket();
    let fd = socket.as_raw_fd() as usize;
    let name = |number: i64| {
        let (mut found, mut length) = (address(9, 9), 12_u32);
        let words = [fd, &raw mut found as usize, &raw mut length as usize, 0, 0, 0];
        call(number, words).map(|_| (length, found.nl_family, found.nl_pid, found.nl_groups))
    };
    let with = |number: i64, address: &libc::sockaddr_nl, length: usize| {
        call(number, [fd, std::ptr::from_ref(address) as usize, length, 0, 0, 0])
    };
    assert_eq!(name(libc::SYS_getsockname), Ok((12, 16, 0, 0)));
    assert_eq!(name(libc::SYS_getpeername), Ok((12, 16, 0, 0)));
    assert_eq!(with(libc::SYS_bind, &address(0, 0), 11), Err(EINVAL));
    assert_eq!(with(libc::SYS_bind, &address(0, 0), 12), Ok(0));
    let port = std::process::id();
    assert_eq!(name(libc::SYS_getsockname), Ok((12, 16, port, 0)));
    assert_eq!(with(libc::SYS_bind, &address(port + 1, 0), 12), Err(EINVAL));
    assert_eq!(with(libc::SYS_bind, &address(port, 0), 12), Ok(0));
    // Nobody has that port.
    let (bytes, other) = (request(GET_LINK, DUMP, &[0; 16]), address(u32::MAX - 77, 0));
    let words = [fd, bytes.as_ptr() as usize, bytes.len(), 0, &raw const other as usize, 12];
    assert_eq!(call(libc::SYS_sendto, words), Err(ECONNREFUSED));
    assert_eq!(with(libc::SYS_connect, &address(0, 0), 12), Ok(0));
}

/// Name, flags, address and netmask of what getifaddrs(3) tells of a family.
fn interfaces(family: c_int) -> Vec<(String, u32, Vec<u8>, Vec<u8>)> {
    let bytes = |at: *const libc::sockaddr| {
        let (skipped, count) = if family == libc::AF_INET { (4, 4) } else { (8, 16) };
        unsafe { std::slice::from_raw_parts(at.cast::<u8>().add(skipped), count) }.to_vec()
    };
    let mut first = std::ptr::null_mut();
    check(unsafe { libc::getifaddrs(&raw mut first) }).unwrap();
    let (mut next, mut all) = (first, Vec::new());
    while !next.is_null() {
        let entry = unsafe { &*next };
        if !entry.ifa_addr.is_null() && c_int::from(unsafe { (*entry.ifa_addr).sa_family }) == family {
            let name = unsafe { CStr::from_ptr(entry.ifa_name) }.to_str().unwrap().to_owned();
            all.push((name, entry.ifa_flags, bytes(entry.ifa_addr), bytes(entry.ifa_netmask)));
        }
        next = entry.ifa_next;
    }
    unsafe { libc::freeifaddrs(first) };
    all
}

// covers: socket, sendto, recvfrom, close
fn getifaddrs_tells_of_the_loopback_interface() {
    let is_ours = |flags: u32| {
        let wanted = (libc::IFF_UP | libc::IFF_LOOPBACK | libc::IFF_RUNNING) as u32;
        flags & wanted == wanted
    };
    let v4 = interfaces(libc::AF_INET);
    let lo = v4.iter().find(|entry| entry.0 == "lo").unwrap();
    assert_eq!((&lo.2[..], &lo.3[..]), (&Ipv4Addr::LOCALHOST.octets()[..], &[255, 0, 0, 0][..]));
    assert!(is_ours(lo.1));
    // A host may do without the sixth version.
    if let Some(lo) = interfaces(libc::AF_INET6).iter().find(|entry| entry.0 == "lo") {
        assert_eq!((&lo.2[..], &lo.3[..]), (&Ipv6Addr::LOCALHOST.octets()[..], &[255; 16][..]));
        assert!(is_ours(lo.1));
    }
}

// covers: ioctl
fn names_and_numbers() {
    assert_eq!(unsafe { libc::if_nametoindex(c"lo".as_ptr()) }, 1);
    assert_eq!(unsafe { libc::if_nametoindex(c"nothing0".as_ptr()) }, 0);
    let mut room = [0; libc::IF_NAMESIZE];
    assert!(!unsafe { libc::if_indextoname(1, room.as_mut_ptr()) }.is_null());
    assert_eq!(unsafe { CStr::from_ptr(room.as_ptr()) }, c"lo");
    assert!(unsafe { libc::if_indextoname(99_999, room.as_mut_ptr()) }.is_null());
    let list = unsafe { libc::if_nameindex() };
    assert!(!list.is_null());
    let first = unsafe { &*list };
    assert_eq!((first.if_index, unsafe { CStr::from_ptr(first.if_name) }), (1, c"lo"));
    unsafe { libc::if_freenameindex(list) };
}

/// A request about `name`; what it leaves in the union.
fn ask(fd: c_int, request: usize, name: &str, given: u32) -> Result<[u8; 24], i32> {
    let mut room = [0_u8; 40];
    room[..name.len()].copy_from_slice(name.as_bytes());
    room[16..20].copy_from_slice(&given.to_ne_bytes());
    call(libc::SYS_ioctl, [fd as usize, request, room.as_mut_ptr() as usize, 0, 0, 0])?;
    Ok(room[16..].try_into().unwrap())
}

// covers: ioctl
fn requests_about_an_interface() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let fd = udp.as_raw_fd();
    let four = |answer: Result<[u8; 24], i32>| {
        answer.map(|bytes| u32::from_ne_bytes(bytes[..4].try_into().unwrap()))
    };
    assert_eq!(four(ask(fd, SIOCGIFINDEX, "lo", 0)), Ok(1));
    assert_eq!(four(ask(fd, SIOCGIFMTU, "lo", 0)), Ok(65_536));
    let flags = ask(fd, SIOCGIFFLAGS, "lo", 0).unwrap();
    let flags = i32::from(u16::from_ne_bytes([flags[0], flags[1]]));
    assert_eq!(flags, libc::IFF_UP | libc::IFF_LOOPBACK | libc::IFF_RUNNING);
    let hardware = ask(fd, SIOCGIFHWADDR, "lo", 0).unwrap();
    assert_eq!((u16::from_ne_bytes([hardware[0], hardware[1]]), &hardware[2..8]), (772, &[0; 6][..]));
    let v4 =
        |request| ask(fd, request, "lo", 0).map(|bytes| [bytes[0], bytes[4], bytes[5], bytes[6], bytes[7]]);
    assert_eq!(v4(SIOCGIFADDR), Ok([2, 127, 0, 0, 1]));
    assert_eq!(v4(SIOCGIFNETMASK), Ok([2, 255, 0, 0, 0]));
    assert_eq!(v4(SIOCGIFBRDADDR), Ok([2, 0, 0, 0, 0]));
    for request in [SIOCGIFINDEX, SIOCGIFADDR, SIOCGIFFLAGS] {
        assert_eq!(ask(fd, request, "nothing0", 0), Err(ENODEV));
    }
    assert_eq!(ask(fd, SIOCGIFNAME, "", 99_999), Err(ENODEV));
    // Addresses are IPv4's matter; whatever else a name is longer than there is room for.
    let local = UnixDatagram::unbound().unwrap();
    assert_eq!(ask(local.as_raw_fd(), SIOCGIFADDR, "lo", 0), Err(ENOTTY));
    assert_eq!(four(ask(local.as_raw_fd(), SIOCGIFINDEX, "lo", 0)), Ok(1));
    let file = File::open("/dev/null").unwrap();
    assert_eq!(ask(file.as_raw_fd(), SIOCGIFINDEX, "lo", 0), Err(ENOTTY));
}

// covers: ioctl
fn a_list_of_interfaces() {
    const SIOCGIFCONF: usize = 0x8912;
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let list = |length: i32, at: usize| {
        let mut conf = [length as usize, at];
        let words = [udp.as_raw_fd() as usize, SIOCGIFCONF, conf.as_mut_ptr() as usize, 0, 0, 0];
        call(libc::SYS_ioctl, words).map(|_| conf[0] & 0xffff_ffff)
    };
    let needed = list(0, 0).unwrap();
    assert!(needed >= 40 && needed % 40 == 0, "{needed}");
    let mut room = vec![0_u8; needed + 40];
    assert_eq!(list(room.len() as i32, room.as_mut_ptr() as usize), Ok(needed));
    let names: BTreeSet<&[u8]> = room[..needed].chunks(40).map(|entry| &entry[..3]).collect();
    assert!(names.contains(&b"lo\0"[..]));
    let lo = room.chunks(40).find(|entry| entry.starts_with(b"lo\0")).unwrap();
    assert_eq!(lo[20..24], [127, 0, 0, 1]);
    // As many as there is room for.
    assert_eq!(list(79, room.as_mut_ptr() as usize), Ok(40));
    assert_eq!(list(39, room.as_mut_ptr() as usize), Ok(0));
}

// covers: sendto, read, write
fn a_dump_ends() {
    let mut socket = socket();
    for (kind, answer) in [(GET_LINK, 16), (GET_ADDRESS, 20)] {
        socket.write_all(&request(kind, DUMP, &[0; 16])).unwrap();
        let all = answers(&socket);
        let (last, told) = all.split_last().unwrap();
        assert_eq!((last.0, last.2, &last.4[..4]), (DONE, 77, &[0; 4][..]));
        assert!(!told.is_empty());
        assert!(told.iter().all(|(kind, flags, sequence, port, _)| {
            (*kind, flags & 2, *sequence, *port) == (answer, 2, 77, std::process::id())
        }));
    }
    // Of one family.
    socket.write_all(&request(GET_ADDRESS, DUMP, &[2, 0, 0, 0, 0, 0, 0, 0])).unwrap();
    let all = answers(&socket);
    assert!(all.len() > 1 && all[..all.len() - 1].iter().all(|message| message.4[0] == 2));
}

// covers: read, write
fn an_error_repeats_the_request() {
    let mut socket = socket();
    let mut body = [0; 16];
    body[4..8].copy_from_slice(&99_999_i32.to_ne_bytes());
    let asked = request(GET_LINK, 0, &body);
    socket.write_all(&asked).unwrap();
    let all = answers(&socket);
    assert_eq!((all.len(), all[0].0), (1, ERROR));
    assert_eq!(all[0].4[..4], (-ENODEV).to_ne_bytes());
    assert_eq!(all[0].4[4..], asked[..]);
    // With a number that there is, and a confirmation.
    body[4..8].copy_from_slice(&1_i32.to_ne_bytes());
    socket.write_all(&request(GET_LINK, 4, &body)).unwrap();
    let all = answers(&socket);
    assert_eq!(all.iter().map(|message| message.0).collect::<Vec<_>>(), [16, ERROR]);
    assert_eq!(all[1].4[..4], [0; 4]);
}

// covers: recvfrom, poll
fn nothing_is_waited_for() {
    let mut socket = socket();
    let fd = socket.as_raw_fd();
    let mut room = [0_u8; 20];
    let mut receive = |flags: c_int| {
        call(libc::SYS_recvfrom, [fd as usize, room.as_mut_ptr() as usize, 20, flags as usize, 0, 0])
    };
    let ready = || {
        let mut poll = libc::pollfd { fd, events: libc::POLLIN | libc::POLLOUT, revents: 0 };
        check(unsafe { libc::poll(&raw mut poll, 1, 0) }).unwrap();
        poll.revents
    };
    assert_eq!(receive(libc::MSG_DONTWAIT), Err(EAGAIN));
    assert_eq!(ready(), libc::POLLOUT);
    socket.write_all(&request(GET_LINK, DUMP, &[0; 16])).unwrap();
    assert_eq!(ready(), libc::POLLIN | libc::POLLOUT);
    assert!(receive(libc::MSG_PEEK | libc::MSG_TRUNC).unwrap() > 20);
    assert_eq!(receive(0), Ok(20), "the rest of a datagram is lost");
}
