//! The guest's network: flags, what QEMU is told of them, and what the kernel is.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use clap::Args;

use crate::flags::Machine;
use crate::qemu::comma;

/// The network.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetArgs {
    /// A network card: on QEMU's own network, on a tap device of the host, or none; repeatable. Several queues, for several vCPUs, need a tap device that
    /// was made with `multi_queue` [default: user]
    #[arg(long, value_name = "user|tap=NAME[,queues=N]|none")]
    net: Vec<Net>,
    /// Let the host reach a port of the guest; the host's side is 127.0.0.1 unless it is given
    #[arg(long, short, value_name = "[HOSTIP:]HOST:GUEST[/udp]")]
    publish: Vec<Publish>,
    /// The guest's address, of IPv4 or IPv6; repeatable, for one of each kind or several of IPv6 [default: dhcp]
    #[arg(long, value_name = "ADDRESS/PREFIX|dhcp|none")]
    ip: Vec<String>,
    /// Who passes on what the guest sends to other networks; repeatable, for one of each kind
    #[arg(long, value_name = "ADDRESS")]
    gateway: Vec<IpAddr>,
    /// A name server; repeatable [default: those that the network names]
    #[arg(long, value_name = "ADDRESS")]
    dns: Vec<IpAddr>,
    /// The first card's Ethernet address
    #[arg(long, value_name = "xx:xx:xx:xx:xx:xx")]
    mac: Option<Mac>,
    /// The guest's name
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,
    /// Write the first card's frames into this file, for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
}

/// What a card is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Net {
    User,
    /// Its name, and how many pairs of queues the card has.
    Tap(String, u16),
    /// Frames are datagrams between these two ports of the host: QEMU's, and whose it sends to. Nobody asks for that by a flag.
    Datagrams(u16, u16),
    None,
}

impl FromStr for Net {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let tap = |of_tap: &str| {
            let (name, queues) = of_tap.split_once(",queues=").unwrap_or((of_tap, "1"));
            // QEMU takes so many.
            let queues = queues.parse().ok().filter(|queues| (1..=1024).contains(queues))?;
            is_word(name).then(|| Self::Tap(name.into(), queues))
        };
        match text.split_once('=') {
            None if text == "user" => Some(Self::User),
            None if text == "none" => Some(Self::None),
            Some(("tap", of_tap)) => tap(of_tap),
            _ => None,
        }
        .ok_or("expected user, tap=NAME, tap=NAME,queues=N or none")
    }
}

impl Net {
    /// Finds out before QEMU does, which says less.
    fn check(&self) -> Result<()> {
        /// `IFF_MULTI_QUEUE` (linux/if_tun.h).
        const MULTI_QUEUE: u32 = 0x100;
        let Self::Tap(name, queues) = self else { return Ok(()) };
        // Who cannot look is told by QEMU.
        let flags = fs::read_to_string(format!("/sys/class/net/{name}/tun_flags")).unwrap_or_default();
        let flags = flags.trim().strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match (flags.map(|flags| flags & MULTI_QUEUE != 0), queues) {
            (Some(true), 1) => {
                bail!(
                    "{name} was made with `multi_queue`: ask for two queues or more, --net tap={name},queues=2"
                )
            }
            (Some(false), 2..) => bail!(
                "{name} has one queue: `ip tuntap add dev OTHER mode tap multi_queue` makes a device that may have several"
            ),
            _ => Ok(()),
        }
    }
}

/// Whether QEMU takes it for one word.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))
}

/// An Ethernet address.
#[derive(Clone, Debug)]
struct Mac(String);

impl FromStr for Mac {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: Vec<_> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        match bytes[..] {
            [Some(first), Some(_), Some(_), Some(_), Some(_), Some(_)] if first & 1 == 0 => {
                Ok(Self(text.into()))
            }
            [Some(_), Some(_), Some(_), Some(_), Some(_), Some(_)] => {
                Err("an address whose first byte is odd is for many")
            }
            _ => Err("expected six bytes in hexadecimal, with colons between"),
        }
    }
}

/// A port of the host that leads to one of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Publish {
    address: Ipv4Addr,
    host: u16,
    guest: u16,
    is_udp: bool,
}

impl FromStr for Publish {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected [HOSTIP:]HOST:GUEST[/udp], for example 8080:80";
        let (ports, is_udp) = match text.split_once('/') {
            None => (text, false),
            Some((ports, "tcp")) => (ports, false),
            Some((ports, "udp")) => (ports, true),
            Some(_) => return Err(EXPECTED),
        };
        let parts: Vec<_> = ports.split(':').collect();
        let (address, host, guest) = match parts[..] {
            [host, guest] => (Ipv4Addr::LOCALHOST, host, guest),
            [address, host, guest] => (address.parse().map_err(|_| EXPECTED)?, host, guest),
            _ => return Err(EXPECTED),
        };
        let port = |text: &str| text.parse().ok().filter(|port| *port != 0).ok_or(EXPECTED);
        Ok(Self { address, host: port(host)?, guest: port(guest)?, is_udp })
    }
}

impl Publish {
    /// Finds out before QEMU does, which says less.
    fn check(&self) -> Result<()> {
        let at = (IpAddr::from(self.address), self.host);
        let kind = if self.is_udp { "UDP" } else { "TCP" };
        let tried = if self.is_udp { UdpSocket::bind(at).map(drop) } else { TcpListener::bind(at).map(drop) };
        if let Err(error) = tried {
            let Self { address, host, guest, .. } = self;
            let flag = if self.is_udp { "u" } else { "t" };
            bail!(
                "cannot publish at {kind} port {host} of {address}: {error}\n\
                 `ss -{flag}lnp sport = :{host}` says who has it; another one can lead to the guest's: --publish OTHER:{guest}"
            );
        }
        Ok(())
    }

    fn rule(&self) -> String {
        let Self { address, host, guest, is_udp } = self;
        format!("hostfwd={}:{address}:{host}-:{guest}", if *is_udp { "udp" } else { "tcp" })
    }
}

impl NetArgs {
    /// One card, on a tap device.
    pub(crate) fn tap(name: &str, queues: u16) -> Self {
        Self { net: vec![Net::Tap(name.to_owned(), queues)], ..Self::default() }
    }

    /// One card, on QEMU's own network, with these ports where the host has the same.
    pub(crate) fn user(ports: &[u16]) -> Self {
        let same = |&port| Publish { address: Ipv4Addr::LOCALHOST, host: port, guest: port, is_udp: false };
        Self { publish: ports.iter().map(same).collect(), ..Self::default() }
    }

    /// One card, whose frames are datagrams between a port of QEMU's and one that they go to.
    pub(crate) fn datagrams(from: u16, to: u16) -> Self {
        Self { net: vec![Net::Datagrams(from, to)], ..Self::default() }
    }

    fn cards(&self) -> Result<Vec<&Net>> {
        let cards: Vec<_> = self.net.iter().filter(|net| **net != Net::None).collect();
        if cards.len() != self.net.len() && (!cards.is_empty() || !self.publish.is_empty()) {
            bail!("--net none does not go with other cards or with --publish");
        }
        let cards = if self.net.is_empty() { vec![&Net::User] } else { cards };
        if !self.publish.is_empty() && !cards.contains(&&Net::User) {
            bail!("--publish needs --net user: on a tap device the guest is reached by its own address");
        }
        Ok(cards)
    }

    /// Looks for what would go wrong.
    pub(crate) fn check(&self) -> Result<()> {
        self.cards()?.into_iter().try_for_each(Net::check)?;
        self.publish.iter().try_for_each(Publish::check)
    }

    /// QEMU's arguments.
    pub(crate) fn args(&self, machine: Machine) -> Result<Vec<String>> {
        let mut args = Vec::new();
        let mut publish = Some(&self.publish);
        for (index, card) in self.cards()?.into_iter().enumerate() {
            let back = match card {
                Net::Tap(name, queues) => {
                    let several = if *queues > 1 { format!(",queues={queues}") } else { String::new() };
                    format!("tap,id=net{index},ifname={name},script=no,downscript=no{several}")
                }
                Net::Datagrams(from, to) => {
                    format!("socket,id=net{index},udp=127.0.0.1:{to},localaddr=127.0.0.1:{from}")
                }
                _ => {
                    let rules = publish.take().into_iter().flatten();
                    rules.fold(format!("user,id=net{index}"), |all, one| format!("{all},{}", one.rule()))
                }
            };
            let front = if machine == Machine::Microvm {
                format!("virtio-net-device,netdev=net{index}")
            } else {
                // No code to boot from it.
                format!("virtio-net-pci,netdev=net{index},romfile=")
            };
            let front = match card {
                Net::Tap(_, 2..) if machine == Machine::Microvm => format!("{front},mq=on"),
                // A message for each pair, and what QEMU wants beside them.
                Net::Tap(_, queues @ 2..) => format!("{front},mq=on,vectors={}", 2 * queues + 2),
                _ => front,
            };
            let mac = self.mac.as_ref().filter(|_| index == 0);
            let front = mac.map_or(front.clone(), |mac| format!("{front},mac={}", mac.0));
            args.extend(["-netdev".into(), back, "-device".into(), front]);
            if let Some(file) = self.pcap.as_ref().filter(|_| index == 0) {
                args.extend([
                    "-object".into(),
                    format!("filter-dump,id=dump0,netdev=net0,file={}", comma(file)),
                ]);
            }
        }
        if machine == Machine::Microvm && !args.is_empty() {
            args.extend(["-global".into(), "virtio-mmio.force-legacy=false".into()]);
        }
        Ok(args)
    }

    /// Words for the kernel.
    pub(crate) fn words(&self) -> Vec<String> {
        let ip = self.ip.iter().map(|ip| format!("ip={ip}"));
        let gateway = self.gateway.iter().map(|gateway| format!("gateway={gateway}"));
        let dns = self.dns.iter().map(|dns| format!("dns={dns}"));
        let hostname = self.hostname.iter().map(|name| format!("hostname={name}"));
        ip.chain(gateway).chain(dns).chain(hostname).collect()
    }
}

#[cfg(test)]
mod tests;
