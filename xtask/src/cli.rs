//! The commands: one doc line each, which is what `--help` shows.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::bench::BenchArgs;
use crate::conformance::ConformanceArgs;
use crate::flags::{BuildArgs, RunArgs};
use crate::fuzz::FuzzArgs;
use crate::programs::ProgramsArgs;
use crate::soak::SoakArgs;
use crate::test::TestArgs;

/// Turns Rust programs into bootable images, and boots them.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One line each.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build an image
    Build(BuildArgs),
    /// Build an image and boot it
    Run(Box<RunArgs>),
    /// Run the tests: host, model, asan, abi, image, examples, fault, tool, budget, apps
    Test(TestArgs),
    /// Do the same thing many times, and look for the one time it goes wrong
    Soak(SoakArgs),
    /// Hand arbitrary bytes to everything that parses what arrives from outside
    Fuzz(FuzzArgs),
    /// Find or install what is needed, and build std
    Setup,
    /// Say what is there and what is missing, change nothing
    Doctor,
    /// Make plain `cargo build/run/test --target x86_64-unikernel` work in a package
    Init {
        /// The package's directory
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Run Rust's own test suites on Linux and in the guest, and write docs/conformance.md
    Conformance(ConformanceArgs),
    /// Run published servers and clients against other people's, and write docs/programs.md
    Programs(ProgramsArgs),
    /// Measure Caracal beside Linux, and write docs/benchmarks.md
    Bench(BenchArgs),
    /// Say what an image's bytes are spent on
    Size(BuildArgs),
    /// Check the house rules
    Tidy,
    /// Write docs/abi.md from the system call table
    Codegen {
        /// Fail if a file is not up to date, change nothing
        #[arg(long)]
        check: bool,
    },
}
