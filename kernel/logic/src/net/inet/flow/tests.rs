//! One connection over a wire that loses packets.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use abi::errno::Errno;
use smoltcp::wire::{Ipv4Packet, TcpPacket};

use super::{Flow, Manner};
use crate::file::io::{SliceSink, SliceSource};
use crate::file::poll::WRITABLE;
use crate::net::inet::keep_alive::KeepAlive;
use crate::net::inet::outlet::{Capabilities, Cut, Outlet};
use crate::net::inet::packet::{Packet, Segment};
use crate::net::inet::rings::{LEAST_SHARE, RING, tests::bounded};
use crate::net::inet::settings::Settings;

const MS: u64 = 1_000_000;

/// A wire to the other side that loses what `loses` says.
struct Wire {
    capabilities: Capabilities,
    writing: Vec<u8>,
    packets: VecDeque<Vec<u8>>,
    loses: fn(u64) -> bool,
    sent: u64,
}

impl Wire {
    fn new(loses: fn(u64) -> bool) -> Self {
        Self {
            capabilities: Capabilities::new(1500),
            writing: Vec::new(),
            packets: VecDeque::new(),
            loses,
            sent: 0,
        }
    }
}

impl Outlet for Wire {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    fn has_room(&mut self) -> bool {
        self.packets.len() < 64
    }
    fn buffer(&mut self, length: usize) -> &mut [u8] {
        self.writing = vec![0; length];
        &mut self.writing
    }
    fn send(&mut self, cut: Cut) {
        assert_eq!(cut.segment, None, "this wire does not cut");
        self.sent += 1;
        if !(self.loses)(self.sent) {
            self.packets.push_back(core::mem::take(&mut self.writing));
        }
    }
}

/// Two ends and the wires between them.
struct Pair {
    now: u64,
    flows: [Box<Flow>; 2],
    wires: [Wire; 2],
}

impl Pair {
    fn new(loses: fn(u64) -> bool) -> Self {
        Self::with_memory(loses, RING)
    }

    /// Ends with `memory` bytes for each direction.
    fn with_memory(loses: fn(u64) -> bool, memory: usize) -> Self {
        let client: SocketAddr = "10.0.0.1:50000".parse().unwrap();
        let server: SocketAddr = "10.0.0.2:80".parse().unwrap();
        let mut wires = [Wire::new(loses), Wire::new(loses)];
        let flows = [
            Flow::connect((client, server), bounded(memory), 1, 0, &mut wires[0]).unwrap(),
            Flow::accept((server, client), bounded(memory), 2, 0, &mut wires[1]).unwrap(),
        ];
        Self { now: 0, flows, wires }
    }

    /// Lets both ends do what they have to; time goes on to the next thing that is due when nothing is on the wires.
    fn step(&mut self) {
        let mut next = u64::MAX;
        for index in 0..2 {
            if let Some(due) = self.flows[index].poll(self.now, &mut self.wires[index]) {
                next = next.min(due);
            }
        }
        let mut quiet = true;
        for index in 0..2 {
            while let Some(packet) = self.wires[index].packets.pop_front() {
                quiet = false;
                let other = 1 - index;
                let packet = Packet::parse(&packet).unwrap();
                let segment = packet.segment().unwrap();
                self.flows[other].receive_packet(&packet, &segment, self.now, &mut self.wires[other]);
            }
        }
        self.now = if quiet && next != u64::MAX { next.max(self.now + 1000) } else { self.now + MS / 10 };
    }

    fn step_until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..100_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("it does not come to that: {:?}", self.flows);
    }

    fn open(loses: fn(u64) -> bool) -> Self {
        let mut pair = Self::new(loses);
        pair.step_until(|pair| pair.flows.iter().all(|flow| flow.is_open()));
        pair
    }
}

fn write(flow: &mut Flow, bytes: &[u8]) -> Result<usize, Errno> {
    flow.write(&mut SliceSource(bytes))
}

fn read(flow: &mut Flow) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; 100_000];
    let count = flow.read(&mut SliceSink::new(&mut bytes), false)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// Sends a megabyte from the client.
fn transfer(mut pair: Pair) {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|index| (index * 7 + index / 251) as u8).collect();
    let (mut sent, mut got) = (0, Vec::new());
    while got.len() < bytes.len() {
        match write(&mut pair.flows[0], &bytes[sent..]) {
            Ok(count) => sent += count,
            Err(errno) => assert_eq!(errno, Errno::EAGAIN),
        }
        pair.step();
        match read(&mut pair.flows[1]) {
            Ok(more) => got.extend_from_slice(&more),
            Err(errno) => assert_eq!(errno, Errno::EAGAIN),
        }
        assert!(pair.now < 3_600_000 * MS, "an hour");
    }
    assert!(got == bytes, "what comes out is what went in");
}

#[test]
fn bytes_arrive_in_order() {
    transfer(Pair::open(|_| false));
}

#[test]
fn bytes_arrive_over_a_wire_that_loses_some() {
    transfer(Pair::open(|number| number % 17 == 3));
    transfer(Pair::open(|number| number % 5 == 4));
}

#[test]
fn bytes_arrive_where_there_is_little_memory() {
    let mut pair = Pair::with_memory(|_| false, LEAST_SHARE);
    pair.step_until(|pair| pair.flows.iter().all(|flow| flow.is_open()));
    assert_eq!(write(&mut pair.flows[0], &[0; 2 * LEAST_SHARE]), Ok(LEAST_SHARE));
    assert!(!pair.flows[0].readiness().events.contains(WRITABLE), "what is sent must be acknowledged first");
    // It is not read, and what does not fit is lost.
    pair.step_until(|pair| pair.flows[1].readable() == LEAST_SHARE);
    assert_eq!(write(&mut pair.flows[0], b"no room there"), Ok(13));
    pair.step_until(|pair| pair.now > 1000 * MS);
    assert_eq!(read(&mut pair.flows[1]).map(|bytes| bytes.len()), Ok(LEAST_SHARE));
    pair.step_until(|pair| pair.flows[1].readable() == 13);
    assert_eq!(read(&mut pair.flows[1]).unwrap(), b"no room there");
    transfer(pair);
}

#[test]
fn both_ends_close() {
    let mut pair = Pair::open(|_| false);
    assert_eq!(read(&mut pair.flows[1]), Err(Errno::EAGAIN));
    assert_eq!(write(&mut pair.flows[0], b"last words"), Ok(10));
    pair.flows[0].finish();
    pair.step_until(|pair| pair.flows[1].readable() == 10);
    assert_eq!(read(&mut pair.flows[1]).unwrap(), b"last words");
    pair.step_until(|pair| !pair.flows[1].may_receive());
    assert_eq!(read(&mut pair.flows[1]), Ok(Vec::new()), "the end");
    assert_eq!(write(&mut pair.flows[0], b"more"), Err(Errno::EPIPE));
    assert_eq!(write(&mut pair.flows[1], b"answer"), Ok(6), "the other half is open");
    pair.flows[1].finish();
    pair.step_until(|pair| pair.flows[0].readable() == 6 && pair.flows[1].is_over());
    assert_eq!(read(&mut pair.flows[0]).unwrap(), b"answer");
    assert!(pair.flows[0].last_words().is_some() && pair.flows[1].last_words().is_none());
    pair.step_until(|pair| pair.flows[0].is_over());
    assert!(pair.flows.iter_mut().all(|flow| flow.take_error().is_none()), "nothing failed");
}

/// It counts for what it acknowledges (RFC 9293, section 3.10.7.4: "Ignore the segment text").
#[test]
fn what_is_sent_behind_the_end_is_not_read() {
    let mut pair = Pair::open(|_| false);
    write(&mut pair.flows[0], b"all").unwrap();
    let ([client, server], [out, back]) = (&mut pair.flows, &mut pair.wires);
    client.poll(pair.now, out);
    let mut late = out.packets.pop_back().expect("it goes out");
    let all = Packet::parse(&late).unwrap();
    let first = all.segment().unwrap().sequence;
    server.receive_packet(&all, &all.segment().unwrap(), pair.now, back);
    client.finish();
    pair.step_until(|pair| pair.flows[1].readable() == 3);
    assert_eq!(read(&mut pair.flows[1]).unwrap(), b"all");
    pair.step_until(|pair| !pair.flows[1].may_receive());
    let ([client, server], [_, back]) = (&mut pair.flows, &mut pair.wires);
    let ends = client.ends();
    write(server, b"answer").unwrap();
    server.poll(pair.now, back);
    let mut segment = TcpPacket::new_unchecked(&mut late[20..]);
    segment.set_seq_number(first + 4);
    segment.set_ack_number(segment.ack_number() + 6);
    segment.fill_checksum(&ends.0.ip().into(), &ends.1.ip().into());
    let late = Packet::parse(&late).unwrap();
    server.receive_packet(&late, &late.segment().unwrap(), pair.now, back);
    assert_eq!((server.readable(), server.unacknowledged()), (0, 0));
    assert_eq!(read(server), Ok(Vec::new()), "the end");
}

#[test]
fn a_reset_is_told_once() {
    let mut pair = Pair::open(|_| false);
    pair.flows[1].abort();
    pair.step_until(|pair| pair.flows[0].is_over());
    assert_eq!(read(&mut pair.flows[0]), Err(Errno::ECONNRESET));
    assert_eq!(read(&mut pair.flows[0]), Ok(Vec::new()));
    assert_eq!(write(&mut pair.flows[0], b"x"), Err(Errno::EPIPE));
}

#[test]
fn a_reset_that_is_guessed_is_not_believed() {
    let mut pair = Pair::open(|_| false);
    write(&mut pair.flows[1], b"unread").unwrap();
    pair.step_until(|pair| pair.flows[0].readable() == 6);
    pair.flows[1].abort();
    let [receiver, sender] = &mut pair.flows;
    let [back, wire] = &mut pair.wires;
    sender.poll(pair.now, wire);
    let reset = wire.packets.pop_back().expect("it is told");
    let packet = Packet::parse(&reset).unwrap();
    let segment = packet.segment().unwrap();
    let mut reset_at = |sequence, now| {
        receiver.receive_packet(&packet, &Segment { sequence, ..segment }, now, back);
        assert!(!receiver.is_over());
        // What is said to that: what was expected.
        let answer = back.packets.pop_back()?;
        Some(Packet::parse(&answer).unwrap().segment().unwrap().acknowledged)
    };
    let later = pair.now + 1000 * MS;
    assert_eq!(
        reset_at(segment.sequence + 1000, pair.now),
        Some(segment.sequence),
        "who means it says so again"
    );
    assert_eq!(reset_at(segment.sequence + 1, pair.now), None, "once a second");
    assert_eq!(reset_at(segment.sequence + 1, later), Some(segment.sequence));
    for outside in [segment.sequence - 1, segment.sequence + RING + 1] {
        assert_eq!(reset_at(outside, later + 1000 * MS), None);
    }
    receiver.receive_packet(&packet, &segment, pair.now, back);
    assert!(receiver.is_over());
    assert_eq!(read(receiver).unwrap(), b"unread");
    assert_eq!(read(receiver), Err(Errno::ECONNRESET));
}

/// A client that has started anew uses a port again, which the server has a connection with: it hears of that, and resets it.
#[test]
fn who_begins_anew_gets_rid_of_what_was_there() {
    let mut pair = Pair::open(|_| false);
    let (mut wire, ends) = (Wire::new(|_| false), pair.flows[0].ends());
    let mut anew = Flow::connect(ends, bounded(RING), 77, pair.now, &mut wire).unwrap();
    anew.poll(pair.now, &mut wire);
    let (server, back) = (&mut pair.flows[1], &mut pair.wires[1]);
    let receive = |flow: &mut Flow, bytes: Vec<u8>, out: &mut Wire| {
        let packet = Packet::parse(&bytes).unwrap();
        flow.receive_packet(&packet, &packet.segment().unwrap(), pair.now, out);
    };
    receive(server, wire.packets.pop_front().unwrap(), back);
    assert!(!server.is_over(), "anybody could have said that");
    receive(&mut anew, back.packets.pop_front().unwrap(), &mut wire);
    receive(server, wire.packets.pop_front().unwrap(), back);
    assert!(server.is_over());
    assert_eq!(read(server), Err(Errno::ECONNRESET));
    assert!(!anew.is_over(), "it goes on asking");
}

/// Before the server has acknowledged anything: the window of its first packet is not scaled.
#[test]
fn what_lies_behind_the_window_is_not_counted() {
    let mut pair = Pair::open(|_| false);
    let ([client, server], [out, back]) = (&mut pair.flows, &mut pair.wires);
    write(client, &[7; 1000]).unwrap();
    client.poll(pair.now, out);
    let sent = out.packets.pop_back().expect("it goes out");
    let first = Packet::parse(&sent).unwrap().segment().unwrap().sequence;
    let mut come = |ahead: usize| {
        let mut bytes = sent.clone();
        let ends = client.ends();
        let mut segment = TcpPacket::new_unchecked(&mut bytes[20..]);
        segment.set_seq_number(first + ahead);
        segment.fill_checksum(&ends.0.ip().into(), &ends.1.ip().into());
        let packet = Packet::parse(&bytes).unwrap();
        server.receive_packet(&packet, &packet.segment().unwrap(), pair.now, back);
        server.readable()
    };
    for ahead in [RING + 500, RING, RING - 100] {
        assert_eq!(come(ahead), 0, "there is a gap");
    }
    for ahead in (0..RING - 100).step_by(1000) {
        assert_eq!(come(ahead), if ahead + 1000 < RING - 100 { ahead + 1000 } else { RING });
    }
    assert_eq!(come(RING), RING, "it is full");
}

#[test]
fn nobody_answers() {
    let mut pair = Pair::new(|_| true);
    pair.step_until(|pair| pair.flows[0].is_over());
    assert_eq!(pair.flows[0].take_error(), Some(Errno::ETIMEDOUT));
    assert!(!pair.flows[0].is_open());
}

#[test]
fn a_silent_peer_is_given_up() {
    let mut pair = Pair::open(|_| false);
    pair.wires[0].loses = |_| true;
    write(&mut pair.flows[0], b"anybody?").unwrap();
    pair.step_until(|pair| pair.flows[0].is_over());
    assert_eq!(read(&mut pair.flows[0]), Err(Errno::ETIMEDOUT));
}

#[test]
fn a_peek_leaves_it() {
    let mut pair = Pair::open(|_| false);
    write(&mut pair.flows[0], b"seen").unwrap();
    pair.step_until(|pair| pair.flows[1].readable() == 4);
    let mut bytes = [0; 2];
    assert_eq!(pair.flows[1].read(&mut SliceSink::new(&mut bytes), true), Ok(2));
    assert_eq!(&bytes, b"se");
    assert_eq!(read(&mut pair.flows[1]).unwrap(), b"seen");
}

#[test]
fn sizes() {
    assert!(size_of::<Flow>() < 1200, "{}", size_of::<Flow>());
}

/// Idle for 10 s, asked every 2 s, three times.
fn kept_alive(pair: &mut Pair) {
    let second = Duration::from_secs(1);
    pair.step_until(|pair| pair.flows.iter().all(|flow| flow.is_open()));
    let keep_alive = KeepAlive { idle: 10 * second, interval: 2 * second, count: 3 };
    let manner = Settings::default().manner(false, true);
    pair.flows[0].configure(&Manner { keep_alive: Some(keep_alive), ..manner });
}

#[test]
fn a_silent_peer_that_is_there_is_kept() {
    let mut pair = Pair::new(|_| false);
    kept_alive(&mut pair);
    let (start, before) = (pair.now, pair.wires[0].sent);
    pair.step_until(|pair| pair.now - start > 35_000 * MS);
    assert!(pair.flows.iter().all(|flow| flow.is_open() && !flow.is_over() && !flow.has_failed()));
    let asked = pair.wires[0].sent - before;
    assert!((3..=4).contains(&asked), "once each ten seconds, and what ended the handshake: {asked}");
    assert_eq!(pair.flows[1].readable(), 0, "a question is no data");
}

#[test]
fn a_silent_peer_that_is_gone_is_given_up() {
    let mut pair = Pair::new(|_| false);
    kept_alive(&mut pair);
    pair.step_until(|pair| pair.wires.iter().all(|wire| wire.packets.is_empty()));
    pair.wires[0].loses = |_| true;
    let (start, before) = (pair.now, pair.wires[0].sent);
    pair.step_until(|pair| pair.flows[0].is_over());
    assert_eq!(pair.flows[0].take_error(), Some(Errno::ETIMEDOUT));
    let took = (pair.now - start) / MS;
    assert!((15_990..=16_100).contains(&took), "{took} ms");
    assert!(
        (3..=5).contains(&(pair.wires[0].sent - before)),
        "three questions, the end of the handshake, a reset"
    );
}

#[test]
fn packets_are_marked() {
    let mut pair = Pair::open(|_| false);
    let manner = Manner { traffic_class: 0xb8, ..Settings::default().manner(false, false) };
    pair.flows[0].configure(&manner);
    write(&mut pair.flows[0], b"urgent").unwrap();
    pair.flows[0].poll(pair.now, &mut pair.wires[0]);
    let sent = pair.wires[0].packets.pop_back().expect("it goes out");
    assert_eq!(Packet::parse(&sent).unwrap().traffic_class(), 0xb8);
    assert!(Ipv4Packet::new_unchecked(&sent).verify_checksum());
}

/// As Linux' ping-pong mode says (tcp(7), `TCP_QUICKACK`).
#[test]
fn what_comes_is_acknowledged_at_once_or_with_an_answer() {
    let mut pair = Pair::open(|_| false);
    assert!(pair.flows[1].quick_ack(), "at first");
    for quick in [false, true] {
        pair.flows[1].set_quick_ack(quick);
        write(&mut pair.flows[0], b"ask").unwrap();
        pair.step_until(|pair| pair.flows[1].readable() > 0);
        pair.flows[1].poll(pair.now, &mut pair.wires[1]);
        assert_eq!(pair.wires[1].packets.len(), usize::from(quick));
        read(&mut pair.flows[1]).unwrap();
        pair.step_until(|pair| pair.flows[0].unacknowledged() == 0);
    }
    write(&mut pair.flows[1], b"answer").unwrap();
    assert!(!pair.flows[1].quick_ack(), "it has answered");
}
