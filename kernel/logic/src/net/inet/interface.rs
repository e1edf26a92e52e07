//! Links as programs see them (netdevice(7)).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::net::netlink::{arphrd, iff};

use super::neighbours::Mac;
use super::routes::{FIRST_LINK, mask};

/// Bytes of the longest packet on the loopback interface, as Linux says; none are made.
const LOOPBACK_MTU: usize = 65_536;

/// A link, or the loopback interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its Ethernet address; the loopback interface has none.
    pub mac: Option<Mac>,
    /// Bytes of the longest packet.
    pub mtu: usize,
    /// Whether its cable is in.
    pub is_up: bool,
    /// Its addresses, and how many of their bits are the network's.
    pub networks: Vec<(IpAddr, u8)>,
    /// Who passes on what is for other networks.
    pub gateways: Vec<IpAddr>,
}

impl Interface {
    /// The loopback interface.
    pub(super) fn loopback(number: u32) -> Self {
        Self {
            number,
            name: "lo".into(),
            mac: None,
            mtu: LOOPBACK_MTU,
            is_up: true,
            networks: [(Ipv4Addr::LOCALHOST.into(), 8), (Ipv6Addr::LOCALHOST.into(), 128)].into(),
            gateways: Vec::new(),
        }
    }

    /// Its flags (netdevice(7)).
    pub fn flags(&self) -> u32 {
        let kind = if self.mac.is_some() { iff::BROADCAST | iff::MULTICAST } else { iff::LOOPBACK };
        let state = if self.is_up { iff::RUNNING | iff::LOWER_UP } else { 0 };
        iff::UP | kind | state
    }

    /// What kind of device it is (`ARPHRD_*`).
    pub fn kind(&self) -> u16 {
        if self.mac.is_some() { arphrd::ETHER } else { arphrd::LOOPBACK }
    }

    /// The address of everybody in the network that `address` of its is in, if there is one (RFC 3021).
    pub fn broadcast_of(&self, address: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
        let has_one = self.mac.is_some() && prefix < 31;
        has_one.then(|| Ipv4Addr::from_bits(address.to_bits() | !mask(prefix)))
    }

    /// What the link with this number is called.
    pub(super) fn name_of(number: u32) -> String {
        format!("eth{}", number.saturating_sub(FIRST_LINK))
    }
}
