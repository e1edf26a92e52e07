//! A guest in a network of its own, with peers that are processes of the host: what `bench net` measures and `soak network` attacks.
//!
//! The guest runs `tests/bench/src/bin/serve.rs` and is connected to a tap device in a network namespace, or to sockets that pass its frames on.

pub(crate) mod client;
pub(crate) mod guest;
pub(crate) mod load;
pub(crate) mod namespace;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use guest::{Guest, Machine, Running};

use crate::flags::BuildArgs;
use crate::{build, paths};

/// The program.
pub(crate) const SERVER: &str = "serve";
/// Enough for the slowest guest on a loaded machine.
const LIMIT: Duration = Duration::from_secs(180);

/// What `tests/bench/src/bin/serve.rs` has at which port.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Port {
    Http = 80,
    Sink = 81,
    Source = 82,
    Keep = 83,
    Memory = 84,
    Echo = 85,
}

/// Builds the program.
pub(crate) fn image() -> Result<PathBuf> {
    let package = paths::root().join("tests/bench").display().to_string();
    let bin = vec![SERVER.to_owned()];
    let args = BuildArgs { what: Some(package), bin, release: true, ..BuildArgs::default() };
    Ok(build::images(&args)?.into_iter().next().context("tests/bench has no `serve`")?.file)
}

/// A guest that runs `serve`. It is gone when the value is.
pub(crate) struct Rig {
    running: Running,
    address: IpAddr,
}

impl Rig {
    /// Boots `machine`, which is found at `address`; comes back at once, or when the program says that it serves.
    pub(crate) fn boot(guest: &Guest, machine: &Machine, address: IpAddr, waits: bool) -> Result<Self> {
        let mut running = Running::start(&mut guest.command(machine, &[])?)?;
        if waits {
            let mut said = running.hear(LIMIT, |line| line == "serving");
            if !said.is_complete {
                said.complaints = running.end()?;
            }
            said.complete()?;
        }
        Ok(Self { running, address })
    }

    /// Where the guest serves.
    pub(crate) fn address(&self, port: Port) -> SocketAddr {
        SocketAddr::new(self.address, port as u16)
    }

    /// What it has said since it was asked last.
    pub(crate) fn said(&self) -> Vec<String> {
        self.running.said()
    }

    /// Microseconds of the host's CPUs that QEMU has taken.
    pub(crate) fn cpu_us(&self) -> Result<u64> {
        let id = self.running.id();
        let stat = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"))?;
        // proc(5): user and system time are the 14th and 15th field; the second is a name in parentheses.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |field: usize| -> Option<u64> { fields.get(field - 3)?.parse().ok() };
        let ticks = ticks(14).zip(ticks(15)).with_context(|| format!("QEMU ended: {stat}"))?;
        Ok((ticks.0 + ticks.1) * 1_000_000 / rustix::param::clock_ticks_per_second())
    }
}
