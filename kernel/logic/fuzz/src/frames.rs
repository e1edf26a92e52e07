//! Frames of any bytes, at a machine that asks for its addresses or has them, with sockets of all kinds. Their checksums are put right if the
//! input says so: without that nothing would come far.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use abi::net::{MsgFlags, Shutdown, SocketType};
use arbitrary::{Result, Unstructured};
use logic::file::Io;
use logic::net::inet::discovery::Setting6;
use logic::net::inet::link::Setting;
use logic::net::inet::routes::Network;

use crate::machine::{Machine, OUR, OUR_MAC, OUR6, PEER, PEER_MAC};
use crate::packets::{self, UDP};
use crate::rings;
use crate::sent::sum;
use crate::sockets::Open;

/// Frames of one input.
const MOST_STEPS: usize = 200;
const NS_PER_MS: u64 = 1_000_000;
/// As long as nothing is waited for.
const LONG_NS: u64 = 4000 * 1000 * NS_PER_MS;
const ETHERNET: usize = 14;

/// One input.
pub fn run(data: &[u8]) {
    let input = &mut Unstructured::new(data);
    let _ = play(input);
    assert_eq!(rings::in_use(), 0, "a connection is left");
}

fn play(input: &mut Unstructured<'_>) -> Result<()> {
    let how: u8 = input.arbitrary()?;
    let network = Network { address: OUR, prefix: 24, gateway: Some(Ipv4Addr::new(192, 0, 2, 9)) };
    let setting = if how & 1 == 0 { Setting::Static(network) } else { Setting::Dhcp };
    let setting_v6 = match how & 2 {
        0 => Setting6::Static { addresses: vec![(OUR6, 64)], gateway: None },
        _ => Setting6::Automatic,
    };
    let machine = Machine::new(input, (setting, setting_v6))?;
    machine.wait(3000 * NS_PER_MS);
    let mut sockets = sockets(&machine);
    for _ in 0..MOST_STEPS {
        if input.is_empty() {
            break;
        }
        step(&machine, &mut sockets, input)?;
        machine.take_sent();
    }
    drop(sockets);
    machine.wait(LONG_NS);
    Ok(())
}

/// One of each kind.
fn sockets(machine: &Machine) -> Vec<Open> {
    let address = |text: &str| -> SocketAddr { text.parse().expect("an address") };
    let mut sockets = Vec::new();
    for at in ["0.0.0.0:80", "[::]:81"] {
        let listener = Open::new(&machine.stack, address(at), SocketType::Stream);
        listener.bind(address(at)).expect("it is free");
        listener.socket().listen(&Io::default(), 5).expect("it is free");
        sockets.push(listener);
    }
    for at in ["0.0.0.0:53", "[::]:54"] {
        let datagrams = Open::new(&machine.stack, address(at), SocketType::Datagram);
        datagrams.bind(address(at)).expect("it is free");
        sockets.push(datagrams);
    }
    for to in ["192.0.2.2:80", "198.51.100.1:80", "[2001:db8::2]:80"] {
        let client = Open::new(&machine.stack, address(to), SocketType::Stream);
        // There may be no way there yet.
        let _ = client.connect(address(to));
        sockets.push(client);
    }
    let connected = Open::new(&machine.stack, address("0.0.0.0:0"), SocketType::Datagram);
    let _ = connected.connect(address("192.0.2.2:53"));
    sockets.push(connected);
    sockets
}

fn step(machine: &Machine, sockets: &mut Vec<Open>, input: &mut Unstructured<'_>) -> Result<()> {
    let [kind, which]: [u8; 2] = input.arbitrary()?;
    let count = sockets.len();
    let socket = &sockets[usize::from(which) % count];
    match kind & 7 {
        0 => {
            machine.go_on(u64::from(which) * 50 * NS_PER_MS);
        }
        1 => match kind >> 3 & 3 {
            0 => sockets.extend(socket.accept().filter(|_| count < 32)),
            1 => drop(socket.receive(2000, MsgFlags::empty())),
            2 => drop(socket.write(&[which; 3000])),
            _ => drop(socket.socket().shutdown(&Io::default(), Shutdown::Both)),
        },
        _ => {
            let length = usize::from(input.arbitrary::<u16>()?) % 2000;
            let mut frame = input.bytes(length.min(input.len()))?.to_vec();
            mend(&mut frame, kind >> 3);
            machine.come(&frame, kind & 128 != 0);
        }
    }
    Ok(())
}

/// Puts right what `what` says: where the frame comes from and goes to, its lengths, its checksums.
fn mend(frame: &mut [u8], what: u8) {
    if what & 1 != 0
        && let Some(ends) = frame.get_mut(..12)
    {
        ends.copy_from_slice(&[OUR_MAC, PEER_MAC].concat());
    }
    if what & 2 == 0 || frame.len() <= ETHERNET {
        return;
    }
    let kind = [frame[12], frame[13]];
    match (kind, &mut frame[ETHERNET..]) {
        ([8, 0], packet) if packet.len() >= 20 => mend_v4(packet, what),
        ([0x86, 0xdd], packet) if packet.len() >= 40 => mend_v6(packet, what),
        _ => {}
    }
}

fn mend_v4(packet: &mut [u8], what: u8) {
    let header = usize::from(packet[0] & 15).max(5) * 4;
    if header > packet.len() {
        return;
    }
    packet[0] = 0x40 | (header / 4) as u8;
    if what & 4 != 0 {
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet[6..8].fill(0);
        packet[16..20].copy_from_slice(&OUR.octets());
        packet[12..16].copy_from_slice(&PEER.octets());
    }
    packet[10..12].fill(0);
    let sum = !sum(&packet[..header]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    let address = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
    let (ends, protocol): ((IpAddr, IpAddr), u8) = ((address(12).into(), address(16).into()), packet[9]);
    mend_payload(ends, protocol, &mut packet[header..], what);
}

fn mend_v6(packet: &mut [u8], what: u8) {
    packet[0] = 0x60 | packet[0] & 15;
    if what & 4 != 0 {
        let length = (packet.len() - 40) as u16;
        packet[4..6].copy_from_slice(&length.to_be_bytes());
        packet[24..40].copy_from_slice(&OUR6.octets());
    }
    let address = |at: usize| -> IpAddr {
        let mut octets = [0; 16];
        octets.copy_from_slice(&packet[at..at + 16]);
        Ipv6Addr::from(octets).into()
    };
    let (ends, protocol) = ((address(8), address(24)), packet[6]);
    mend_payload(ends, protocol, &mut packet[40..], what);
}

fn mend_payload(ends: (IpAddr, IpAddr), protocol: u8, payload: &mut [u8], what: u8) {
    if protocol == UDP && what & 4 != 0 && payload.len() >= 8 {
        let length = payload.len() as u16;
        payload[4..6].copy_from_slice(&length.to_be_bytes());
    }
    packets::fill_checksum(ends, protocol, payload);
}

/// A frame of each kind that is answered.
pub fn seeds() -> Vec<Vec<u8>> {
    let with = |kind: u8, frame: &[u8]| {
        let mut input = vec![0, 0, kind, 0];
        input.extend((frame.len() as u16).to_le_bytes());
        input.extend(frame);
        input
    };
    let ends = (IpAddr::from(PEER), IpAddr::from(OUR));
    let ends_v6 = (IpAddr::from(crate::machine::PEER6), IpAddr::from(OUR6));
    let ping = vec![8, 0, 0, 0, 1, 2, 0, 1, b'p', b'i', b'n', b'g'];
    let ping_v6 = vec![128, 0, 0, 0, 1, 2, 0, 1, b'p', b'i', b'n', b'g'];
    let syn = |port: u8| {
        let mut segment = vec![4, 0, 0, port, 0, 0, 1, 0, 0, 0, 0, 0, 0x60, 2, 255, 255, 0, 0, 0, 0];
        segment.extend([2, 4, 5, 0xb4]);
        segment
    };
    let datagram = |port: u8| vec![4, 0, 0, port, 0, 12, 0, 0, b't', b'e', b'x', b't'];
    [
        packets::arp(1, (PEER_MAC, PEER), ([0; 6], OUR)),
        packets::frame(&packets::ip(ends, 1, 64, ping)),
        packets::frame(&packets::ip(ends_v6, 58, 64, ping_v6)),
        packets::frame(&packets::ip(ends, 6, 64, syn(80))),
        packets::frame(&packets::ip(ends_v6, 6, 64, syn(81))),
        packets::frame(&packets::ip(ends, 17, 64, datagram(53))),
        packets::frame(&packets::ip(ends_v6, 17, 64, datagram(54))),
        packets::frame(&packets::ip(ends, 17, 64, datagram(99))),
    ]
    .iter()
    .map(|frame| with(2 | 0b11 << 3, frame))
    .collect()
}
