//! A program that looks at the network around it: whom it asks for names and what these answer, which address it speaks from, and whether it reaches the host.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "what it finds is what is tested")]

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream, ToSocketAddrs as _, UdpSocket,
};
use std::thread;

use if_addrs::IfAddr;

const RESOLVER: &str = "/etc/resolv.conf";
/// The domain that the name server here knows.
const DOMAIN: &[u8] = b"\x07example\x03org\0";
const A: u16 = 1;
const AAAA: u16 = 28;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((what, _)) if what == "names" => names(),
        Some((what, _)) if what == "lease" => lease(),
        Some((what, _)) if what == "interfaces" => interfaces(),
        Some((what, addresses)) if what == "address" => addresses.iter().for_each(|to| say_own(to)),
        Some((what, addresses)) if what == "talk" => addresses.iter().for_each(|to| talk(to)),
        _ => panic!("names, lease, interfaces, address ADDRESS..., or talk ADDRESS:PORT..."),
    }
}

/// The lines of the resolver's file that name servers.
fn servers() -> Vec<String> {
    let text = fs::read_to_string(RESOLVER).unwrap();
    text.lines().filter(|line| line.starts_with("nameserver")).map(str::to_owned).collect()
}

fn names() {
    println!("{}", servers().join("\n"));
    assert_eq!(fs::write(RESOLVER, "").unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    let read = |path| fs::read_to_string(path).unwrap();
    println!("{}, {}", read("/etc/hostname").trim(), read("/proc/sys/kernel/hostname").trim());
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).unwrap();
    thread::spawn(move || serve(&server));
    for name in
        ["localhost", "box", "box.example.org", "web.example.org", "many.example.org", "nowhere.example.org"]
    {
        let found = (name, 80).to_socket_addrs().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
        let mut addresses: Vec<_> = found.iter().map(SocketAddr::ip).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let texts: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        match texts.len() {
            0 => println!("{name}: none"),
            1..4 => println!("{name}: {}", texts.join(" ")),
            count => println!("{name}: {count} addresses"),
        }
    }
}

/// Answers questions (RFC 1035, section 4).
fn serve(server: &UdpSocket) {
    let mut question = [0; 512];
    loop {
        let (length, from) = server.recv_from(&mut question).unwrap();
        if let Some(answer) = answer(&question[..length]) {
            server.send_to(&answer, from).unwrap();
        }
    }
}

fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let name_length = usize::from(*question.get(12)?);
    let host = question.get(13..13 + name_length)?;
    let rest = &question[13 + name_length..];
    let kind = rest.strip_prefix(DOMAIN)?;
    let kind = u16::from_be_bytes([*kind.first()?, *kind.get(1)?]);
    let addresses: Vec<IpAddr> = match (host, kind) {
        (b"web", A) => vec![Ipv4Addr::new(192, 0, 2, 80).into()],
        (b"web", AAAA) => vec!["2001:db8::80".parse().unwrap()],
        (b"many", A) => (1..16).map(|last| Ipv4Addr::new(192, 0, 2, last).into()).collect(),
        _ => Vec::new(),
    };
    // No such name; or a name, with or without addresses of the kind.
    let code = if matches!(host, b"web" | b"many") { 0 } else { 3 };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, addresses.len() as u8, 0, 0, 0, 0]);
    answer.extend(&question[12..13 + name_length + DOMAIN.len() + 4]);
    for address in addresses {
        // The name is that of the question, at byte 12.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        match address {
            IpAddr::V4(address) => answer.extend([&[0, 4][..], &address.octets()].concat()),
            IpAddr::V6(address) => answer.extend([&[0, 16][..], &address.octets()].concat()),
        }
    }
    Some(answer)
}

fn lease() {
    println!("{}", servers()[0]);
    print!("{}", fs::read_to_string("/proc/sys/kernel/hostname").unwrap());
}

/// Says which interfaces there are, and their networks but for those that depend on when it is asked: IPv6's on links.
fn interfaces() {
    for interface in if_addrs::get_if_addrs().unwrap() {
        let number = interface.index.unwrap();
        match interface.addr {
            IfAddr::V4(own) => {
                let broadcast = own.broadcast.map_or(String::new(), |all| format!(" to all {all}"));
                println!("{number} {} {}/{}{broadcast}", interface.name, own.ip, own.prefixlen);
            }
            IfAddr::V6(own) if own.ip.is_loopback() => {
                println!("{number} {} {}/{}", interface.name, own.ip, own.prefixlen);
            }
            IfAddr::V6(_) => {}
        }
    }
}

/// An address with the number of the link that it is on.
fn on_link(text: &str) -> SocketAddr {
    match text.split_once('%') {
        Some((address, link)) => {
            SocketAddrV6::new(address.parse().unwrap(), 9, 0, link.parse().unwrap()).into()
        }
        None => SocketAddr::new(text.parse().unwrap(), 9),
    }
}

/// Says which address datagrams to `to` would come from.
fn say_own(to: &str) {
    let remote = on_link(to);
    let any: IpAddr =
        if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).unwrap();
    match socket.connect(remote).and_then(|()| socket.local_addr()) {
        Ok(SocketAddr::V6(own)) if own.scope_id() > 0 => println!("{}%{}", own.ip(), own.scope_id()),
        Ok(own) => println!("{}", own.ip()),
        Err(error) if error.kind() == ErrorKind::NetworkUnreachable => println!("no way to {to}"),
        Err(error) => println!("{error}"),
    }
}

/// Sends a word to who listens there, and says what comes back.
fn talk(to: &str) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(b"hello from the guest\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    print!("{text}");
}
