//! Addresses between programs and packets: an IPv6 socket that also speaks IPv4 names its peers by mapped addresses (ipv6(7)).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use abi::errno::Errno;
use abi::net::Family;

use crate::net::address::SocketAddress;

/// How a socket of one family names addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Naming {
    pub(super) is_v6: bool,
    pub(super) v6_only: bool,
}

impl Naming {
    /// That of `family`'s sockets.
    pub(super) fn new(family: Family, v6_only: bool) -> Self {
        Self { is_v6: family == Family::Inet6, v6_only }
    }

    /// Any address, and no port.
    pub(super) fn nothing(self) -> SocketAddr {
        let ip =
            if self.is_v6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        SocketAddr::new(ip, 0)
    }

    /// What packets say for an address that the program gave.
    ///
    /// # Errors
    /// `EAFNOSUPPORT` for another family's; `ENETUNREACH` for an IPv4 one where only IPv6 is spoken.
    pub(super) fn on_the_wire(self, address: &SocketAddress) -> Result<SocketAddr, Errno> {
        match address {
            SocketAddress::V4(address) if !self.is_v6 => Ok((*address).into()),
            SocketAddress::V6(address) if self.is_v6 => match address.ip().to_ipv4_mapped() {
                Some(_) if self.v6_only => Err(Errno::ENETUNREACH),
                Some(ip) => Ok((ip, address.port()).into()),
                None => Ok(scoped((*address.ip()).into(), address.port(), address.scope_id())),
            },
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }

    /// What the program is told.
    pub(super) fn told(self, address: SocketAddr) -> SocketAddress {
        match address {
            SocketAddr::V4(address) if self.is_v6 => {
                SocketAddress::V6(SocketAddrV6::new(address.ip().to_ipv6_mapped(), address.port(), 0, 0))
            }
            SocketAddr::V4(address) => SocketAddress::V4(address),
            SocketAddr::V6(address) => SocketAddress::V6(address),
        }
    }
}

/// Whether `address` means one thing on each link (ipv6(7), `sin6_scope_id`).
pub(super) fn needs_scope(address: IpAddr) -> bool {
    // Groups of the interface or of the link, too.
    matches!(address, IpAddr::V6(ip) if ip.is_unicast_link_local() || matches!(ip.segments()[0] & 0xff0f, 0xff01 | 0xff02))
}

/// An address on the link `scope`, if that matters.
pub(super) fn scoped(ip: IpAddr, port: u16, scope: u32) -> SocketAddr {
    match ip {
        IpAddr::V6(address) if needs_scope(ip) => SocketAddrV6::new(address, port, 0, scope).into(),
        _ => SocketAddr::new(ip, port),
    }
}

/// `address`, on the link `scope` if it needs one and does not say.
pub(super) fn on(address: SocketAddr, scope: u32) -> SocketAddr {
    if scope_of(address) == 0 { scoped(address.ip(), address.port(), scope) } else { address }
}

/// Checks that an address to bind or connect to says which link it is on, if it must.
///
/// # Errors
/// `EINVAL`.
pub(super) fn check_scope(address: SocketAddr) -> Result<(), Errno> {
    let is_unclear =
        matches!(address.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local()) && scope_of(address) == 0;
    if is_unclear { Err(Errno::EINVAL) } else { Ok(()) }
}

/// The link that an address is on, if it says so; else 0.
pub(super) fn scope_of(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V6(address) => address.scope_id(),
        SocketAddr::V4(_) => 0,
    }
}

/// Where a connection to `remote` goes: to nowhere in particular is to this machine (ip(7)).
pub(super) fn destination(mut remote: SocketAddr) -> SocketAddr {
    match remote.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => remote.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => remote.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    remote
}
