//! QEMU's command line as a struct.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::flags::Machine;
use crate::paths;

/// Ports of the debug consoles and the exit device, as docs/command-line.md has them.
pub(crate) mod port {
    /// The program's standard error.
    pub(crate) const STDERR: u16 = 0xe8;
    /// The kernel log.
    pub(crate) const LOG: u16 = 0xe9;
    /// The control channel.
    pub(crate) const CONTROL: u16 = 0xea;
    /// isa-debug-exit.
    pub(crate) const EXIT: u16 = 0xf4;
}

/// Everything a guest is started with.
#[derive(Clone, Debug)]
pub(crate) struct Qemu {
    /// The machine.
    pub(crate) machine: Machine,
    /// `-accel`.
    pub(crate) accel: &'static str,
    /// `-m`.
    pub(crate) memory: String,
    /// `-smp`.
    pub(crate) smp: u16,
    /// `-kernel`.
    pub(crate) image: PathBuf,
    /// `-append`, where the command line is short and shown.
    pub(crate) append: Option<String>,
    /// `-initrd`.
    pub(crate) initrd: Option<PathBuf>,
    /// fw_cfg files: name below `opt/caracal/`, host file.
    pub(crate) files: Vec<(&'static str, PathBuf)>,
    /// Debug consoles: port, the UNIX socket QEMU connects to.
    pub(crate) consoles: Vec<(u16, PathBuf)>,
    /// The network's cards.
    pub(crate) network: Vec<String>,
    /// gdb's port.
    pub(crate) gdb: Option<u16>,
    /// What the user adds.
    pub(crate) extra: Vec<String>,
}

/// The program.
pub(crate) fn program() -> Result<PathBuf> {
    paths::find_program("qemu-system-x86_64")
        .context("qemu-system-x86_64 is not in PATH: `cargo xtask setup` installs it")
}

impl Qemu {
    /// All arguments. COM1 is on standard input and output.
    pub(crate) fn args(&self) -> Vec<OsString> {
        let options = if self.machine == Machine::Microvm { ",acpi=off" } else { "" };
        let machine = format!("{}{options}", self.machine);
        let mut args: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| args.extend(words.iter().map(OsString::from));
        add(&["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]);
        add(&[
            "-machine",
            &machine,
            "-accel",
            self.accel,
            "-cpu",
            "max",
            "-m",
            &self.memory,
            "-smp",
            &self.smp.to_string(),
        ]);
        add(&["-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1"]);
        for (index, (port, socket)) in self.consoles.iter().enumerate() {
            add(&["-chardev", &format!("socket,id=con{index},path={}", comma(socket))]);
            add(&["-device", &format!("isa-debugcon,iobase={port:#x},chardev=con{index}")]);
        }
        add(&["-device", &format!("isa-debug-exit,iobase={:#x},iosize=0x4", port::EXIT)]);
        for (name, file) in &self.files {
            add(&["-fw_cfg", &format!("name=opt/caracal/{name},file={}", comma(file))]);
        }
        add(&["-kernel", &self.image.to_string_lossy()]);
        if let Some(line) = &self.append {
            add(&["-append", line]);
        }
        if let Some(initrd) = &self.initrd {
            add(&["-initrd", &initrd.to_string_lossy()]);
        }
        add(&self.network.iter().map(String::as_str).collect::<Vec<_>>());
        if let Some(port) = self.gdb {
            add(&["-gdb", &format!("tcp:127.0.0.1:{port}"), "-S"]);
        }
        add(&self.extra.iter().map(String::as_str).collect::<Vec<_>>());
        args
    }

    /// Ready to start.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(program()?);
        command.args(self.args());
        Ok(command)
    }
}

/// A path inside an option list of QEMU's, where commas are doubled.
pub(crate) fn comma(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[cfg(test)]
mod tests;
