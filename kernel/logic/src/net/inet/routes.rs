//! Which way packets take: the addresses of the links, the networks behind them, and the gateways to all others.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

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

impl Network {
    fn mask(&self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
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
    Out { link: Arc<Link>, neighbour: Ipv4Addr, source: Ipv4Addr },
    /// Nowhere.
    None,
}

/// The links.
#[derive(Debug, Default)]
pub(super) struct Routes(Vec<(Arc<Link>, Option<Network>)>);

impl Routes {
    /// Adds a link that has no address yet.
    pub(super) fn add(&mut self, link: Arc<Link>) {
        self.0.push((link, None));
    }

    /// The links.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        self.0.iter().map(|(link, _)| Arc::clone(link)).collect()
    }

    /// Says how `link` is known, or that it is not.
    pub(super) fn set(&mut self, link: &Arc<Link>, network: Option<Network>) {
        if let Some((_, place)) = self.0.iter_mut().find(|(known, _)| Arc::ptr_eq(known, link)) {
            *place = network;
        }
    }

    fn networks(&self) -> impl Iterator<Item = (&Arc<Link>, &Network)> {
        self.0.iter().filter_map(|(link, network)| Some((link, network.as_ref()?)))
    }

    /// Whether `address` is this machine's.
    pub(super) fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback()
            || matches!(address, IpAddr::V4(address) if self.networks().any(|(_, network)| network.address == address))
    }

    /// Whether `address` is for everybody on a link.
    pub(super) fn is_broadcast(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if self.networks().any(|(_, network)| network.is_broadcast(address)))
    }

    /// The way to `remote`: the smallest network that it is in, else the first gateway.
    pub(super) fn way_to(&self, remote: IpAddr) -> Way {
        if self.is_local(remote) {
            return Way::Here;
        }
        let IpAddr::V4(remote) = remote else { return Way::None };
        let out = |link: &Arc<Link>, network: &Network, neighbour| Way::Out {
            link: Arc::clone(link),
            neighbour,
            source: network.address,
        };
        let near = self.networks().filter(|(_, network)| network.contains(remote));
        if let Some((link, network)) = near.max_by_key(|(_, network)| network.prefix) {
            return out(link, network, remote);
        }
        if remote.is_broadcast() {
            return self.networks().next().map_or(Way::None, |(link, network)| out(link, network, remote));
        }
        let mut far =
            self.networks().filter_map(|(link, network)| Some(out(link, network, network.gateway?)));
        far.next().unwrap_or(Way::None)
    }
}
