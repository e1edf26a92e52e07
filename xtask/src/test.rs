//! `test`: the rings, from fast to slow. Each ring adds to one count; the last line is `N passed, N failed`.
//!
//! | ring | what |
//! |---|---|
//! | host | format, lints, the house rules, `cargo test` of abi, sync, slab, logic and its fuzz targets, what of the kernel runs on a host, and this tool |
//! | model | `kernel/sync` in every order that the steps of several CPUs can fall in (loom), futex queues and caches in many (shuttle) |
//! | asan | host tests of `kernel/sync`, `kernel/slab` and `kernel/logic` with AddressSanitizer |
//! | abi | `tests/abi`: Linux system calls, each binary first as a Linux process, then in the guest |
//! | examples | `examples/*`: each boots and does what its `expected.txt` and `example.toml` say |
//! | image | `tests/image`: what other projects' loaders say of an image |
//! | net | `tests/net`: names, and addresses that the network gives; cards with several queues |
//! | fault | `tests/fault`: a program that dies in every way, `cases.toml` says how each ends |
//! | tool | plain cargo after `init`, the names of the target, `-Zbuild-std`, the flags of `run`, Ctrl-C |
//! | budget | instruction counts that may not grow (`tests/bench/budgets.toml`) |
//! | apps | published programs, on the host and in the guest: the same output (`tests/apps/apps.toml`) |

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::flags::{BuildArgs, Machine, Place};
use crate::{bench, build, paths, process, toolchain, ui};

/// Which rings.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// The rings to run [default: all but apps]
    #[arg(value_enum)]
    rings: Vec<Ring>,
    /// Numbers of vCPUs that the guest rings run on
    #[arg(long, short = 'c', value_delimiter = ',', default_value = "1,2,4")]
    smp: Vec<u32>,
    /// Machines that the guest rings run on: the first with each number of vCPUs, the others with the largest
    #[arg(long, value_enum, value_delimiter = ',', default_value = "q35,microvm")]
    machine: Vec<Machine>,
    /// In the namespace that the tool made for a part of the ring net
    #[arg(long, hide = true)]
    inside: bool,
}

impl TestArgs {
    fn places(&self) -> Vec<Place> {
        let largest = self.smp.iter().max().map_or(&[][..], core::slice::from_ref);
        let place = |(index, machine): (usize, &Machine)| {
            let smp = if index == 0 { self.smp.as_slice() } else { largest };
            let machine = *machine;
            smp.iter().map(move |&smp| Place { machine, smp })
        };
        self.machine.iter().enumerate().flat_map(place).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ring {
    /// Unit tests on the host
    Host,
    /// Protocols between CPUs, in every order of their steps
    Model,
    /// Unit tests on the host, with memory accesses checked
    Asan,
    /// System calls, on Linux and in the guest
    Abi,
    /// Images, as the loaders of other projects see them
    Image,
    /// Example programs
    Examples,
    /// Names, and addresses that the network gives
    Net,
    /// Programs that die
    Fault,
    /// The commands, plain cargo, terminals
    Tool,
    /// Instruction counts
    Budget,
    /// Published crates
    Apps,
}

/// What was counted, and what was said of what failed.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    complaints: Vec<String>,
}

impl Count {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.complaints.extend(other.complaints);
    }

    /// Says what failed, now and in the report.
    fn complain(&mut self, complaint: String) {
        ui::error(&complaint);
        self.complaints.push(complaint);
    }

    /// What failed once more, for it was said long ago, and the closing line; an error if anything failed or nothing ran.
    pub(crate) fn report(self) -> Result<()> {
        for complaint in &self.complaints {
            ui::error(&shortened(complaint));
        }
        #[expect(clippy::print_stdout, reason = "the result is what was asked for")]
        {
            println!("{} passed, {} failed", self.passed, self.failed);
        }
        if self.failed > 0 || self.passed == 0 {
            bail!("not everything passed");
        }
        Ok(())
    }

    fn one(name: &str, result: Result<()>) -> Self {
        match result {
            Ok(()) => {
                ui::status("Passed", name);
                Self { passed: 1, ..Self::default() }
            }
            Err(error) => {
                let mut count = Self { failed: 1, ..Self::default() };
                count.complain(format!("{name}: {error:#}"));
                count
            }
        }
    }
}

/// The first line of a complaint, which names what failed, and the last ones.
fn shortened(complaint: &str) -> String {
    const LAST: usize = 30;
    let lines: Vec<&str> = complaint.lines().collect();
    let (first, rest) = lines.split_at(lines.len().min(1));
    [first, &rest[rest.len().saturating_sub(LAST)..]].concat().join("\n")
}

/// Runs the rings; an error if anything failed or nothing ran.
pub(crate) fn main(args: &TestArgs) -> Result<()> {
    let rings = if args.rings.is_empty() {
        use Ring::{Abi, Asan, Budget, Examples, Fault, Host, Image, Model, Net, Tool};
        vec![Host, Model, Asan, Abi, Image, Examples, Net, Fault, Tool, Budget]
    } else {
        args.rings.clone()
    };
    let places = args.places();
    if args.inside {
        return tap::inside(&places)?.report();
    }
    let mut count = Count::default();
    for ring in rings {
        count.add(match ring {
            Ring::Host => host()?,
            Ring::Model => model()?,
            Ring::Asan => asan()?,
            Ring::Abi => abi(&places)?,
            Ring::Image => image()?,
            Ring::Examples => examples(&places)?,
            Ring::Net => {
                let mut count = net::run(&places)?;
                count.add(tap::run(&places)?);
                count
            }
            Ring::Fault => fault(&places)?,
            Ring::Tool => tool::run()?,
            Ring::Budget => budget()?,
            Ring::Apps => apps::run(&args.smp)?,
        });
    }
    count.report()
}

/// The rings that need a guest and take no other measure of it, at each of `places`.
pub(crate) fn guest_rings(places: &[Place]) -> Result<Count> {
    let mut count = abi(places)?;
    count.add(examples(places)?);
    count.add(net::run(places)?);
    count.add(fault(places)?);
    Ok(count)
}

fn fault(places: &[Place]) -> Result<Count> {
    program::check(&paths::root().join("tests/fault"), places)
}

/// What needs no guest.
fn host() -> Result<Count> {
    let mut count = Count::default();
    let cargo = |args: &[&str]| -> Result<()> {
        let mut cargo = process::clean("cargo");
        process::run(cargo.current_dir(paths::root()).args(args))
    };
    // A distribution's toolchain may come without these two.
    let is_there = |tool: &str| {
        let output = process::clean("cargo").args([tool, "--version"]).stdin(Stdio::null()).output();
        let found = output.is_ok_and(|output| output.status.success());
        if !found {
            ui::warn(&format!("cargo {tool} is not installed: not checked"));
        }
        found
    };
    if is_there("fmt") {
        count.add(Count::one("format", cargo(&["fmt", "--check"])));
    }
    let ours = [
        "-p",
        "caracal-abi",
        "-p",
        "caracal-sync",
        "-p",
        "caracal-slab",
        "-p",
        "caracal-logic",
        "-p",
        "caracal-logic-fuzz",
        "-p",
        "caracal-kernel",
        "-p",
        "caracal-std-shim",
        "-p",
        "xtask",
    ];
    let lints = [&["clippy", "--quiet"], &ours[..], &["--", "-D", "warnings"]].concat();
    if is_there("clippy") {
        count.add(Count::one("lints", cargo(&lints)));
    }
    count.add(Count::one("house rules", crate::tidy::main()));
    let mut tests = process::clean("cargo");
    tests.current_dir(paths::root()).args(["test", "--quiet", "--no-fail-fast"]);
    for package in [
        "caracal-abi",
        "caracal-sync",
        "caracal-slab",
        "caracal-logic",
        "caracal-logic-fuzz",
        "caracal-kernel",
        "xtask",
    ] {
        tests.args(["-p", package]);
    }
    count.add(libtest(&mut tests, "host")?);
    Ok(count)
}

/// The models, which are built with loom or shuttle in place of the machine's atomics and locks.
fn model() -> Result<Count> {
    let mut count = Count::default();
    for (name, packages) in [("loom", &["caracal-sync"][..]), ("shuttle", &["caracal-logic", "caracal-slab"])]
    {
        let mut cargo = process::clean("cargo");
        cargo
            .current_dir(paths::root())
            .env("RUSTFLAGS", format!("--cfg {name}"))
            .env("CARGO_TARGET_DIR", paths::target().join(name))
            .args(["test", "--quiet", "--release", "--test", name]);
        for package in packages {
            cargo.args(["-p", package]);
        }
        count.add(libtest(&mut cargo, &format!("models ({name})"))?);
    }
    Ok(count)
}

/// Host tests of the crates with unsafe code, and of what is built on them, with AddressSanitizer.
fn asan() -> Result<Count> {
    let toolchain = toolchain::choose()?;
    if !toolchain.has_asan() {
        ui::warn(&format!("rustc {} comes without AddressSanitizer: not checked", toolchain.release));
        return Ok(Count::default());
    }
    let mut cargo = process::clean(&toolchain.cargo);
    cargo
        .current_dir(paths::root())
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", &toolchain.rustc)
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", paths::target().join("asan"))
        // Tests give memory away for ever where the kernel does.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        // With a target named, build scripts and macros are built without it.
        .args(["test", "--quiet", "--no-fail-fast", "--lib", "--target", &toolchain.host])
        .args(["-p", "caracal-sync", "-p", "caracal-slab", "-p", "caracal-logic"]);
    libtest(&mut cargo, "with AddressSanitizer")
}

/// Other projects' loaders read an image.
fn image() -> Result<Count> {
    let hello = paths::root().join("examples/hello").display().to_string();
    let images = build::images(&BuildArgs { what: Some(hello), ..BuildArgs::default() })?;
    let mut cargo = process::clean("cargo");
    cargo.current_dir(paths::root()).args(["run", "--quiet", "-p", "image-tests", "--"]);
    cargo.args(images.iter().map(|image| &image.file));
    cases("image", &mut cargo)
}

/// Runs cargo test and adds up the lines libtest prints.
fn libtest(cargo: &mut Command, name: &str) -> Result<Count> {
    ui::status("Testing", name);
    let output = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", process::show(cargo)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut count = summary(&text);
    if !output.status.success() {
        count.complain(format!("{}\n{text}", process::show(cargo)));
        // A build that failed, or a test binary that died before its summary.
        count.failed = count.failed.max(1);
    }
    Ok(count)
}

/// Adds up `test result: … N passed; N failed; …` lines.
fn summary(text: &str) -> Count {
    let mut count = Count::default();
    for line in text.lines().filter(|line| line.contains("test result:")) {
        let number = |word: &str| {
            let words: Vec<&str> = line.split([' ', ';']).collect();
            words
                .windows(2)
                .find_map(|pair| (pair[1] == word).then(|| pair[0].parse::<u64>().ok())?)
                .unwrap_or(0)
        };
        count.passed += number("passed");
        count.failed += number("failed");
    }
    count
}

/// The package `tests/abi`: Linux is the oracle, so each binary runs there first. Some run with further flags too (`cases.toml`).
fn abi(places: &[Place]) -> Result<Count> {
    let mut native = process::clean("cargo");
    native.current_dir(paths::root()).args([
        "build",
        "--quiet",
        "--message-format=json-render-diagnostics",
        "-p",
        "abi-tests",
    ]);
    let native = build::executables(&mut native)?;
    let package = paths::root().join("tests/abi").display().to_string();
    let images = build::images(&BuildArgs { what: Some(package), ..BuildArgs::default() })?;
    let variations = program::Variation::all(&paths::root().join("tests/abi/cases.toml"))?;
    let guest = |image: &build::Image, place: Place, further: &[String]| -> Result<Count> {
        let with = if further.is_empty() { String::new() } else { format!(" with {}", further.join(" ")) };
        let name = format!("{} in the guest ({place}){with}", image.name);
        ui::status("Testing", &name);
        let memory = ["--memory=256M".to_owned()];
        let says_memory = further.iter().any(|flag| flag.starts_with("--memory="));
        let flags = [&place.flags()[..], if says_memory { &[] } else { &memory }, further].concat();
        cases(&name, &mut program::guest(&image.file, &[], &flags, false)?)
    };
    let mut count = Count::default();
    for binary in native {
        let name = format!("{} on Linux", binary.name);
        ui::status("Testing", &name);
        count.add(cases(&name, Command::new(&binary.file).stdin(Stdio::null()))?);
        let image = images
            .iter()
            .find(|image| image.name == binary.name)
            .context("the same binaries are built for both")?;
        for &place in places {
            count.add(guest(image, place, &[])?);
        }
        for variation in variations.iter().filter(|variation| variation.binary == image.name) {
            if let Some(&place) = places.first() {
                count.add(guest(image, place, &variation.flags)?);
            }
        }
    }
    Ok(count)
}

/// Runs a program whose last line is `N passed, N failed`.
fn cases(name: &str, command: &mut Command) -> Result<Count> {
    let output = command.output().with_context(|| format!("cannot start {}", process::show(command)))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let mut count = stdout.lines().rev().find_map(last_line).unwrap_or_default();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        count.complain(format!("{name} ended with {}\n{stdout}{stderr}", output.status));
        count.failed = count.failed.max(1);
    }
    Ok(count)
}

/// `N passed, N failed`.
fn last_line(line: &str) -> Option<Count> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    let (passed, failed) = (passed.parse().ok()?, failed.strip_suffix(" failed")?.parse().ok()?);
    Some(Count { passed, failed, ..Count::default() })
}

/// Instruction counts.
fn budget() -> Result<Count> {
    let mut count = Count::default();
    for (name, result) in bench::check_budgets()? {
        count.add(Count::one(&format!("budget of {name}"), result));
    }
    Ok(count)
}

/// Builds and boots every example.
fn examples(places: &[Place]) -> Result<Count> {
    let folder = paths::root().join("examples");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut packages: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    packages.sort();
    let mut count = Count::default();
    for package in packages {
        count.add(program::check(&package, places)?);
    }
    Ok(count)
}

mod apps;
mod net;
pub(crate) mod program;
mod tap;
mod tool;
#[cfg(test)]
mod tests;
