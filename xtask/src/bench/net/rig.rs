//! A guest in a network of its own, with what it is measured with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum as _;

use super::counter::{Count, Counter};
use super::profile::Profile;
use crate::flags;
use crate::network::NetArgs;
use crate::rig::guest::{self, Clock, Guest, Machine};
use crate::rig::namespace::{self, Tap};
use crate::rig::{self, Port};

/// What a card can do that saves the guest work.
const OFFLOADS: [&str; 12] = [
    "csum",
    "guest_csum",
    "gso",
    "guest_tso4",
    "guest_tso6",
    "guest_ecn",
    "guest_ufo",
    "host_tso4",
    "host_tso6",
    "host_ecn",
    "host_ufo",
    "mrg_rxbuf",
];

/// What a guest's card is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A tap device.
    Tap,
    /// QEMU's own network, which ends in sockets of QEMU.
    User,
}

/// It, as long as the guest is there.
enum Network {
    Tap(Tap),
    User,
}

impl Network {
    fn new(setup: Setup) -> Result<Self> {
        Ok(match setup.way {
            Way::Tap => Self::Tap(Tap::new(setup.smp)?),
            Way::User => {
                // The host's ports are its own, inside.
                namespace::switch_loopback_on()?;
                Self::User
            }
        })
    }

    /// The card that is connected to it.
    fn card(&self) -> NetArgs {
        match self {
            Self::Tap(tap) => tap.card(),
            Self::User => NetArgs::user(&[Port::Http, Port::Sink, Port::Source].map(|port| port as u16)),
        }
    }

    /// What the kernels are told ([`Tap::word`]).
    fn word(&self) -> String {
        match self {
            Self::Tap(tap) => tap.word(),
            Self::User => "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off".to_owned(),
        }
    }

    /// Where peers find the guest.
    fn address(&self) -> IpAddr {
        match self {
            Self::Tap(tap) => tap.guest(),
            Self::User => Ipv4Addr::LOCALHOST,
        }
        .into()
    }
}

/// The machine a figure is taken on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// `-M`.
    pub(super) machine: &'static str,
    /// `-m`.
    pub(super) memory: &'static str,
    /// `-smp`; on a tap device the card has as many pairs of queues.
    pub(super) smp: u16,
    /// What its card is connected to.
    pub(super) way: Way,
    /// Whether the card computes checksums and cuts and merges segments.
    pub(super) has_offloads: bool,
    /// What is counted.
    pub(super) count: Count,
    /// Whether the program says that it serves before anything begins.
    pub(super) waits: bool,
}

impl Setup {
    /// What most figures are taken on.
    pub(super) const COUNTED: Self = Self {
        machine: "q35",
        memory: "256M",
        smp: 1,
        way: Way::Tap,
        has_offloads: true,
        count: Count::Instructions,
        waits: true,
    };

    fn machine(self, network: &Network, counter: &Counter) -> Result<Machine> {
        let kind = flags::Machine::from_str(self.machine, true).map_err(anyhow::Error::msg)?;
        let mut extra = network.card().args(kind)?;
        extra.extend(["-smp".to_owned(), self.smp.to_string()]);
        if !self.has_offloads {
            let off = OFFLOADS.map(|feature| format!("virtio-net-device.{feature}=off"));
            extra.extend(off.into_iter().flat_map(|word| ["-global".to_owned(), word]));
        }
        if self.count == Count::Notifications {
            // One that goes by a file descriptor of the host is seen when that is read, several at once.
            extra.extend(["-global".to_owned(), "virtio-pci.ioeventfd=off".to_owned()]);
        }
        extra.extend(counter.args(self.count)?);
        let counts = matches!(self.count, Count::Instructions | Count::Blocks);
        let clock = if counts { Clock::InstructionsAndWaits } else { Clock::Wall };
        let name = guest::name_of(kind);
        Ok(Machine { name, memory: self.memory.to_owned(), clock, extra, words: vec![network.word()] })
    }
}

/// A guest that runs `serve`, and its counts. It is gone when the value is.
pub(super) struct Rig {
    rig: rig::Rig,
    counter: Counter,
    kernel: PathBuf,
    count: Count,
    /// It is there for as long as the guest.
    _network: Network,
}

impl Rig {
    /// Boots it.
    pub(super) fn boot(guest: &Guest, setup: Setup) -> Result<Self> {
        let (network, counter) = (Network::new(setup)?, Counter::new()?);
        let machine = setup.machine(&network, &counter)?;
        let rig = rig::Rig::boot(guest, &machine, network.address(), setup.waits)?;
        let kernel = guest.kernel.clone();
        Ok(Self { rig, counter, kernel, count: setup.count, _network: network })
    }

    /// Where the guest serves.
    pub(super) fn address(&self, port: Port) -> SocketAddr {
        self.rig.address(port)
    }

    /// The counts.
    pub(super) fn counter(&self) -> &Counter {
        &self.counter
    }

    /// What is to say where instructions go from now on, if that is counted.
    pub(super) fn profile(&self) -> Result<Option<Profile>> {
        (self.count == Count::Blocks).then(|| Profile::begin(&self.counter, &self.kernel)).transpose()
    }

    /// Microseconds of the host's CPUs that QEMU has taken.
    pub(super) fn cpu_us(&self) -> Result<u64> {
        self.rig.cpu_us()
    }
}
