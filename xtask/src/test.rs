//! `test`: the rings, from fast to slow. Each ring adds to one count; the last line is `N passed, N failed`.
//!
//! | ring | what |
//! |---|---|
//! | host | `cargo test` of abi, sync, logic and this tool |
//! | abi | `tests/abi`: Linux system calls, first as a Linux process, then in the guest |
//! | examples | `examples/*`: each boots and prints its `expected.txt`, or anything if it has none |
//! | fault | `tests/fault`: programs that die, with the exit code their directory's `expected-code` names |
//! | apps | published crates that boot and say their version |

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::flags::BuildArgs;
use crate::spec::Target;
use crate::{build, paths, process, sysroot, ui};

/// Seconds a guest of a test may take.
const LIMIT: &str = "60";

/// Which rings.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// The rings to run [default: host abi examples fault]
    #[arg(value_enum)]
    rings: Vec<Ring>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ring {
    /// Unit tests on the host
    Host,
    /// System calls, on Linux and in the guest
    Abi,
    /// Example programs
    Examples,
    /// Programs that die
    Fault,
    /// Published crates
    Apps,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    fn one(name: &str, result: Result<()>) -> Self {
        match result {
            Ok(()) => {
                ui::status("Passed", name);
                Self { passed: 1, failed: 0 }
            }
            Err(error) => {
                ui::error(&format!("{name}: {error:#}"));
                Self { passed: 0, failed: 1 }
            }
        }
    }
}

/// Runs the rings; an error if anything failed or nothing ran.
pub(crate) fn main(args: &TestArgs) -> Result<()> {
    let rings = if args.rings.is_empty() {
        vec![Ring::Host, Ring::Abi, Ring::Examples, Ring::Fault]
    } else {
        args.rings.clone()
    };
    let mut count = Count::default();
    for ring in rings {
        count.add(match ring {
            Ring::Host => host()?,
            Ring::Abi => abi()?,
            Ring::Examples => programs(&paths::root().join("examples"))?,
            Ring::Fault => programs(&paths::root().join("tests/fault"))?,
            Ring::Apps => apps(),
        });
    }
    #[expect(clippy::print_stdout, reason = "the result is what was asked for")]
    {
        println!("{} passed, {} failed", count.passed, count.failed);
    }
    if count.failed > 0 || count.passed == 0 {
        bail!("not everything passed");
    }
    Ok(())
}

fn host() -> Result<Count> {
    let mut cargo = process::clean("cargo");
    cargo.current_dir(paths::root()).args(["test", "--quiet", "--no-fail-fast"]);
    cargo.args(["-p", "caracal-abi", "-p", "caracal-sync", "-p", "caracal-logic", "-p", "xtask"]);
    libtest(&mut cargo, "host")
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
        ui::error(&format!("{}\n{text}", process::show(cargo)));
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
        count.add(Count { passed: number("passed"), failed: number("failed") });
    }
    count
}

/// The package `tests/abi`: Linux is the oracle, so it runs there first.
fn abi() -> Result<Count> {
    let manifest = paths::root().join("tests/abi/Cargo.toml");
    if !manifest.is_file() {
        ui::warn("tests/abi is not there yet");
        return Ok(Count::default());
    }
    let mut native = process::clean("cargo");
    native.args(["test", "--quiet", "--no-fail-fast", "--manifest-path"]).arg(&manifest);
    let mut count = libtest(&mut native, "abi on Linux")?;
    let sysroot = sysroot::prepare(Target::Unikernel)?;
    let mut guest = build::cargo(&sysroot, Target::Unikernel);
    guest.env("CARACAL_TIMEOUT", LIMIT);
    guest
        .args(["test", "--quiet", "--no-fail-fast", "--target", Target::Unikernel.name(), "--manifest-path"])
        .arg(&manifest);
    count.add(libtest(&mut guest, "abi in the guest")?);
    Ok(count)
}

/// Builds and boots every package below `dir`.
fn programs(dir: &Path) -> Result<Count> {
    let mut count = Count::default();
    let Ok(entries) = fs::read_dir(dir) else {
        ui::warn(&format!("{} is not there yet", dir.display()));
        return Ok(count);
    };
    let mut packages: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    packages.sort();
    for package in packages {
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        count.add(Count::one(&name, program(&package)));
    }
    Ok(count)
}

/// One package: `expected.txt` is its standard output, `expected-code` its exit code, `args.txt` its arguments, one in a line.
fn program(package: &Path) -> Result<()> {
    let read = |name: &str| fs::read_to_string(package.join(name)).ok();
    let build_args = BuildArgs { what: Some(package.display().to_string()), ..BuildArgs::default() };
    let image = build::images(&build_args)?.into_iter().next().context("has no binary")?;
    let args: Vec<String> = read("args.txt").unwrap_or_default().lines().map(str::to_owned).collect();
    let expected: i32 = read("expected-code")
        .map_or(Ok(0), |text| text.trim().parse())
        .context("expected-code is not a number")?;
    let output = guest(&image.file, &args)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let code = output.status.code();
    if code != Some(expected) {
        bail!("ended with {code:?}, not {expected}\n{stdout}{}", String::from_utf8_lossy(&output.stderr));
    }
    match read("expected.txt") {
        Some(text) if text != stdout => bail!("printed\n{stdout}\nnot\n{text}"),
        _ => Ok(()),
    }
}

fn guest(image: &Path, args: &[String]) -> Result<std::process::Output> {
    let mut run = Command::new(std::env::current_exe()?);
    run.args(["run", "--no-stdin", "--timeout", LIMIT]).arg(image).arg("--").args(args);
    run.stdin(Stdio::null()).output().context("cannot start this tool again")
}

/// Published programs, built as their authors released them.
fn apps() -> Count {
    let mut count = Count::default();
    for (name, arg) in [("ripgrep", "--version"), ("fd-find", "--version")] {
        let result = crate::fetch::image(name, &BuildArgs::default()).and_then(|image| {
            let output = guest(&image, &[arg.to_owned()])?;
            if !output.status.success() || output.stdout.is_empty() {
                bail!("ended with {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
            }
            Ok(())
        });
        count.add(Count::one(name, result));
    }
    count
}

#[cfg(test)]
mod tests;
