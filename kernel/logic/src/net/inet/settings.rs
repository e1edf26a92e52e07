//! The options of IP, IPv6, TCP and UDP (ip(7), ipv6(7), tcp(7), udp(7)).

use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use abi::errno::Errno;
use abi::net::{Family, IpOption, Ipv6Option, Level, TcpOption, UdpOption};

use crate::net::options::{bytes, first};

use super::keep_alive::KeepAlive;

/// `net.ipv4.ip_default_ttl`.
const HOP_LIMIT: i32 = 64;
/// `IP_PMTUDISC_WANT`, `IP_PMTUDISC_DO`, `IP_PMTUDISC_PROBE`, and the last of their kind.
const PMTUDISC_WANT: i32 = 1;
const PMTUDISC_DO: i32 = 2;
const PMTUDISC_PROBE: i32 = 3;
const PMTUDISC_LAST: i32 = 5;

/// What the options are set to; on and off are 1 and 0. Of what both IPv4 and IPv6 have, the first is IPv4's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    hop_limit: [i32; 2],
    traffic_class: [i32; 2],
    mtu_discover: [i32; 2],
    dont_fragment: i32,
    /// For groups: how many routers packets pass, and whether those of this machine hear them too.
    group_hop_limit: [i32; 2],
    group_loops: [i32; 2],
    /// What is told with each datagram.
    pub(super) tells_destination: [i32; 2],
    pub(super) tells_hop_limit: [i32; 2],
    pub(super) tells_traffic_class: [i32; 2],
    pub(super) v6_only: i32,
    /// Bytes of the datagrams that what is sent is cut into; 0: it is not.
    pub(super) segment: i32,
    no_delay: i32,
    /// As long as there is no connection, which knows better.
    quick_ack: i32,
    /// Seconds.
    keep_idle: i32,
    keep_interval: i32,
    keep_count: i32,
    /// Milliseconds; 0 is as long as it takes.
    user_timeout: i32,
}

/// What the options of a socket ask of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Small pieces go out at once (tcp(7), `TCP_NODELAY`), or wait for those before them to be acknowledged.
    pub(super) no_delay: bool,
    /// Whether, and how, a silent peer is asked whether it is still there (socket(7), `SO_KEEPALIVE`).
    pub(super) keep_alive: Option<KeepAlive>,
    /// How many routers packets pass at most (ip(7), `IP_TTL`).
    pub(super) hop_limit: Option<u8>,
    /// How packets are marked (ip(7), `IP_TOS`).
    pub(super) traffic_class: u8,
    /// How long what was sent may go unacknowledged (tcp(7), `TCP_USER_TIMEOUT`).
    pub(super) patience: Option<Duration>,
}

/// Whose option it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    All,
    Datagrams,
}

/// An option: what it is, and which numbers it takes.
struct Row {
    level: Level,
    name: i32,
    of: Of,
    takes: RangeInclusive<i32>,
    place: fn(&mut Settings) -> &mut i32,
}

impl Row {
    /// Whether it says how packets are marked.
    fn is_class(&self) -> bool {
        match self.level {
            Level::Ip => self.name == IpOption::Tos.raw(),
            Level::Ipv6 => self.name == Ipv6Option::TrafficClass.raw(),
            _ => false,
        }
    }
}

type Place = fn(&mut Settings) -> &mut i32;

const fn ip(of: Of, name: IpOption, takes: RangeInclusive<i32>, place: Place) -> Row {
    Row { level: Level::Ip, name: name.raw(), of, takes, place }
}

const fn ipv6(of: Of, name: Ipv6Option, takes: RangeInclusive<i32>, place: Place) -> Row {
    Row { level: Level::Ipv6, name: name.raw(), of, takes, place }
}

const fn tcp(name: TcpOption, takes: RangeInclusive<i32>, place: Place) -> Row {
    Row { level: Level::Tcp, name: name.raw(), of: Of::All, takes, place }
}

const ON_OFF: RangeInclusive<i32> = 0..=1;
const BYTE: RangeInclusive<i32> = 0..=255;
/// Bits of a traffic class by which routers say that they have too much to do (RFC 3168): TCP's own.
const CONGESTION: i32 = 3;
const PMTUDISC: RangeInclusive<i32> = 0..=PMTUDISC_LAST;

/// All options that are numbers.
const ROWS: [Row; 25] = [
    ip(Of::All, IpOption::Ttl, 1..=255, |s| &mut s.hop_limit[0]),
    ip(Of::All, IpOption::Tos, BYTE, |s| &mut s.traffic_class[0]),
    ip(Of::All, IpOption::MtuDiscover, PMTUDISC, |s| &mut s.mtu_discover[0]),
    ip(Of::Datagrams, IpOption::PktInfo, ON_OFF, |s| &mut s.tells_destination[0]),
    ip(Of::Datagrams, IpOption::ReceiveTtl, ON_OFF, |s| &mut s.tells_hop_limit[0]),
    ip(Of::Datagrams, IpOption::ReceiveTos, ON_OFF, |s| &mut s.tells_traffic_class[0]),
    ipv6(Of::All, Ipv6Option::UnicastHops, BYTE, |s| &mut s.hop_limit[1]),
    ipv6(Of::All, Ipv6Option::V6Only, ON_OFF, |s| &mut s.v6_only),
    ipv6(Of::All, Ipv6Option::TrafficClass, BYTE, |s| &mut s.traffic_class[1]),
    ipv6(Of::All, Ipv6Option::MtuDiscover, PMTUDISC, |s| &mut s.mtu_discover[1]),
    ipv6(Of::All, Ipv6Option::DontFragment, ON_OFF, |s| &mut s.dont_fragment),
    ipv6(Of::Datagrams, Ipv6Option::ReceivePktInfo, ON_OFF, |s| &mut s.tells_destination[1]),
    ipv6(Of::Datagrams, Ipv6Option::ReceiveHopLimit, ON_OFF, |s| &mut s.tells_hop_limit[1]),
    ipv6(Of::Datagrams, Ipv6Option::ReceiveTrafficClass, ON_OFF, |s| &mut s.tells_traffic_class[1]),
    ip(Of::Datagrams, IpOption::MulticastTtl, BYTE, |s| &mut s.group_hop_limit[0]),
    ip(Of::Datagrams, IpOption::MulticastLoop, ON_OFF, |s| &mut s.group_loops[0]),
    ipv6(Of::Datagrams, Ipv6Option::MulticastHops, BYTE, |s| &mut s.group_hop_limit[1]),
    ipv6(Of::Datagrams, Ipv6Option::MulticastLoop, ON_OFF, |s| &mut s.group_loops[1]),
    Row {
        level: Level::Udp,
        name: UdpOption::Segment.raw(),
        of: Of::Datagrams,
        takes: 0..=65_535,
        place: |s| &mut s.segment,
    },
    tcp(TcpOption::NoDelay, ON_OFF, |s| &mut s.no_delay),
    tcp(TcpOption::QuickAck, ON_OFF, |s| &mut s.quick_ack),
    tcp(TcpOption::KeepIdle, 1..=32_767, |s| &mut s.keep_idle),
    tcp(TcpOption::KeepInterval, 1..=32_767, |s| &mut s.keep_interval),
    tcp(TcpOption::KeepCount, 1..=127, |s| &mut s.keep_count),
    tcp(TcpOption::UserTimeout, 0..=i32::MAX, |s| &mut s.user_timeout),
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            hop_limit: [HOP_LIMIT; 2],
            traffic_class: [0; 2],
            mtu_discover: [PMTUDISC_WANT; 2],
            dont_fragment: 0,
            group_hop_limit: [1; 2],
            group_loops: [1; 2],
            tells_destination: [0; 2],
            tells_hop_limit: [0; 2],
            tells_traffic_class: [0; 2],
            v6_only: 0,
            segment: 0,
            no_delay: 0,
            quick_ack: 1,
            keep_idle: 7200,
            keep_interval: 75,
            keep_count: 9,
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
    let has = |row: &Row| has_level && (row.of == Of::All || protocol == Level::Udp.raw());
    ROWS.iter()
        .find(|row| has(row) && row.level.raw() == level.raw() && row.name == name)
        .ok_or(Errno::ENOPROTOOPT)
}

/// The number that an option is set to: those of IPv4 take a byte too (ip(7)).
fn number(level: Level, value: &[u8]) -> Result<i32, Errno> {
    match value {
        [] if level == Level::Ip => Ok(0),
        [byte, rest @ ..] if level == Level::Ip && rest.len() < 3 => Ok(i32::from(*byte)),
        value => first(value),
    }
}

impl Settings {
    /// What is asked of a connection.
    pub(super) fn manner(&self, is_v6: bool, keeps_alive: bool) -> Manner {
        let seconds = |seconds: i32| Duration::from_secs(seconds.unsigned_abs().into());
        let patience = Duration::from_millis(self.user_timeout.unsigned_abs().into());
        let keep_alive = KeepAlive {
            idle: seconds(self.keep_idle),
            interval: seconds(self.keep_interval),
            count: self.keep_count.unsigned_abs(),
        };
        Manner {
            no_delay: self.no_delay != 0,
            keep_alive: keeps_alive.then_some(keep_alive),
            hop_limit: self.hop_limit(is_v6),
            traffic_class: self.traffic_class(is_v6),
            patience: Some(patience).filter(|patience| !patience.is_zero()),
        }
    }

    /// How many routers packets pass at most.
    pub(super) fn hop_limit(&self, is_v6: bool) -> Option<u8> {
        u8::try_from(self.hop_limit[usize::from(is_v6)]).ok().filter(|&limit| limit > 0)
    }

    /// Whether anything is told with each datagram.
    pub(super) fn tells(&self) -> bool {
        [self.tells_destination, self.tells_hop_limit, self.tells_traffic_class] != [[0; 2]; 3]
    }

    /// How many routers packets for groups pass at most, and whether those of this machine hear them too.
    pub(super) fn of_groups(&self, is_v6: bool) -> (u8, bool) {
        let index = usize::from(is_v6);
        (u8::try_from(self.group_hop_limit[index]).unwrap_or(1), self.group_loops[index] != 0)
    }

    /// How packets are marked.
    pub(super) fn traffic_class(&self, is_v6: bool) -> u8 {
        u8::try_from(self.traffic_class[usize::from(is_v6)]).unwrap_or(0)
    }

    /// Whether what is too long for a packet is refused, and not cut.
    pub(super) fn refuses_fragments(&self, is_v6: bool) -> bool {
        let how = self.mtu_discover[usize::from(is_v6)];
        matches!(how, PMTUDISC_DO | PMTUDISC_PROBE) || is_v6 && self.dont_fragment != 0
    }

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
        let number = number(row.level, value)?;
        let number = if row.takes == ON_OFF { i32::from(number != 0) } else { number };
        // -1 is what it was in the beginning (ip(7), `IP_TTL`).
        let resets = number == -1 && matches!(row.level, Level::Ip | Level::Ipv6);
        let number = if resets { *(row.place)(&mut Self::default()) } else { number };
        if !row.takes.contains(&number) {
            return Err(Errno::EINVAL);
        }
        *(row.place)(self) =
            if row.is_class() && protocol == Level::Tcp.raw() { number & !CONGESTION } else { number };
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
