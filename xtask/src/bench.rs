//! `bench`: how long an image takes from the start of QEMU to the end of the program; medians, never single runs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::flags::BuildArgs;
use crate::{build, ui};

/// What to measure.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// How often each is run
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// Boots `hello` on every machine.
pub(crate) fn main(args: &BenchArgs) -> Result<()> {
    let build_args = BuildArgs { what: Some("hello".to_owned()), release: true, ..BuildArgs::default() };
    let image = build::images(&build_args)?.into_iter().next().context("examples/hello has no binary")?;
    for machine in ["microvm", "q35", "pc"] {
        let mut times = Vec::new();
        for _ in 0..args.runs {
            let start = Instant::now();
            let status = Command::new(std::env::current_exe()?)
                .args(["run", "--no-stdin", "--machine", machine])
                .arg(&image.file)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status()?;
            if !status.success() {
                bail!("hello on {machine} ended with {status}");
            }
            times.push(start.elapsed());
        }
        ui::status(
            "Boot",
            &format!(
                "{machine:<8} {:>5} ms (median of {}, tool and QEMU included)",
                median(&mut times).as_millis(),
                args.runs
            ),
        );
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
