//! Which way packets take: the addresses of the links, the networks behind them, and the gateways to all others.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::discovery::Network6;
use super::interface::Interface;
use super::link::Link;

/// How a link is known to its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The link's address.
    pub address: Ipv4Addr,
    /// Bits of it that are its network's: at most 32.
    pub prefix: u8,
    /// Who passes on what is for other networks.
    pub gateway: Option<Ipv4Addr>,
}

/// The bits of an address that are its network's, `prefix` of them: at most 32.
pub fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

impl Network {
    fn mask(&self) -> u32 {
        mask(self.prefix)
    }

    /// Whether `address` can be reached without a gateway.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        (address.to_bits() ^ self.address.to_bits()) & self.mask() == 0
    }

    /// Whether `address` stands for everybody in it. Networks of one or two addresses have no such address (RFC 3021).
    pub fn is_broadcast(&self, address: Ipv4Addr) -> bool {
        address.is_broadcast()
            || self.prefix < 31 && self.contains(address) && address.to_bits() | self.mask() == u32::MAX
    }
}

/// Where packets to an address go.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// They stay in this machine.
    Here,
    /// Out of a link, to a neighbour there; from this address, if the sender does not say.
    Out { link: Arc<Link>, neighbour: IpAddr, source: IpAddr },
    /// Nowhere.
    None,
}

/// A link and how it is known.
#[derive(Debug)]
struct Place {
    link: Arc<Link>,
    network: Option<Network>,
    v6: Network6,
}

/// The links.
#[derive(Debug, Default)]
pub(super) struct Routes {
    places: Vec<Place>,
    /// The same, for who goes through them without the lock.
    links: Arc<[Arc<Link>]>,
}

/// The number of the first link (netdevice(7)): 1 is the loopback interface.
pub(super) const FIRST_LINK: u32 = 2;

impl Routes {
    /// The number of the next link.
    pub(super) fn next_number(&self) -> u32 {
        u32::try_from(self.places.len()).map_or(u32::MAX, |count| FIRST_LINK.saturating_add(count))
    }

    /// Adds a link that has no address yet.
    pub(super) fn add(&mut self, link: Arc<Link>) {
        self.links = self.links.iter().cloned().chain([Arc::clone(&link)]).collect();
        self.places.push(Place { link, network: None, v6: Network6::default() });
    }

    /// The links.
    pub(super) fn links(&self) -> Arc<[Arc<Link>]> {
        Arc::clone(&self.links)
    }

    /// The link with this number.
    pub(super) fn link(&self, number: u32) -> Option<Arc<Link>> {
        self.places.iter().find(|place| place.link.number() == number).map(|place| Arc::clone(&place.link))
    }

    fn place(&mut self, link: &Arc<Link>) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| Arc::ptr_eq(&place.link, link))
    }

    /// Says how `link` is known, or that it is not.
    pub(super) fn set(&mut self, link: &Arc<Link>, network: Option<Network>) {
        if let Some(place) = self.place(link) {
            place.network = network;
        }
    }

    /// Says how `link` is known to its IPv6 networks.
    pub(super) fn set_v6(&mut self, link: &Arc<Link>, network: Network6) {
        if let Some(place) = self.place(link) {
            place.v6 = network;
        }
    }

    fn networks(&self) -> impl Iterator<Item = (&Arc<Link>, &Network)> {
        self.places.iter().filter_map(|place| Some((&place.link, place.network.as_ref()?)))
    }

    /// Whether `address` is this machine's.
    pub(super) fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback()
            || match address {
                IpAddr::V4(address) => self.networks().any(|(_, network)| network.address == address),
                IpAddr::V6(address) => self.places.iter().any(|place| place.v6.has(address)),
            }
    }

    /// Whether `address` is for everybody on a link.
    pub(super) fn is_broadcast(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if self.networks().any(|(_, network)| network.is_broadcast(address)))
    }

    /// The links, as programs see them.
    pub(super) fn interfaces(&self) -> Vec<Interface> {
        let of_place = |place: &Place| {
            let (link, number) = (&place.link, place.link.number());
            let v4 = place.network.iter().map(|network| (network.address.into(), network.prefix));
            let v6 = place.v6.addresses.iter().map(|&(address, _)| {
                // Without a network it is one by itself.
                let prefix = if address.is_unicast_link_local() { 64 } else { 128 };
                (address.into(), place.v6.fit(address).unwrap_or(prefix))
            });
            let near = place.network.and_then(|network| network.gateway).map(IpAddr::V4);
            Interface {
                number,
                name: Interface::name_of(number),
                mac: Some(link.address()),
                mtu: link.capabilities().mtu(),
                is_up: link.is_up(),
                networks: v4.chain(v6).collect(),
                gateways: near.into_iter().chain(place.v6.gateway.map(IpAddr::V6)).collect(),
            }
        };
        self.places.iter().map(of_place).collect()
    }

    /// The number of the link with this address.
    pub(super) fn number_of(&self, address: Ipv4Addr) -> Option<u32> {
        self.networks().find(|(_, network)| network.address == address).map(|(link, _)| link.number())
    }

    /// The way to `remote`, which is on the link `scope` if that matters.
    pub(super) fn way_to(&self, remote: IpAddr, scope: u32) -> Way {
        if self.is_local(remote) {
            return Way::Here;
        }
        match remote {
            IpAddr::V4(remote) => self.way_to_v4(remote, scope),
            IpAddr::V6(remote) => self.way_to_v6(remote, scope).unwrap_or(Way::None),
        }
    }

    /// The smallest network that it is in, else the first gateway; of the link `scope`, if that is said.
    fn way_to_v4(&self, remote: Ipv4Addr, scope: u32) -> Way {
        let networks = || self.networks().filter(move |(link, _)| scope == 0 || link.number() == scope);
        let out = |link: &Arc<Link>, network: &Network, neighbour: Ipv4Addr| Way::Out {
            link: Arc::clone(link),
            neighbour: neighbour.into(),
            source: network.address.into(),
        };
        let near = networks().filter(|(_, network)| network.contains(remote));
        if let Some((link, network)) = near.max_by_key(|(_, network)| network.prefix) {
            return out(link, network, remote);
        }
        if remote.is_broadcast() || remote.is_multicast() {
            return networks().next().map_or(Way::None, |(link, network)| out(link, network, remote));
        }
        let mut far = networks().filter_map(|(link, network)| Some(out(link, network, network.gateway?)));
        far.next().unwrap_or(Way::None)
    }

    /// The same, but that link-local addresses, and groups, are where `scope` says, or on the first link.
    fn way_to_v6(&self, remote: Ipv6Addr, scope: u32) -> Option<Way> {
        let is_meant = |place: &&Place| scope == 0 || place.link.number() == scope;
        let out = |place: &Place, neighbour: Ipv6Addr| {
            let source = place.v6.source_for(remote)?;
            Some(Way::Out {
                link: Arc::clone(&place.link),
                neighbour: neighbour.into(),
                source: source.into(),
            })
        };
        let places = self.places.iter().filter(is_meant);
        if remote.is_multicast() {
            return places.clone().find_map(|place| out(place, remote));
        }
        let near = places.clone().filter_map(|place| Some((place.v6.fit(remote)?, place)));
        // Of equals the first.
        if let Some((_, place)) = near.rev().max_by_key(|(fit, _)| *fit) {
            return out(place, remote);
        }
        places.clone().find_map(|place| out(place, place.v6.gateway?))
    }
}
