//! IPv6 on a link: neighbours and routers (RFC 4861), its own addresses (RFC 4862), and the groups it listens to.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::errno::Errno;
use abi::io::PollEvents;
use smoltcp::wire::{EthernetProtocol, Icmpv6Packet, IpProtocol, Ipv6Packet};

use super::super::device::{Frame, Received};
use super::super::discovery::{Network6, Question};
use super::super::extension;
use super::super::finish;
use super::super::igmp;
use super::super::mld::{self, Told};
use super::super::ndisc::{self, ALL_NODES, Announcement, Message, solicited_node};
use super::super::neighbours::Mac;
use super::super::packet::Packet;
use super::super::reassembly;
use super::super::stack::Stack;
use super::{Batch, ETHERNET, Link, State, direct, group_of};
use crate::file::Io;

impl State {
    /// Whether packets for the group are for this link.
    fn listens_to(&self, group: Ipv6Addr) -> bool {
        group == ALL_NODES
            || self.discovery.addresses().any(|own| solicited_node(own) == group)
            || self.joined.has(group.into())
    }

    /// Groups that others must be told of: that everybody listens to the first one goes without saying.
    fn groups(&self) -> Vec<Ipv6Addr> {
        let joined = self.joined.iter().filter_map(|group| match group {
            IpAddr::V6(group) => Some(group),
            IpAddr::V4(_) => None,
        });
        let mut groups: Vec<_> = self.discovery.addresses().map(solicited_node).chain(joined).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The address that messages come from, if it is certain that nobody else has it.
    fn certain_asker(&self) -> Option<Ipv6Addr> {
        self.discovery.asker().filter(|(_, is_certain)| *is_certain).map(|(address, _)| address)
    }
}

impl Link {
    /// How it is known to its IPv6 networks.
    pub fn network_v6(&self) -> Network6 {
        self.state().discovery.network((self.around.now)())
    }

    /// Whether a router may soon tell of other networks; then the caller is woken when that is decided.
    pub(in super::super) fn is_settling_v6(&self, io: &Io<'_>) -> bool {
        let mut state = self.state();
        let is_settling = state.discovery.is_settling();
        if is_settling {
            io.wait_for(&mut state.waiting, PollEvents::all());
        }
        is_settling
    }

    /// A frame for `to` with this packet.
    fn frame_v6(&self, to: Mac, packet: &[u8]) -> Frame {
        let mut frame = self.frame(packet.len(), to, EthernetProtocol::Ipv6);
        frame.bytes_mut()[ETHERNET..].copy_from_slice(packet);
        frame
    }

    /// A frame for who listens to `group`.
    fn frame_for_group(&self, group: Ipv6Addr, packet: &[u8]) -> Frame {
        let to = group_of(group.into(), None).unwrap_or(super::EVERYBODY);
        self.frame_v6(to, packet)
    }

    /// The question where `target` is.
    pub(super) fn question_v6(&self, state: &State, target: Ipv6Addr) -> Option<Frame> {
        let (own, is_certain) = state.discovery.asker()?;
        let packet = ndisc::question((own, is_certain.then(|| self.device.address())), target);
        Some(self.frame_for_group(solicited_node(target), &packet))
    }

    /// What others are told of groups.
    fn report(&self, source: Option<Ipv6Addr>, groups: &[Ipv6Addr], told: Told) -> Option<Frame> {
        const REPORTS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);
        (!groups.is_empty()).then(|| self.frame_for_group(REPORTS, &mld::report(source, groups, told)))
    }

    /// A socket listens to `group`.
    ///
    /// # Errors
    /// `ENOBUFS` when there are too many.
    pub(in super::super) fn join(&self, group: IpAddr) -> Result<(), Errno> {
        if self.state().joined.join(group)? {
            self.tell_of(group, Told::Joined);
        }
        Ok(())
    }

    /// It does so no more.
    pub(in super::super) fn leave(&self, group: IpAddr) {
        let is_over = self.state().joined.leave(group);
        if is_over {
            self.tell_of(group, Told::Left);
        }
    }

    /// Whether a socket listens to `group`.
    pub(in super::super) fn has_joined(&self, group: IpAddr) -> bool {
        self.state().joined.has(group)
    }

    /// Tells others of a group that is joined or left. Nobody needs to hear of those of this machine alone, nor of the one that all are in.
    fn tell_of(&self, group: IpAddr, told: Told) {
        let mut frames = Vec::new();
        {
            let state = self.state();
            match group {
                IpAddr::V6(group) if group == ALL_NODES || group.segments()[0] & 15 < 2 => {}
                IpAddr::V6(group) => frames.extend(self.report(state.certain_asker(), &[group], told)),
                IpAddr::V4(group) => frames.extend(self.report_v4(&state, &[group], told)),
            }
        }
        self.say(&mut frames);
    }

    /// What others are told of groups of IPv4.
    fn report_v4(&self, state: &State, groups: &[Ipv4Addr], told: Told) -> Option<Frame> {
        let packet = igmp::report(state.network?.address, groups, told);
        let to = group_of(igmp::ROUTERS.into(), None)?;
        let mut frame = self.frame(packet.len(), to, EthernetProtocol::Ipv4);
        frame.bytes_mut()[ETHERNET..].copy_from_slice(&packet);
        Some(frame)
    }

    /// Somebody asks which groups of IPv4 are listened to.
    pub(super) fn answer_for_groups_v4(&self, asked: Ipv4Addr) {
        let mut frames = Vec::new();
        {
            let state = self.state();
            let joined = state.joined.iter().filter_map(|group| match group {
                IpAddr::V4(group) if asked.is_unspecified() || group == asked => Some(group),
                _ => None,
            });
            let groups: Vec<_> = joined.collect();
            if !groups.is_empty() {
                frames.extend(self.report_v4(&state, &groups, Told::Asked));
            }
        }
        self.say(&mut frames);
    }

    /// A frame with a packet of IPv6 came in, from and perhaps for these.
    pub(super) fn receive_ipv6(
        self: &Arc<Self>,
        batch: &Batch<'_>,
        received: Received<'_>,
        (from, is_for_us): (Mac, bool),
    ) {
        let Some(plain) = whole(&received.bytes[ETHERNET..]).and_then(extension::without) else { return };
        let Some(packet) = Packet::parse(&plain).filter(|packet| is_sound(packet, received.is_checked))
        else {
            return;
        };
        if !reassembly::is_piece(&packet) {
            return self.receive_whole_v6(batch, packet.on(self.number), Some(from), is_for_us);
        }
        if !batch.stack.is_local(packet.destination) && !packet.destination.is_multicast() {
            return;
        }
        let whole = self.state().reassembly.add(&packet, (self.around.now)());
        let Some(plain) = whole.as_deref().and_then(extension::without) else { return };
        let packet = Packet::parse(&plain).filter(|packet| is_sound(packet, false));
        // Nothing is in pieces that comes in pieces.
        if let Some(packet) = packet.filter(|packet| !reassembly::is_piece(packet)) {
            self.receive_whole_v6(batch, packet.on(self.number), None, is_for_us);
        }
    }

    /// A packet of IPv6 is there; `from` here, unless it came in pieces, which neighbours do not speak in (RFC 6980).
    fn receive_whole_v6(
        self: &Arc<Self>,
        batch: &Batch<'_>,
        packet: Packet<'_>,
        from: Option<Mac>,
        is_for_us: bool,
    ) {
        let IpAddr::V6(destination) = packet.destination else { return };
        let is_for_group = destination.is_multicast() && self.state().listens_to(destination);
        if !is_for_group && !is_for_us {
            return;
        }
        if let Some((from, message)) = from.zip(Message::read(&packet)) {
            return self.discover(batch.stack, &packet, message, from);
        }
        if let Some(group) = mld::asks(&packet) {
            return self.answer_for_groups(group);
        }
        self.bring(batch, &packet);
    }

    /// Somebody asks which groups are listened to.
    fn answer_for_groups(&self, asked: Ipv6Addr) {
        let mut frames = Vec::new();
        {
            let state = self.state();
            let groups: Vec<_> = state
                .groups()
                .into_iter()
                .filter(|group| asked.is_unspecified() || *group == asked)
                .collect();
            frames.extend(self.report(state.certain_asker(), &groups, Told::Asked));
        }
        self.say(&mut frames);
    }

    /// A message of neighbour discovery came in, in a frame from `from`.
    fn discover(self: &Arc<Self>, stack: &Stack, packet: &Packet<'_>, message: Message, from: Mac) {
        let IpAddr::V6(source) = packet.source else { return };
        match message {
            Message::Solicitation { target, mac } => self.asked_for((source, from), target, mac),
            Message::Advertisement { target, mac, is_router, overrides } => {
                self.told_of(target, mac, overrides);
                if !is_router {
                    self.state().discovery.is_no_router(target);
                }
            }
            Message::Announcement(said) => self.announced(source, &said),
        }
        self.publish(stack);
    }

    /// Somebody asks where `target` is, or whether somebody is that (RFC 4861, section 7.2.3; RFC 4862, section 5.4.3).
    fn asked_for(&self, (asker, from): (Ipv6Addr, Mac), target: Ipv6Addr, mac: Option<Mac>) {
        let mut frames = Vec::new();
        {
            let mut state = self.state();
            let Some(is_certain) = state.discovery.certainty(target) else { return };
            if state.discovery.certainty(asker).is_some() {
                return;
            }
            if asker.is_unspecified() && !is_certain {
                return self.lose(&mut state, target);
            }
            let answer = ndisc::answer((target, self.device.address()), asker, is_certain);
            if asker.is_unspecified() {
                frames.push(self.frame_for_group(ALL_NODES, &answer));
            } else {
                if let Some(mac) = mac {
                    frames = state.neighbours.learn(asker.into(), mac, true, (self.around.now)());
                    direct(&mut frames, mac);
                }
                frames.push(self.frame_v6(mac.unwrap_or(from), &answer));
            }
        }
        self.say(&mut frames);
    }

    /// Somebody says where `target` is.
    fn told_of(&self, target: Ipv6Addr, mac: Option<Mac>, overrides: bool) {
        let mut frames = Vec::new();
        {
            let mut state = self.state();
            match state.discovery.certainty(target) {
                Some(true) => return,
                Some(false) => return self.lose(&mut state, target),
                None => {}
            }
            let Some(mac) = mac else { return };
            if overrides || !state.neighbours.is_elsewhere(target.into(), mac) {
                frames = state.neighbours.learn(target.into(), mac, false, (self.around.now)());
                direct(&mut frames, mac);
            }
        }
        self.say(&mut frames);
    }

    /// Somebody else has an address of ours.
    fn lose(&self, state: &mut State, address: Ipv6Addr) {
        log::error!("link {}: another machine has {address} too; it is not used", self.number);
        state.discovery.give_up(address);
    }

    /// A router says what it is for.
    fn announced(&self, router: Ipv6Addr, said: &Announcement) {
        let mut frames = Vec::new();
        {
            let mut state = self.state();
            let now_ns = (self.around.now)();
            state.discovery.hear(router, said, now_ns);
            if let Some(mac) = said.mac {
                frames = state.neighbours.learn(router.into(), mac, true, now_ns);
                direct(&mut frames, mac);
            }
        }
        self.say(&mut frames);
    }

    /// Asks what is due to be asked.
    pub(super) fn step_discovery(self: &Arc<Self>, stack: &Stack) {
        let mut frames = Vec::new();
        {
            let mut state = self.state();
            let questions = state.discovery.tick((self.around.now)());
            let asker = state.certain_asker();
            let joined: Vec<_> = questions
                .iter()
                .filter_map(|question| match question {
                    Question::Who(own) => Some(solicited_node(*own)),
                    Question::Routers => None,
                })
                .collect();
            // Who answers must be heard.
            frames.extend(self.report(asker, &joined, Told::Joined));
            frames.extend(questions.iter().map(|question| match question {
                Question::Who(own) => self.frame_for_group(solicited_node(*own), &ndisc::probe(*own)),
                Question::Routers => {
                    let asker = asker.map(|own| (own, self.device.address()));
                    self.frame_for_group(ndisc::ALL_ROUTERS, &ndisc::ask_routers(asker))
                }
            }));
        }
        self.say(&mut frames);
        self.publish(stack);
    }

    /// Tells the stack, and who waits, what has changed.
    fn publish(self: &Arc<Self>, stack: &Stack) {
        let network = {
            let mut state = self.state();
            let network = state.discovery.network((self.around.now)());
            if network == state.network_v6 {
                if !state.discovery.is_settling() {
                    state.waiting.wake_all();
                }
                return;
            }
            state.network_v6 = network.clone();
            network
        };
        stack.set_network_v6(self, network);
        let mut state = self.state();
        if !state.discovery.is_settling() {
            state.waiting.wake_all();
        }
    }
}

/// The IPv6 packet that `bytes` begin with, if all of it is there.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let packet = Ipv6Packet::new_checked(bytes).ok()?;
    if packet.version() == 6 { bytes.get(..packet.total_len()) } else { None }
}

/// Whether a packet may come from a link, and is right.
fn is_sound(packet: &Packet<'_>, is_checked: bool) -> bool {
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (packet.source, packet.destination) else {
        return false;
    };
    let is_anywhere = |address: Ipv6Addr| !address.is_loopback() && address.to_ipv4_mapped().is_none();
    if source.is_multicast()
        || !is_anywhere(source)
        || !is_anywhere(destination)
        || destination.is_unspecified()
    {
        return false;
    }
    match packet.protocol {
        IpProtocol::Icmpv6 => {
            Icmpv6Packet::new_unchecked(packet.payload).verify_checksum(&source, &destination)
        }
        _ => is_checked || finish::is_right(packet),
    }
}
