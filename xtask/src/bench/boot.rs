//! `bench boot`: QEMU's start to the first line, next to the floor in the same run, the least memory, the size of an image, and what an idle
//! machine does. Medians, never single runs.

mod floor;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::page::{Section, cell, grouped};
use super::rival::{self, SYSTEMS, System, Systems};
use crate::flags::BuildArgs;
use crate::rig::guest::{Clock, Guest, Machine, listen};
use crate::spec::Target;
use crate::toolchain::Toolchain;
use crate::{build, linker, paths, process, sysroot, ui};

/// Enough for the slowest rival on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);
/// How many times as long as with plenty of memory a start may take with little.
const PATIENCE: f64 = 5.0;
const MACHINES: [&str; 2] = ["microvm", "q35"];
/// MiB that any of the systems boots with.
const PLENTY: u32 = 256;

/// The tables, from `runs` starts of each.
pub(super) fn section(systems: &Systems, runs: u32) -> Result<Section> {
    let folder = paths::target().join("bench");
    fs::create_dir_all(&folder)?;
    let floor = folder.join("floor");
    fs::write(&floor, floor::image())?;
    let floor = Guest { kernel: floor, initrd: None };
    let guests = SYSTEMS.map(|system| systems.guest(system, "hello"));
    let mut text = format!(
        "Std hello, release, `strip = true`. QEMU's start to the first line, in ms on the wall with one vCPU and {PLENTY} MiB, is the median of \
         {runs}, in turns with the floor: an image of 240 bytes that prints a line. Must: at most 15 ms above the floor on microvm; 8 MiB.\n\n\
         | system | machine | first line | above the floor | least memory, MiB |\n|---|---|--:|--:|--:|\n"
    );
    for (system, guest) in SYSTEMS.into_iter().zip(guests) {
        for name in MACHINES {
            let figures = match &guest {
                Ok(Some(guest)) => start(system, name, &floor, guest, runs),
                _ => continue,
            };
            let (line, above, memory) = match figures {
                Ok((line, above, memory)) => (Some(line), Some(above), Some(memory)),
                Err(error) if system == System::Caracal => return Err(error),
                Err(error) => {
                    ui::warn(&format!("hello on {} and {name}: {error:#}", system.name()));
                    (None, None, None)
                }
            };
            let milliseconds = |time: Option<f64>| cell(time.map(|time| format!("{time:.1}")));
            let memory = cell(memory.map(|memory| memory.to_string()));
            let (line, above) = (milliseconds(line), milliseconds(above));
            writeln!(text, "| {} | {name} | {line} | {above} | {memory} |", system.name())?;
        }
    }
    text.push_str("\n| Caracal | must | measured |\n|---|--:|--:|\n");
    for (what, must, size) in sizes(&folder)? {
        writeln!(text, "| {what}, KiB | {must} | {:.1} |", size as f64 / 1024.0)?;
    }
    writeln!(
        text,
        "| instructions of an idle machine, in a second | 10,000 | {} |",
        grouped(idle(&folder)?)
    )?;
    Ok(Section { name: "boot", title: "Start, memory and size", text })
}

/// Milliseconds to the first line, and above the floor, and the least MiB.
fn start(
    system: System,
    name: &'static str,
    floor: &Guest,
    guest: &Guest,
    runs: u32,
) -> Result<(f64, f64, u32)> {
    ui::status("Measuring", &format!("the start of {} on {name}", system.name()));
    let machine = |memory: u32| Machine {
        name,
        memory: format!("{memory}M"),
        clock: Clock::Wall,
        ..Machine::microvm()
    };
    let first_line = |guest: &Guest, memory: u32, limit: Duration| -> Result<f64> {
        let is_first = |line: &str| line == "floor" || line.contains("Hello");
        Ok(guest.listen(&machine(memory), &[], limit, is_first)?.complete()?.elapsed.as_secs_f64() * 1000.0)
    };
    let (mut floors, mut lines) = (Vec::new(), Vec::new());
    // Taken in turns, so that a load on the machine falls on both.
    for _ in 0..runs {
        floors.push(first_line(floor, PLENTY, LIMIT)?);
        lines.push(first_line(guest, PLENTY, LIMIT)?);
    }
    let (floor, line) = (median(&mut floors), median(&mut lines));
    // Who has too little memory may hang instead of giving up.
    let patience = Duration::from_secs_f64(1.0 + PATIENCE * line / 1000.0);
    let (mut too_little, mut enough) = (0, PLENTY);
    while enough - too_little > 1 {
        let memory = (too_little + enough) / 2;
        if first_line(guest, memory, patience).is_ok() { enough = memory } else { too_little = memory }
    }
    Ok((line, line - floor, enough))
}

/// What is measured, what it must be, and bytes.
fn sizes(folder: &Path) -> Result<[(&'static str, &'static str, u64); 2]> {
    let args = BuildArgs {
        what: Some("hello".to_owned()),
        release: true,
        config: vec!["profile.release.strip=\"debuginfo\"".to_owned()],
        ..BuildArgs::default()
    };
    let whole: PathBuf =
        build::images(&args)?.into_iter().next().context("examples/hello has no binary")?.file;
    let later = folder.join("hello-objcopy");
    strip(&sysroot::prepare(Target::Unikernel)?.toolchain, &whole, &later)?;
    let stripped = rival::image("hello")?;
    Ok([
        ("image, `strip = true`", "512", fs::metadata(stripped)?.len()),
        ("image, symbols taken out afterwards", "", fs::metadata(later)?.len()),
    ])
}

/// Instructions that an idle machine executes in a second: those of a long sleep less those of a short one.
fn idle(folder: &Path) -> Result<u64> {
    const SECONDS: [u64; 2] = [10, 30];
    let guest = Guest { kernel: rival::image("idle")?, initrd: None };
    let mut counts = [0; 2];
    for (seconds, count) in SECONDS.into_iter().zip(&mut counts) {
        let trace = folder.join("idle.trace");
        let argument = seconds.to_string();
        let mut command = guest.command(&Machine::microvm(), &[&argument])?;
        command.args(["-singlestep", "-d", "exec,nochain", "-D"]).arg(&trace);
        listen(&mut command, LIMIT, |line| line == format!("idle {seconds}"))?.complete()?;
        *count = BufReader::new(File::open(&trace)?).split(b'\n').count() as u64;
        fs::remove_file(trace)?;
    }
    ensure!(counts[0] > 10_000, "QEMU traced {} instructions only", counts[0]);
    Ok(counts[1].saturating_sub(counts[0]) / (SECONDS[1] - SECONDS[0]))
}

fn strip(toolchain: &Toolchain, from: &Path, to: &Path) -> Result<()> {
    let mut objcopy = Command::new(linker::find_objcopy(toolchain)?);
    objcopy.arg("--strip-all").args([from, to]);
    process::output(&mut objcopy).map(drop)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
