//! The network on the kernel command line: `ip=`, `gateway=`, `dns=`, `hostname=`; `ip=` in Linux's longer form too, which VMMs write
//! (Linux's `Documentation/admin-guide/nfs/nfsroot.rst`).

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str;

use crate::net::inet::discovery::{MOST_ADDRESSES, Setting6};
use crate::net::inet::link::Setting;
use crate::net::inet::resolver;
use crate::net::inet::routes::Network;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkOptions {
    ip: Ip,
    gateway: Option<Ipv4Addr>,
    /// IPv6 addresses, and the bits of them that are their networks'.
    addresses_v6: Vec<(Ipv6Addr, u8)>,
    gateway_v6: Option<Ipv6Addr>,
    /// Name servers, in place of those that links are told.
    pub name_servers: Vec<IpAddr>,
    /// The machine's name.
    pub hostname: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ip {
    Dhcp,
    None,
    Static { address: Ipv4Addr, prefix: u8 },
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            ip: Ip::Dhcp,
            gateway: None,
            addresses_v6: Vec::new(),
            gateway_v6: None,
            name_servers: Vec::new(),
            hostname: None,
        }
    }
}

impl NetworkOptions {
    /// Takes the option `key`, if it is one of these. An error says what would make sense.
    pub(super) fn apply(&mut self, key: &[u8], value: &[u8]) -> Option<Result<(), &'static str>> {
        const ADDRESS: &str = "an IP address";
        Some(match key {
            b"ip" => self.set_ip(value).ok_or("ADDRESS/PREFIX, dhcp or none"),
            b"gateway" => parse(value).map(|address| self.set_gateway(address)).ok_or(ADDRESS),
            b"dns" => parse(value).map(|address| self.name_servers.push(address)).ok_or(ADDRESS),
            b"hostname" => {
                self.set_hostname(value).ok_or("a host name of at most 64 letters, digits, - and .")
            }
            _ => return None,
        })
    }

    fn set_hostname(&mut self, value: &[u8]) -> Option<()> {
        self.hostname = Some(resolver::host_name(value)?);
        Some(())
    }

    fn set_gateway(&mut self, gateway: IpAddr) {
        match gateway {
            IpAddr::V4(gateway) => self.gateway = Some(gateway),
            IpAddr::V6(gateway) => self.gateway_v6 = Some(gateway),
        }
    }

    fn set_ip(&mut self, value: &[u8]) -> Option<()> {
        self.ip = match value {
            b"dhcp" | b"on" | b"any" => Ip::Dhcp,
            b"none" | b"off" => Ip::None,
            long if long.contains(&b':') && !long.contains(&b'/') => return self.set_long(long),
            short => {
                let (address, prefix) = str::from_utf8(short).ok()?.split_once('/')?;
                let prefix: u8 = prefix.parse().ok()?;
                match parse(address.as_bytes())? {
                    IpAddr::V4(address) if prefix <= 32 => Ip::Static { address: host(address)?, prefix },
                    IpAddr::V6(address) if prefix <= 128 => return self.add_v6(address, prefix),
                    _ => return None,
                }
            }
        };
        Some(())
    }

    fn add_v6(&mut self, address: Ipv6Addr, prefix: u8) -> Option<()> {
        let is_hosts = !address.is_unspecified() && !address.is_multicast() && !address.is_loopback();
        let is_fine =
            is_hosts && address.to_ipv4_mapped().is_none() && self.addresses_v6.len() < MOST_ADDRESSES;
        is_fine.then(|| self.addresses_v6.push((address, prefix)))
    }

    /// `CLIENT:SERVER:GATEWAY:NETMASK:HOSTNAME:DEVICE:AUTOCONF:DNS0:DNS1:…`; most parts may be empty.
    fn set_long(&mut self, value: &[u8]) -> Option<()> {
        let mut parts = value.split(|&byte| byte == b':');
        let mut next = || parts.next().unwrap_or_default();
        let (client, _server, gateway, mask, hostname, _device, how) =
            (next(), next(), next(), next(), next(), next(), next());
        let servers = [next(), next()];
        if client.is_empty() {
            self.ip = if matches!(how, b"off" | b"none") { Ip::None } else { Ip::Dhcp };
        } else {
            let mask = if mask.is_empty() { Ipv4Addr::BROADCAST } else { parse_v4(mask)? }.to_bits();
            let prefix = mask.leading_ones();
            if prefix + mask.trailing_zeros() < 32 {
                return None;
            }
            self.ip = Ip::Static { address: host(parse_v4(client)?)?, prefix: u8::try_from(prefix).ok()? };
        }
        if !gateway.is_empty() {
            self.gateway = Some(parse_v4(gateway)?);
        }
        if !hostname.is_empty() {
            self.set_hostname(hostname)?;
        }
        for server in servers.into_iter().filter(|server| !server.is_empty()) {
            self.name_servers.push(parse(server)?);
        }
        Some(())
    }

    /// What the machine's link `index` is to be for IPv6. Addresses are the first one's.
    pub fn setting_v6(&self, index: usize) -> Setting6 {
        if index == 0 && !self.addresses_v6.is_empty() {
            Setting6::Static { addresses: self.addresses_v6.clone(), gateway: self.gateway_v6 }
        } else if self.ip == Ip::None {
            Setting6::None
        } else {
            Setting6::Automatic
        }
    }

    /// What the machine's link `index` is to be. An address is the first one's; the others ask for theirs.
    pub fn setting(&self, index: usize) -> Setting {
        match self.ip {
            Ip::Static { address, prefix } if index == 0 => {
                Setting::Static(Network { address, prefix, gateway: self.gateway })
            }
            Ip::None => Setting::None,
            Ip::Static { .. } | Ip::Dhcp => Setting::Dhcp,
        }
    }
}

fn parse(value: &[u8]) -> Option<IpAddr> {
    str::from_utf8(value).ok()?.parse().ok()
}

fn parse_v4(value: &[u8]) -> Option<Ipv4Addr> {
    str::from_utf8(value).ok()?.parse().ok()
}

/// An address that a machine can have.
fn host(address: Ipv4Addr) -> Option<Ipv4Addr> {
    let is_hosts = !address.is_unspecified()
        && !address.is_broadcast()
        && !address.is_multicast()
        && !address.is_loopback();
    is_hosts.then_some(address)
}

#[cfg(test)]
mod tests;
