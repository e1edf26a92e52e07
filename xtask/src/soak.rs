//! `soak`: the same thing many times. What goes wrong once in a thousand times is found here, not in `test`.

mod network;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Subcommand};

use crate::flags::{BuildArgs, Machine, Place};
use crate::test::program::{Program, guest};
use crate::test::{Count, guest_rings};
use crate::{build, paths, ui};

/// What is done many times.
#[derive(Args, Debug)]
pub(crate) struct SoakArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Attack the network of a server, and ask it for much
    Network(network::NetworkArgs),
    /// Boot examples, one machine after the other
    Boots {
        /// How often
        #[arg(long, default_value_t = 1000)]
        count: usize,
        /// The machines
        #[command(flatten)]
        places: Places,
    },
    /// Start and join threads in one guest for each machine
    Threads {
        /// How many
        #[arg(long, default_value_t = 1_000_000)]
        count: usize,
        /// The machines
        #[command(flatten)]
        places: Places,
    },
    /// Run the guest rings of `test`: abi, examples, fault
    Suite {
        /// How often
        #[arg(long, default_value_t = 5)]
        times: usize,
        /// The machines
        #[command(flatten)]
        places: Places,
    },
}

/// Machines: each kind with each number of vCPUs.
#[derive(Args, Debug)]
struct Places {
    /// Numbers of vCPUs
    #[arg(long, short = 'c', value_delimiter = ',', default_value = "1,2,4")]
    smp: Vec<u32>,
    /// Machines
    #[arg(long, value_enum, value_delimiter = ',', default_value = "q35,microvm")]
    machine: Vec<Machine>,
}

impl Places {
    fn all(&self) -> Vec<Place> {
        places(&self.machine, &self.smp)
    }
}

fn places(machines: &[Machine], smp: &[u32]) -> Vec<Place> {
    let each = |&machine: &Machine| smp.iter().map(move |&smp| Place { machine, smp });
    machines.iter().flat_map(each).collect()
}

/// Does it; an error if it went wrong a single time.
pub(crate) fn main(args: &SoakArgs) -> Result<()> {
    match &args.what {
        What::Network(args) => network::main(args),
        What::Boots { count, places } => boots(*count, &places.all())?.report(),
        What::Threads { count, places } => threads(*count, &places.all())?.report(),
        What::Suite { times, places } => suite(*times, &places.all())?.report(),
    }
}

/// Examples that show whether a machine came up: a first line, and threads on all CPUs.
const BOOTED: [&str; 2] = ["hello", "threads"];

fn boots(count: usize, places: &[Place]) -> Result<Count> {
    let of = |name: &&str| Program::of(&paths::root().join("examples").join(name));
    let programs = BOOTED.iter().map(of).collect::<Result<Vec<_>>>()?;
    let turns: Vec<_> =
        places.iter().flat_map(|&place| programs.iter().map(move |program| (place, program))).collect();
    let mut outcome = Outcome::new("soak-boots.log")?;
    let progress = ui::Progress::start("Booting", &format!("{count} times"));
    let start = Instant::now();
    for (done, (place, program)) in turns.iter().cycle().take(count).enumerate() {
        let name = format!("{} ({place})", program.name());
        progress.update(&format!("{done} of {count}: {name}, {} failed", outcome.count.failed));
        outcome.note(&name, program.check(*place))?;
    }
    drop(progress);
    ui::status("Booted", &format!("{count} times in {:.0} s", start.elapsed().as_secs_f64()));
    Ok(outcome.count)
}

/// `tests/bench/src/bin/spawn.rs` says by its exit code whether a thread or memory was lost.
fn threads(count: usize, places: &[Place]) -> Result<Count> {
    /// Ten times what it takes where everything goes well.
    const SECONDS_A_MILLION: usize = 3600;
    let package = paths::root().join("tests/bench").display().to_string();
    let bin = vec!["spawn".to_owned()];
    let args = BuildArgs { what: Some(package), bin, release: true, ..BuildArgs::default() };
    let image = build::images(&args)?.into_iter().next().context("tests/bench has no `spawn`")?;
    let mut outcome = Outcome::new("soak-threads.log")?;
    for place in places {
        let name = format!("{count} threads ({place})");
        ui::status("Testing", &name);
        let limit = 60 + count * SECONDS_A_MILLION / 1_000_000;
        let flags = [&place.flags()[..], &[format!("--timeout={limit}")]].concat();
        let output = guest(&image.file, &[count.to_string()], &flags, false)?.output()?;
        let (said, complaints) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ui::status("Said", said.trim_end());
        let ended_well = output.status.success();
        let result =
            ended_well.then_some(()).ok_or_else(|| anyhow!("ended with {}\n{complaints}", output.status));
        outcome.note(&name, result)?;
    }
    Ok(outcome.count)
}

fn suite(times: usize, places: &[Place]) -> Result<Count> {
    let mut count = Count::default();
    for time in 1..=times {
        ui::status("Running", &format!("the guest rings, {time} of {times}"));
        count.add(guest_rings(places)?);
    }
    Ok(count)
}

/// How often it went well; what went wrong is kept in a file.
struct Outcome {
    count: Count,
    path: PathBuf,
    file: fs::File,
}

impl Outcome {
    fn new(name: &str) -> Result<Self> {
        let path = paths::target().join(name);
        let file = fs::File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { count: Count::default(), path, file })
    }

    fn note(&mut self, name: &str, result: Result<()>) -> Result<()> {
        let Err(error) = result else {
            self.count.passed += 1;
            return Ok(());
        };
        self.count.failed += 1;
        ui::error(&format!("{name}: {error:#} (also in {})", self.path.display()));
        writeln!(self.file, "{name}: {error:#}").context("cannot write what went wrong")
    }
}
