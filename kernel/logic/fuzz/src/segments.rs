//! TCP: peers that send segments with any flags, numbers and options, and a program that reads and writes meanwhile.
//!
//! Bytes of both directions tell where in their stream they belong. So it is known of each byte that is read, or goes out, whether it is in its
//! place; of each acknowledgement, whether it is for something that was sent; and at the end, whether all that was acknowledged could be read,
//! and whether anything is left of connections that are over.

use std::net::{IpAddr, SocketAddr};

use abi::errno::Errno;
use abi::net::{Shutdown, SocketType};
use arbitrary::{Result, Unstructured};
use logic::net::inet::discovery::Setting6;
use logic::net::inet::link::Setting;
use logic::net::inet::routes::Network;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket};

use crate::machine::{Machine, OUR, OUR_MAC, OUR6, PEER, PEER_MAC, PEER6, Sent};
use crate::packets::{self, ICMP, ICMPV6, TCP};
use crate::sockets::Open;
use crate::{pattern, rings};

/// Peers: half of them connect to the program, the others are connected to.
const PEERS: usize = 6;
/// The port that the program listens at.
const PORT: u16 = 80;
/// Bytes that the program writes have this key.
const OURS: u8 = 0xff;
/// Steps of one input.
const MOST_STEPS: usize = 400;

const NS_PER_MS: u64 = 1_000_000;
/// As long as nothing is waited for.
const LONG_NS: u64 = 4000 * 1000 * NS_PER_MS;

const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// Somebody at the other end.
#[derive(Debug, Default)]
struct Peer {
    is_v6: bool,
    /// Ports: its own, ours.
    ports: (u16, u16),
    /// Those of ours that it was connected to before.
    former: Vec<u16>,
    /// Where its sequence numbers begin, if it does not say otherwise.
    first: u32,
    /// Numbers behind those that it opened connections with.
    beginnings: Vec<u32>,
    /// What it sent: from which number, how many.
    sent: Vec<(u32, u32)>,
    /// Numbers that we opened connections with.
    ours: Vec<u32>,
    /// What it is next to send and to acknowledge, as far as we have said.
    next: u32,
    expects: u32,
    /// Whether we have acknowledged anything.
    was_heard: bool,
}

impl Peer {
    fn ends(&self) -> (IpAddr, IpAddr) {
        if self.is_v6 { (PEER6.into(), OUR6.into()) } else { (PEER.into(), OUR.into()) }
    }
}

/// A socket of the program, and what it has read and written.
#[derive(Debug)]
struct Held {
    open: Open,
    peer: usize,
    /// Where the stream may have begun that it reads.
    beginnings: Vec<u32>,
    was_read: u32,
    written: u32,
    /// It was told of an error, or ended by the program.
    has_ended: bool,
}

struct Run {
    machine: Machine,
    listeners: Vec<Open>,
    peers: Vec<Peer>,
    held: Vec<Held>,
    /// The most that was written on any.
    most_written: u32,
}

/// One input.
pub fn run(data: &[u8]) {
    let _ = play(&mut Unstructured::new(data));
}

/// Plays it; answers how many bytes the program has read from connections that are there at the end, and written.
fn play(input: &mut Unstructured<'_>) -> Result<(u32, u32)> {
    let mut run = Run::new(input)?;
    for _ in 0..MOST_STEPS {
        if input.is_empty() || run.step(input).is_err() {
            break;
        }
    }
    Ok(run.end())
}

impl Run {
    fn new(input: &mut Unstructured<'_>) -> Result<Self> {
        let network = Network { address: OUR, prefix: 24, gateway: None };
        let addresses = vec![(OUR6, 64)];
        let settings = (Setting::Static(network), Setting6::Static { addresses, gateway: None });
        let machine = Machine::new(input, settings)?;
        let mut run =
            Self { machine, listeners: Vec::new(), peers: Vec::new(), held: Vec::new(), most_written: 0 };
        // Addresses are certain, and the neighbour is known.
        run.machine.wait(3000 * NS_PER_MS);
        let known = run.machine.come(&packets::arp(1, (PEER_MAC, PEER), ([0; 6], OUR)), false);
        run.hear(&known);
        let ask = packets::discovery(135, 0, OUR6, &[1, 1, 2, 0, 0, 0, 0, 2]);
        let known = run
            .machine
            .come(&packets::frame(&packets::ip((PEER6.into(), OUR6.into()), ICMPV6, 255, ask)), false);
        run.hear(&known);
        let (backlog, firsts): (u8, [u8; 3]) = (input.arbitrary()?, input.arbitrary()?);
        for any in ["0.0.0.0:80", "[2001:db8::1]:80"] {
            let any = any.parse().expect("an address");
            let listener = Open::new(&run.machine.stack, any, SocketType::Stream);
            listener.bind(any).expect("it is free");
            listener.socket().listen(&Default::default(), u32::from(backlog & 15)).expect("it is free");
            run.listeners.push(listener);
        }
        for index in 0..PEERS {
            let first = u32::from_be_bytes([firsts[0], firsts[1], firsts[2], index as u8]);
            let ports = (1000 + index as u16, if index < PEERS / 2 { PORT } else { 0 });
            run.peers.push(Peer { is_v6: index % 2 == 1, ports, first, next: first, ..Peer::default() });
        }
        Ok(run)
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let kind: u8 = input.arbitrary()?;
        let which = usize::from(kind >> 4);
        match kind & 15 {
            0..=5 => self.speak(which % PEERS, input)?,
            6 => {
                let span_ms: u16 = input.arbitrary()?;
                let sent = self.machine.go_on(u64::from(span_ms) * 16 * NS_PER_MS);
                self.hear(&sent);
            }
            7 => self.read(which, input.arbitrary::<u16>()?.into()),
            8 => self.write(which, input.arbitrary()?),
            9 => self.shut(which, input.arbitrary()?),
            10 => self.accept(which),
            11 => self.connect(PEERS / 2 + which % (PEERS / 2)),
            12 => self.set_option(which, input)?,
            13 => self.report(which % PEERS, input)?,
            14 => self.close(which),
            _ => self.held.iter().for_each(|held| held.open.look()),
        }
        let sent = self.machine.take_sent();
        self.hear(&sent);
        Ok(())
    }

    /// A peer sends a segment, or several at once.
    fn speak(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let count = 1 + input.arbitrary::<u8>()? % 4;
        let mut frames = Vec::new();
        for _ in 0..count {
            frames.push(self.segment(index, input)?);
        }
        let sent = self.machine.come_all(frames);
        self.hear(&sent);
        Ok(())
    }

    fn segment(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<(Vec<u8>, bool)> {
        let peer = &mut self.peers[index];
        let [flags, how]: [u8; 2] = input.arbitrary()?;
        let sequence = match how & 3 {
            0 => peer.next,
            1 => peer.next.wrapping_add_signed(i32::from(input.arbitrary::<i16>()?)),
            2 => match input.arbitrary()? {
                0 => peer.first,
                far @ 1..=u8::MAX => {
                    let next = peer.next.wrapping_add(u32::from(far) << 16);
                    next.wrapping_add_signed(i32::from(input.arbitrary::<i16>()?))
                }
            },
            _ => input.arbitrary()?,
        };
        let acknowledged: u32 = match how >> 2 & 3 {
            0 => peer.expects,
            1 => peer.expects.wrapping_add_signed(i32::from(input.arbitrary::<i16>()?)),
            2 => peer.ours.last().copied().unwrap_or(0).wrapping_add(1),
            _ => input.arbitrary()?,
        };
        let length = match how >> 4 & 3 {
            0 => 0,
            1 => usize::from(input.arbitrary::<u8>()?),
            2 => usize::from(input.arbitrary::<u16>()?) % 1461,
            _ => usize::from(input.arbitrary::<u16>()?),
        };
        let (window, urgent) = if how & 64 != 0 { input.arbitrary()? } else { (u16::MAX, 0_u16) };
        let options = if how & 128 != 0 { options(input)? } else { Vec::new() };
        let mut segment = Vec::new();
        segment.extend(peer.ports.0.to_be_bytes());
        segment.extend(peer.ports.1.to_be_bytes());
        segment.extend(sequence.to_be_bytes());
        segment.extend(acknowledged.to_be_bytes());
        segment.extend([(5 + options.len() as u8 / 4) << 4, flags]);
        segment.extend(window.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(urgent.to_be_bytes());
        segment.extend(options);
        let data = sequence.wrapping_add(u32::from(flags & SYN != 0));
        // No packet says that it is longer.
        let length = length.min(65_535 - 40 - segment.len());
        segment.extend(pattern::bytes(index as u8, data, length));
        if flags & SYN != 0 && !peer.beginnings.contains(&data) {
            peer.beginnings.push(data);
        }
        let counted = length as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        peer.sent.push((sequence, counted));
        Ok((packets::frame(&packets::ip(peer.ends(), TCP, 64, segment)), false))
    }

    /// What went out is looked at by those that it is for; who is asked for is told of.
    fn hear(&mut self, sent: &[Sent]) {
        let mut answers = Vec::new();
        for (frame, _) in sent {
            let ethernet = EthernetFrame::new_unchecked(&frame[..]);
            let bytes = ethernet.payload();
            match ethernet.ethertype() {
                EthernetProtocol::Arp if bytes[7] == 1 && bytes[24..28] == PEER.octets() => {
                    answers.push((packets::arp(2, (PEER_MAC, PEER), (OUR_MAC, OUR)), false));
                }
                EthernetProtocol::Ipv4 => {
                    let packet = Ipv4Packet::new_unchecked(bytes);
                    if packet.next_header() == IpProtocol::Tcp && packet.dst_addr() == PEER {
                        self.heard(false, packet.payload());
                    }
                }
                EthernetProtocol::Ipv6 => {
                    let packet = Ipv6Packet::new_unchecked(bytes);
                    if packet.next_header() == IpProtocol::Tcp && packet.dst_addr() == PEER6 {
                        self.heard(true, packet.payload());
                    }
                    let payload = packet.payload();
                    if packet.next_header() == IpProtocol::Icmpv6
                        && payload[0] == 135
                        && payload[8..24] == PEER6.octets()
                    {
                        let told = packets::discovery(136, 0x60, PEER6, &[2, 1, 2, 0, 0, 0, 0, 2]);
                        answers.push((
                            packets::frame(&packets::ip((PEER6.into(), OUR6.into()), ICMPV6, 255, told)),
                            false,
                        ));
                    }
                }
                _ => {}
            }
        }
        if !answers.is_empty() {
            let sent = self.machine.come_all(answers);
            self.hear(&sent);
        }
    }

    fn heard(&mut self, is_v6: bool, bytes: &[u8]) {
        let segment = TcpPacket::new_unchecked(bytes);
        let (ours, theirs) = (segment.src_port(), segment.dst_port());
        let found = self.peers.iter_mut().enumerate().find(|(_, peer)| {
            peer.ports.0 == theirs
                && peer.is_v6 == is_v6
                && (peer.ports.1 == ours || peer.former.contains(&ours) || segment.syn() && !segment.ack())
        });
        let Some((_, peer)) = found else {
            // That a connection is given up is told even where its SYN was lost, for there was no room.
            assert!(segment.rst() && segment.ack_number().0 == 0, "{segment} goes to nobody");
            return;
        };
        let sequence = segment.seq_number().0.cast_unsigned();
        let is_former = peer.former.contains(&ours);
        if segment.syn() {
            if !is_former && peer.ports.1 != ours {
                let former = std::mem::replace(&mut peer.ports.1, ours);
                peer.former.push(former);
            }
            if !peer.ours.contains(&sequence) {
                peer.ours.push(sequence);
            }
        }
        if segment.ack() {
            let acknowledged = segment.ack_number().0.cast_unsigned();
            let is_known = |&(from, count): &(u32, u32)| acknowledged.wrapping_sub(from) <= count;
            // Who gives up before anybody has answered resets with zero.
            let gives_up = segment.rst() && acknowledged == 0;
            assert!(
                gives_up || peer.sent.iter().any(is_known),
                "{acknowledged:#x} is acknowledged, and was never sent: {peer:?}"
            );
            if !segment.rst() && !is_former {
                (peer.next, peer.was_heard) = (acknowledged, true);
            }
        }
        let data = segment.payload();
        if !data.is_empty() {
            let is_its = |&first: &u32| {
                let at = sequence.wrapping_sub(first).wrapping_sub(1);
                at.wrapping_add(data.len() as u32) <= self.most_written && pattern::is_right(OURS, at, data)
            };
            // A byte in front of the next one asks whether the other side is there (RFC 9293, section 3.8.4).
            let is_probe = data == [0] && (is_former || sequence == peer.expects.wrapping_sub(1));
            assert!(
                is_probe || peer.ours.iter().any(is_its),
                "{} bytes that nobody wrote go out",
                data.len()
            );
        }
        let end =
            sequence.wrapping_add(data.len() as u32 + u32::from(segment.syn()) + u32::from(segment.fin()));
        if !is_former && (segment.syn() || !segment.rst() && end.wrapping_sub(peer.expects) < 1 << 31) {
            peer.expects = end;
        }
    }

    fn accept(&mut self, which: usize) {
        let Some(open) = self.listeners.get(which % 2).and_then(Open::accept) else { return };
        // The peer may be gone; then nothing tells who it was.
        let Some(from) = open.socket().peer_address().ok().and_then(|peer| crate::sockets::unnamed(&peer))
        else {
            return;
        };
        let peer = usize::from(from.port().wrapping_sub(1000));
        assert!(peer < PEERS, "accepted from {from}");
        self.hold(open, peer);
    }

    fn hold(&mut self, open: Open, peer: usize) {
        self.held.push(Held {
            open,
            peer,
            beginnings: Vec::new(),
            was_read: 0,
            written: 0,
            has_ended: false,
        });
    }

    fn connect(&mut self, index: usize) {
        let peer = &self.peers[index];
        let ends = peer.ends();
        let remote = SocketAddr::new(ends.0, peer.ports.0);
        let is_busy = self.held.iter().any(|held| held.peer == index && !held.has_ended);
        if is_busy {
            return;
        }
        let open = Open::new(&self.machine.stack, remote, SocketType::Stream);
        if open.connect(remote) == Err(Errno::EINPROGRESS) {
            self.hold(open, index);
        }
    }

    fn read(&mut self, which: usize, most: usize) {
        let Some(count) = (!self.held.is_empty()).then_some(self.held.len()) else { return };
        self.read_at(which % count, most);
    }

    /// Reads; false when there is nothing more now.
    fn read_at(&mut self, index: usize, most: usize) -> bool {
        let held = &mut self.held[index];
        match held.open.read(most) {
            Ok(bytes) if bytes.is_empty() => false,
            Ok(bytes) => {
                let peer = &self.peers[held.peer];
                if held.was_read == 0 {
                    held.beginnings.clone_from(&peer.beginnings);
                }
                let (key, done) = (held.peer as u8, held.was_read);
                held.beginnings.retain(|first| pattern::is_right(key, first.wrapping_add(done), &bytes));
                assert!(!held.beginnings.is_empty(), "bytes {done}.. of peer {key} are not what it sent");
                held.was_read += bytes.len() as u32;
                true
            }
            Err(Errno::EAGAIN) => false,
            Err(_) => {
                held.has_ended = true;
                false
            }
        }
    }

    fn write(&mut self, which: usize, length: u16) {
        let Some(held) =
            (!self.held.is_empty()).then_some(self.held.len()).map(|count| &mut self.held[which % count])
        else {
            return;
        };
        let bytes = pattern::bytes(OURS, held.written, length.into());
        if let Ok(count) = held.open.write(&bytes) {
            assert!(count <= bytes.len());
            held.written += count as u32;
            self.most_written = self.most_written.max(held.written);
        }
    }

    fn shut(&mut self, which: usize, how: u8) {
        let count = self.held.len();
        if count == 0 {
            return;
        }
        let held = &mut self.held[which % count];
        let how = [Shutdown::Write, Shutdown::Read, Shutdown::Both][usize::from(how) % 3];
        held.has_ended |= how != Shutdown::Write;
        // One that is not connected any more says so.
        let _ = held.open.socket().shutdown(&Default::default(), how);
    }

    fn close(&mut self, which: usize) {
        if !self.held.is_empty() {
            let index = which % self.held.len();
            drop(self.held.swap_remove(index));
        }
    }

    fn set_option(&mut self, which: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let (level, name, value): (u8, u8, i32) = input.arbitrary()?;
        let level = [1, 6, 0, 41][usize::from(level) % 4];
        if !self.held.is_empty() {
            let index = which % self.held.len();
            // Most are refused.
            let _ = self.held[index].open.set_option(level, name.into(), &value.to_ne_bytes());
        }
        Ok(())
    }

    /// A router says that a segment of ours came to nothing.
    fn report(&mut self, index: usize, input: &mut Unstructured<'_>) -> Result<()> {
        let peer = &self.peers[index];
        let ([kind, code], rest): ([u8; 2], u32) = input.arbitrary()?;
        let (theirs, ours) = peer.ends();
        let mut inner = [peer.ports.1.to_be_bytes(), peer.ports.0.to_be_bytes()].concat();
        inner.extend(peer.ours.last().copied().unwrap_or(0).to_be_bytes());
        let inner = packets::ip((ours, theirs), TCP, 64, inner);
        let mut message = vec![kind, code, 0, 0];
        message.extend(rest.to_be_bytes());
        message.extend(inner);
        let protocol = if peer.is_v6 { ICMPV6 } else { ICMP };
        let frame = packets::frame(&packets::ip(peer.ends(), protocol, 64, message));
        // What comes of it is an error of the connection.
        for held in self.held.iter_mut().filter(|held| held.peer == index) {
            held.has_ended = true;
        }
        let sent = self.machine.come(&frame, false);
        self.hear(&sent);
        Ok(())
    }

    /// All that was acknowledged can be read; then the program ends, time passes, and nothing is left.
    fn end(mut self) -> (u32, u32) {
        for index in 0..self.held.len() {
            while self.read_at(index, 100_000) {}
        }
        let sent = self.machine.take_sent();
        self.hear(&sent);
        for held in &self.held {
            let peer = &self.peers[held.peer];
            let is_only = peer.was_heard && peer.beginnings.len() == 1 && peer.ours.len() == 1;
            if let ([first], true, false) = (&peer.beginnings[..], is_only, held.has_ended)
                && self.held.iter().filter(|other| other.peer == held.peer).count() == 1
            {
                let acknowledged = peer.next.wrapping_sub(*first);
                // The end of the stream counts as a byte.
                let is_lost = acknowledged < 1 << 31 && acknowledged > held.was_read + 1;
                assert!(!is_lost, "{acknowledged} bytes were acknowledged, {} could be read", held.was_read);
            }
        }
        let was_read = self.held.iter().map(|held| held.was_read).sum();
        self.held.clear();
        self.listeners.clear();
        self.machine.wait(LONG_NS);
        assert_eq!(rings::in_use(), 0, "a connection is left");
        (was_read, self.most_written)
    }
}

/// Options of a segment: those of a SYN as they usually are, or anything.
fn options(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let count = usize::from(input.arbitrary::<u8>()?);
    if count & 128 != 0 {
        let (size, scale): (u16, u8) = input.arbitrary()?;
        let [high, low] = size.to_be_bytes();
        return Ok(vec![2, 4, high, low, 1, 3, 3, scale, 4, 2, 1, 1]);
    }
    let mut options = input.bytes((count % 41).min(input.len()))?.to_vec();
    options.resize(options.len().next_multiple_of(4), 0);
    Ok(options)
}

/// Connections that begin at the peer and here, over both versions: bytes both ways, an end.
pub fn seeds() -> Vec<Vec<u8>> {
    let served = |peer: u8| {
        let mut input = vec![0, 5, 1, 2, 3];
        // A SYN with options; its acknowledgement; accepted; 100 bytes; read; answered; acknowledged; time; its end.
        input.extend([peer << 4, 0, SYN, 0x80, 0x80, 0xb4, 5, 7]);
        input.extend([peer << 4, 0, ACK, 0]);
        input.extend([0x0a | peer << 4, peer << 4, 0, ACK, 0x10, 100, 7, 0xff, 0]);
        input.extend([8, 0xff, 0x20, peer << 4, 0, ACK, 0, 6, 100, 0, peer << 4, 0, ACK, 0]);
        input.extend([peer << 4, 0, ACK | FIN, 0, 9, 0, peer << 4, 0, ACK, 0]);
        input
    };
    let asked = |peer: u8, machine: u8| {
        let mut input = vec![machine, 5, 0xff, 0xff, 0xff];
        input.extend([0x0b | (peer - 3) << 4, peer << 4, 0, SYN | ACK, 0x80, 0x80, 0xb4, 5, 2]);
        // Written, acknowledged; three segments, of which the second one is behind a gap.
        input.extend([8, 0xff, 0xff, peer << 4, 0, ACK, 0, peer << 4, 2]);
        input.extend([ACK, 0x20, 232, 3, ACK, 0x11, 200, 0, 100, ACK, 0x10, 200]);
        input.extend([6, 255, 0, 7, 255, 255, peer << 4, 0, ACK, 0]);
        input
    };
    vec![served(0), served(1), asked(3, 0), asked(4, 32), asked(5, 24)]
}

#[cfg(test)]
mod tests;
