//! Links over a wire between two stacks, and frames from hell.

mod groups;
mod ipv6;
mod long;
mod pairs;
mod path;
mod pieces;

extern crate std;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::Waker;

use abi::errno::Errno;
use proptest::prelude::*;
use sync::Lock;

use super::{ETHERNET, Link, Setting, Setting6};
use crate::file::Io;
use crate::file::io::{SliceSink, SliceSource};
use crate::net::inet::carried::Carried;
use crate::net::inet::connection::Connection;
use crate::net::inet::device::{Device, Finish, Frame, Offloads, Received};
use crate::net::inet::listener::Listener;
use crate::net::inet::ports::Claim;
use crate::net::inet::rings::{RING, tests::bounded};
use crate::net::inet::routes::Network;
use crate::net::inet::stack::{Bound, Stack, Surroundings};

std::thread_local! {
    static NOW: AtomicU64 = const { AtomicU64::new(0) };
    static RANDOM: AtomicU64 = const { AtomicU64::new(1) };
}

fn now() -> u64 {
    NOW.with(|now| now.load(Ordering::Relaxed))
}

fn random() -> u64 {
    RANDOM.with(|state| {
        let next = state.load(Ordering::Relaxed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.store(next, Ordering::Relaxed);
        next >> 7
    })
}

const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OUR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const THEIRS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A device that keeps what it sends.
#[derive(Debug)]
struct Fake {
    address: [u8; 6],
    sent: Lock<VecDeque<(Vec<u8>, Finish)>>,
    /// The pairs of queues they were sent by.
    sent_by: Lock<Vec<usize>>,
    came: Lock<VecDeque<Vec<u8>>>,
    offloads: Offloads,
    /// Checksums of what comes in are right, it says.
    is_checked: bool,
}

impl Fake {
    fn new(address: [u8; 6]) -> Arc<Self> {
        Arc::new(Self {
            address,
            sent: Lock::default(),
            sent_by: Lock::default(),
            came: Lock::default(),
            offloads: Offloads::default(),
            is_checked: false,
        })
    }

    fn take_sent(&self) -> Vec<Vec<u8>> {
        self.sent.lock().drain(..).map(|(bytes, _)| bytes).collect()
    }
}

impl Device for Fake {
    fn address(&self) -> [u8; 6] {
        self.address
    }

    fn mtu(&self) -> usize {
        1500
    }

    fn offloads(&self) -> Offloads {
        self.offloads
    }

    fn is_up(&self) -> bool {
        true
    }

    fn pairs(&self) -> usize {
        2
    }

    fn has_room(&self, _pair: usize) -> bool {
        true
    }

    fn buffer(&self, _pair: usize) -> Vec<u8> {
        // Used before.
        vec![0xaa; 100]
    }

    fn send(&self, pair: usize, frames: &mut [Frame]) {
        self.sent_by.lock().extend(frames.iter().map(|_| pair));
        self.sent.lock().extend(frames.iter().map(|frame| (frame.bytes().to_vec(), frame.finish)));
    }

    fn receive(
        &self,
        _pair: usize,
        _waker: &Waker,
        each: &mut dyn FnMut(Received<'_>),
        then: &mut dyn FnMut(),
    ) -> bool {
        while let Some(bytes) = { self.came.lock().pop_front() } {
            each(Received { bytes: &bytes, is_checked: self.is_checked });
        }
        then();
        false
    }
}

fn network(address: Ipv4Addr) -> Setting {
    Setting::Static(Network { address, prefix: 24, gateway: None })
}

struct Machine {
    stack: Arc<Stack>,
    device: Arc<Fake>,
    link: Arc<Link>,
}

fn machine(mac: [u8; 6], setting: Setting) -> Machine {
    machine_with(mac, setting, Setting6::None)
}

fn machine_with(mac: [u8; 6], setting: Setting, setting_v6: Setting6) -> Machine {
    machine_on(Fake::new(mac), setting, setting_v6)
}

fn machine_on(device: Arc<Fake>, setting: Setting, setting_v6: Setting6) -> Machine {
    let stack = Stack::new(Surroundings { now, random, rings: || Ok(bounded(RING)), hurry: || () });
    let link = stack.add_link(Arc::clone(&device) as _, setting, &setting_v6);
    Machine { stack, device, link }
}

fn us() -> Machine {
    machine(OUR_MAC, network(OUR))
}

fn them() -> Machine {
    machine([2, 0, 0, 0, 0, 2], network(THEIRS))
}

impl Machine {
    fn come(&self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.device.came.lock().push_back(frame.to_vec());
        self.stack.serve_links(0, Waker::noop());
        self.device.take_sent()
    }
}

/// Carries frames both ways until there are none, except those that `is_lost` names.
fn carry(one: &Machine, other: &Machine, is_lost: &mut dyn FnMut() -> bool) {
    loop {
        let mut is_quiet = true;
        for (from, to) in [(one, other), (other, one)] {
            for frame in from.device.take_sent() {
                is_quiet = false;
                if !is_lost() {
                    to.device.came.lock().push_back(frame);
                }
            }
            to.stack.serve_links(0, Waker::noop());
        }
        if is_quiet {
            return;
        }
    }
}

/// Time goes on to what is due next.
fn go_on(machines: [&Machine; 2]) {
    let next = machines.iter().filter_map(|machine| machine.stack.next_deadline()).min();
    NOW.with(|now| now.fetch_max(next.expect("something is due"), Ordering::Relaxed));
    machines.iter().for_each(|machine| machine.stack.tick());
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn carried(connection: Connection) -> Arc<Carried> {
    match connection {
        Connection::Carried(carried) => carried,
        Connection::Joined(_) => panic!("it goes to another machine"),
    }
}

fn connect(machine: &Machine, remote: &str) -> Arc<Carried> {
    carried(machine.stack.connect(address("0.0.0.0:0"), address(remote)).unwrap())
}

/// A socket of `machine` that listens at port 80.
fn listen(machine: &Machine, address: &str, backlog: u32) -> (Bound, Arc<Listener>) {
    let address = address.parse().unwrap();
    let claim = Claim { address, v6_only: false, reuse_address: false, reuse_port: false, listens: false };
    let bound = machine.stack.bind(claim).unwrap();
    let listener = machine.stack.listen(&bound, address, false, backlog).unwrap();
    (bound, listener)
}

fn question(from: [u8; 6], who: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(from);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(from);
    frame.extend(who.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

fn sum(bytes: &[u8]) -> u16 {
    let mut sum: u32 =
        bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// An echo request, right in everything.
fn ping(to_mac: [u8; 6], from: [u8; 6], to: Ipv4Addr) -> Vec<u8> {
    let mut icmp = vec![8, 0, 0, 0, 0x12, 0x34, 0, 1, b'p', b'i', b'n', b'g'];
    let check = sum(&icmp);
    icmp[2..4].copy_from_slice(&check.to_be_bytes());
    let mut ip = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 1, 0, 0];
    ip.extend(THEIRS.octets());
    ip.extend(to.octets());
    let check = sum(&ip);
    ip[10..12].copy_from_slice(&check.to_be_bytes());
    [&to_mac[..], &from, &[8, 0], &ip, &icmp].concat()
}

#[test]
fn who_asks_for_us_is_answered() {
    let us = us();
    let peer = [2, 0, 0, 0, 0, 7];
    let answer = us.come(&question(peer, THEIRS, OUR));
    assert_eq!(answer.len(), 1);
    assert_eq!(
        (&answer[0][..6], &answer[0][12..14], &answer[0][20..22]),
        (&peer[..], &[8, 6][..], &[0, 2][..])
    );
    assert_eq!((&answer[0][22..28], &answer[0][28..32]), (&OUR_MAC[..], &OUR.octets()[..]));
    assert!(us.come(&question(peer, THEIRS, Ipv4Addr::new(192, 0, 2, 77))).is_empty(), "not our address");
    assert!(us.come(&question(peer, OUR, OUR)).is_empty(), "ours, from somebody else");
}

#[test]
fn ping_is_answered() {
    let us = us();
    let peer = [2, 0, 0, 0, 0, 7];
    us.come(&question(peer, THEIRS, OUR));
    let answer = us.come(&ping(OUR_MAC, peer, OUR));
    assert_eq!(answer.len(), 1, "one answer, no question");
    assert_eq!(
        (&answer[0][..6], answer[0][ETHERNET + 20], &answer[0][ETHERNET + 28..]),
        (&peer[..], 0, &b"ping"[..])
    );
    assert!(us.come(&ping([0xff; 6], peer, Ipv4Addr::new(192, 0, 2, 255))).is_empty(), "not for everybody");
    assert!(us.come(&ping([2; 6], peer, OUR)).is_empty(), "not for us");
    let mut wrong = ping(OUR_MAC, peer, OUR);
    wrong[ETHERNET + 8] -= 1;
    assert!(us.come(&wrong).is_empty(), "a header that is not what was sent");
    let mut fragment = ping(OUR_MAC, peer, OUR);
    fragment[ETHERNET + 6] = 0x20;
    let check = u16::from_be_bytes([fragment[ETHERNET + 10], fragment[ETHERNET + 11]]) - 0x2000;
    fragment[ETHERNET + 10..ETHERNET + 12].copy_from_slice(&check.to_be_bytes());
    assert!(us.come(&fragment).is_empty(), "half a packet");
}

#[test]
fn nobody_is_there() {
    let us = us();
    let connection = connect(&us, "192.0.2.50:80");
    let question = us.device.take_sent();
    assert_eq!((question.len(), &question[0][12..14]), (1, &[8, 6][..]));
    let start = now();
    while connection.look(|flow| flow.is_opening()) {
        let next = us.stack.next_deadline().expect("questions are asked again");
        NOW.with(|now| now.fetch_max(next, Ordering::Relaxed));
        us.stack.tick();
    }
    assert_eq!(connection.take_error(), Some(Errno::EHOSTUNREACH));
    assert_eq!(now() - start, 3_000_000_000);
}

#[test]
fn without_a_gateway_the_rest_of_the_world_is_not_there() {
    let us = us();
    let far = us.stack.connect(address("0.0.0.0:0"), address("198.51.100.1:80"));
    assert_eq!(far.unwrap_err(), Errno::ENETUNREACH);
    assert_eq!(us.stack.source_for((THEIRS, 9).into()), Ok(OUR.into()));
    assert!(us.stack.is_local(OUR.into()) && !us.stack.is_local(THEIRS.into()));
}

#[test]
fn who_asks_for_an_address_keeps_senders_waiting() {
    let us = machine(OUR_MAC, Setting::Dhcp);
    let far = address("198.51.100.1:9");
    us.stack.tick();
    let asked = us.device.take_sent();
    assert_eq!((asked.len(), &asked[0][..6]), (1, &[0xff; 6][..]), "a question to everybody");
    assert_eq!(us.stack.settle(far, &Io::default()), Err(Errno::EAGAIN));
    assert_eq!(us.stack.settle((Ipv4Addr::LOCALHOST, 9).into(), &Io::default()), Ok(()));
    let start = now();
    while us.stack.settle(far, &Io::default()).is_err() {
        let next = us.stack.next_deadline().expect("it is not waited for ever");
        NOW.with(|now| now.fetch_max(next, Ordering::Relaxed));
        us.stack.tick();
    }
    assert_eq!(now() - start, 10_000_000_000);
    assert_eq!(us.stack.source_for(far), Err(Errno::ENETUNREACH));
}

/// The last acknowledgement is lost: the end is said again, and acknowledged by who has closed the connection.
#[test]
fn who_has_closed_first_acknowledges_again() {
    let (us, them) = (us(), them());
    let (_bound, listener) = listen(&them, "192.0.2.2:80", 1);
    let client = connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    let server = carried(listener.accept(&Io::default()).unwrap());
    let ends = client.ends();
    Connection::Carried(client).release(&us.stack, false);
    carry(&us, &them, &mut || false);
    Connection::Carried(Arc::clone(&server)).release(&them.stack, false);
    // Its end comes, and what answers it does not.
    let end = them.device.take_sent();
    assert_eq!(end.len(), 1);
    assert_eq!(us.come(&end[0]).len(), 1, "lost");
    assert_eq!(us.stack.connect(ends.0, ends.1).unwrap_err(), Errno::EADDRNOTAVAIL);
    while !server.look(|flow| flow.is_over()) {
        go_on([&us, &them]);
        carry(&us, &them, &mut || false);
    }
    assert_eq!(server.take_error(), None, "no reset");
    NOW.with(|now| now.fetch_add(60_000_000_000, Ordering::Relaxed));
    assert!(us.stack.connect(ends.0, ends.1).is_ok());
}

/// A segment for the port of DHCP's client, with a number that could be a datagram's length, is still a segment.
#[test]
fn only_datagrams_are_answers_to_who_asks_for_an_address() {
    let us = machine(OUR_MAC, Setting::Dhcp);
    let granted = Network { address: OUR, prefix: 24, gateway: None };
    us.link.state.lock().network = Some(granted);
    us.stack.set_network(&us.link, Some(granted));
    let peer = [2, 0, 0, 0, 0, 7];
    assert_eq!(us.come(&question(peer, THEIRS, OUR)).len(), 1);
    let mut segment = vec![0x30, 0x39, 0, 68, 0, 20, 0, 0, 0, 0, 0, 0, 0x50, 2, 255, 255, 0, 0, 0, 0];
    let covered = [&THEIRS.octets()[..], &OUR.octets(), &[0, 6, 0, 20], &segment].concat();
    segment[16..18].copy_from_slice(&sum(&covered).to_be_bytes());
    let mut ip = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
    ip.extend(THEIRS.octets());
    ip.extend(OUR.octets());
    let check = sum(&ip);
    ip[10..12].copy_from_slice(&check.to_be_bytes());
    let answer = us.come(&[&OUR_MAC[..], &peer, &[8, 0], &ip, &segment].concat());
    assert_eq!(answer.len(), 1, "nobody listens there, and says so");
}

/// More than flows are kept for.
#[test]
fn many_ask_at_once() {
    const COUNT: u32 = 200;
    let (us, them) = (us(), them());
    let (_bound, listener) = listen(&them, "192.0.2.2:80", COUNT);
    let clients: Vec<_> = (0..COUNT).map(|_| connect(&us, "192.0.2.2:80")).collect();
    let mut servers = Vec::new();
    while servers.len() < clients.len() {
        carry(&us, &them, &mut || false);
        while let Ok(server) = listener.accept(&Io::default()) {
            servers.push(carried(server));
        }
        if servers.len() < clients.len() {
            go_on([&us, &them]);
        }
    }
    for client in &clients {
        us.stack.step(client, |flow| flow.write(&mut SliceSource(b"here"))).unwrap();
    }
    carry(&us, &them, &mut || false);
    assert!(servers.iter().all(|server| server.look(|flow| flow.readable()) == 4));
}

/// They all ask while there is room, and answer when there is not: none of them is turned away.
#[test]
fn more_answer_at_once_than_may_wait() {
    let (us, them) = (us(), them());
    let (_bound, listener) = listen(&them, "192.0.2.2:80", 4);
    let clients: Vec<_> = (0..50).map(|_| connect(&us, "192.0.2.2:80")).collect();
    let mut servers = Vec::new();
    let has_come = |server: &Arc<Carried>| server.look(|flow| flow.readable()) == 4;
    let mut written = vec![false; clients.len()];
    while servers.len() < clients.len() || !servers.iter().all(has_come) {
        carry(&us, &them, &mut || false);
        for (client, written) in clients.iter().zip(&mut written) {
            *written =
                *written || us.stack.step(client, |flow| flow.write(&mut SliceSource(b"here"))) == Ok(4);
            assert_eq!(client.take_error(), None);
        }
        while let Ok(server) = listener.accept(&Io::default()) {
            servers.push(carried(server));
        }
        if us.device.sent.lock().is_empty() && them.device.sent.lock().is_empty() {
            go_on([&us, &them]);
        }
    }
}

fn transfer(loss_in_100: u64) {
    let (us, them) = (us(), them());
    let (_bound, listener) = listen(&them, "192.0.2.2:80", 4);
    let mut is_lost = || random() % 100 < loss_in_100;
    let client = connect(&us, "192.0.2.2:80");
    let data: Vec<u8> = (0..300_000_u32).map(|number| (number * 7 >> 3) as u8).collect();
    let (mut sent, mut got, mut accepted) = (0, Vec::new(), None);
    let mut rounds = 0;
    while got.len() < data.len() {
        rounds += 1;
        assert!(rounds < 20_000, "it goes on: {} of {}", got.len(), data.len());
        sent += us.stack.step(&client, |flow| flow.write(&mut SliceSource(&data[sent..]))).unwrap_or(0);
        carry(&us, &them, &mut is_lost);
        if accepted.is_none() {
            accepted = listener.accept(&Io::default()).ok().map(carried);
        }
        let mut room = vec![0; 65536];
        let count = accepted.as_ref().map_or(0, |server| {
            them.stack.step(server, |flow| flow.read(&mut SliceSink::new(&mut room), false)).unwrap_or(0)
        });
        got.extend_from_slice(&room[..count]);
        if count == 0 && us.device.sent.lock().is_empty() && them.device.sent.lock().is_empty() {
            go_on([&us, &them]);
        }
    }
    assert!(got == data, "every byte in its place");
}

#[test]
fn bytes_over_a_wire() {
    transfer(0);
}

#[test]
fn bytes_over_a_wire_that_loses_some() {
    transfer(5);
}

#[test]
fn a_full_backlog_makes_others_ask_again() {
    let (us, them) = (us(), them());
    let (_bound, listener) = listen(&them, "192.0.2.2:80", 1);
    let mut clients: Vec<_> = (0..2).map(|_| connect(&us, "192.0.2.2:80")).collect();
    carry(&us, &them, &mut || false);
    clients.push(connect(&us, "192.0.2.2:80"));
    carry(&us, &them, &mut || false);
    let is_open = |client: &Arc<Carried>| client.look(|flow| flow.is_open());
    assert_eq!(clients.iter().map(is_open).collect::<Vec<_>>(), [true, true, false]);
    listener.accept(&Io::default()).unwrap();
    let mut rounds = 0;
    while !is_open(&clients[2]) {
        rounds += 1;
        assert!(rounds < 100, "it asks again");
        go_on([&us, &them]);
        carry(&us, &them, &mut || false);
    }
}

#[test]
fn who_is_not_accepted_is_turned_away() {
    let (us, them) = (us(), them());
    let nobody = connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    assert_eq!(nobody.take_error(), Some(Errno::ECONNREFUSED));
    let (_bound, listener) = listen(&them, "192.0.2.2:80", 1);
    let client = connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    them.stack.close_listener(&listener);
    carry(&us, &them, &mut || false);
    assert_eq!(client.take_error(), Some(Errno::ECONNRESET));
    let late = connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    assert_eq!(late.take_error(), Some(Errno::ECONNREFUSED));
}

proptest! {
    #[test]
    fn no_frame_does_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..4_u8, place in 0..200_usize) {
        let us = us();
        let peer = [2, 0, 0, 0, 0, 7];
        us.come(&question(peer, THEIRS, OUR));
        let mut frame = match kind {
            0 => bytes.clone(),
            1 => [&OUR_MAC[..], &peer, &[8, 0], &bytes].concat(),
            2 => question(peer, THEIRS, OUR),
            _ => ping(OUR_MAC, peer, OUR),
        };
        if kind > 1 {
            let place = place % frame.len();
            let end = (place + bytes.len()).min(frame.len());
            frame[place..end].copy_from_slice(&bytes[..end - place]);
            frame.truncate(frame.len() - bytes.first().map_or(0, |&byte| usize::from(byte) % 20));
        }
        us.come(&frame);
        // It still works.
        prop_assert_eq!(us.come(&question(peer, Ipv4Addr::new(192, 0, 2, 9), OUR)).len(), 1);
        prop_assert!(us.link.network().is_some());
    }
}
