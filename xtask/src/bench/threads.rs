//! `bench threads`: how many threads of std can wait at the same time in 1 GiB, and what each takes (`tests/bench/src/bin/park.rs`).

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::page::{Section, cell};
use super::rival::{SYSTEMS, Systems};
use crate::rig::guest::{Clock, Guest, Machine};

const LIMIT: Duration = Duration::from_secs(240);
/// As many as are asked for.
const MOST: &str = "30000";

/// How many, the KiB of each, and whether all came back.
fn parked(guest: &Guest) -> Result<(String, String, bool)> {
    let machine = Machine { memory: "1G".to_owned(), clock: Clock::Wall, ..Machine::microvm() };
    let said = guest.listen(&machine, &[MOST], LIMIT, |line| line.starts_with("joined"))?;
    let all_back = said.is_complete;
    let last = said.records("parked").last().map(|words| words.iter().map(|&word| word.to_owned()).collect());
    let words: Vec<String> =
        last.with_context(|| format!("nothing was parked: {}", said.lines.join("\n")))?;
    let [_, count, kib] = words.as_slice() else { anyhow::bail!("a line of park has three words") };
    Ok((count.clone(), kib.clone(), all_back))
}

/// The table.
pub(super) fn section(systems: &Systems) -> Result<Section> {
    let figures = systems.measure("park", |guest, _| parked(guest))?;
    let mut text = format!(
        "Threads of std with their default stack that wait at the same time in a guest of 1 GiB (`microvm`, one vCPU), up to {MOST}; must: 20,000, at \
         most 24 KiB each.\n\n| system | threads | KiB each | all joined |\n|---|--:|--:|---|\n"
    );
    for (system, figure) in SYSTEMS.into_iter().zip(figures) {
        let (count, kib, back) = figure.map_or((None, None, None), |(count, kib, back)| {
            (Some(count), Some(kib), Some(if back { "yes" } else { "no" }.to_owned()))
        });
        writeln!(text, "| {} | {} | {} | {} |", system.name(), cell(count), cell(kib), cell(back))?;
    }
    Ok(Section { name: "threads", title: "Threads", text })
}
