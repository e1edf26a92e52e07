//! `bench boot`: QEMU's start to the first line, next to the floor in the same run, and the size of an image. Medians, never single runs.

mod floor;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::flags::BuildArgs;
use crate::spec::Target;
use crate::toolchain::Toolchain;
use crate::{build, linker, paths, process, qemu, sysroot, ui};

/// Measures `hello`, release, stripped.
pub(super) fn measure(runs: u32) -> Result<()> {
    let hello = |config: &str| -> Result<PathBuf> {
        let args = BuildArgs {
            what: Some("hello".to_owned()),
            release: true,
            config: vec![config.to_owned()],
            ..BuildArgs::default()
        };
        Ok(build::images(&args)?.into_iter().next().context("examples/hello has no binary")?.file)
    };
    let whole = hello("profile.release.strip=\"debuginfo\"")?;
    let folder = paths::target().join("bench");
    fs::create_dir_all(&folder)?;
    let (stripped_later, stripped, floor) =
        (folder.join("hello-objcopy"), folder.join("hello"), folder.join("floor"));
    strip(&sysroot::prepare(Target::Unikernel)?.toolchain, &whole, &stripped_later)?;
    fs::copy(hello("profile.release.strip=\"symbols\"")?, &stripped)?;
    fs::write(&floor, floor::image())?;
    for (file, what) in [(&stripped, "strip = true"), (&stripped_later, "symbols taken out afterwards")] {
        let size = fs::metadata(file)?.len();
        ui::status("Size", &format!("{:.1} KiB: std hello, release, {what}", size as f64 / 1024.0));
    }
    for machine in ["microvm", "q35"] {
        let (mut floors, mut images) = (Vec::new(), Vec::new());
        // Taken in turns, so that a load on the machine falls on both.
        for _ in 0..runs {
            floors.push(first_line(machine, &floor)?);
            images.push(first_line(machine, &stripped)?);
        }
        let (floor, image) = (median(&mut floors), median(&mut images));
        ui::status(
            "Boot",
            &format!(
                "{machine:<8} QEMU start to first line: {:.1} ms, floor {:.1} ms, {:.1} ms above it (medians of {})",
                milliseconds(image),
                milliseconds(floor),
                milliseconds(image) - milliseconds(floor),
                runs
            ),
        );
    }
    Ok(())
}

fn strip(toolchain: &Toolchain, from: &Path, to: &Path) -> Result<()> {
    let mut objcopy = Command::new(linker::find_objcopy(toolchain)?);
    objcopy.arg("--strip-all").args([from, to]);
    process::output(&mut objcopy).map(drop)
}

/// From QEMU's start to the end of the first line on COM1.
fn first_line(machine: &str, image: &Path) -> Result<Duration> {
    let mut command = Command::new(qemu::program()?);
    command
        .args([
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-display",
            "none",
            "-accel",
            "tcg",
            "-cpu",
            "max",
        ])
        .args([
            "-m",
            "64M",
            "-M",
            machine,
            "-serial",
            "stdio",
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=4",
        ])
        .args(["-append", "log=error exit-port=0xf4 stdin=none tty="])
        .arg("-kernel")
        .arg(image)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", process::show(&command)))?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("the output is a pipe")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let elapsed = start.elapsed();
    child.wait()?;
    if !line.ends_with('\n') {
        bail!("{} printed no line on {machine}", image.display());
    }
    Ok(elapsed)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
