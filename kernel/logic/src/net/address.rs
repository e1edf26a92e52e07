//! Socket addresses: from the bytes a program gives, and back (ip(7), ipv6(7), unix(7)).

use alloc::sync::Arc;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use abi::errno::Errno;
use abi::net::address::{FAMILY_BYTES, SOCKADDR_IN6_LEAST};
use abi::net::netlink::SockaddrNl;
use abi::net::{Family, SockaddrIn, SockaddrIn6, SockaddrStorage, SockaddrUn};
use zerocopy::{FromBytes, IntoBytes};

/// Where a socket is, or whom it talks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// `AF_UNSPEC`: connect(2) takes a datagram socket's peer away.
    Unspecified,
    /// IPv4.
    V4(SocketAddrV4),
    /// IPv6.
    V6(SocketAddrV6),
    /// On this machine.
    Unix(UnixAddress),
    /// Of the kernel's own (netlink(7)): port 0 is the kernel.
    Netlink {
        /// Whose it is.
        port: u32,
        /// Groups, a bit each.
        groups: u32,
    },
    /// Of a family that nobody here knows. Which error that is, each family says for itself.
    Unknown(u16),
}

/// The name of a socket on this machine (unix(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnixAddress {
    /// It has none. Bound to, it means that one is to be chosen.
    #[default]
    Unnamed,
    /// A file's, without a zero at its end.
    Path(Arc<[u8]>),
    /// In no directory; any bytes.
    Abstract(Arc<[u8]>),
}

impl From<UnixAddress> for SocketAddress {
    fn from(address: UnixAddress) -> Self {
        Self::Unix(address)
    }
}

/// An address as it lies in the program's memory.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    room: [u8; ROOM],
    length: usize,
}

/// Room for every address; a path of full length is followed by a zero that `struct sockaddr_un` has no place for.
const ROOM: usize = size_of::<SockaddrStorage>();

impl Raw {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.room[..self.length]
    }

    fn new(parts: &[&[u8]]) -> Self {
        let mut raw = Self { room: [0; ROOM], length: 0 };
        for part in parts {
            // All there is fits; what did not would be left out.
            if let Some(room) = raw.room.get_mut(raw.length..raw.length + part.len()) {
                room.copy_from_slice(part);
                raw.length += part.len();
            }
        }
        raw
    }
}

/// The number of a family as addresses begin with it.
fn family_number(family: Family) -> u16 {
    u16::try_from(family.raw()).unwrap_or(0)
}

/// A structure from its first bytes; the others are zero.
fn first_bytes<T: FromBytes + IntoBytes>(bytes: &[u8]) -> T {
    let mut value = T::new_zeroed();
    let count = bytes.len().min(size_of::<T>());
    value.as_mut_bytes()[..count].copy_from_slice(&bytes[..count]);
    value
}

impl SocketAddress {
    /// The address that a program gives as `bytes`.
    ///
    /// # Errors
    /// `EINVAL` when they are too few or too many for their family.
    pub fn parse(bytes: &[u8]) -> Result<Self, Errno> {
        let (number, _) = u16::read_from_prefix(bytes).map_err(|_| Errno::EINVAL)?;
        let family = Family::try_from(i32::from(number));
        match family {
            Ok(Family::Unspecified) => Ok(Self::Unspecified),
            Ok(Family::Inet) if bytes.len() < size_of::<SockaddrIn>() => Err(Errno::EINVAL),
            Ok(Family::Inet) => {
                let raw: SockaddrIn = first_bytes(bytes);
                let ip = Ipv4Addr::from(raw.sin_addr);
                Ok(Self::V4(SocketAddrV4::new(ip, u16::from_be_bytes(raw.sin_port))))
            }
            Ok(Family::Inet6) if bytes.len() < SOCKADDR_IN6_LEAST => Err(Errno::EINVAL),
            Ok(Family::Inet6) => {
                let raw: SockaddrIn6 = first_bytes(bytes);
                let (ip, port) = (Ipv6Addr::from(raw.sin6_addr), u16::from_be_bytes(raw.sin6_port));
                let flow = u32::from_be_bytes(raw.sin6_flowinfo);
                Ok(Self::V6(SocketAddrV6::new(ip, port, flow, raw.sin6_scope_id)))
            }
            Ok(Family::Netlink) if bytes.len() < size_of::<SockaddrNl>() => Err(Errno::EINVAL),
            Ok(Family::Netlink) => {
                let raw: SockaddrNl = first_bytes(bytes);
                Ok(Self::Netlink { port: raw.nl_pid, groups: raw.nl_groups })
            }
            Ok(Family::Unix) => UnixAddress::parse(&bytes[FAMILY_BYTES..]).map(Self::Unix),
            _ => Ok(Self::Unknown(number)),
        }
    }

    /// The address as programs read it.
    pub fn to_raw(&self) -> Raw {
        let plain = |family: u16| Raw::new(&[family.as_bytes()]);
        match self {
            Self::Unspecified => plain(family_number(Family::Unspecified)),
            Self::V4(address) => Raw::new(&[SockaddrIn {
                sin_family: family_number(Family::Inet),
                sin_port: address.port().to_be_bytes(),
                sin_addr: address.ip().octets(),
                sin_zero: [0; 8],
            }
            .as_bytes()]),
            Self::V6(address) => Raw::new(&[SockaddrIn6 {
                sin6_family: family_number(Family::Inet6),
                sin6_port: address.port().to_be_bytes(),
                sin6_flowinfo: address.flowinfo().to_be_bytes(),
                sin6_addr: address.ip().octets(),
                sin6_scope_id: address.scope_id(),
            }
            .as_bytes()]),
            Self::Unix(address) => address.to_raw(),
            Self::Netlink { port, groups } => Raw::new(&[SockaddrNl {
                nl_family: family_number(Family::Netlink),
                nl_pid: *port,
                nl_groups: *groups,
                ..SockaddrNl::default()
            }
            .as_bytes()]),
            Self::Unknown(family) => plain(*family),
        }
    }
}

impl UnixAddress {
    /// Most bytes of a name.
    pub const MOST: usize = size_of::<SockaddrUn>() - FAMILY_BYTES;

    /// The name in `bytes`, which follow the family.
    fn parse(bytes: &[u8]) -> Result<Self, Errno> {
        match bytes {
            [] => Ok(Self::Unnamed),
            _ if bytes.len() > Self::MOST => Err(Errno::EINVAL),
            [0, name @ ..] => Ok(Self::Abstract(Arc::from(name))),
            path => Ok(Self::Path(Arc::from(path.split(|&byte| byte == 0).next().unwrap_or_default()))),
        }
    }

    fn to_raw(&self) -> Raw {
        let family = family_number(Family::Unix);
        match self {
            Self::Unnamed => Raw::new(&[family.as_bytes()]),
            Self::Path(path) => Raw::new(&[family.as_bytes(), path, &[0]]),
            Self::Abstract(name) => Raw::new(&[family.as_bytes(), &[0], name]),
        }
    }
}

#[cfg(test)]
mod tests;
