//! A socket and groups: those it listens to, and the links it speaks to them by (ip(7), `IP_ADD_MEMBERSHIP`; ipv6(7)).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::errno::Errno;
use abi::net::{IpMreqn, IpOption, Ipv6Mreq, Ipv6Option, Level};

use super::stack::{LOOPBACK, Stack};
use crate::net::options::{bytes, first};

/// Groups of a socket at most (`igmp_max_memberships`).
const MOST: usize = 20;

/// A socket's place in a group, given back with it.
#[derive(Debug)]
pub(super) struct Membership {
    stack: Arc<Stack>,
    group: IpAddr,
    link: u32,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.stack.leave(self.group, self.link);
    }
}

/// What a socket has to do with groups.
#[derive(Debug, Default)]
pub(super) struct Multicast {
    memberships: Vec<Membership>,
    /// The links that it speaks to groups by, over IPv4 and IPv6; 0: any.
    links: [u32; 2],
    /// How the program named the first, if by its address.
    address: Option<Ipv4Addr>,
}

/// `struct ip_mreqn`, or the beginning of it that programs give.
fn request(value: &[u8], least: usize) -> Result<IpMreqn, Errno> {
    if value.len() < least {
        return Err(Errno::EINVAL);
    }
    let mut whole = [0; size_of::<IpMreqn>()];
    // A group and an address, or the number too, or the address alone.
    let count = match value.len() {
        12.. => 12,
        8.. => 8,
        _ => 4,
    };
    whole[..count].copy_from_slice(&value[..count]);
    first(&whole)
}

/// The link that is meant.
fn link_of(stack: &Stack, address: Ipv4Addr, number: i32) -> Result<u32, Errno> {
    let found = match u32::try_from(number).map_err(|_| Errno::EINVAL)? {
        0 if address.is_unspecified() => stack.first_link(),
        0 if address.is_loopback() => Some(LOOPBACK),
        0 => stack.number_of(address),
        number => Some(number),
    };
    found.filter(|&number| stack.has_link(number)).ok_or(Errno::ENODEV)
}

impl Multicast {
    /// The link that it speaks to groups by.
    pub(super) fn link(&self, is_v6: bool) -> u32 {
        self.links[usize::from(is_v6)]
    }

    fn join(&mut self, stack: &Arc<Stack>, group: IpAddr, link: u32) -> Result<(), Errno> {
        if !group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        if self.memberships.iter().any(|known| (known.group, known.link) == (group, link)) {
            return Err(Errno::EADDRINUSE);
        }
        if self.memberships.len() >= MOST || self.memberships.try_reserve(1).is_err() {
            return Err(Errno::ENOBUFS);
        }
        stack.join(group, link)?;
        self.memberships.push(Membership { stack: Arc::clone(stack), group, link });
        Ok(())
    }

    fn leave(&mut self, group: IpAddr, link: u32) -> Result<(), Errno> {
        let is_it = |known: &Membership| (known.group, known.link) == (group, link);
        let place = self.memberships.iter().position(is_it).ok_or(Errno::EADDRNOTAVAIL)?;
        self.memberships.remove(place);
        Ok(())
    }

    /// Sets an option, if it is one of these.
    pub(super) fn set(
        &mut self,
        stack: &Arc<Stack>,
        (level, name): (i32, i32),
        value: &[u8],
    ) -> Option<Result<(), Errno>> {
        match Level::try_from(level) {
            Ok(Level::Ip) => self.set_v4(stack, IpOption::try_from(name).ok()?, value),
            Ok(Level::Ipv6) => self.set_v6(stack, Ipv6Option::try_from(name).ok()?, value),
            _ => None,
        }
    }

    fn set_v4(&mut self, stack: &Arc<Stack>, name: IpOption, value: &[u8]) -> Option<Result<(), Errno>> {
        let asked = |least| {
            let asked = request(value, least)?;
            Ok((Ipv4Addr::from(asked.imr_multiaddr), Ipv4Addr::from(asked.imr_address), asked.imr_ifindex))
        };
        match name {
            IpOption::AddMembership | IpOption::DropMembership => {
                Some(asked(8).and_then(|(group, address, number)| {
                    let link = link_of(stack, address, number)?;
                    let group = IpAddr::V4(group);
                    if name == IpOption::AddMembership {
                        self.join(stack, group, link)
                    } else {
                        self.leave(group, link)
                    }
                }))
            }
            IpOption::MulticastInterface => Some(asked(4).and_then(|(only, address, number)| {
                let address = if value.len() < 8 { only } else { address };
                let is_any = address.is_unspecified() && number == 0;
                self.links[0] = if is_any { 0 } else { link_of(stack, address, number)? };
                self.address = Some(address);
                Ok(())
            })),
            _ => None,
        }
    }

    fn set_v6(&mut self, stack: &Arc<Stack>, name: Ipv6Option, value: &[u8]) -> Option<Result<(), Errno>> {
        match name {
            Ipv6Option::AddMembership | Ipv6Option::DropMembership => {
                Some(first::<Ipv6Mreq>(value).and_then(|asked| {
                    let number = i32::try_from(asked.ipv6mr_interface).map_err(|_| Errno::ENODEV)?;
                    let link = link_of(stack, Ipv4Addr::UNSPECIFIED, number)?;
                    let group = IpAddr::V6(Ipv6Addr::from(asked.ipv6mr_multiaddr));
                    if name == Ipv6Option::AddMembership {
                        self.join(stack, group, link)
                    } else {
                        self.leave(group, link)
                    }
                }))
            }
            Ipv6Option::MulticastInterface => Some(first::<i32>(value).and_then(|number| {
                self.links[1] = if number == 0 { 0 } else { link_of(stack, Ipv4Addr::UNSPECIFIED, number)? };
                Ok(())
            })),
            _ => None,
        }
    }

    /// What an option is set to, if it is one of these.
    pub(super) fn get(&self, (level, name): (i32, i32)) -> Option<Vec<u8>> {
        match Level::try_from(level) {
            Ok(Level::Ip) if name == IpOption::MulticastInterface.raw() => {
                Some(self.address.unwrap_or(Ipv4Addr::UNSPECIFIED).octets().to_vec())
            }
            Ok(Level::Ipv6) if name == Ipv6Option::MulticastInterface.raw() => Some(bytes(&self.links[1])),
            _ => None,
        }
    }
}
