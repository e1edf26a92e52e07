//! A guest at the other end of a tap device, with what it is measured with.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use super::super::guest::{Clock, Guest, Machine, Running};
use super::counter::{Count, Counter};
use super::namespace::Tap;
use crate::flags;
use crate::network::NetArgs;

/// Enough for the slowest rival on a loaded machine.
const LIMIT: Duration = Duration::from_secs(180);

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

/// What `tests/bench/src/bin/serve.rs` has at which port.
#[derive(Clone, Copy, Debug)]
pub(super) enum Port {
    Http = 80,
    Sink = 81,
    Source = 82,
    Keep = 83,
    Memory = 84,
}

/// The machine a figure is taken on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// `-M`.
    pub(super) machine: &'static str,
    /// `-m`.
    pub(super) memory: &'static str,
    /// Whether the card computes checksums and cuts and merges segments.
    pub(super) has_offloads: bool,
    /// What is counted.
    pub(super) count: Count,
    /// Whether the program says that it serves before anything begins.
    pub(super) waits: bool,
}

impl Setup {
    /// What most figures are taken on.
    pub(super) const COUNTED: Self =
        Self { machine: "q35", memory: "256M", has_offloads: true, count: Count::Instructions, waits: true };

    fn machine(self, tap: &Tap, counter: &Counter) -> Result<Machine> {
        let kind = flags::Machine::from_str(self.machine, true).map_err(anyhow::Error::msg)?;
        let mut extra = NetArgs::tap(&tap.name()).args(kind)?;
        if !self.has_offloads {
            let off = OFFLOADS.map(|feature| format!("virtio-net-device.{feature}=off"));
            extra.extend(off.into_iter().flat_map(|word| ["-global".to_owned(), word]));
        }
        if self.count == Count::Notifications {
            // One that goes by a file descriptor of the host is seen when that is read, several at once.
            extra.extend(["-global".to_owned(), "virtio-pci.ioeventfd=off".to_owned()]);
        }
        extra.extend(counter.args(self.count)?);
        let clock = if self.count == Count::Instructions { Clock::InstructionsAndWaits } else { Clock::Wall };
        // Devices with registers in memory are on the kernel's command line only without ACPI.
        let name = if self.machine == "microvm" { "microvm,acpi=off" } else { self.machine };
        Ok(Machine { name, memory: self.memory.to_owned(), clock, extra, words: vec![tap.word()] })
    }
}

/// A guest that runs `serve`. It is gone when the value is.
pub(super) struct Rig {
    running: Running,
    counter: Counter,
    tap: Tap,
}

impl Rig {
    /// Boots it.
    pub(super) fn boot(guest: &Guest, setup: Setup) -> Result<Self> {
        let (tap, counter) = (Tap::new()?, Counter::new()?);
        let running = Running::start(&mut guest.command(&setup.machine(&tap, &counter)?, &[])?)?;
        let mut rig = Self { running, counter, tap };
        if setup.waits {
            let mut said = rig.running.hear(LIMIT, |line| line == "serving");
            if !said.is_complete {
                said.complaints = rig.running.end()?;
            }
            said.complete()?;
        }
        Ok(rig)
    }

    /// Where the guest serves.
    pub(super) fn address(&self, port: Port) -> Result<SocketAddr> {
        let address: IpAddr = self.tap.guest().parse()?;
        Ok(SocketAddr::new(address, port as u16))
    }

    /// The counts.
    pub(super) fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Microseconds of the host's CPUs that QEMU has taken.
    pub(super) fn cpu_us(&self) -> Result<u64> {
        let id = self.running.id();
        let stat = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"))?;
        // proc(5): user and system time are the 14th and 15th field; the second is a name in parentheses.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |field: usize| -> Option<u64> { fields.get(field - 3)?.parse().ok() };
        let ticks = ticks(14).zip(ticks(15)).with_context(|| format!("QEMU ended: {stat}"))?;
        Ok((ticks.0 + ticks.1) * 1_000_000 / rustix::param::clock_ticks_per_second())
    }
}
