//! A link: Ethernet frames of one device, as IP packets. It finds neighbours, and its own address if it has to ask for that.
//!
//! Only packets that are whole, sound and meant for this machine reach the stack: checksums are looked at here, unless the device has done that.
//! What IPv6 has in place of ARP is in [`ipv6`].

mod exit;
mod ipv6;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::{IpAddr, Ipv4Addr};
use core::ops::DerefMut;
use core::task::Waker;

use abi::io::PollEvents;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol,
    Ipv4Packet,
};
use sync::Lock;

use crate::file::Io;
use crate::file::wakers::WakerSet;

use super::device::{Device, ETHERNET, Frame, Received};
use super::dhcp::{Change, Dhcp, Lease};
use super::discovery::{Discovery, Network6, Setting6};
use super::finish;
use super::gather::{Added, Gather};
use super::groups::Groups;
use super::icmp::Report;
use super::igmp;
use super::neighbours::{Found, Mac, Neighbours};
use super::outlet::Capabilities;
use super::packet::Packet;
use super::reassembly::{self, Reassembly};
use super::routes::Network;
use super::stack::{Stack, Surroundings};

/// Bytes of an ARP message for IPv4 over Ethernet.
const ARP: usize = 28;
const EVERYBODY: Mac = [0xff; 6];
/// The port of a DHCP client.
const DHCP_CLIENT: u16 = 68;
/// How long senders wait for a link that asks for its address.
const PATIENCE_NS: u64 = 10_000_000_000;

/// How a link comes to its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// It has this one.
    Static(Network),
    /// It asks for one (DHCP: RFC 2131).
    Dhcp,
    /// It has none.
    None,
}

/// A link.
#[derive(Debug)]
pub struct Link {
    /// As programs know it (netdevice(7), `sin6_scope_id`).
    number: u32,
    device: Arc<dyn Device>,
    around: Surroundings,
    capabilities: Capabilities,
    /// How many pairs of queues the device has.
    pairs: usize,
    /// A buffer for packets that are cut.
    long: Lock<Vec<u8>>,
    state: Lock<State>,
}

/// Frames that are taken in one after the other.
struct Batch<'a> {
    stack: &'a Stack,
    /// Segments that came, until others come that do not belong to them.
    gather: RefCell<Gather>,
}

#[derive(Debug)]
struct State {
    neighbours: Neighbours,
    network: Option<Network>,
    /// Who asks for its address.
    dhcp: Option<Dhcp>,
    /// Until when senders wait for that.
    settles_by: Option<u64>,
    waiting: WakerSet,
    /// What was told with the address.
    lease: Option<Lease>,
    discovery: Discovery,
    /// Packets of which pieces are there.
    reassembly: Reassembly,
    /// The groups that sockets listen to.
    joined: Groups,
    /// How it is known to its IPv6 networks, as the stack was told.
    network_v6: Network6,
    /// When the next of all this is due, if that was reckoned since it changed last.
    next_deadline: Option<Option<u64>>,
}

impl Link {
    /// The link of `device`.
    pub(super) fn new(
        number: u32,
        device: Arc<dyn Device>,
        (setting, setting_v6): (Setting, &Setting6),
        around: Surroundings,
    ) -> Self {
        let (capabilities, pairs) = (Capabilities::of_link(device.mtu()), device.pairs());
        let now_ns = (around.now)();
        let hasher = SeedableRandomState::with_seed((around.random)(), SharedSeed::global_fixed());
        let asks = setting == Setting::Dhcp;
        let state = State {
            neighbours: Neighbours::new(hasher),
            network: if let Setting::Static(network) = setting { Some(network) } else { None },
            dhcp: asks.then(|| Dhcp::new(device.address(), device.mtu(), (around.random)(), now_ns)),
            settles_by: asks.then(|| now_ns.saturating_add(PATIENCE_NS)),
            waiting: WakerSet::new(),
            lease: None,
            discovery: Discovery::new(device.address(), setting_v6, now_ns),
            reassembly: Reassembly::default(),
            joined: Groups::default(),
            network_v6: Network6::default(),
            next_deadline: None,
        };
        Self { number, device, around, capabilities, pairs, long: Lock::default(), state: Lock::new(state) }
    }

    /// What it knows, to be changed.
    fn state(&self) -> impl DerefMut<Target = State> {
        let mut state = self.state.lock();
        state.next_deadline = None;
        state
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How it is known.
    pub fn network(&self) -> Option<Network> {
        self.state().network
    }

    /// The name servers that it was told of.
    pub fn name_servers(&self) -> Vec<IpAddr> {
        let state = self.state();
        let leased = state.lease.iter().flat_map(|lease| lease.name_servers.iter().copied().map(IpAddr::V4));
        leased.chain(state.discovery.name_servers().map(IpAddr::V6)).collect()
    }

    /// The domain that it was told to be in.
    pub fn domain(&self) -> Option<String> {
        self.state().lease.as_ref()?.domain.clone()
    }

    /// What it was told that this machine is called.
    pub fn host_name(&self) -> Option<String> {
        self.state().lease.as_ref()?.host_name.clone()
    }

    /// Whether it may have an IPv4 address soon; then the caller is woken when that is decided.
    pub(super) fn is_settling(&self, io: &Io<'_>) -> bool {
        let mut state = self.state();
        let is_settling = state.settles_by.is_some();
        if is_settling {
            io.wait_for(&mut state.waiting, PollEvents::all());
        }
        is_settling
    }

    /// Its Ethernet address.
    pub(super) fn address(&self) -> Mac {
        self.device.address()
    }

    /// Whether its cable is in.
    pub(super) fn is_up(&self) -> bool {
        self.device.is_up()
    }

    /// What can be done by it.
    pub(super) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// How many threads can bring what came in, [`Link::serve`].
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Sends frames of its own.
    fn say(&self, frames: &mut [Frame]) {
        if !frames.is_empty() {
            self.device.send(0, frames);
        }
    }

    /// A frame of its own with everything but its payload.
    fn frame(&self, length: usize, to: Mac, protocol: EthernetProtocol) -> Frame {
        self.frame_in(self.device.buffer(0), length, to, protocol)
    }

    /// A frame with everything but its payload.
    fn frame_in(&self, buffer: Vec<u8>, length: usize, to: Mac, protocol: EthernetProtocol) -> Frame {
        let mut frame = Frame::new(buffer, ETHERNET + length);
        let mut ethernet = EthernetFrame::new_unchecked(frame.bytes_mut());
        ethernet.set_dst_addr(EthernetAddress(to));
        ethernet.set_src_addr(EthernetAddress(self.device.address()));
        ethernet.set_ethertype(protocol);
        frame
    }

    fn arp(&self, operation: ArpOperation, own: Ipv4Addr, (to, target): (Mac, (Mac, Ipv4Addr))) -> Frame {
        let mut frame = self.frame(ARP, to, EthernetProtocol::Arp);
        let message = ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: EthernetAddress(self.device.address()),
            source_protocol_addr: own,
            target_hardware_addr: EthernetAddress(target.0),
            target_protocol_addr: target.1,
        };
        message.emit(&mut ArpPacket::new_unchecked(&mut frame.bytes_mut()[ETHERNET..]));
        frame
    }

    /// The question where `address` is, if there is an address to ask from.
    fn question(&self, state: &State, address: IpAddr) -> Option<Frame> {
        match address {
            IpAddr::V4(address) => {
                let own = state.network?.address;
                Some(self.arp(ArpOperation::Request, own, (EVERYBODY, ([0; 6], address))))
            }
            IpAddr::V6(address) => self.question_v6(state, address),
        }
    }

    /// Sends `frames` by `pair` to `neighbour`, as soon as it is known where that is.
    fn send_to(&self, neighbour: IpAddr, pair: usize, frames: &mut [Frame]) {
        let (mut goes, mut asks, mut question) = (true, false, None);
        {
            // Where a neighbour is known, nothing changes.
            let mut state = self.state.lock();
            if let Some(group) = group_of(neighbour, state.network) {
                direct(frames, group);
            } else {
                let found = state.neighbours.find(neighbour, (self.around.now)());
                match found {
                    Found::At(mac) | Found::Doubtful(mac) => direct(frames, mac),
                    Found::Asked | Found::Unknown => {
                        goes = false;
                        for frame in frames.iter_mut() {
                            state.neighbours.hold(neighbour, core::mem::take(frame));
                        }
                    }
                    Found::NoRoom => goes = false,
                }
                asks = matches!(found, Found::Doubtful(_) | Found::Unknown);
                if asks {
                    state.next_deadline = None;
                    question = self.question(&state, neighbour);
                }
            }
        }
        if goes {
            self.device.send(pair, frames);
        }
        if let Some(question) = question {
            self.say(&mut [question]);
        }
        if asks {
            (self.around.hurry)();
        }
    }

    /// Brings frames that came in by `pair` to `stack`. False: there are no more, and `waker` is woken when some come.
    pub(super) fn serve(self: &Arc<Self>, stack: &Stack, pair: usize, waker: &Waker) -> bool {
        let batch = Batch { stack, gather: RefCell::default() };
        let settle = &mut || {
            self.bring_gathered(&batch);
            stack.settle_input();
        };
        self.device.receive(pair, waker, &mut |frame| self.receive(&batch, frame), settle)
    }

    /// A packet is for this machine. What came before it is brought to the stack before it.
    fn bring(&self, batch: &Batch<'_>, packet: &Packet<'_>) {
        let mut added = batch.gather.borrow_mut().add(packet);
        if added == Added::Behind {
            self.bring_gathered(batch);
            added = batch.gather.borrow_mut().add(packet);
        }
        if added == Added::Not {
            batch.stack.input(packet, &self.capabilities);
        }
    }

    fn bring_gathered(&self, batch: &Batch<'_>) {
        let bytes = batch.gather.borrow_mut().take();
        if let Some(packet) = Packet::parse(&bytes) {
            batch.stack.input(&packet.on(self.number), &self.capabilities);
        }
    }

    /// A frame came in.
    fn receive(self: &Arc<Self>, batch: &Batch<'_>, received: Received<'_>) {
        let Ok(ethernet) = EthernetFrame::new_checked(received.bytes) else { return };
        let (from, to) = (ethernet.src_addr(), ethernet.dst_addr());
        let is_for_us = to.0 == self.device.address();
        let is_for_all = to.is_broadcast();
        if !from.is_unicast() || from.0 == self.device.address() {
            return;
        }
        match ethernet.ethertype() {
            EthernetProtocol::Arp if is_for_us || is_for_all => self.receive_arp(batch.stack, received.bytes),
            EthernetProtocol::Ipv4 if is_for_us || is_for_all || to.0[..3] == GROUPS_V4 => {
                self.receive_ipv4(batch, received, (is_for_us, is_for_all));
            }
            EthernetProtocol::Ipv6 if is_for_us || to.0[..2] == GROUPS_V6 => {
                self.receive_ipv6(batch, received, (from.0, is_for_us));
            }
            _ => {}
        }
    }

    /// Somebody asks or says who is where (RFC 826, "Packet Reception").
    fn receive_arp(self: &Arc<Self>, stack: &Stack, bytes: &[u8]) {
        let Ok(packet) = ArpPacket::new_checked(&bytes[ETHERNET..]) else { return };
        let Ok(ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr,
            target_protocol_addr,
            ..
        }) = ArpRepr::parse(&packet)
        else {
            return;
        };
        if !source_hardware_addr.is_unicast() {
            return;
        }
        let mut frames = Vec::new();
        {
            let mut state = self.state();
            if let Some(network) = state.network.filter(|network| is_host(network, source_protocol_addr)) {
                let asks_us = operation == ArpOperation::Request && target_protocol_addr == network.address;
                let mac = source_hardware_addr.0;
                let now_ns = (self.around.now)();
                frames = state.neighbours.learn(source_protocol_addr.into(), mac, asks_us, now_ns);
                direct(&mut frames, mac);
                if asks_us {
                    let target = (mac, (mac, source_protocol_addr));
                    frames.push(self.arp(ArpOperation::Reply, network.address, target));
                }
            }
        }
        self.say(&mut frames);
        if operation == ArpOperation::Reply {
            self.step_dhcp(stack, Some(bytes));
        }
    }

    fn receive_ipv4(
        self: &Arc<Self>,
        batch: &Batch<'_>,
        received: Received<'_>,
        (is_for_us, is_for_all): (bool, bool),
    ) {
        let Some(packet) = sound(&received.bytes[ETHERNET..]) else { return };
        if !reassembly::is_piece(&packet) {
            let is_checked = received.is_checked;
            return self.receive_whole(batch, &packet, (is_for_us, is_for_all), (received.bytes, is_checked));
        }
        if !batch.stack.is_local(packet.destination) && !packet.destination.is_multicast() {
            return;
        }
        let whole = self.state().reassembly.add(&packet, (self.around.now)());
        if let Some(packet) = whole.as_deref().and_then(Packet::parse) {
            self.receive_whole(batch, &packet, (is_for_us, is_for_all), (&[], false));
        }
    }

    /// A packet of IPv4 is there, in this frame unless it came in pieces.
    fn receive_whole(
        self: &Arc<Self>,
        batch: &Batch<'_>,
        packet: &Packet<'_>,
        (is_for_us, is_for_all): (bool, bool),
        (frame, is_checked): (&[u8], bool),
    ) {
        // What else it carries is looked at by its readers.
        if !is_checked && !finish::is_right(packet) {
            return;
        }
        let datagram = if packet.protocol == IpProtocol::Udp { packet.datagram() } else { None };
        let port = datagram.map(|(local, _, _)| local.port());
        if port == Some(DHCP_CLIENT) && self.state().dhcp.is_some() {
            return self.step_dhcp(batch.stack, Some(frame));
        }
        if !is_for_us && !is_for_all && !packet.destination.is_multicast() {
            return;
        }
        if let Some(group) = igmp::asks(packet) {
            return self.answer_for_groups_v4(group);
        }
        // Only datagrams are for everybody (RFC 1122, sections 3.2.2.6 and 4.2.3.10).
        if is_for_us || packet.protocol == IpProtocol::Udp {
            self.bring(batch, &packet.on(self.number));
        }
    }

    /// When [`Link::tick`] must be called.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let mut state = self.state.lock();
        if let Some(reckoned) = state.next_deadline {
            return reckoned;
        }
        let now_ns = (self.around.now)();
        let dhcp = state.dhcp.as_mut().and_then(|dhcp| dhcp.next_deadline(now_ns));
        let neighbours = state.neighbours.next_deadline();
        let discovery = state.discovery.next_deadline(now_ns);
        let reassembly = state.reassembly.next_deadline();
        let next = [dhcp, state.settles_by, neighbours, discovery, reassembly].into_iter().flatten().min();
        state.next_deadline = Some(next);
        next
    }

    /// Does what is due by now.
    pub(super) fn tick(self: &Arc<Self>, stack: &Stack) {
        let now_ns = (self.around.now)();
        let (given_up, mut questions) = {
            let mut state = self.state();
            if state.settles_by.is_some_and(|by| by <= now_ns) {
                state.settles_by = None;
                state.waiting.wake_all();
            }
            state.reassembly.expire(now_ns);
            let due = state.neighbours.take_due(now_ns);
            let questions: Vec<_> =
                due.questions.iter().filter_map(|&address| self.question(&state, address)).collect();
            (due.given_up, questions)
        };
        self.say(&mut questions);
        for frame in given_up {
            if let Some(report) = Packet::parse(&frame.bytes()[ETHERNET..])
                .and_then(|packet| Report::no_neighbour(&packet.on(self.number)))
            {
                stack.take_report(report);
            }
        }
        self.step_dhcp(stack, None);
        self.step_discovery(stack);
    }

    /// Goes on asking for an address; `frame` came in for that.
    fn step_dhcp(self: &Arc<Self>, stack: &Stack, frame: Option<&[u8]>) {
        let mut frames = Vec::new();
        let change = {
            let mut state = self.state();
            let Some(dhcp) = &mut state.dhcp else { return };
            let change = dhcp.step(frame, (self.around.now)(), &mut |bytes| {
                let mut frame = Frame::new(self.device.buffer(0), bytes.len());
                frame.bytes_mut().copy_from_slice(bytes);
                frames.push(frame);
            });
            match change {
                None => None,
                Some(Change::Lost) => {
                    (state.network, state.lease) = (None, None);
                    Some(None)
                }
                Some(Change::Granted(network, lease)) => {
                    (state.network, state.lease) = (Some(network), Some(lease));
                    Some(Some(network))
                }
            }
        };
        self.say(&mut frames);
        if let Some(network) = change {
            stack.set_network(self, network);
            let mut state = self.state();
            if network.is_some() {
                state.settles_by = None;
                state.waiting.wake_all();
            }
        }
    }
}

/// Whether `address` can be a host's on `network`, other than our own.
fn is_host(network: &Network, address: Ipv4Addr) -> bool {
    network.contains(address)
        && !network.is_broadcast(address)
        && address != network.address
        && !address.is_unspecified()
}

/// What the addresses of all IPv4 groups begin with (RFC 1112, section 6.4), and of all IPv6 groups (RFC 2464, section 7).
const GROUPS_V4: [u8; 3] = [1, 0, 0x5e];
const GROUPS_V6: [u8; 2] = [0x33, 0x33];

/// Where frames for `address` go, if it stands for many.
fn group_of(address: IpAddr, network: Option<Network>) -> Option<Mac> {
    match address {
        IpAddr::V4(address) if network.is_some_and(|network| network.is_broadcast(address)) => {
            Some(EVERYBODY)
        }
        IpAddr::V4(address) if address.is_multicast() => {
            let [_, a, b, c] = address.octets();
            Some([GROUPS_V4[0], GROUPS_V4[1], GROUPS_V4[2], a & 0x7f, b, c])
        }
        IpAddr::V6(address) if address.is_multicast() => {
            let [.., a, b, c, d] = address.octets();
            Some([GROUPS_V6[0], GROUPS_V6[1], a, b, c, d])
        }
        _ => None,
    }
}

/// Writes where `frames` go.
fn direct(frames: &mut [Frame], to: Mac) {
    for frame in frames {
        EthernetFrame::new_unchecked(frame.bytes_mut()).set_dst_addr(EthernetAddress(to));
    }
}

/// The IPv4 packet that `bytes` begin with, if all of it is there and its header is right.
fn sound(bytes: &[u8]) -> Option<Packet<'_>> {
    let packet = Ipv4Packet::new_checked(bytes).ok()?;
    let (source, destination) = (packet.src_addr(), packet.dst_addr());
    let is_from_one = !source.is_multicast() && !source.is_broadcast() && !source.is_loopback();
    if packet.version() != 4 || !is_from_one || destination.is_loopback() || !packet.verify_checksum() {
        return None;
    }
    Packet::parse(bytes)
}

#[cfg(test)]
mod tests;
