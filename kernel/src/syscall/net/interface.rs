//! What ioctl(2) tells of interfaces (netdevice(7)): names, numbers, flags and addresses. Nothing can be changed.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use abi::errno::Errno;
use abi::net::SockaddrIn;
use abi::net::interface::{IfConf, IfReq, NAME};
use abi::prelude::*;
use logic::net::inet::interface::Interface;
use logic::net::inet::routes::mask;
use zerocopy::IntoBytes as _;

use super::super::Ctx;
use super::{settled_stack, stack};

/// Whether a socket of `family` knows `request`: addresses are the matter of IPv4's (Linux `inet_ioctl`).
fn is_known(family: Family, request: Ioctl) -> bool {
    match request {
        Ioctl::SIOCGIFNAME
        | Ioctl::SIOCGIFINDEX
        | Ioctl::SIOCGIFFLAGS
        | Ioctl::SIOCGIFMTU
        | Ioctl::SIOCGIFHWADDR
        | Ioctl::SIOCGIFCONF => true,
        Ioctl::SIOCGIFADDR | Ioctl::SIOCGIFNETMASK | Ioctl::SIOCGIFBRDADDR => family == Family::Inet,
        _ => false,
    }
}

/// Whether the answer depends on addresses, which links may have yet to get.
fn is_of_addresses(request: Ioctl) -> bool {
    matches!(request, Ioctl::SIOCGIFCONF | Ioctl::SIOCGIFADDR | Ioctl::SIOCGIFNETMASK | Ioctl::SIOCGIFBRDADDR)
}

/// Answers `request`, whose argument is at `arg`, of a socket of `family`.
///
/// # Errors
/// `ENOTTY` for what is no such request; `ENODEV`, `EADDRNOTAVAIL`, `EFAULT`.
pub(in super::super) fn ioctl(cx: &Ctx<'_>, family: Family, request: Ioctl, arg: usize) -> Result<(), Errno> {
    if !is_known(family, request) {
        return Err(Errno::ENOTTY);
    }
    let stack = if is_of_addresses(request) { settled_stack(cx)? } else { stack(cx)? };
    let interfaces = stack.interfaces();
    if request == Ioctl::SIOCGIFCONF {
        return list(cx, &interfaces, UserPtr::new(arg));
    }
    let mut asked: IfReq = cx.read_struct(UserPtr::new(arg))?;
    // The last byte of a name is zero whatever the program says.
    let name = asked.ifr_name[..NAME - 1].split(|&byte| byte == 0).next().unwrap_or_default();
    let first = [asked.ifr_ifru[0], asked.ifr_ifru[1], asked.ifr_ifru[2], asked.ifr_ifru[3]];
    let is_meant = |interface: &&Interface| match request {
        Ioctl::SIOCGIFNAME => interface.number == u32::from_ne_bytes(first),
        _ => interface.name.as_bytes() == name,
    };
    let interface = interfaces.iter().find(is_meant).ok_or(Errno::ENODEV)?;
    let v4 = || v4(interface).next().ok_or(Errno::EADDRNOTAVAIL);
    let mtu = || u32::try_from(interface.mtu).unwrap_or(u32::MAX);
    match request {
        Ioctl::SIOCGIFNAME => asked.ifr_name = padded(&interface.name),
        Ioctl::SIOCGIFINDEX => put(&mut asked, interface.number.as_bytes()),
        // There is room for the lower half.
        Ioctl::SIOCGIFFLAGS => put(&mut asked, &interface.flags().to_ne_bytes()[..2]),
        Ioctl::SIOCGIFMTU => put(&mut asked, mtu().as_bytes()),
        Ioctl::SIOCGIFHWADDR => {
            let kind = interface.kind().to_ne_bytes();
            put(&mut asked, &[&kind[..], &interface.mac.unwrap_or_default()].concat());
        }
        Ioctl::SIOCGIFADDR => put(&mut asked, address(v4()?.0).as_bytes()),
        Ioctl::SIOCGIFNETMASK => put(&mut asked, address(Ipv4Addr::from_bits(mask(v4()?.1))).as_bytes()),
        _ => {
            let (own, prefix) = v4()?;
            let all = interface.broadcast_of(own, prefix).unwrap_or(Ipv4Addr::UNSPECIFIED);
            put(&mut asked, address(all).as_bytes());
        }
    }
    cx.write_struct(UserPtr::new(arg), &asked)
}

/// Writes those that have an address of IPv4, as many as there is room for; or how much room they need.
fn list(cx: &Ctx<'_>, interfaces: &[Interface], at: UserPtr<IfConf>) -> Result<(), Errno> {
    let mut asked: IfConf = cx.read_struct(at)?;
    let entry = |interface: &Interface, own: Ipv4Addr| {
        let mut entry = IfReq { ifr_name: padded(&interface.name), ..IfReq::default() };
        put(&mut entry, address(own).as_bytes());
        entry
    };
    let all: Vec<IfReq> = interfaces
        .iter()
        .flat_map(|interface| v4(interface).map(move |(own, _)| entry(interface, own)))
        .collect();
    let mut bytes = all.as_bytes();
    if asked.ifc_buf != 0 {
        let room = usize::try_from(asked.ifc_len).map_err(|_| Errno::EINVAL)?;
        bytes = &bytes[..bytes.len().min(room / size_of::<IfReq>() * size_of::<IfReq>())];
        cx.write_bytes(UserPtr::new(asked.ifc_buf), bytes)?;
    }
    asked.ifc_len = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    cx.write_struct(at, &asked)
}

/// The addresses of IPv4.
fn v4(interface: &Interface) -> impl Iterator<Item = (Ipv4Addr, u8)> {
    interface.networks.iter().filter_map(|&(address, prefix)| match address {
        IpAddr::V4(address) => Some((address, prefix)),
        IpAddr::V6(_) => None,
    })
}

fn address(ip: Ipv4Addr) -> SockaddrIn {
    let sin_family = u16::try_from(Family::Inet.raw()).unwrap_or(0);
    SockaddrIn { sin_family, sin_addr: ip.octets(), ..SockaddrIn::default() }
}

fn padded(name: &str) -> [u8; NAME] {
    let mut room = [0; NAME];
    let count = name.len().min(NAME - 1);
    room[..count].copy_from_slice(&name.as_bytes()[..count]);
    room
}

/// Writes what was asked for; the rest is zero.
fn put(asked: &mut IfReq, bytes: &[u8]) {
    asked.ifr_ifru = [0; 24];
    asked.ifr_ifru[..bytes.len()].copy_from_slice(bytes);
}
