//! UDP: datagrams whole and in pieces that fit together or do not, with headers of any kind in front; reports of errors; questions for groups; and
//! a program that sends and receives.
//!
//! Bytes of a datagram tell where in it they belong. So it is known of each that is received, in pieces or not, whether it is what was sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use abi::net::{MsgFlags, SocketType};
use arbitrary::{Result, Unstructured};
use logic::net::inet::discovery::Setting6;
use logic::net::inet::link::Setting;
use logic::net::inet::routes::Network;
use logic::net::socket::Control;

use crate::machine::{Machine, OUR, OUR_MAC, OUR6, PEER, PEER_MAC, PEER6};
use crate::packets::{self, ICMP, ICMPV6, IGMP, PIECE, UDP};
use crate::pattern;
use crate::sockets::Open;

/// Steps of one input.
const MOST_STEPS: usize = 200;
const NS_PER_MS: u64 = 1_000_000;
/// Bytes of a header of UDP, and units of pieces.
const HEADER: usize = 8;
/// Bytes of datagrams that wait at one socket at most, whatever it asks for (`SO_RCVBUF`).
const MOST_WAITING: usize = 2 * 212_992;

/// Ports that sockets are bound to.
const PORTS: [u16; 4] = [53, 54, 55, 99];

/// One input.
pub fn run(data: &[u8]) {
    let _ = play(&mut Unstructured::new(data));
}

/// Plays it; answers how many datagrams were received.
fn play(input: &mut Unstructured<'_>) -> Result<usize> {
    let network = Network { address: OUR, prefix: 24, gateway: Some(PEER) };
    let setting_v6 = Setting6::Static { addresses: vec![(OUR6, 64)], gateway: Some(PEER6) };
    let machine = Machine::new(input, (Setting::Static(network), setting_v6))?;
    machine.wait(3000 * NS_PER_MS);
    let sockets = sockets(&machine);
    let mut received = 0;
    for _ in 0..MOST_STEPS {
        if input.is_empty() {
            break;
        }
        received += step(&machine, &sockets, input)?;
        machine.take_sent();
    }
    for socket in &sockets {
        let mut waited = 0;
        while let Ok(count) = receive(socket, 70_000) {
            waited += count;
            received += 1;
        }
        assert!(waited <= MOST_WAITING, "{waited} bytes waited");
    }
    Ok(received)
}

fn sockets(machine: &Machine) -> Vec<Open> {
    let address = |text: &str| -> SocketAddr { text.parse().expect("an address") };
    let mut sockets = Vec::new();
    for at in ["0.0.0.0:53", "[::]:54", "[2001:db8::1]:55"] {
        let socket = Open::new(&machine.stack, address(at), SocketType::Datagram);
        socket.bind(address(at)).expect("it is free");
        sockets.push(socket);
    }
    for to in ["192.0.2.2:53", "[2001:db8::2]:53"] {
        let socket = Open::new(&machine.stack, address(to), SocketType::Datagram);
        let _ = socket.connect(address(to));
        sockets.push(socket);
    }
    sockets
}

/// Receives one datagram, whose bytes are all in their places.
fn receive(socket: &Open, most: usize) -> std::result::Result<usize, abi::errno::Errno> {
    loop {
        let (bytes, message) = match socket.receive(most, MsgFlags::empty()) {
            // An error is told once.
            Err(errno) if errno != abi::errno::Errno::EAGAIN => continue,
            received => received?,
        };
        let from = message.from.as_ref().and_then(crate::sockets::unnamed);
        let key = key_of(from.map_or(0, |from| from.port()));
        assert!(
            pattern::is_right(key, 0, &bytes),
            "{} bytes from {from:?} are not what was sent",
            bytes.len()
        );
        return Ok(bytes.len());
    }
}

/// The key of what comes from a port.
fn key_of(port: u16) -> u8 {
    (port & 0xff) as u8
}

/// One step; answers how many datagrams it received.
fn step(machine: &Machine, sockets: &[Open], input: &mut Unstructured<'_>) -> Result<usize> {
    let [kind, which]: [u8; 2] = input.arbitrary()?;
    let socket = &sockets[usize::from(which) % sockets.len()];
    match kind & 15 {
        0..=3 => come(machine, whole(which, input)?, kind),
        4..=7 => pieces(machine, which, input, kind)?,
        8 => return Ok(receive(socket, usize::from(input.arbitrary::<u16>()?)).iter().count()),
        9 => send(socket, input)?,
        10 => come(machine, report(which, input)?, kind),
        11 => come(machine, question(which, input)?, kind),
        12 => {
            machine.go_on(u64::from(which) * 200 * NS_PER_MS);
        }
        13 => behind_headers(machine, which, input)?,
        14 => set_option(socket, input)?,
        _ => {
            machine.come(&packets::arp(1, (PEER_MAC, PEER), ([0; 6], OUR)), false);
            let ask = packets::discovery(135, 0, OUR6, &[1, 1, 2, 0, 0, 0, 0, 2]);
            come(machine, packets::ip((PEER6.into(), OUR6.into()), ICMPV6, 255, ask), kind);
        }
    }
    Ok(0)
}

/// A packet comes in, in a frame for whom it is for.
fn come(machine: &Machine, packet: Vec<u8>, kind: u8) {
    let to = match packet.first().map(|byte| byte >> 4) {
        Some(4) if packet.len() >= 20 => {
            let to = Ipv4Addr::new(packet[16], packet[17], packet[18], packet[19]);
            let is_for_all = to.is_broadcast() || to.octets()[3] == 255;
            if is_for_all {
                [0xff; 6]
            } else if to.is_multicast() {
                packets::group_mac(to.into())
            } else {
                OUR_MAC
            }
        }
        Some(6) if packet.len() >= 40 && packet[24] == 0xff => {
            [0x33, 0x33, packet[36], packet[37], packet[38], packet[39]]
        }
        _ => OUR_MAC,
    };
    machine.come(&packets::frame_between((PEER_MAC, to), &packet), kind & 64 != 0);
}

/// From whom and to whom packets of `which` kind go.
fn ends(which: u8) -> (IpAddr, IpAddr) {
    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
    const GROUP6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x77);
    match which & 7 {
        0 | 1 => (PEER.into(), OUR.into()),
        2 => (PEER.into(), Ipv4Addr::new(192, 0, 2, 255).into()),
        3 => (PEER.into(), GROUP.into()),
        4 | 5 => (PEER6.into(), OUR6.into()),
        6 => (PEER6.into(), GROUP6.into()),
        _ => (Ipv4Addr::new(198, 51, 100, 7).into(), OUR.into()),
    }
}

/// A datagram of so many bytes, with the right checksum or none.
fn datagram(which: u8, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let from: u8 = input.arbitrary()?;
    datagram_from(if which & 32 != 0 { 53 } else { u16::from(from) | 0x400 }, which, input)
}

fn datagram_from(from: u16, which: u8, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (to, length) = (PORTS[usize::from(which >> 3) & 3], input.arbitrary::<u16>()?);
    let bytes = pattern::bytes(key_of(from), 0, usize::from(length).min(65_535 - 20 - HEADER));
    let mut datagram = [from.to_be_bytes(), to.to_be_bytes()].concat();
    datagram.extend(((HEADER + bytes.len()) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(bytes);
    if which & 64 == 0 {
        packets::fill_checksum(ends(which), UDP, &mut datagram);
    }
    Ok(datagram)
}

fn whole(which: u8, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let datagram = datagram(which, input)?;
    let limit = 64;
    Ok(match ends(which) {
        (IpAddr::V4(from), IpAddr::V4(to)) => packets::ipv4((from, to), UDP, (0, 0), &datagram),
        (IpAddr::V6(from), IpAddr::V6(to)) => packets::ipv6((from, to), UDP, limit, &datagram),
        _ => Vec::new(),
    })
}

/// Pieces of one datagram, from any place, in any order. They are cut from the same bytes: which they overlap with does not matter.
fn pieces(machine: &Machine, which: u8, input: &mut Unstructured<'_>, kind: u8) -> Result<()> {
    // What has the same number has the same bytes: whatever is put together of it is right.
    let [number, count]: [u8; 2] = input.arbitrary()?;
    let datagram = datagram_from(u16::from(number) | 0x400, which, input)?;
    for _ in 0..=count & 7 {
        let (place, length, more): (u16, u16, u8) = input.arbitrary()?;
        let unit = datagram.len().div_ceil(HEADER) as u16;
        let start = usize::from(place % unit) * HEADER;
        let end = match more & 3 {
            0 => datagram.len(),
            1 => start + usize::from(length),
            _ => start + usize::from(length) / HEADER * HEADER,
        }
        .min(datagram.len());
        let is_last = if more & 4 != 0 { more & 8 != 0 } else { end == datagram.len() };
        let place = if more & 16 != 0 { place } else { place % unit };
        let piece = &datagram[start..end];
        let packet = match ends(which) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let place = place & 0x1fff | u16::from(!is_last) << 13;
                packets::ipv4((from, to), UDP, (number.into(), place), &piece[..piece.len().min(65_515)])
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let mut payload = vec![UDP, 0];
                payload.extend((place << 3 | u16::from(!is_last)).to_be_bytes());
                payload.extend([0, 0, 0, number]);
                payload.extend(&piece[..piece.len().min(65_527)]);
                packets::ipv6((from, to), PIECE, 64, &payload)
            }
            _ => continue,
        };
        come(machine, packet, kind);
    }
    Ok(())
}

/// A datagram behind headers of IPv6 that nobody asked for.
fn behind_headers(machine: &Machine, which: u8, input: &mut Unstructured<'_>) -> Result<()> {
    let which = which | 4;
    let datagram = datagram(which & !2, input)?;
    let [first, count]: [u8; 2] = input.arbitrary()?;
    const KINDS: [u8; 8] = [0, 43, 60, 44, 59, 17, 58, 51];
    let mut payload = Vec::new();
    for index in 0..count & 15 {
        let [next, length]: [u8; 2] = input.arbitrary()?;
        let next = if index + 1 == count & 15 { UDP } else { KINDS[usize::from(next & 7)] };
        let rest = usize::from(length & 3) * 8 + 6;
        payload.extend([next, length & 3]);
        let given = input.bytes(rest.min(input.len()))?;
        payload.extend(given);
        payload.extend(vec![0; rest - given.len()]);
    }
    payload.extend(&datagram[..datagram.len().min(60_000)]);
    let first = if count & 15 == 0 { UDP } else { KINDS[usize::from(first & 7)] };
    come(machine, packets::ipv6((PEER6, OUR6), first, 64, &payload), 0);
    Ok(())
}

/// A report of an error, about a datagram that may have been ours.
fn report(which: u8, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let ([kind, code, to, cut], rest): ([u8; 4], u32) = input.arbitrary()?;
    let (theirs, ours) = ends(which & 4);
    let to = PORTS[usize::from(to & 3)];
    let mut inner = [to.to_be_bytes(), 53_u16.to_be_bytes()].concat();
    inner.extend([0, 8, 0, 0]);
    let mut inner = packets::ip((ours, theirs), UDP, 64, inner);
    inner.truncate(if cut & 128 != 0 { usize::from(cut & 127) } else { inner.len() });
    let mut message = vec![kind, code, 0, 0];
    message.extend(rest.to_be_bytes());
    message.extend(inner);
    Ok(packets::ip((theirs, ours), if theirs.is_ipv4() { ICMP } else { ICMPV6 }, 64, message))
}

/// A question for groups (RFC 3376, RFC 3810), or what looks like one.
fn question(which: u8, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (cut, group): (u8, [u8; 16]) = input.arbitrary()?;
    let group = if cut & 64 != 0 { [0; 16] } else { group };
    if which & 4 == 0 {
        let mut message = vec![0x11, 100, 0, 0];
        message.extend(&group[..4]);
        message.extend([0; 4]);
        message.truncate(usize::from(cut & 63).max(8));
        return Ok(packets::ip((PEER.into(), Ipv4Addr::new(224, 0, 0, 1).into()), IGMP, 1, message));
    }
    let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
    let mut message = vec![130, 0, 0, 0, 0, 100, 0, 0];
    message.extend(group);
    message.extend([0; 4]);
    message.truncate(usize::from(cut & 63).max(1));
    let to = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    Ok(packets::ip((router.into(), to.into()), ICMPV6, 1, message))
}

/// The program sends, to anybody, with any control message.
fn send(socket: &Open, input: &mut Unstructured<'_>) -> Result<()> {
    let (to, length, port): (u8, u16, u16) = input.arbitrary()?;
    let remote: SocketAddr = match to & 7 {
        0 => (PEER, port).into(),
        1 => (PEER6, port).into(),
        2 => (PEER.to_ipv6_mapped(), port).into(),
        3 => (Ipv4Addr::from(input.arbitrary::<[u8; 4]>()?), port).into(),
        4 => (Ipv6Addr::from(input.arbitrary::<[u8; 16]>()?), port).into(),
        5 => (Ipv4Addr::new(192, 0, 2, to), port).into(),
        6 => (Ipv4Addr::new(239, 1, 2, 3), port).into(),
        _ => (OUR, port | 32).into(),
    };
    let mut control = Vec::new();
    if to & 8 != 0 {
        let [level, kind, length]: [u8; 3] = input.arbitrary()?;
        let level = [0, 41, 17, 1][usize::from(level & 3)];
        let data = input.bytes(usize::from(length & 31).min(input.len()))?.to_vec();
        control.push(Control::Other { level, kind: kind.into(), data });
    }
    // What comes back to a socket of ours is looked at as if a peer had sent it: its key is that of its port.
    let key = socket.socket().local_address();
    let port = crate::sockets::unnamed(&key).map_or(0, |local| local.port());
    if port == 0 {
        return Ok(());
    }
    // Cut into several, each begins anew: then they are not looked at here.
    let is_local = remote.ip() == IpAddr::V4(OUR) || remote.ip().is_multicast() || remote.ip().is_loopback();
    if is_local && !control.is_empty() {
        return Ok(());
    }
    let _ = socket.send_to(remote, &pattern::bytes(key_of(port), 0, length.into()), control);
    Ok(())
}

fn set_option(socket: &Open, input: &mut Unstructured<'_>) -> Result<()> {
    let ([level, name, length], value): ([u8; 3], [u8; 20]) = input.arbitrary()?;
    let level = [1, 17, 0, 41][usize::from(level & 3)];
    // Datagrams that are cut begin anew each: those are another target's.
    if level != 17 {
        let _ = socket.set_option(level, name.into(), &value[..usize::from(length) % 21]);
    }
    Ok(())
}

/// A datagram whole, one in pieces, questions and answers.
pub fn seeds() -> Vec<Vec<u8>> {
    let known = [0x0f, 0];
    let whole = [0, 0, 7, 20, 0];
    let whole_v6 = [0, 0x0c, 7, 20, 0];
    let pieces = [4, 0, 9, 1, 40, 0, 0, 0, 24, 0, 2, 3, 0, 64, 0, 0];
    let pieces_v6 = [4, 0x0c, 9, 1, 40, 0, 0, 0, 24, 0, 2, 3, 0, 64, 0, 0];
    let receive = [8, 0, 255, 255];
    let send = [9, 0, 0, 100, 0, 53, 0];
    let group = [&[14, 0, 2, 35, 8, 239, 1, 2, 3][..], &[0; 16]].concat();
    let question = [&[11, 0, 64 | 12][..], &[0; 16]].concat();
    let report = [10, 0, 3, 3, 0, 0, 0, 0, 0, 0];
    let headers = [13, 12, 1, 30, 0, 0, 2, 2, 0, 1, 4, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0];
    let start = [0];
    [
        [&start[..], &known, &whole, &receive].concat(),
        [&start[..], &known, &whole_v6, &[8, 1, 255, 255]].concat(),
        [&start[..], &known, &pieces, &receive].concat(),
        [&start[..], &known, &pieces_v6, &[8, 1, 255, 255]].concat(),
        [&start[..], &known, &send, &report, &receive].concat(),
        [&start[..], &known, &group, &question, &[0, 3, 7, 20, 0], &receive].concat(),
        [&start[..], &known, &headers, &receive].concat(),
    ]
    .to_vec()
}

#[cfg(test)]
mod tests;
