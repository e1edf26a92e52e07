//! Asking for an address (DHCP: RFC 2131), by smoltcp's client on an interface of its own.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::dhcpv4::{Event, RetryConfig, Socket};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{DhcpPacket, EthernetAddress, HardwareAddress, IpCidr, Ipv4Cidr, Ipv4Packet, UdpPacket};

use super::device::ETHERNET;
use super::neighbours::Mac;
use super::outlet::instant;
use super::resolver;
use super::routes::Network;

/// How long an answer to the first question is waited for, and to the second one.
const PATIENCE: Duration = Duration::from_secs(1);

/// What became known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The link has an address, and was told this with it.
    Granted(Network, Lease),
    /// It has none any more.
    Lost,
}

/// What comes with an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) name_servers: Vec<Ipv4Addr>,
    /// The domain it is in.
    pub(super) domain: Option<String>,
    /// What the machine is called.
    pub(super) host_name: Option<String>,
}

/// Options that are asked for (RFC 2132): mask, router, name servers, host name, domain.
const OPTIONS: &[u8] = &[1, 3, 6, HOST_NAME, DOMAIN];
const HOST_NAME: u8 = 12;
const DOMAIN: u8 = 15;

/// The client.
pub(super) struct Dhcp {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    mtu: usize,
}

impl core::fmt::Debug for Dhcp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Dhcp")
    }
}

impl Dhcp {
    /// A client for the link with address `mac`, which asks at its first step.
    pub(super) fn new(mac: Mac, mtu: usize, seed: u64, now_ns: u64) -> Self {
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
        config.random_seed = seed;
        let wire = &mut Wire { frame: None, send: &mut |_| (), mtu };
        let interface = Interface::new(config, wire, instant(now_ns));
        let mut socket = Socket::new();
        let mut retry = RetryConfig::default();
        (retry.discover_timeout, retry.initial_request_timeout) = (PATIENCE, PATIENCE);
        socket.set_retry_config(retry);
        socket.set_parameter_request_list(OPTIONS);
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Self { interface, sockets, handle, mtu }
    }

    /// Goes on: `frame` came in, and what is to be sent is handed to `send`.
    pub(super) fn step(
        &mut self,
        frame: Option<&[u8]>,
        now_ns: u64,
        send: &mut dyn FnMut(&[u8]),
    ) -> Option<Change> {
        let mut wire = Wire { frame, send, mtu: self.mtu };
        self.interface.poll(instant(now_ns), &mut wire, &mut self.sockets);
        let change = match self.sockets.get_mut::<Socket<'static>>(self.handle).poll()? {
            Event::Deconfigured => None,
            Event::Configured(config) => Some((config.address, config.router, config.dns_servers.to_vec())),
        };
        let address = change.as_ref().map(|(address, _, _)| *address);
        let router = change.as_ref().and_then(|(_, router, _)| *router);
        self.use_address(address, router);
        Some(match change {
            Some((address, gateway, name_servers)) => {
                let network = Network { address: address.address(), prefix: address.prefix_len(), gateway };
                // What came in is what granted it.
                let names = frame.and_then(names).unwrap_or_default();
                Change::Granted(network, Lease { name_servers, ..names })
            }
            None => Change::Lost,
        })
    }

    /// It speaks for itself when the lease is to be renewed.
    fn use_address(&mut self, address: Option<Ipv4Cidr>, router: Option<Ipv4Addr>) {
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            if let Some(address) = address {
                // There is room for one in an empty list.
                let _ = addresses.push(IpCidr::Ipv4(address));
            }
        });
        let routes = self.interface.routes_mut();
        routes.remove_default_ipv4_route();
        if let Some(router) = router {
            // There is room for one in an empty table.
            let _ = routes.add_default_ipv4_route(router);
        }
    }

    /// When [`Dhcp::step`] must be called, if no frame comes.
    pub(super) fn next_deadline(&mut self, now_ns: u64) -> Option<u64> {
        let next = self.interface.poll_at(instant(now_ns), &self.sockets)?;
        Some(u64::try_from(next.total_micros()).unwrap_or(0).saturating_mul(1000))
    }
}

/// The names in a frame that was understood.
fn names(frame: &[u8]) -> Option<Lease> {
    let ip = Ipv4Packet::new_checked(frame.get(ETHERNET..)?).ok()?;
    let udp = UdpPacket::new_checked(ip.payload()).ok()?;
    let message = DhcpPacket::new_checked(udp.payload()).ok()?;
    let text = |kind| {
        let option = message.options().find(|option| option.kind == kind)?;
        // Some servers end it as C does.
        Some(option.data.strip_suffix(b"\0").unwrap_or(option.data))
    };
    Some(Lease {
        name_servers: Vec::new(),
        domain: text(DOMAIN).and_then(resolver::domain),
        host_name: text(HOST_NAME).and_then(resolver::host_name),
    })
}

/// The frame that came in, and where frames go.
struct Wire<'a> {
    frame: Option<&'a [u8]>,
    send: &'a mut dyn FnMut(&[u8]),
    mtu: usize,
}

struct Incoming<'a>(&'a [u8]);

struct Outgoing<'a>(&'a mut dyn FnMut(&[u8]));

impl phy::Device for Wire<'_> {
    type RxToken<'a>
        = Incoming<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Outgoing<'a>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        Some((Incoming(self.frame.take()?), Outgoing(&mut *self.send)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(&mut *self.send))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.mtu + ETHERNET;
        capabilities
    }
}

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = alloc::vec![0; length];
        let result = write(&mut frame);
        (self.0)(&frame);
        result
    }
}
