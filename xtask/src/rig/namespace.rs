//! A network of our own: the tool starts itself once more in a network namespace, where it may make what it likes and nothing else is heard.
//!
//! A user namespace around it makes that possible without being root. What is built and fetched is built and fetched before, outside.

use std::env;
use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context as _, Result, bail};

use crate::network::NetArgs;
use crate::{paths, process};

const TUN: &str = "/dev/net/tun";

/// Looks for what is needed and cannot be built.
pub(crate) fn check() -> Result<()> {
    check_programs(&[("unshare", "util-linux"), ("ip", "iproute2")])?;
    process::output(&mut inside("true")).context(
        "no network namespace can be made; where `sysctl kernel.unprivileged_userns_clone` or `user.max_user_namespaces` is 0, set it to more",
    )?;
    if !Path::new(TUN).exists() {
        bail!("there is no {TUN}, which a guest's network card is connected to: `modprobe tun` brings it");
    }
    process::output(inside("ip").args(["tuntap", "add", "dev", "tap0", "mode", "tap"]))
        .with_context(|| format!("no tap device can be made: `chmod 666 {TUN}` lets everybody use it"))?;
    Ok(())
}

/// Each of `programs` must be there; beside it is the package that brings it.
pub(crate) fn check_programs(programs: &[(&str, &str)]) -> Result<()> {
    for (program, package) in programs {
        if paths::find_program(program).is_none() {
            bail!("{program} is not in PATH: `apt-get install {package}` brings it");
        }
    }
    Ok(())
}

/// Runs the tool with these arguments inside.
pub(crate) fn enter(words: &[String]) -> Result<()> {
    process::run(inside(env::current_exe()?).args(words))
}

/// A program with a network namespace of its own.
pub(crate) fn inside(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--"]).arg(program);
    command
}

/// Has what the host sends to itself arrive.
pub(crate) fn switch_loopback_on() -> Result<()> {
    ip("link set lo up")
}

/// A network with the host at one end and a guest's card at the other. It is gone when the value is, with all that is on its way.
pub(crate) struct Tap {
    number: u8,
    queues: u16,
}

impl Tap {
    /// A new one, for a card with a pair of queues for each of `cpus`.
    pub(crate) fn new(cpus: u16) -> Result<Self> {
        static NUMBER: AtomicU8 = AtomicU8::new(0);
        let tap = Self { number: NUMBER.fetch_add(1, Ordering::Relaxed), queues: cpus };
        let name = tap.name();
        let several = if cpus > 1 { " multi_queue" } else { "" };
        ip(&format!("tuntap add dev {name} mode tap vnet_hdr{several}"))?;
        ip(&format!("address add {}/24 dev {name}", tap.host()))?;
        ip(&format!("link set {name} up"))?;
        Ok(tap)
    }

    /// The device.
    pub(crate) fn name(&self) -> String {
        format!("tap{}", self.number)
    }

    /// The card that is connected to it.
    pub(crate) fn card(&self) -> NetArgs {
        NetArgs::tap(&self.name(), self.queues)
    }

    /// The host's address.
    pub(crate) fn host(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number, 1)
    }

    /// The guest's address.
    pub(crate) fn guest(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number, 2)
    }

    /// What the kernels are told, in Linux's words, which Caracal understands.
    pub(crate) fn word(&self) -> String {
        format!("ip={}::{}:255.255.255.0::eth0:off", self.guest(), self.host())
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // It ends with the namespace at the latest.
        let _ = ip(&format!("link delete {}", self.name()));
    }
}

fn ip(words: &str) -> Result<()> {
    process::output(Command::new("ip").args(words.split(' '))).map(drop)
}
