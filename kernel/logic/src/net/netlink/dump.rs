//! Links, addresses and routes, as answers tell of them (rtnetlink(7)).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::errno::Errno;
use abi::net::Family;
use abi::net::netlink::{IfAddrMsg, IfInfoMsg, RtMsg, flag, ifa, ifla, kind, rta, scope};
use zerocopy::FromBytes as _;

use super::message::{Answers, Request, family};
use crate::net::inet::interface::Interface;
use crate::net::inet::routes::mask;

/// RFC 2863's states, as far as there are any.
const UNKNOWN: u8 = 0;
const DOWN: u8 = 2;
const UP: u8 = 6;
/// `IFA_F_PERMANENT`: nobody takes it away at a known time.
const PERMANENT: u8 = 0x80;
/// The main table, who made routes (`RTPROT_BOOT`, `RTPROT_KERNEL`), and what they do (`RTN_UNICAST`).
const MAIN: u8 = 254;
const BY_BOOT: u8 = 3;
const BY_KERNEL: u8 = 2;
const UNICAST: u8 = 1;

/// All links.
pub(super) fn links(interfaces: &[Interface], answers: &mut Answers) {
    interfaces.iter().for_each(|interface| tell(interface, flag::MULTI, answers));
}

/// The link that `request` names, by number or by name.
///
/// # Errors
/// `ENODEV`; `EINVAL` when it names none.
pub(super) fn link(
    interfaces: &[Interface],
    request: &Request<'_>,
    answers: &mut Answers,
) -> Result<(), Errno> {
    let (start, _) = IfInfoMsg::read_from_prefix(request.body).map_err(|_| Errno::EINVAL)?;
    let mut names = request.attributes(size_of::<IfInfoMsg>()).filter(|(kind, _)| *kind == ifla::IFNAME);
    let name = names.next().map(|(_, name)| name.split(|&byte| byte == 0).next().unwrap_or_default());
    let found = match (start.ifi_index, name) {
        (0, None) => return Err(Errno::EINVAL),
        (0, Some(name)) => interfaces.iter().find(|interface| interface.name.as_bytes() == name),
        (number, _) => interfaces.iter().find(|interface| Ok(interface.number) == u32::try_from(number)),
    };
    tell(found.ok_or(Errno::ENODEV)?, 0, answers);
    Ok(())
}

/// Tells of a link.
fn tell(interface: &Interface, flags: u16, answers: &mut Answers) {
    let start = IfInfoMsg {
        ifi_family: family(Family::Unspecified),
        ifi_type: interface.kind(),
        ifi_index: interface.number.cast_signed(),
        ifi_flags: interface.flags(),
        ..IfInfoMsg::default()
    };
    answers.message(kind::NEW_LINK, flags, &start, |answers| {
        let state = match (interface.mac, interface.is_up) {
            (None, _) => UNKNOWN,
            (Some(_), true) => UP,
            (Some(_), false) => DOWN,
        };
        answers.text(ifla::IFNAME, &interface.name);
        answers.attribute(ifla::OPERSTATE, &[state]);
        answers.attribute(ifla::MTU, &u32::try_from(interface.mtu).unwrap_or(u32::MAX).to_ne_bytes());
        answers.attribute(ifla::ADDRESS, &interface.mac.unwrap_or_default());
        let all = if interface.mac.is_some() { [0xff; 6] } else { [0; 6] };
        answers.attribute(ifla::BROADCAST, &all);
    });
}

/// Whether what is asked for in `asked` is told of `address`.
fn is_of(asked: u8, address: IpAddr) -> bool {
    asked == family(Family::Unspecified) || asked == family_of(address)
}

fn family_of(address: IpAddr) -> u8 {
    family(if address.is_ipv4() { Family::Inet } else { Family::Inet6 })
}

/// All addresses of a family, or of all.
pub(super) fn addresses(interfaces: &[Interface], asked: u8, answers: &mut Answers) {
    for interface in interfaces {
        let networks = interface.networks.iter().filter(|(address, _)| is_of(asked, *address));
        for &(address, prefix) in networks {
            let start = IfAddrMsg {
                ifa_family: family_of(address),
                ifa_prefixlen: prefix,
                ifa_flags: PERMANENT,
                ifa_scope: scope_of(address),
                ifa_index: interface.number,
            };
            answers.message(kind::NEW_ADDRESS, flag::MULTI, &start, |answers| {
                answers.address(ifa::ADDRESS, address);
                if let IpAddr::V4(address) = address {
                    answers.address(ifa::LOCAL, address.into());
                    if let Some(all) = interface.broadcast_of(address, prefix) {
                        answers.address(ifa::BROADCAST, all.into());
                    }
                    answers.text(ifa::LABEL, &interface.name);
                }
            });
        }
    }
}

fn scope_of(address: IpAddr) -> u8 {
    match address {
        _ if address.is_loopback() => scope::HOST,
        IpAddr::V6(address) if address.is_unicast_link_local() => scope::LINK,
        _ => scope::UNIVERSE,
    }
}

/// The network that an address is in.
fn network(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & mask(prefix)).into(),
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & !host).into()
        }
    }
}

/// All routes of a family, or of all, in the main table: those of links' networks, and through gateways.
pub(super) fn routes(interfaces: &[Interface], asked: u8, answers: &mut Answers) {
    let links = interfaces.iter().filter(|interface| interface.mac.is_some());
    for interface in links {
        let oif = interface.number.to_ne_bytes();
        let mut route = |start: RtMsg, rest: &dyn Fn(&mut Answers)| {
            let start = RtMsg { rtm_table: MAIN, rtm_type: UNICAST, ..start };
            answers.message(kind::NEW_ROUTE, flag::MULTI, &start, |answers| {
                answers.attribute(rta::TABLE, &u32::from(MAIN).to_ne_bytes());
                rest(answers);
                answers.attribute(rta::OIF, &oif);
            });
        };
        for &gateway in interface.gateways.iter().filter(|gateway| is_of(asked, **gateway)) {
            let start = RtMsg { rtm_family: family_of(gateway), rtm_protocol: BY_BOOT, ..RtMsg::default() };
            route(start, &|answers| answers.address(rta::GATEWAY, gateway));
        }
        for &(address, prefix) in interface.networks.iter().filter(|(address, _)| is_of(asked, *address)) {
            let rtm_scope = if address.is_ipv4() { scope::LINK } else { scope::UNIVERSE };
            let start = RtMsg {
                rtm_family: family_of(address),
                rtm_dst_len: prefix,
                rtm_protocol: BY_KERNEL,
                rtm_scope,
                ..RtMsg::default()
            };
            route(start, &|answers| {
                answers.address(rta::DST, network(address, prefix));
                if address.is_ipv4() {
                    answers.address(rta::PREFSRC, address);
                }
            });
        }
    }
}
