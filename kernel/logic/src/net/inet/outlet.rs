//! Where packets go, and how smoltcp sees that: one packet that came in, and a way out.

use alloc::vec::Vec;
use core::num::{NonZeroU16, NonZeroUsize};

use smoltcp::iface::{Config, Interface};
use smoltcp::phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, PacketMeta};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpVersion, Ipv4Packet};

/// Bytes of the longest packet that is cut later: what the header of IPv4 can say.
const LONGEST: Option<NonZeroUsize> = NonZeroUsize::new(65_535);

/// What a way out can do.
#[derive(Clone, Debug)]
pub struct Capabilities(DeviceCapabilities);

impl Capabilities {
    /// IP packets of at most `mtu` bytes, with all checksums.
    pub fn new(mtu: usize) -> Self {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = mtu;
        Self(capabilities)
    }

    /// IP packets of at most `mtu` bytes on a link, which sees to the checksums of TCP and UDP, and looks at all others of what comes in, except for
    /// ICMP's. Segments may be longer: it cuts them, or has its device do that.
    pub(super) fn of_link(mtu: usize) -> Self {
        let mut capabilities = Self::new(mtu);
        let checksum = &mut capabilities.0.checksum;
        (checksum.ipv4, checksum.tcp, checksum.udp) = (Checksum::Tx, Checksum::None, Checksum::None);
        (capabilities.0.segmentation.tcpv4, capabilities.0.segmentation.tcpv6) = (LONGEST, LONGEST);
        capabilities
    }

    /// The same for packets of at most `mtu` bytes.
    pub(super) fn narrowed(&self, mtu: usize) -> Self {
        let mut capabilities = self.0.clone();
        capabilities.max_transmission_unit = mtu;
        Self(capabilities)
    }

    /// Which checksums are whose matter.
    pub(super) fn checksums(&self) -> ChecksumCapabilities {
        self.0.checksum.clone()
    }

    /// Bytes of the largest IP packet.
    pub fn mtu(&self) -> usize {
        self.0.max_transmission_unit
    }
}

/// A packet that goes out, besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Its payload is cut into segments of so many bytes.
    pub segment: Option<NonZeroU16>,
}

/// A way out for IP packets.
pub trait Outlet {
    /// What it can do. The same for as long as it is there.
    fn capabilities(&self) -> &Capabilities;

    /// Whether it takes a packet now.
    fn has_room(&mut self) -> bool;

    /// Where the next packet's `length` bytes are written. Without room they are lost: an answer is made whether there is room or not.
    fn buffer(&mut self, length: usize) -> &mut [u8];

    /// What was written is the packet.
    fn send(&mut self, cut: Cut);
}

/// A way out on which everything is lost.
#[derive(Debug)]
pub(super) struct Nowhere {
    capabilities: Capabilities,
    packet: Vec<u8>,
}

impl Nowhere {
    /// One that seems to be able to do what another is.
    pub(super) fn like(capabilities: Capabilities) -> Self {
        Self { capabilities, packet: Vec::new() }
    }
}

impl Default for Nowhere {
    fn default() -> Self {
        Self::like(Capabilities::new(1500))
    }
}

impl Outlet for Nowhere {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn has_room(&mut self) -> bool {
        true
    }

    fn buffer(&mut self, length: usize) -> &mut [u8] {
        self.packet.resize(length, 0);
        &mut self.packet
    }

    fn send(&mut self, _cut: Cut) {}
}

/// An [`Outlet`] with a packet that came in, as smoltcp's device.
pub(super) struct Port<'a> {
    /// The packet, until it is taken.
    pub(super) packet: Option<&'a [u8]>,
    /// How packets that go out are marked.
    pub(super) traffic_class: u8,
    pub(super) outlet: &'a mut dyn Outlet,
}

/// The packet that came in.
pub(super) struct Incoming<'a>(&'a [u8]);

/// A packet that is to go out.
pub(super) struct Outgoing<'a> {
    outlet: &'a mut dyn Outlet,
    traffic_class: u8,
    cut: Cut,
}

impl Port<'_> {
    fn outgoing(&mut self) -> Outgoing<'_> {
        Outgoing { outlet: self.outlet, traffic_class: self.traffic_class, cut: Cut::default() }
    }
}

impl Device for Port<'_> {
    type RxToken<'a>
        = Incoming<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Outgoing<'a>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let packet = self.packet.take()?;
        Some((Incoming(packet), self.outgoing()))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Outgoing<'_>> {
        let has_room = self.outlet.has_room();
        has_room.then(|| self.outgoing())
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.outlet.capabilities().0.clone()
    }
}

impl smoltcp::phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl smoltcp::phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let sums = self.outlet.capabilities().0.checksum.ipv4.tx();
        let packet = self.outlet.buffer(length);
        let result = write(packet);
        mark(packet, self.traffic_class, sums);
        self.outlet.send(self.cut);
        result
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        self.cut.segment = meta.segmentation_offload_size;
    }
}

/// A moment, from monotonic nanoseconds.
pub(super) fn instant(now_ns: u64) -> Instant {
    Instant::from_micros(i64::try_from(now_ns / 1000).unwrap_or(i64::MAX))
}

/// smoltcp's view of a way out.
pub(super) fn interface(outlet: &mut dyn Outlet, seed: u64, now_ns: u64) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut interface =
        Interface::new(config, &mut Port { packet: None, traffic_class: 0, outlet }, instant(now_ns));
    // Who brings packets has looked whose they are.
    interface.set_any_ip(true);
    interface
}

/// Marks a packet whose header was written with a traffic class (RFC 2474); `sums`: the header of IPv4 has its checksum.
pub(super) fn mark(packet: &mut [u8], traffic_class: u8, sums: bool) {
    match IpVersion::of_packet(packet) {
        _ if traffic_class == 0 => {}
        Ok(IpVersion::Ipv4) => {
            packet[1] = traffic_class;
            if sums {
                Ipv4Packet::new_unchecked(packet).fill_checksum();
            }
        }
        Ok(IpVersion::Ipv6) => {
            packet[0] |= traffic_class >> 4;
            packet[1] |= traffic_class << 4;
        }
        Err(_) => {}
    }
}
