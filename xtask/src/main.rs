//! `cargo xtask`: builds, boots, tests and measures Caracal images.
//!
//! One executable under three names: `xtask`, and in every sysroot `caracal-rustc` (the compiler, see `wrapper`) and
//! `caracal-run` (cargo's runner, see `runner`). It is comfort around cargo, not a second build system: the same images come
//! out of plain `cargo build --target x86_64-unikernel` after `cargo xtask init`.

mod accel;
mod bench;
mod build;
mod cli;
mod codegen;
mod command_line;
mod conformance;
mod fetch;
mod flags;
mod fuzz;
mod init;
mod kernel_object;
mod layout;
mod libc;
mod linker;
mod network;
mod pack;
mod paths;
mod process;
mod programs;
mod qemu;
mod rig;
mod run;
mod runner;
mod server;
mod setup;
mod size;
mod soak;
mod spec;
mod symbols;
mod sysroot;
mod tables;
mod test;
mod tidy;
mod toolchain;
mod ui;
mod unwinder;
mod wrapper;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use cli::{Cli, Command};

/// The exit code of a failure of the tool itself.
const TOOL_FAILED: u8 = 125;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let name = words.first().and_then(|word| Path::new(word).file_name()).unwrap_or_default().to_owned();
    let rest = words.get(1..).unwrap_or_default();
    let result = if name == layout::RUSTC {
        wrapper::main(rest)
    } else if name == layout::RUNNER {
        runner::main(rest)
    } else {
        command(Cli::parse().command)
    };
    result.unwrap_or_else(|error| {
        ui::error(&format!("{error:#}"));
        ExitCode::from(TOOL_FAILED)
    })
}

fn command(command: Command) -> Result<ExitCode> {
    if matches!(
        command,
        Command::Build(_)
            | Command::Run(_)
            | Command::Test(_)
            | Command::Soak(_)
            | Command::Init { .. }
            | Command::Bench(_)
            | Command::Conformance(_)
            | Command::Programs(_)
            | Command::Size(_)
    ) {
        setup::ensure()?;
    }
    match command {
        Command::Build(args) => build::main(&args)?,
        Command::Run(args) => return runner::command(&args),
        Command::Test(args) => test::main(&args)?,
        Command::Soak(args) => soak::main(&args)?,
        Command::Fuzz(args) => fuzz::main(&args)?,
        Command::Setup => setup::main()?,
        Command::Doctor => return Ok(setup::doctor()),
        Command::Init { dir } => init::main(&dir)?,
        Command::Conformance(args) => conformance::main(&args)?,
        Command::Programs(args) => programs::main(&args)?,
        Command::Bench(args) => bench::main(&args)?,
        Command::Size(args) => size::main(&args)?,
        Command::Tidy => tidy::main()?,
        Command::Codegen { check } => codegen::main(check)?,
    }
    Ok(ExitCode::SUCCESS)
}
