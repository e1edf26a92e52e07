//! What goes and comes beside a datagram, as control messages (ip(7), `IP_PKTINFO`; ipv6(7); udp(7), `UDP_SEGMENT`).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

use abi::errno::Errno;
use abi::net::{In6PktInfo, InPktInfo, IpOption, Ipv6Option, Level, UdpOption};
use zerocopy::{FromBytes, IntoBytes};

use super::settings::Settings;
use super::udp::{Beside, Datagram};
use crate::net::socket::Control;

/// What a datagram is sent with, as far as the sender says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sending {
    /// The address it comes from.
    pub(super) source: Option<IpAddr>,
    /// The number of the link that it goes out of; 0: any.
    pub(super) link: u32,
    pub(super) hop_limit: Option<u8>,
    pub(super) traffic_class: Option<u8>,
    /// Bytes of each of the datagrams that it is cut into.
    pub(super) segment: Option<u16>,
}

/// A value that must be there as it is.
fn whole<T: FromBytes>(data: &[u8]) -> Result<T, Errno> {
    T::read_from_bytes(data).map_err(|_| Errno::EINVAL)
}

/// A number in `range`.
fn number(data: &[u8], range: RangeInclusive<i32>) -> Result<i32, Errno> {
    let number = whole(data)?;
    if range.contains(&number) { Ok(number) } else { Err(Errno::EINVAL) }
}

fn byte(number: i32) -> Option<u8> {
    u8::try_from(number).ok()
}

impl Sending {
    /// What `controls` say of a datagram that goes out over IPv6 or, not `over_v6`, over IPv4. Those of the other one are not looked at, but for
    /// the source of an IPv6 socket's.
    ///
    /// # Errors
    /// `EINVAL` for what nobody knows, or makes no sense.
    pub(super) fn read(controls: &[Control], over_v6: bool) -> Result<Self, Errno> {
        let mut sending = Self::default();
        for control in controls {
            let Control::Other { level, kind, data } = control else { return Err(Errno::EINVAL) };
            match Level::try_from(*level) {
                Ok(Level::Ip) if !over_v6 => sending.add_v4(*kind, data)?,
                Ok(Level::Ipv6) if over_v6 => sending.add_v6(*kind, data)?,
                Ok(Level::Ipv6) if *kind == Ipv6Option::PktInfo.raw() => sending.add_mapped(data)?,
                Ok(Level::Udp) if *kind == UdpOption::Segment.raw() => sending.segment = Some(whole(data)?),
                Ok(Level::Udp | Level::Socket) => return Err(Errno::EINVAL),
                _ => {}
            }
        }
        Ok(sending)
    }

    fn add_v4(&mut self, kind: i32, data: &[u8]) -> Result<(), Errno> {
        match IpOption::try_from(kind) {
            Ok(IpOption::PktInfo) => {
                let info: InPktInfo = whole(data)?;
                self.link = u32::try_from(info.ipi_ifindex).map_err(|_| Errno::EINVAL)?;
                let source = Ipv4Addr::from(info.ipi_spec_dst);
                self.source = (!source.is_unspecified()).then_some(source.into());
            }
            Ok(IpOption::Ttl) => self.hop_limit = byte(number(data, 1..=255)?),
            Ok(IpOption::Tos) => {
                // A byte will do.
                let class = if let &[class] = data { class.into() } else { number(data, 0..=255)? };
                self.traffic_class = byte(class);
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn add_v6(&mut self, kind: i32, data: &[u8]) -> Result<(), Errno> {
        match Ipv6Option::try_from(kind) {
            Ok(Ipv6Option::PktInfo) => {
                let info: In6PktInfo = whole(data)?;
                self.link = info.ipi6_ifindex;
                let source = Ipv6Addr::from(info.ipi6_addr);
                self.source = (!source.is_unspecified()).then_some(source.into());
            }
            // -1 is what it would be without.
            Ok(Ipv6Option::HopLimit) => self.hop_limit = byte(number(data, -1..=255)?),
            Ok(Ipv6Option::TrafficClass) => self.traffic_class = byte(number(data, -1..=255)?),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// The source of an IPv6 socket's datagram that goes out over IPv4.
    fn add_mapped(&mut self, data: &[u8]) -> Result<(), Errno> {
        let info: In6PktInfo = whole(data)?;
        self.link = info.ipi6_ifindex;
        let source = Ipv6Addr::from(info.ipi6_addr);
        let mapped =
            if source.is_unspecified() { None } else { Some(source.to_ipv4_mapped().ok_or(Errno::EINVAL)?) };
        self.source = mapped.map(Into::into);
        Ok(())
    }
}

fn other(level: Level, kind: i32, data: &[u8]) -> Control {
    Control::Other { level: level.raw(), kind, data: data.to_vec() }
}

/// What is told of a datagram that came to a socket of IPv6, or not `is_v6`, of IPv4. `own` answers the address of who was sent something that is for
/// many.
pub(super) fn told(
    datagram: &Datagram,
    settings: &Settings,
    is_v6: bool,
    own: impl FnOnce(Ipv4Addr) -> Ipv4Addr,
) -> Vec<Control> {
    let mut controls = Vec::new();
    let Beside { link, hop_limit, traffic_class } = datagram.beside;
    let number = |byte: u8| i32::from(byte).to_ne_bytes();
    if is_v6 && settings.tells_destination[1] != 0 {
        let address = match datagram.to.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let info = In6PktInfo { ipi6_addr: address.octets(), ipi6_ifindex: link };
        controls.push(other(Level::Ipv6, Ipv6Option::PktInfo.raw(), info.as_bytes()));
    }
    match datagram.to.ip() {
        IpAddr::V4(address) => {
            if settings.tells_destination[0] != 0 {
                let info = InPktInfo {
                    ipi_ifindex: link.cast_signed(),
                    ipi_spec_dst: own(address).octets(),
                    ipi_addr: address.octets(),
                };
                controls.push(other(Level::Ip, IpOption::PktInfo.raw(), info.as_bytes()));
            }
            if settings.tells_hop_limit[0] != 0 {
                controls.push(other(Level::Ip, IpOption::Ttl.raw(), &number(hop_limit)));
            }
            if settings.tells_traffic_class[0] != 0 {
                controls.push(other(Level::Ip, IpOption::Tos.raw(), &[traffic_class]));
            }
        }
        IpAddr::V6(_) => {
            if settings.tells_hop_limit[1] != 0 {
                controls.push(other(Level::Ipv6, Ipv6Option::HopLimit.raw(), &number(hop_limit)));
            }
            if settings.tells_traffic_class[1] != 0 {
                let class = number(traffic_class);
                controls.push(other(Level::Ipv6, Ipv6Option::TrafficClass.raw(), &class));
            }
        }
    }
    controls
}

#[cfg(test)]
mod tests;
