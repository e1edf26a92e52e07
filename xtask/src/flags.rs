//! Arguments that several commands share: one doc line each, which is what `--help` shows.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::network::NetArgs;
use crate::spec::Target;

/// What to build.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct BuildArgs {
    /// An example's name or a package's path [default: the package in the current directory]
    pub(crate) what: Option<String>,
    /// The binary of the package
    #[arg(long, value_name = "NAME")]
    pub(crate) bin: Vec<String>,
    /// An example of the package
    #[arg(long, value_name = "NAME")]
    pub(crate) example: Vec<String>,
    /// Features of the package
    #[arg(long, short = 'F', value_delimiter = ',')]
    pub(crate) features: Vec<String>,
    /// Optimise
    #[arg(long, short)]
    pub(crate) release: bool,
    /// A cargo configuration value
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) config: Vec<String>,
    /// Build for rustc's built-in x86_64-unknown-linux-musl (openssl-src, aws-lc-sys)
    #[arg(long)]
    pub(crate) compat: bool,
    /// Build for this name of the target [default: x86_64-unikernel]
    #[arg(long, value_parser = ["x86_64-unikernel", "x86_64-unikernel-linux-musl"], conflicts_with = "compat")]
    pub(crate) target: Option<String>,
    /// Say more: cargo's commands, QEMU's command line
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl BuildArgs {
    /// The target the flags ask for.
    pub(crate) fn target(&self) -> Target {
        match &self.target {
            _ if self.compat => Target::Compat,
            Some(name) => Target::from_name(name).unwrap_or(Target::Unikernel),
            None => Target::Unikernel,
        }
    }

    /// The package as it was named.
    pub(crate) fn what(&self) -> &str {
        self.what.as_deref().unwrap_or("this package")
    }
}

/// What to boot, and how.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// What to build; `what` may also be an image
    #[command(flatten)]
    pub(crate) build: BuildArgs,
    /// Fetch, build and boot a published crate
    #[arg(long = "crate", value_name = "NAME[@VERSION]", conflicts_with_all = ["what", "example"])]
    pub(crate) published: Option<String>,
    /// The machine.
    #[command(flatten)]
    pub(crate) vm: VmArgs,
    /// The program's arguments
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

/// The virtual machine.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Virtual machine")]
pub(crate) struct VmArgs {
    /// Memory, with a suffix K, M or G
    #[arg(long, short, default_value = "256M", env = "CARACAL_MEMORY")]
    pub(crate) memory: String,
    /// Number of CPUs
    #[arg(long, short = 'c', default_value_t = 1, env = "CARACAL_SMP", value_parser = clap::value_parser!(u16).range(1..=255))]
    pub(crate) smp: u16,
    /// Environment variable of the program; K alone copies the host's value
    #[arg(long, short, value_name = "K[=V]")]
    pub(crate) env: Vec<String>,
    /// Put a file or directory of the host into the guest's root
    #[arg(long, value_name = "HOST:GUEST")]
    pub(crate) pack: Vec<String>,
    /// The program's working directory
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) cwd: String,
    /// The machine QEMU emulates
    #[arg(long, value_enum, default_value = "q35", env = "CARACAL_MACHINE")]
    pub(crate) machine: Machine,
    /// How QEMU runs the CPU
    #[arg(long, value_enum, default_value = "auto", env = "CARACAL_ACCEL")]
    pub(crate) accel: Accel,
    /// Wait for gdb on this port before the first instruction
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "1234", require_equals = true)]
    pub(crate) gdb: Option<u16>,
    /// End the guest after this many seconds, with exit code 124
    #[arg(long, value_name = "SECONDS", env = "CARACAL_TIMEOUT")]
    pub(crate) timeout: Option<u64>,
    /// Kernel messages from this level on
    #[arg(long, default_value = "warn", env = "CARACAL_LOG", value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    pub(crate) log: String,
    /// Every system call into the kernel log
    #[arg(long)]
    pub(crate) strace: bool,
    /// Kernel log into this file instead of stderr
    #[arg(long, value_name = "FILE", env = "CARACAL_KERNEL_LOG_FILE")]
    pub(crate) kernel_log_file: Option<PathBuf>,
    /// Give the guest no random seed: the CPU must have random numbers
    #[arg(long)]
    pub(crate) no_seed: bool,
    /// Give the program no standard input
    #[arg(long)]
    pub(crate) no_stdin: bool,
    /// Print QEMU's command line instead of running it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// One more word for the kernel's command line (docs/command-line.md)
    #[arg(long, value_name = "WORD")]
    pub(crate) kernel_arg: Vec<String>,
    /// One more argument for QEMU
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) qemu_arg: Vec<String>,
    /// The network.
    #[command(flatten)]
    pub(crate) network: NetArgs,
}

/// A machine and its number of vCPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// What QEMU emulates.
    pub(crate) machine: Machine,
    /// vCPUs.
    pub(crate) smp: u32,
}

impl Place {
    /// The flags of `run` for it.
    pub(crate) fn flags(self) -> [String; 2] {
        [format!("--machine={}", self.machine), format!("--smp={}", self.smp)]
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} vCPU", self.machine, self.smp)
    }
}

/// Machines that boot images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Machine {
    /// PCI Express and ACPI
    Q35,
    /// PCI and ACPI, the classic PC
    Pc,
    /// virtio-mmio only
    Microvm,
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Q35 => "q35",
            Self::Pc => "pc",
            Self::Microvm => "microvm",
        })
    }
}

/// Accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accel {
    /// KVM if a trial guest runs well, else TCG
    Auto,
    /// Emulation
    Tcg,
    /// Hardware virtualisation
    Kvm,
}
