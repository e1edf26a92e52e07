//! Figures that are counted: what the guest does for a peer outside, in instructions, notifications and bytes.

use anyhow::Result;

use super::counter::Count;
use super::rig::{Rig, Setup};
use crate::bench::page::{figures_head, figures_row};
use crate::bench::rival::{HYPER, System, Systems};
use crate::rig::guest::Guest;
use crate::rig::{Port, SERVER, client};
use crate::ui;

/// Connections that ask at the same time.
const BATCH: usize = 16;
/// More than fit into one turn of anything.
const MANY: usize = 64;
/// Connections that do nothing.
const IDLE: usize = 10_000;

/// A row of the table.
pub(super) struct Figure {
    /// For `--only`.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) what: &'static str,
    /// What it may be at most, and what we are after.
    pub(super) goal: Option<(f64, f64)>,
    /// The program.
    program: &'static str,
    /// The machine.
    setup: Setup,
    /// How it is found.
    take: fn(&Rig) -> Result<f64>,
}

const COUNTED: Setup = Setup::COUNTED;
const PLAIN: Setup = Setup { has_offloads: false, ..COUNTED };
const TOLD: Setup = Setup { count: Count::Notifications, ..COUNTED };
const RESET: Setup = Setup { machine: "microvm", waits: false, ..COUNTED };
/// 10,000 connections may take much.
const LARGE: Setup = Setup { memory: "3G", ..COUNTED };

const fn row(
    name: &'static str,
    what: &'static str,
    goal: Option<(f64, f64)>,
    setup: Setup,
    take: fn(&Rig) -> Result<f64>,
) -> Figure {
    Figure { name, what, goal, program: SERVER, setup, take }
}

/// The same of hyper's server.
const fn of_hyper(figure: Figure) -> Figure {
    Figure { program: HYPER, ..figure }
}

/// All, in the order of the page.
pub(super) const FIGURES: [Figure; 14] = [
    row("request", "request on a kept connection", Some((8_000.0, 5_000.0)), COUNTED, |rig| requests(rig, 1)),
    row("batch", "the same, 16 connections at once", Some((6_000.0, 3_500.0)), COUNTED, |rig| {
        requests(rig, BATCH)
    }),
    of_hyper(row("hyper", "request to hyper, 64 connections at once", None, COUNTED, |rig| {
        requests(rig, MANY)
    })),
    row("connect", "connect, request and close", Some((30_000.0, 18_000.0)), COUNTED, connects),
    row(
        "beside-idle",
        "request beside 10,000 idle connections, times that beside none",
        Some((1.1, 1.05)),
        LARGE,
        beside_idle,
    ),
    row("send", "byte sent to one peer, with offloads", Some((0.3, 0.15)), COUNTED, sent),
    row("receive", "byte received from one peer, with offloads", Some((0.3, 0.15)), COUNTED, received),
    row("send-plain", "byte sent, without", Some((1.5, 1.0)), PLAIN, sent),
    row("receive-plain", "byte received, without", Some((1.5, 1.0)), PLAIN, received),
    row(
        "told",
        "notifications of the device for a request, 16 connections at once",
        Some((0.2, 0.1)),
        TOLD,
        |rig| notifications(rig, 0),
    ),
    row("interrupts", "interrupts for a request, 16 connections at once", None, TOLD, |rig| {
        notifications(rig, 1)
    }),
    row("told-send", "notifications of the device for 64 KiB sent", None, TOLD, |rig| {
        const BYTES: usize = 16 << 20;
        client::receive(rig.address(Port::Source), BYTES)?;
        let [before, _] = rig.counter().notifications()?;
        client::receive(rig.address(Port::Source), BYTES)?;
        Ok((rig.counter().notifications()?[0] - before) as f64 / (BYTES >> 16) as f64)
    }),
    row("memory", "bytes of memory for an idle connection", Some((4096.0, 1024.0)), LARGE, memory),
    row(
        "first-answer",
        "reset to the first answer (microvm)",
        Some((1_500_000.0, 300_000.0)),
        RESET,
        first_answer,
    ),
];

/// The table, of the figures that are wanted; `profiles`: what each consists of is printed.
pub(super) fn table(systems: &Systems, is_wanted: impl Fn(&str) -> bool, profiles: bool) -> Result<String> {
    let mut text = figures_head("in guest instructions, if nothing else is said");
    for figure in FIGURES.iter().filter(|figure| is_wanted(figure.name)) {
        let guests = systems.guests(figure.program)?;
        let mut found = [None; 3];
        for (system, guest) in guests.iter().filter(|(system, _)| figure.is_for(*system)) {
            ui::status("Measuring", &format!("{} on {}", figure.what, system.name()));
            match figure.measure(guest, profiles) {
                Ok(number) => found[*system as usize] = Some(number),
                Err(error) => ui::warn(&format!("{} on {}: {error:#}", figure.what, system.name())),
            }
        }
        let goals = figure.goal.map_or([None; 2], |(must, after)| [Some(must), Some(after)]);
        text.push_str(&figures_row(figure.what, goals, found));
    }
    Ok(text)
}

impl Figure {
    /// Debian's kernel finds registers in memory by ACPI only, which microvm is started without here.
    fn is_for(&self, system: System) -> bool {
        self.setup.machine != "microvm" || system != System::DebianCloud
    }

    /// Boots a guest and finds the figure.
    fn measure(&self, guest: &Guest, profiles: bool) -> Result<f64> {
        let mut setup = self.setup;
        if profiles && setup.count == Count::Instructions {
            setup.count = Count::Blocks;
        }
        (self.take)(&Rig::boot(guest, setup)?)
    }
}

/// Instructions for each of `count` things that `act` does at once, when it has been done before: the median of five times `rounds`.
fn instructions(rig: &Rig, rounds: u32, count: usize, mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    const BATCHES: usize = 5;
    let mut costs = Vec::with_capacity(BATCHES);
    // The first is no part of it.
    let mut profile = None;
    for batch in 0..=BATCHES {
        if batch == 1 {
            profile = rig.profile()?;
        }
        let before = rig.counter().instructions()?;
        for _ in 0..rounds {
            act()?;
        }
        costs.push(rig.counter().instructions()? - before);
    }
    let acts = f64::from(rounds) * count as f64;
    if let Some(profile) = profile {
        profile.print(rig.counter(), acts * BATCHES as f64)?;
    }
    let rest = &mut costs[1..];
    rest.sort_unstable();
    Ok(rest[BATCHES / 2] as f64 / acts)
}

fn requests(rig: &Rig, count: usize) -> Result<f64> {
    let mut streams = client::connect_all(rig.address(Port::Http), count)?;
    instructions(rig, 400, count, || client::ask(&mut streams))
}

fn connects(rig: &Rig) -> Result<f64> {
    let address = rig.address(Port::Http);
    instructions(rig, 200, 1, || client::ask(&mut [client::connect(address)?]))
}

fn beside_idle(rig: &Rig) -> Result<f64> {
    let alone = requests(rig, 1)?;
    let idle = client::connect_all(rig.address(Port::Keep), IDLE)?;
    let beside = requests(rig, 1)?;
    drop(idle);
    Ok(beside / alone)
}

fn memory(rig: &Rig) -> Result<f64> {
    let port = rig.address(Port::Memory);
    // What the first of them takes is not theirs.
    let _first = client::connect(rig.address(Port::Keep))?;
    client::number(port)?;
    let before = client::number(port)?;
    let idle = client::connect_all(rig.address(Port::Keep), IDLE)?;
    let after = client::number(port)?;
    Ok(before.saturating_sub(after) as f64 / idle.len() as f64)
}

const BYTES: usize = 16 << 20;

fn sent(rig: &Rig) -> Result<f64> {
    let source = rig.address(Port::Source);
    instructions(rig, 1, BYTES, || client::receive(source, BYTES))
}

fn received(rig: &Rig) -> Result<f64> {
    let sink = rig.address(Port::Sink);
    instructions(rig, 1, BYTES, || client::send(sink, BYTES))
}

fn notifications(rig: &Rig, direction: usize) -> Result<f64> {
    const ROUNDS: usize = 200;
    let mut streams = client::connect_all(rig.address(Port::Http), BATCH)?;
    client::ask(&mut streams)?;
    let before = rig.counter().notifications()?;
    for _ in 0..ROUNDS {
        client::ask(&mut streams)?;
    }
    let after = rig.counter().notifications()?;
    Ok((after[direction] - before[direction]) as f64 / (ROUNDS * BATCH) as f64)
}

fn first_answer(rig: &Rig) -> Result<f64> {
    client::first_answer(rig.address(Port::Http))?;
    Ok(rig.counter().instructions()? as f64)
}
