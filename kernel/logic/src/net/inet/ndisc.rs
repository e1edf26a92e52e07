//! The messages of neighbour discovery (RFC 4861, section 4): those that came in, checked as far as one can without knowing the link, and those that go out.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv6Message, Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, Ipv6Repr, NdiscNeighborFlags, NdiscRepr,
    RawHardwareAddress,
};

use super::neighbours::Mac;
use super::packet::Packet;

/// The hop limit of all messages: no router has passed them on.
const FROM_THE_LINK: u8 = 255;
/// Prefixes, and name servers, of one announcement that are looked at.
const MOST_OPTIONS: usize = 16;

/// Everybody on the link, and all routers there.
pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
pub(super) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// The group that who has `address` listens to (RFC 4291, section 2.7.1).
pub(super) fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// Bits of a network that routers announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) address: Ipv6Addr,
    pub(super) length: u8,
    /// Who is in it is on the link.
    pub(super) is_on_link: bool,
    /// Hosts make themselves addresses of it.
    pub(super) is_for_addresses: bool,
    /// Seconds; [`u32::MAX`] is for ever.
    pub(super) valid_s: u32,
    pub(super) preferred_s: u32,
}

/// What a router says (RFC 4861, section 4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announcement {
    /// How long it passes on packets, in seconds; 0: it does not.
    pub(super) router_s: u16,
    pub(super) mac: Option<Mac>,
    /// Bytes of the longest packet on the link.
    pub(super) mtu: Option<u32>,
    pub(super) prefixes: Vec<Prefix>,
    /// Name servers, and for how many seconds (RFC 8106).
    pub(super) name_servers: Vec<(Ipv6Addr, u32)>,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Where is `target`? Or, from nowhere: is somebody `target`?
    Solicitation { target: Ipv6Addr, mac: Option<Mac> },
    /// `target` is at `mac`. `overrides`: whatever was known before.
    Advertisement { target: Ipv6Addr, mac: Option<Mac>, is_router: bool, overrides: bool },
    /// A router says what it is for.
    Announcement(Announcement),
}

impl Message {
    /// Reads a message; `None` for any other packet, and for one that must not be looked at (sections 6.1.2, 7.1.1, 7.1.2). The checksum has been looked at.
    pub(super) fn read(packet: &Packet<'_>) -> Option<Self> {
        let header = Ipv6Packet::new_checked(packet.bytes).ok()?;
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (packet.source, packet.destination) else {
            return None;
        };
        let message = Icmpv6Packet::new_checked(packet.payload).ok()?;
        if packet.protocol != IpProtocol::Icmpv6
            || header.hop_limit() != FROM_THE_LINK
            || message.msg_code() != 0
        {
            return None;
        }
        let options = Options::of(packet.payload.get(message.header_len()..)?)?;
        match message.msg_type() {
            Icmpv6Message::NeighborSolicit => {
                let (target, mac) = (message.target_addr(), options.mac(SOURCE));
                let is_probe = source.is_unspecified();
                let is_wrong = is_probe && (mac.is_some() || destination != solicited_node(target));
                (!target.is_multicast() && !is_wrong).then_some(Self::Solicitation { target, mac })
            }
            Icmpv6Message::NeighborAdvert => {
                let (target, flags) = (message.target_addr(), message.neighbor_flags());
                let is_wrong = destination.is_multicast() && flags.contains(NdiscNeighborFlags::SOLICITED);
                (!target.is_multicast() && !is_wrong && !source.is_unspecified()).then(|| {
                    Self::Advertisement {
                        target,
                        mac: options.mac(TARGET),
                        is_router: flags.contains(NdiscNeighborFlags::ROUTER),
                        overrides: flags.contains(NdiscNeighborFlags::OVERRIDE),
                    }
                })
            }
            Icmpv6Message::RouterAdvert if source.is_unicast_link_local() => {
                let router_s = u16::try_from(message.router_lifetime().secs()).unwrap_or(u16::MAX);
                Some(Self::Announcement(options.announcement(router_s)))
            }
            _ => None,
        }
    }
}

/// Kinds of options: the sender's Ethernet address, the target's, prefixes, the MTU, name servers.
const SOURCE: u8 = 1;
const TARGET: u8 = 2;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const NAME_SERVERS: u8 = 25;

/// Options: kind, length in units of eight bytes, and so on.
#[derive(Clone, Copy)]
struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Those in `bytes`, if each ends in there and none is empty.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = split_option(rest)?;
        }
        Some(Self(bytes))
    }

    /// The options of one kind: what follows kind and length.
    fn all(self, kind: u8) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.0;
        let each = core::iter::from_fn(move || {
            let (option, behind) = split_option(rest)?;
            rest = behind;
            Some(option)
        });
        each.filter(move |option| option[0] == kind).map(|option| &option[2..]).take(MOST_OPTIONS)
    }

    fn mac(self, kind: u8) -> Option<Mac> {
        let mac: Mac = self.all(kind).next()?.try_into().ok()?;
        (mac[0] & 1 == 0 && mac != [0; 6]).then_some(mac)
    }

    fn announcement(self, router_s: u16) -> Announcement {
        let mtu = self.all(MTU).find_map(|option| number(option, 2));
        let prefixes = self.all(PREFIX).filter_map(|option| {
            let (&length, &flags) = (option.first()?, option.get(1)?);
            let address = address(option, 14)?;
            // Link-local addresses are nobody's to give (section 5.5.3 of RFC 4862).
            let is_fine = length <= 128 && !address.is_unicast_link_local() && !address.is_multicast();
            is_fine.then_some(Prefix {
                address,
                length,
                is_on_link: flags & 0x80 != 0,
                is_for_addresses: flags & 0x40 != 0,
                valid_s: number(option, 2)?,
                preferred_s: number(option, 6)?,
            })
        });
        let name_servers = self.all(NAME_SERVERS).flat_map(|option| {
            let lifetime = number(option, 2).unwrap_or(0);
            let (addresses, _) = option.get(6..).unwrap_or_default().as_chunks::<16>();
            addresses.iter().map(move |&address| (Ipv6Addr::from(address), lifetime))
        });
        Announcement {
            router_s,
            mac: self.mac(SOURCE),
            mtu,
            prefixes: prefixes.collect(),
            name_servers: name_servers.take(MOST_OPTIONS).collect(),
        }
    }
}

/// The first option, and what is behind it.
fn split_option(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(*bytes.get(1)?) * 8;
    if length == 0 { None } else { bytes.split_at_checked(length) }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    Some(Ipv6Addr::from(*bytes.get(at..)?.first_chunk::<16>()?))
}

/// A message that goes out, as an IPv6 packet.
fn packet(source: Ipv6Addr, destination: Ipv6Addr, message: NdiscRepr<'_>) -> Vec<u8> {
    let message = Icmpv6Repr::Ndisc(message);
    let header = Ipv6Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        hop_limit: FROM_THE_LINK,
    };
    let mut bytes = alloc::vec![0; header.buffer_len() + message.buffer_len()];
    header.emit(&mut Ipv6Packet::new_unchecked(&mut bytes[..]));
    let body = &mut bytes[header.buffer_len()..];
    let checksums = ChecksumCapabilities::default();
    message.emit(&source, &destination, &mut Icmpv6Packet::new_unchecked(body), &checksums);
    bytes
}

fn hardware(mac: Mac) -> RawHardwareAddress {
    RawHardwareAddress::from_bytes(&mac)
}

/// Where is `target`? Asks who is `source`, and says where he is if nobody else can be that (RFC 4429, section 3.2).
pub(super) fn question((source, mac): (Ipv6Addr, Option<Mac>), target: Ipv6Addr) -> Vec<u8> {
    let message = NdiscRepr::NeighborSolicit { target_addr: target, lladdr: mac.map(hardware) };
    packet(source, solicited_node(target), message)
}

/// Is somebody `target` already? (RFC 4862, section 5.4.2.)
pub(super) fn probe(target: Ipv6Addr) -> Vec<u8> {
    let message = NdiscRepr::NeighborSolicit { target_addr: target, lladdr: None };
    packet(Ipv6Addr::UNSPECIFIED, solicited_node(target), message)
}

/// `own` is at `mac`, says he to `asker`; to everybody, if that one is nowhere yet.
pub(super) fn answer((own, mac): (Ipv6Addr, Mac), asker: Ipv6Addr, overrides: bool) -> Vec<u8> {
    let is_probe = asker.is_unspecified();
    let mut flags = NdiscNeighborFlags::empty();
    flags.set(NdiscNeighborFlags::SOLICITED, !is_probe);
    flags.set(NdiscNeighborFlags::OVERRIDE, overrides);
    let message = NdiscRepr::NeighborAdvert { flags, target_addr: own, lladdr: Some(hardware(mac)) };
    packet(own, if is_probe { ALL_NODES } else { asker }, message)
}

/// Which routers are there? `asker` is sure of his address.
pub(super) fn ask_routers(asker: Option<(Ipv6Addr, Mac)>) -> Vec<u8> {
    let message = NdiscRepr::RouterSolicit { lladdr: asker.map(|(_, mac)| hardware(mac)) };
    packet(asker.map_or(Ipv6Addr::UNSPECIFIED, |(source, _)| source), ALL_ROUTERS, message)
}

#[cfg(test)]
mod tests;
