//! `soak network`: a server under attack and under load. It must answer, and have its memory back afterwards.
//!
//! The tool starts itself once more in a network namespace (`rig::namespace`), boots `tests/bench/src/bin/serve.rs` there behind a tap device, and does to
//! it what bad peers and bad networks do. Each attack is done at least twice: what the first leaves behind (stacks that are kept for other threads, tables
//! that have grown) is there for the others, so as much must be free after the last as after the first, at the latest when it has been made several times
//! more. Then come many requests, and a long mixture of
//! everything if that is asked for.

mod attacks;
mod dice;
mod frames;
mod shim;
mod site;
mod wire;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use fastrand::Rng;

use super::Outcome;
use crate::flags::{Machine, Place};
use crate::rig::load::{self, Load};
use crate::rig::{self, Port, namespace};
use crate::ui;
use attacks::{ATTACKS, Attack};
use site::{Between, Site, mib};

/// Connections of the load.
const CONNECTIONS: usize = 64;
/// Seconds of load at a time.
const SLICE: u64 = 5;
/// How often an attack is made again that has left something behind: a leak is there each time.
const TRIALS: u32 = 4;
/// Two other things that `--only` can be.
const REQUESTS: &str = "requests";
const MIXED: &str = "mixed";

/// What is done.
#[derive(Args, Debug)]
pub(super) struct NetworkArgs {
    /// How many requests are made after the attacks, at least
    #[arg(long, default_value_t = 500_000)]
    requests: u64,
    /// How often each attack is made
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..))]
    rounds: u32,
    /// How long attacks by chance go on at last, with load beside them
    #[arg(long, default_value_t = 0)]
    minutes: u64,
    /// Another seed, other frames and another order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// These only, and not the others; repeatable
    #[arg(long, value_name = "NAME", value_parser = names())]
    only: Vec<String>,
    /// Numbers of vCPUs
    #[arg(long, short = 'c', value_delimiter = ',', default_value = "1,2")]
    smp: Vec<u32>,
    /// Machines
    #[arg(long, value_enum, value_delimiter = ',', default_value = "q35")]
    machine: Vec<Machine>,
    /// In the namespace that the tool made for it
    #[arg(long, hide = true)]
    inside: bool,
}

fn names() -> PossibleValuesParser {
    ATTACKS.iter().map(|attack| attack.name).chain([REQUESTS, MIXED]).collect::<Vec<_>>().into()
}

impl NetworkArgs {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| word == name)
    }
}

/// Prepares all that is needed, and does it in a namespace.
pub(super) fn main(args: &NetworkArgs) -> Result<()> {
    if !args.inside {
        namespace::check()?;
        namespace::check_programs(&load::PROGRAMS)?;
        rig::image()?;
        let words = std::env::args().skip(1).chain(["--inside".to_owned()]);
        return namespace::enter(&words.collect::<Vec<_>>());
    }
    // Who waits outside may be killed alone.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let image = rig::image()?;
    let mut outcome = Outcome::new("soak-network.log")?;
    for place in super::places(&args.machine, &args.smp) {
        Soak { args, image: &image, place, outcome: &mut outcome }.run()?;
    }
    outcome.count.report()
}

/// All that is done on one machine.
struct Soak<'soak> {
    args: &'soak NetworkArgs,
    image: &'soak Path,
    place: Place,
    outcome: &'soak mut Outcome,
}

impl Soak<'_> {
    fn run(mut self) -> Result<()> {
        // A guest goes from attack to attack; one that something went wrong on is not used again.
        let (mut site, rounds) = (None, self.args.rounds);
        let attacks: Vec<&Attack> = ATTACKS.iter().filter(|attack| self.args.wants(attack.name)).collect();
        for attack in attacks.iter().filter(|attack| attack.between == Between::Nothing) {
            self.part(&mut site, Between::Nothing, attack.name, |site, rng| {
                attacked(site, attack, rounds, rng)
            })?;
        }
        if self.args.wants(REQUESTS) && self.args.requests > 0 {
            let count = self.args.requests;
            self.part(&mut site, Between::Nothing, REQUESTS, |site, _| requests(site, count))?;
        }
        if self.args.wants(MIXED) && self.args.minutes > 0 {
            let time = Duration::from_secs(60 * self.args.minutes);
            self.part(&mut site, Between::Nothing, MIXED, |site, rng| mixed(site, time, rng))?;
        }
        // One guest at a time.
        drop(site.take());
        for attack in attacks.iter().filter(|attack| attack.between == Between::BadNetwork) {
            self.part(&mut site, Between::BadNetwork, attack.name, |site, rng| {
                attacked(site, attack, rounds, rng)
            })?;
        }
        Ok(())
    }

    /// Does one thing to the guest, which is booted if it is not there, and notes how that went.
    fn part(
        &mut self,
        site: &mut Option<Site>,
        between: Between,
        name: &str,
        does: impl FnOnce(&Site, &mut Rng) -> Result<String>,
    ) -> Result<()> {
        let name = format!("{name} ({})", self.place);
        // The same whatever was done before it.
        let mut rng = Rng::with_seed(self.args.seed);
        let result = match site.take() {
            Some(site) => Ok(site),
            None => Site::boot(self.image, self.place, between, rng.u64(..)),
        };
        let result = result.and_then(|booted| {
            let said = does(&booted, &mut rng)
                .map_err(|error| anyhow!("{error:#}\nafterwards {}", booted.state()))?;
            *site = Some(booted);
            Ok(said)
        });
        match result {
            Ok(said) => {
                ui::status("Passed", &format!("{name}: {said}"));
                self.outcome.note(&name, Ok(()))
            }
            Err(error) => self.outcome.note(&name, Err(error)),
        }
    }
}

/// An attack, so many times, and more often while what it leaves behind still grows.
fn attacked(site: &Site, attack: &Attack, rounds: u32, rng: &mut Rng) -> Result<String> {
    let mut once = || -> Result<u64> {
        let start = Instant::now();
        (attack.run)(site, rng)?;
        let taken = start.elapsed().as_secs_f64();
        let answer = site.answer().context("afterwards")?.as_millis();
        let free = site.settled()?;
        let (name, left) = (attack.name, mib(free));
        ui::status(
            "Attacked",
            &format!("{name}: {taken:.1} s, then answered in {answer} ms; {left} MiB free"),
        );
        Ok(free)
    };
    let mut first = once()?;
    let mut trial = 1;
    loop {
        let mut last = first;
        for _ in 1..rounds {
            last = once()?;
        }
        match site.recovered(first) {
            Ok(free) => {
                let rounds = trial * (rounds - 1) + 1;
                return Ok(format!("{rounds} times; {} MiB free, and {} in the end", mib(first), mib(free)));
            }
            Err(error) if trial == TRIALS => return Err(error),
            // There were never so many at once before: what is kept for them is there the next time.
            Err(error) => ui::status("Trying", &format!("once more: {error:#}")),
        }
        (first, trial) = (last, trial + 1);
    }
}

/// Load until `count` requests are answered.
fn requests(site: &Site, count: u64) -> Result<String> {
    let name = format!("{count} requests on {CONNECTIONS} connections");
    let progress = ui::Progress::start("Asking", &name);
    let http = site.address(Port::Http);
    let mut total = Load::default();
    let mut ask = |until: f64| -> Result<Duration> {
        let start = Instant::now();
        while total.requests < until {
            let found = load::full(http, CONNECTIONS, SLICE)?;
            ensure!(found.requests > 0.0, "no request of wrk's was answered");
            total.add(found);
            ensure!(
                total.failed() == 0,
                "{} requests failed beside {} that were answered",
                total.failed(),
                total.requests
            );
            site.answer()?;
            progress.update(&format!("{name}: {} answered", total.requests));
        }
        Ok(start.elapsed())
    };
    // Connections of one wrk begin while the last one's end, so that what is kept for so many at once comes little by little. A leak goes on.
    let warmed_up = ask(count as f64 / 4.0)?;
    let before = site.settled()?;
    let taken = (warmed_up + ask(count as f64)?).as_secs_f64();
    drop(progress);
    let after = site.recovered(before)?;
    let rate = total.requests / taken;
    Ok(format!(
        "{} in {taken:.0} s ({rate:.0}/s, {} late); {} MiB free, then {}",
        total.requests,
        total.timeouts,
        mib(before),
        mib(after)
    ))
}

/// Attacks by chance with load beside them.
fn mixed(site: &Site, time: Duration, rng: &mut Rng) -> Result<String> {
    let attacks: Vec<&Attack> = ATTACKS.iter().filter(|attack| attack.between == Between::Nothing).collect();
    // All of it once, before memory is looked at.
    for attack in &attacks {
        under_load(site, attack, rng)?;
    }
    let (before, start) = (site.settled()?, Instant::now());
    let (mut total, mut count) = (Load::default(), 0);
    while start.elapsed() < time {
        let Some(attack) = rng.choice(&attacks) else { break };
        total.add(under_load(site, attack, rng)?);
        count += 1;
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        ui::status(
            "Attacked",
            &format!("{minutes:.1} minutes: {}, {} requests so far", attack.name, total.requests),
        );
    }
    let after = site.recovered(before)?;
    Ok(format!(
        "{count} attacks beside {} requests ({} failed, {} late); {} MiB free, then {}",
        total.requests,
        total.failed(),
        total.timeouts,
        mib(before),
        mib(after)
    ))
}

/// An attack, while others ask as much as they can; what they saw.
fn under_load(site: &Site, attack: &Attack, rng: &mut Rng) -> Result<Load> {
    let http = site.address(Port::Http);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = scope.spawn(|| -> Result<Load> {
            let mut total = Load::default();
            while !is_over.load(Ordering::Relaxed) {
                total.add(load::full(http, CONNECTIONS, SLICE)?);
            }
            Ok(total)
        });
        let attacked = (attack.run)(site, rng).with_context(|| attack.name);
        is_over.store(true, Ordering::Relaxed);
        let load = load.join().map_err(|_| anyhow!("who asks panicked"))?;
        attacked?;
        site.answer().with_context(|| format!("after {}", attack.name))?;
        let load = load?;
        ensure!(load.requests > 0.0, "no request was answered beside {}", attack.name);
        Ok(load)
    })
}
