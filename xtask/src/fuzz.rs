//! `fuzz`: what parses bytes from outside, under libFuzzer, with whatever bytes lead it to new places.
//!
//! The targets are `kernel/logic/fuzz/fuzz_targets/*.rs`; their bodies run in `test host` too, over what was found before. cargo-fuzz would
//! start them as well, but it wants a nightly compiler, an installation of its own, and turns `cfg(fuzzing)` on, with which smoltcp believes
//! every checksum; what is left of it is the list of flags below. The places that were reached are kept in `target/fuzz/corpus` from run to run.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::toolchain::{self, Toolchain};
use crate::{paths, process, ui};

/// Which targets, and for how long.
#[derive(Args, Debug)]
pub(crate) struct FuzzArgs {
    /// Targets by name [default: all of kernel/logic/fuzz/fuzz_targets]
    targets: Vec<String>,
    /// Minutes for each of them
    #[arg(long, short, default_value_t = 0.5)]
    minutes: f64,
    /// Check memory accesses too, at a third of the speed
    #[arg(long)]
    asan: bool,
    /// Run one target over this file only
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

/// Where the compiler counts which way the program took: what cargo-fuzz passes, but for `cfg(fuzzing)`. All of them are stable.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1";
/// The package, and the variable that it writes its seeds by.
const PACKAGE: &str = "caracal-logic-fuzz";
const SEEDS: &str = "CARACAL_FUZZ_SEEDS";
/// More memory than any input needs, in MiB, and more seconds on a busy machine.
const MOST_MIB: u32 = 1024;
const MOST_SECONDS: u32 = 60;

/// Runs the targets; an error if an input was found that one of them cannot take.
pub(crate) fn main(args: &FuzzArgs) -> Result<()> {
    let all = targets()?;
    if let Some(name) = args.targets.iter().find(|name| !all.contains(name)) {
        bail!("no target is called {name}; there are {}", all.join(", "));
    }
    let chosen = if args.targets.is_empty() { &all } else { &args.targets };
    let binaries = build(chosen, args.asan)?;
    if let Some(input) = &args.input {
        let [target] = &chosen[..] else { bail!("--input is for one target: name it in front") };
        return process::run(Command::new(binaries.join(target)).arg(input))
            .with_context(|| format!("{target} cannot take {}", input.display()));
    }
    let mut found = Vec::new();
    for target in chosen {
        found.extend(run(target, &binaries, args.minutes)?);
    }
    for (target, file) in &found {
        ui::error(&format!(
            "{target} cannot take {0}: `cargo xtask fuzz {target} --input {0}` runs it again; once it is mended, the file belongs into kernel/logic/fuzz/kept/{target}",
            file.display()
        ));
    }
    if !found.is_empty() {
        bail!("{} of {} targets found something", found.len(), chosen.len());
    }
    Ok(())
}

/// Names of all targets.
fn targets() -> Result<Vec<String>> {
    let folder = paths::root().join("kernel/logic/fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names = entries.flatten().filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Builds the targets; answers where they are.
fn build(targets: &[String], asan: bool) -> Result<PathBuf> {
    let is_there = |name: &&str| paths::find_program(name).is_some();
    if std::env::var_os("CXX").is_none() && !["c++", "g++", "clang++"].iter().any(is_there) {
        bail!(
            "libFuzzer is built by a C++ compiler, and none is in PATH: install g++ or clang, or name one in CXX"
        );
    }
    let toolchain = toolchain::choose()?;
    if asan && !toolchain.has_asan() {
        bail!(
            "rustc {} comes without AddressSanitizer: leave --asan out, or name another compiler in CARACAL_RUSTC",
            toolchain.release
        );
    }
    let folder = paths::target().join(if asan { "fuzz/asan" } else { "fuzz" });
    let mut cargo = command(&toolchain, asan);
    cargo.env("CARGO_TARGET_DIR", &folder);
    for target in targets {
        cargo.args(["--bin", target]);
    }
    ui::status("Building", &format!("{} fuzz targets", targets.len()));
    process::run_to_stderr(&mut cargo)?;
    Ok(folder.join(&toolchain.host).join("release"))
}

fn command(toolchain: &Toolchain, asan: bool) -> Command {
    let mut cargo = process::clean(&toolchain.cargo);
    cargo.current_dir(paths::root()).env("RUSTC", &toolchain.rustc);
    if asan {
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", format!("{FLAGS} -Zsanitizer=address"));
    } else {
        cargo.env("RUSTFLAGS", FLAGS);
    }
    // With a target named, build scripts and macros are built without the flags.
    cargo.args(["build", "--quiet", "--release", "--target", &toolchain.host]);
    cargo.args(["-p", PACKAGE, "--features", "libfuzzer"]);
    cargo
}

/// Runs one target; answers its name with the input that it cannot take, if there is one.
fn run(target: &str, binaries: &Path, minutes: f64) -> Result<Option<(String, PathBuf)>> {
    let folder = paths::target().join("fuzz");
    let [corpus, seeds, found] = ["corpus", "seeds", "found"].map(|part| folder.join(part).join(target));
    for directory in [&corpus, &seeds, &found] {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let kept = paths::root().join("kernel/logic/fuzz/kept").join(target);
    let seconds = (minutes * 60.0).ceil().max(1.0);
    let mut fuzzer = Command::new(binaries.join(target));
    fuzzer.env(SEEDS, &seeds).env("ASAN_OPTIONS", "detect_leaks=0");
    fuzzer.args([&corpus, &seeds]).args(kept.is_dir().then_some(&kept));
    fuzzer.arg(format!("-artifact_prefix={}/", found.display()));
    fuzzer.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
    fuzzer.arg(format!("-timeout={MOST_SECONDS}")).arg(format!("-rss_limit_mb={MOST_MIB}"));
    let progress = ui::Progress::start("Fuzzing", target);
    let start = Instant::now();
    let mut fuzzer = fuzzer.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let said = fuzzer.stderr.take().context("its messages are piped")?;
    let mut report = Report::default();
    for line in BufReader::new(said).split(b'\n') {
        let line = line.context("cannot read what the fuzzer says")?;
        report.hear(&String::from_utf8_lossy(&line));
        progress.update(&format!("{target}: {report}"));
    }
    let status = fuzzer.wait()?;
    drop(progress);
    let took = start.elapsed().as_secs_f64();
    let crashes = u32::from(!status.success());
    ui::status("Fuzzed", &format!("{target}: {report}, {took:.0} s, {crashes} crashes"));
    if status.success() {
        return Ok(None);
    }
    ui::error(&report.last.join("\n"));
    let file = report.found.with_context(|| format!("{target} ended with {status}, and left no input"))?;
    Ok(Some((target.to_owned(), file)))
}

/// What the fuzzer has said.
#[derive(Debug, Default)]
struct Report {
    executions: u64,
    /// Places that were reached, and ways through them that differ.
    places: u64,
    ways: u64,
    /// The input that ended it.
    found: Option<PathBuf>,
    /// Lines that are no report of its progress.
    last: Vec<String>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} executions, coverage {}, {} features", self.executions, self.places, self.ways)
    }
}

impl Report {
    /// Takes a line: `#1234 NEW cov: 5 ft: 6 …`, `stat::number_of_executed_units: 1234`, `… Test unit written to FILE`.
    fn hear(&mut self, line: &str) {
        /// Lines of a back trace that are shown.
        const MOST: usize = 60;
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1)?.parse::<u64>().ok()
        };
        if let Some(count) = words.first().and_then(|word| word.strip_prefix('#')?.parse().ok()) {
            self.executions = count;
            self.places = number("cov:").unwrap_or(self.places);
            self.ways = number("ft:").unwrap_or(self.ways);
        } else if let Some(count) = number("stat::number_of_executed_units:") {
            self.executions = count;
        } else if let Some((_, file)) = line.split_once("Test unit written to ") {
            self.found = Some(PathBuf::from(file.trim()));
        } else if !line.starts_with("INFO:") && !line.starts_with("stat::") && self.last.len() < MOST {
            self.last.push(line.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
