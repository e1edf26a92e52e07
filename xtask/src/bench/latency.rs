//! `bench latency`: how late a timer wakes a thread, and how long a busy thread is away when another wants its CPU (`tests/bench/src/bin/latency.rs`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::page::{Section, grouped};
use super::rival::{SYSTEMS, Systems};
use crate::rig::guest::{Guest, Machine};

const LIMIT: Duration = Duration::from_secs(240);

/// What is measured, as the program calls it and as the page does.
const KINDS: [(&str, &str); 3] = [
    ("wake-idle", "a timer wakes a thread of an idle machine"),
    ("wake-busy", "a timer wakes a thread while another one computes"),
    ("away", "a thread that computes is away while another one does"),
];

/// Median, 99th percentile and largest, and the histogram: samples by the power of two they are below.
#[derive(Default)]
struct Kind {
    summary: [u64; 3],
    histogram: BTreeMap<u64, u64>,
}

fn figures(guest: &Guest) -> Result<BTreeMap<String, Kind>> {
    let is_last = |line: &str| line.starts_with("latency away");
    let said = guest.listen(&Machine::microvm(), &[], LIMIT, is_last)?.complete()?;
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    let number = |word: Option<&&str>| word.and_then(|word| word.parse().ok()).unwrap_or(0);
    for words in said.records("hist").filter(|words| words.len() == 4) {
        let kind = kinds.entry(words[1].to_owned()).or_default();
        kind.histogram.insert(number(words.get(2)), number(words.get(3)));
    }
    for words in said.records("latency").filter(|words| words.len() == 5) {
        let kind = kinds.entry(words[1].to_owned()).or_default();
        kind.summary = [number(words.get(2)), number(words.get(3)), number(words.get(4))];
    }
    Ok(kinds)
}

/// The tables.
pub(super) fn section(systems: &Systems) -> Result<Section> {
    let figures = systems.measure("latency", |guest, _| figures(guest))?;
    let mut text = String::from(
        "In nanoseconds of virtual time, one per guest instruction (`microvm`, one vCPU). A thread that others wait for runs for 4 ms at a time.\n\n\
         | what | system | median | 99 % below | largest |\n|---|---|--:|--:|--:|\n",
    );
    for (name, what) in KINDS {
        for (system, kinds) in SYSTEMS.into_iter().zip(&figures) {
            let Some(kind) = kinds.as_ref().and_then(|kinds| kinds.get(name)) else { continue };
            let [median, most, largest] = kind.summary.map(grouped);
            writeln!(text, "| {what} | {} | {median} | {most} | {largest} |", system.name())?;
        }
    }
    writeln!(
        text,
        "\nCaracal's histograms: how many samples were below so many nanoseconds, and not below half of it.\n"
    )?;
    writeln!(text, "| what | samples |\n|---|---|")?;
    for (name, what) in KINDS {
        let Some(kind) = figures[0].as_ref().and_then(|kinds| kinds.get(name)) else { continue };
        let bars: Vec<String> =
            kind.histogram.iter().map(|(below, count)| format!("{}: {count}", grouped(*below))).collect();
        writeln!(text, "| {what} | {} |", bars.join(", "))?;
    }
    Ok(Section { name: "latency", title: "Latency", text })
}
