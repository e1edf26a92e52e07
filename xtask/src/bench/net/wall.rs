//! Figures of the wall clock: what load generators get out of the guests, in turns; medians. They mean something beside each other only.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Result, anyhow};

use super::counter::Count;
use super::rig::{Rig, Setup, Way};
use crate::bench::page::{cell, shown};
use crate::bench::rival::{HYPER, System, Systems};
use crate::rig::load::{self, Load};
use crate::rig::{Port, SERVER, client};
use crate::ui;

/// How often everything is done.
const RUNS: usize = 3;
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// Those that two vCPUs are asked on.
const OF_MANY: usize = 64;
/// As machines are started that nobody counts in.
const SETUP: Setup = Setup { count: Count::Nothing, ..Setup::COUNTED };
const OF_TWO: Setup = Setup { smp: 2, ..SETUP };
const OF_USER: Setup = Setup { way: Way::User, ..SETUP };
const BYTES: usize = 64 << 20;
/// How long wrk asks.
const SECONDS: u64 = 2;

/// What of a row is good.
#[derive(Clone, Copy)]
enum Good {
    More,
    Less,
}

struct Row {
    what: String,
    /// How many times as good as on the tiny Linux it must be.
    must: Option<f64>,
    good: Good,
    found: [Vec<f64>; 3],
}

/// What was found so far.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

impl Table {
    fn note(&mut self, system: System, what: &str, must: Option<f64>, good: Good, figure: f64) {
        let index = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            self.rows.push(Row { what: what.to_owned(), must, good, found: Default::default() });
            self.rows.len() - 1
        });
        self.rows[index].found[system as usize].push(figure);
    }

    fn text(self) -> Result<String> {
        let mut text = String::from(
            "| | Caracal | tiny Linux | Debian cloud | times as good as the tiny Linux | must |\n|---|--:|--:|--:|--:|--:|\n",
        );
        for Row { what, must, good, found } in self.rows {
            let [ours, tiny, cloud] = found.map(median);
            let ratio = ours.zip(tiny).map(|(ours, tiny)| match good {
                Good::More => ours / tiny,
                Good::Less => tiny / ours,
            });
            let short = |number: Option<f64>| number.map_or(String::new(), |number| format!("{number:.2}"));
            let [ours, tiny, cloud] = [ours, tiny, cloud].map(|figure| cell(figure.map(shown)));
            writeln!(text, "| {what} | {ours} | {tiny} | {cloud} | {} | {} |", short(ratio), short(must))?;
        }
        Ok(text)
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// The table.
pub(super) fn table(systems: &Systems) -> Result<String> {
    let mut table = Table::default();
    let servers: [(&str, Setup, &[Part]); 5] = [
        (SERVER, SETUP, &[bulk, threads]),
        (SERVER, OF_TWO, &[threads_of_two]),
        (HYPER, SETUP, &[hyper]),
        (HYPER, OF_TWO, &[hyper_of_two]),
        (SERVER, OF_USER, &[bulk, threads_of_user]),
    ];
    for (program, setup, parts) in servers {
        let guests = systems.guests(program)?;
        for run in 1..=RUNS {
            for (system, guest) in &guests {
                let way = if setup.way == Way::User { ", user network" } else { "" };
                let what = format!("{program} under load on {}, {} vCPU{way}", system.name(), setup.smp);
                ui::status("Measuring", &format!("{what}, {run} of {RUNS}"));
                let mut note = |what: &str, must, good, figure| {
                    table.note(*system, &format!("{what}{way}"), must, good, figure);
                };
                // What goes wrong is left out, the rest counts.
                let rig = Rig::boot(guest, setup);
                for part in parts {
                    let found = rig.as_ref().map_err(|error| anyhow!("{error:#}"));
                    if let Err(error) = found.and_then(|rig| part(rig, &mut note)) {
                        ui::warn(&format!("{what}: {error:#}"));
                    }
                }
            }
        }
    }
    table.text()
}

/// Takes a figure down.
type Note<'table> = dyn FnMut(&str, Option<f64>, Good, f64) + 'table;
/// Measures something of a guest.
type Part = fn(&Rig, &mut Note<'_>) -> Result<()>;

fn bulk(rig: &Rig, note: &mut Note<'_>) -> Result<()> {
    for (port, what) in [(Port::Source, "sent"), (Port::Sink, "received")] {
        let start = Instant::now();
        match port {
            Port::Source => client::receive(rig.address(port), BYTES)?,
            _ => client::send(rig.address(port), BYTES)?,
        }
        let rate = BYTES as f64 / 1e6 / start.elapsed().as_secs_f64();
        note(&format!("MB/s {what} by the guest, one connection"), Some(1.3), Good::More, rate);
    }
    Ok(())
}

fn threads(rig: &Rig, note: &mut Note<'_>) -> Result<()> {
    let full = requests(rig, "std", note)?;
    let [half, most] = load::paced(rig.address(Port::Http), full / 2.0)?;
    note("µs to the answer at half load, std, 16 connections: median", None, Good::Less, half);
    note("the same: 99 %", None, Good::Less, most);
    note("the same: 99 % ÷ median", Some(1.0), Good::Less, most / half);
    Ok(())
}

fn hyper(rig: &Rig, note: &mut Note<'_>) -> Result<()> {
    requests(rig, "hyper", note).map(drop)
}

fn threads_of_two(rig: &Rig, note: &mut Note<'_>) -> Result<()> {
    requests_of_two(rig, "std", note)
}

/// What a server does on QEMU's own network.
fn threads_of_user(rig: &Rig, note: &mut Note<'_>) -> Result<()> {
    for connections in [1, OF_MANY] {
        full(rig, connections, &load_of("std", connections), note)?;
    }
    Ok(())
}

fn hyper_of_two(rig: &Rig, note: &mut Note<'_>) -> Result<()> {
    requests_of_two(rig, "hyper", note)
}

/// What a server does at most on two vCPUs.
fn requests_of_two(rig: &Rig, kind: &str, note: &mut Note<'_>) -> Result<()> {
    full(rig, OF_MANY, &format!("{kind}, {OF_MANY} connections, 2 vCPUs"), note).map(drop)
}

fn load_of(kind: &str, connections: usize) -> String {
    format!("{kind}, {connections} connection{}", if connections == 1 { "" } else { "s" })
}

/// Asks for as much as there is; `load` says what it is called.
fn full(rig: &Rig, connections: usize, load: &str, note: &mut Note<'_>) -> Result<Load> {
    let found = load::full(rig.address(Port::Http), connections, SECONDS)?;
    note(&format!("requests/s, {load}"), Some(1.5), Good::More, found.per_second);
    if found.errors > 0 {
        note(&format!("errors, {load}"), None, Good::Less, found.errors as f64);
    }
    Ok(found)
}

/// What a server does at most; at 16 connections, in a second.
fn requests(rig: &Rig, kind: &str, note: &mut Note<'_>) -> Result<f64> {
    let mut rate = 0.0;
    for connections in CONNECTIONS {
        let before = rig.cpu_us()?;
        let load = load_of(kind, connections);
        let Load { requests, per_second, .. } = full(rig, connections, &load, note)?;
        let taken = rig.cpu_us()?.saturating_sub(before) as f64;
        if connections == 16 {
            note(&format!("µs of QEMU's CPU for a request, {load}"), Some(2.0), Good::Less, taken / requests);
            rate = per_second;
        }
    }
    Ok(rate)
}
