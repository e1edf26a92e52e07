//! The options of IP, IPv6, TCP and UDP (ip(7), ipv6(7), tcp(7)).

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use abi::errno::Errno;
use abi::net::{Family, IpOption, Ipv6Option, Level, TcpOption};

use crate::net::options::{bytes, first};

/// `net.ipv4.ip_default_ttl`.
const HOP_LIMIT: i32 = 64;
/// `IP_PMTUDISC_WANT`, and the last of its kind.
const PMTUDISC_WANT: i32 = 1;
const PMTUDISC_LAST: i32 = 5;

/// What the options are set to; on and off are 1 and 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) hop_limit: i32,
    pub(super) v6_only: i32,
    pub(super) tells_destination: i32,
    mtu_discover: i32,
    pub(super) no_delay: i32,
    /// Seconds.
    pub(super) keep_idle: i32,
    /// Milliseconds; 0 is as long as it takes.
    pub(super) user_timeout: i32,
}

/// An option: what it is, and which numbers it takes.
struct Row {
    level: Level,
    name: i32,
    takes: RangeInclusive<i32>,
    place: fn(&mut Settings) -> &mut i32,
}

const ON_OFF: RangeInclusive<i32> = 0..=1;

/// All options that are numbers.
const ROWS: [Row; 9] = [
    Row { level: Level::Ip, name: IpOption::Ttl.raw(), takes: 1..=255, place: |s| &mut s.hop_limit },
    Row {
        level: Level::Ip,
        name: IpOption::PktInfo.raw(),
        takes: ON_OFF,
        place: |s| &mut s.tells_destination,
    },
    Row {
        level: Level::Ip,
        name: IpOption::MtuDiscover.raw(),
        takes: 0..=PMTUDISC_LAST,
        place: |s| &mut s.mtu_discover,
    },
    Row {
        level: Level::Ipv6,
        name: Ipv6Option::UnicastHops.raw(),
        takes: 0..=255,
        place: |s| &mut s.hop_limit,
    },
    Row { level: Level::Ipv6, name: Ipv6Option::V6Only.raw(), takes: ON_OFF, place: |s| &mut s.v6_only },
    Row {
        level: Level::Ipv6,
        name: Ipv6Option::ReceivePktInfo.raw(),
        takes: ON_OFF,
        place: |s| &mut s.tells_destination,
    },
    Row { level: Level::Tcp, name: TcpOption::NoDelay.raw(), takes: ON_OFF, place: |s| &mut s.no_delay },
    Row {
        level: Level::Tcp,
        name: TcpOption::KeepIdle.raw(),
        takes: 1..=32_767,
        place: |s| &mut s.keep_idle,
    },
    Row {
        level: Level::Tcp,
        name: TcpOption::UserTimeout.raw(),
        takes: 0..=i32::MAX,
        place: |s| &mut s.user_timeout,
    },
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            hop_limit: HOP_LIMIT,
            v6_only: 0,
            tells_destination: 0,
            mtu_discover: PMTUDISC_WANT,
            no_delay: 0,
            keep_idle: 7200,
            user_timeout: 0,
        }
    }
}

/// The option, if a socket of `family` with `protocol` has it.
fn row(family: Family, protocol: i32, level: i32, name: i32) -> Result<&'static Row, Errno> {
    let level = Level::try_from(level)?;
    let has_level = match level {
        Level::Ip => true,
        Level::Ipv6 => family == Family::Inet6,
        Level::Tcp | Level::Udp => level.raw() == protocol,
        Level::Socket => false,
    };
    ROWS.iter()
        .find(|row| has_level && row.level.raw() == level.raw() && row.name == name)
        .ok_or(Errno::ENOPROTOOPT)
}

impl Settings {
    /// Sets one.
    ///
    /// # Errors
    /// `ENOPROTOOPT`, `EINVAL`.
    pub(super) fn set(
        &mut self,
        (family, protocol): (Family, i32),
        (level, name): (i32, i32),
        value: &[u8],
    ) -> Result<(), Errno> {
        let row = row(family, protocol, level, name)?;
        let number: i32 = first(value)?;
        let number = if row.takes == ON_OFF { i32::from(number != 0) } else { number };
        // -1 is what it was in the beginning (ip(7), `IP_TTL`).
        let number = if number == -1 { *(row.place)(&mut Self::default()) } else { number };
        if !row.takes.contains(&number) {
            return Err(Errno::EINVAL);
        }
        *(row.place)(self) = number;
        Ok(())
    }

    /// What one is set to.
    ///
    /// # Errors
    /// `ENOPROTOOPT`.
    pub(super) fn get(
        mut self,
        (family, protocol): (Family, i32),
        (level, name): (i32, i32),
    ) -> Result<Vec<u8>, Errno> {
        let row = row(family, protocol, level, name)?;
        Ok(bytes(&*(row.place)(&mut self)))
    }
}
