//! A link: Ethernet frames of one device, as IP packets. It finds neighbours, and its own address if it has to ask for that.
//!
//! Only packets that are whole, sound and meant for this machine reach the stack: checksums are looked at here, unless the device has done that.
//! Fragments are not put together. IPv6 has its place beside ARP here (neighbour discovery, RFC 4861); until it is there, its frames are dropped.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::task::Waker;

use abi::io::PollEvents;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol,
    Ipv4Packet, UdpPacket,
};
use sync::Lock;

use crate::file::Io;
use crate::file::wakers::WakerSet;

use super::device::{Device, Frame, Received};
use super::dhcp::{Change, Dhcp};
use super::finish;
use super::icmp::Report;
use super::neighbours::{Found, Mac, Neighbours};
use super::outlet::{Capabilities, Cut, Outlet};
use super::packet::Packet;
use super::routes::Network;
use super::stack::{Stack, Surroundings};

/// Bytes of an Ethernet header.
pub(super) const ETHERNET: usize = 14;
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
    device: Arc<dyn Device>,
    around: Surroundings,
    capabilities: Capabilities,
    state: Lock<State>,
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
    /// The name servers that were told with the address.
    name_servers: Vec<Ipv4Addr>,
}

impl Link {
    /// The link of `device`.
    pub(super) fn new(device: Arc<dyn Device>, setting: Setting, around: Surroundings) -> Self {
        let capabilities = Capabilities::of_link(device.mtu(), device.offloads());
        let now_ns = (around.now)();
        let hasher = SeedableRandomState::with_seed((around.random)(), SharedSeed::global_fixed());
        let asks = setting == Setting::Dhcp;
        let state = State {
            neighbours: Neighbours::new(hasher),
            network: if let Setting::Static(network) = setting { Some(network) } else { None },
            dhcp: asks.then(|| Dhcp::new(device.address(), device.mtu(), (around.random)(), now_ns)),
            settles_by: asks.then(|| now_ns.saturating_add(PATIENCE_NS)),
            waiting: WakerSet::new(),
            name_servers: Vec::new(),
        };
        Self { device, around, capabilities, state: Lock::new(state) }
    }

    /// How it is known.
    pub fn network(&self) -> Option<Network> {
        self.state.lock().network
    }

    /// The name servers that were told with its address.
    pub fn name_servers(&self) -> Vec<Ipv4Addr> {
        self.state.lock().name_servers.clone()
    }

    /// Whether it may have an address soon; then the caller is woken when that is decided.
    pub(super) fn is_settling(&self, io: &Io<'_>) -> bool {
        let mut state = self.state.lock();
        if state.settles_by.is_some() {
            io.wait_for(&mut state.waiting, PollEvents::all());
        }
        state.settles_by.is_some()
    }

    /// Its way out to `neighbour`.
    pub(super) fn outlet(&self, neighbour: Ipv4Addr) -> Exit<'_> {
        Exit { link: self, neighbour, frame: Frame::default(), frames: Vec::new() }
    }

    /// A frame with everything but its payload.
    fn frame(&self, length: usize, to: Mac, protocol: EthernetProtocol) -> Frame {
        let mut frame = Frame::new(self.device.buffer(), ETHERNET + length);
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

    /// The question where `address` is.
    fn question(&self, own: Ipv4Addr, address: Ipv4Addr) -> Frame {
        self.arp(ArpOperation::Request, own, (EVERYBODY, ([0; 6], address)))
    }

    /// Sends `frames` to `neighbour`, as soon as it is known where that is.
    fn send_to(&self, neighbour: Ipv4Addr, mut frames: Vec<Frame>) {
        if frames.is_empty() {
            return;
        }
        let mut asks = false;
        {
            let mut state = self.state.lock();
            let Some(network) = state.network else { return };
            if network.is_broadcast(neighbour) {
                direct(&mut frames, EVERYBODY);
            } else {
                let found = state.neighbours.find(neighbour, (self.around.now)());
                match found {
                    Found::At(mac) | Found::Doubtful(mac) => direct(&mut frames, mac),
                    Found::Asked | Found::Unknown => {
                        for frame in frames.drain(..) {
                            state.neighbours.hold(neighbour, frame);
                        }
                    }
                    Found::NoRoom => frames.clear(),
                }
                asks = matches!(found, Found::Doubtful(_) | Found::Unknown);
            }
            if asks {
                frames.push(self.question(network.address, neighbour));
            }
        }
        self.device.send(&mut frames);
        if asks {
            (self.around.hurry)();
        }
    }

    /// Brings frames that came in to `stack`. False: there are no more, and `waker` is woken when some come.
    pub(super) fn serve(self: &Arc<Self>, stack: &Stack, waker: &Waker) -> bool {
        self.device.receive(waker, &mut |frame| self.receive(stack, frame), &mut || stack.settle_input())
    }

    /// A frame came in.
    fn receive(self: &Arc<Self>, stack: &Stack, received: Received<'_>) {
        let Ok(ethernet) = EthernetFrame::new_checked(received.bytes) else { return };
        let (from, to) = (ethernet.src_addr(), ethernet.dst_addr());
        let is_for_us = to.0 == self.device.address();
        if !is_for_us && !to.is_broadcast() || !from.is_unicast() || from.0 == self.device.address() {
            return;
        }
        match ethernet.ethertype() {
            EthernetProtocol::Arp => self.receive_arp(stack, received.bytes),
            EthernetProtocol::Ipv4 => self.receive_ipv4(stack, received, is_for_us),
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
            let mut state = self.state.lock();
            if let Some(network) = state.network.filter(|network| is_host(network, source_protocol_addr)) {
                let asks_us = operation == ArpOperation::Request && target_protocol_addr == network.address;
                let mac = source_hardware_addr.0;
                let now_ns = (self.around.now)();
                frames = state.neighbours.learn(source_protocol_addr, mac, asks_us, now_ns);
                direct(&mut frames, mac);
                if asks_us {
                    let target = (mac, (mac, source_protocol_addr));
                    frames.push(self.arp(ArpOperation::Reply, network.address, target));
                }
            }
        }
        if !frames.is_empty() {
            self.device.send(&mut frames);
        }
        if operation == ArpOperation::Reply {
            self.step_dhcp(stack, Some(bytes));
        }
    }

    fn receive_ipv4(self: &Arc<Self>, stack: &Stack, received: Received<'_>, is_for_us: bool) {
        let Some(packet) = sound(&received.bytes[ETHERNET..], received.is_checked) else { return };
        let port = packet.datagram().map(|(local, _, _)| local.port());
        if port == Some(DHCP_CLIENT) && self.state.lock().dhcp.is_some() {
            return self.step_dhcp(stack, Some(received.bytes));
        }
        // Only datagrams are for everybody (RFC 1122, sections 3.2.2.6 and 4.2.3.10).
        if is_for_us || packet.protocol == IpProtocol::Udp {
            stack.input(&packet, &self.capabilities);
        }
    }

    /// When [`Link::tick`] must be called.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let mut state = self.state.lock();
        let now_ns = (self.around.now)();
        let dhcp = state.dhcp.as_mut().and_then(|dhcp| dhcp.next_deadline(now_ns));
        [dhcp, state.settles_by, state.neighbours.next_deadline()].into_iter().flatten().min()
    }

    /// Does what is due by now.
    pub(super) fn tick(self: &Arc<Self>, stack: &Stack) {
        let now_ns = (self.around.now)();
        let (due, network) = {
            let mut state = self.state.lock();
            if state.settles_by.is_some_and(|by| by <= now_ns) {
                state.settles_by = None;
                state.waiting.wake_all();
            }
            (state.neighbours.take_due(now_ns), state.network)
        };
        if let Some(network) = network {
            let mut questions: Vec<_> =
                due.questions.iter().map(|&address| self.question(network.address, address)).collect();
            if !questions.is_empty() {
                self.device.send(&mut questions);
            }
        }
        for frame in due.given_up {
            if let Some(report) =
                Packet::parse(&frame.bytes()[ETHERNET..]).and_then(|packet| Report::no_neighbour(&packet))
            {
                stack.take_report(report);
            }
        }
        self.step_dhcp(stack, None);
    }

    /// Goes on asking for an address; `frame` came in for that.
    fn step_dhcp(self: &Arc<Self>, stack: &Stack, frame: Option<&[u8]>) {
        let mut frames = Vec::new();
        let change = {
            let mut state = self.state.lock();
            let Some(dhcp) = &mut state.dhcp else { return };
            let change = dhcp.step(frame, (self.around.now)(), &mut |bytes| {
                let mut frame = Frame::new(self.device.buffer(), bytes.len());
                frame.bytes_mut().copy_from_slice(bytes);
                frames.push(frame);
            });
            match change {
                None => None,
                Some(Change::Lost) => Some((state.network.take(), None)),
                Some(Change::Granted(network, name_servers)) => {
                    state.network = Some(network);
                    state.name_servers = name_servers;
                    Some((None, Some(network)))
                }
            }
        };
        if !frames.is_empty() {
            self.device.send(&mut frames);
        }
        if let Some((_, network)) = change {
            stack.set_network(self, network);
            let mut state = self.state.lock();
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

/// Writes where `frames` go.
fn direct(frames: &mut [Frame], to: Mac) {
    for frame in frames {
        EthernetFrame::new_unchecked(frame.bytes_mut()).set_dst_addr(EthernetAddress(to));
    }
}

/// The IPv4 packet that `bytes` begin with, if all of it is there and right.
fn sound(bytes: &[u8], is_checked: bool) -> Option<Packet<'_>> {
    let packet = Ipv4Packet::new_checked(bytes).ok()?;
    let (source, destination) = (packet.src_addr(), packet.dst_addr());
    let is_whole = !packet.more_frags() && packet.frag_offset() == 0;
    let is_from_one = !source.is_multicast() && !source.is_broadcast() && !source.is_loopback();
    if packet.version() != 4
        || !is_whole
        || !is_from_one
        || destination.is_loopback()
        || !packet.verify_checksum()
    {
        return None;
    }
    let packet = Packet::parse(bytes)?;
    // Others are looked at by their readers.
    let is_right = is_checked
        || match packet.protocol {
            IpProtocol::Tcp => finish::is_right(&packet, packet.payload),
            IpProtocol::Udp => {
                let datagram = UdpPacket::new_checked(packet.payload).ok()?;
                datagram.checksum() == 0
                    || finish::is_right(&packet, &packet.payload[..datagram.len().into()])
            }
            _ => true,
        };
    is_right.then_some(packet)
}

/// A link's way out to one neighbour. What was written goes out when it is dropped, all at once.
pub(super) struct Exit<'a> {
    link: &'a Link,
    neighbour: Ipv4Addr,
    frame: Frame,
    frames: Vec<Frame>,
}

impl Outlet for Exit<'_> {
    fn capabilities(&self) -> &Capabilities {
        &self.link.capabilities
    }

    fn has_room(&mut self) -> bool {
        self.link.device.has_room()
    }

    fn buffer(&mut self, length: usize) -> &mut [u8] {
        self.frame = self.link.frame(length, EVERYBODY, EthernetProtocol::Ipv4);
        &mut self.frame.bytes_mut()[ETHERNET..]
    }

    fn send(&mut self, cut: Cut) {
        let mut frame = core::mem::take(&mut self.frame);
        let offloads = self.link.device.offloads();
        frame.finish = finish::of(&mut frame.bytes_mut()[ETHERNET..], cut, offloads);
        self.frames.push(frame);
    }
}

impl Drop for Exit<'_> {
    fn drop(&mut self) {
        self.link.send_to(self.neighbour, core::mem::take(&mut self.frames));
    }
}

#[cfg(test)]
mod tests;
