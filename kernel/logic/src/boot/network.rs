//! The network on the kernel command line: `ip=`, `gateway=`, `dns=`, `hostname=`; `ip=` in Linux's longer form too, which VMMs write
//! (Linux's `Documentation/admin-guide/nfs/nfsroot.rst`).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use crate::net::inet::link::Setting;
use crate::net::inet::routes::Network;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkOptions {
    ip: Ip,
    gateway: Option<Ipv4Addr>,
    /// Name servers, before those that DHCP tells.
    pub name_servers: Vec<Ipv4Addr>,
    /// The machine's name.
    pub hostname: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ip {
    Dhcp,
    None,
    Static { address: Ipv4Addr, prefix: u8 },
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self { ip: Ip::Dhcp, gateway: None, name_servers: Vec::new(), hostname: b"caracal".to_vec() }
    }
}

impl NetworkOptions {
    /// Takes the option `key`, if it is one of these. An error says what would make sense.
    pub(super) fn apply(&mut self, key: &[u8], value: &[u8]) -> Option<Result<(), &'static str>> {
        const ADDRESS: &str = "an IPv4 address";
        Some(match key {
            b"ip" => self.set_ip(value).ok_or("ADDRESS/PREFIX, dhcp or none"),
            b"gateway" => parse(value).map(|address| self.gateway = Some(address)).ok_or(ADDRESS),
            b"dns" => parse(value).map(|address| self.name_servers.push(address)).ok_or(ADDRESS),
            b"hostname" => {
                self.set_hostname(value).ok_or("a host name of at most 64 letters, digits, - and .")
            }
            _ => return None,
        })
    }

    fn set_hostname(&mut self, value: &[u8]) -> Option<()> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.".contains(byte);
        let is_name = (1..=64).contains(&value.len()) && value.iter().all(is_part);
        is_name.then(|| self.hostname = value.to_vec())
    }

    fn set_ip(&mut self, value: &[u8]) -> Option<()> {
        self.ip = match value {
            b"dhcp" | b"on" | b"any" => Ip::Dhcp,
            b"none" | b"off" => Ip::None,
            long if long.contains(&b':') => return self.set_long(long),
            short => {
                let (address, prefix) = core::str::from_utf8(short).ok()?.split_once('/')?;
                let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
                Ip::Static { address: host(address.as_bytes())?, prefix }
            }
        };
        Some(())
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
            let mask = if mask.is_empty() { Ipv4Addr::BROADCAST } else { parse(mask)? }.to_bits();
            let prefix = mask.leading_ones();
            if prefix + mask.trailing_zeros() < 32 {
                return None;
            }
            self.ip = Ip::Static { address: host(client)?, prefix: u8::try_from(prefix).ok()? };
        }
        if !gateway.is_empty() {
            self.gateway = Some(parse(gateway)?);
        }
        if !hostname.is_empty() {
            self.set_hostname(hostname)?;
        }
        for server in servers.into_iter().filter(|server| !server.is_empty()) {
            self.name_servers.push(parse(server)?);
        }
        Some(())
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

fn parse(value: &[u8]) -> Option<Ipv4Addr> {
    core::str::from_utf8(value).ok()?.parse().ok()
}

/// An address that a machine can have.
fn host(value: &[u8]) -> Option<Ipv4Addr> {
    parse(value).filter(|address| {
        !address.is_unspecified()
            && !address.is_broadcast()
            && !address.is_multicast()
            && !address.is_loopback()
    })
}

#[cfg(test)]
mod tests;
