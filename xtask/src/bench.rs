//! `bench`: what Caracal takes, beside what Linux takes for the same program in the same run; tables in `docs/benchmarks.md`.
//!
//! Instructions are counted by the guest's own counter under `-icount`, which repeats exactly; the wall clock is used for medians beside
//! a floor in the same run only. Budgets (`tests/bench/budgets.toml`) keep some of the instruction counts from growing.

mod boot;
mod budget;
mod latency;
mod linux;
mod net;
mod ops;
mod page;
mod rival;
mod threads;

use anyhow::Result;
use clap::{Args, ValueEnum};

pub(crate) use budget::check as check_budgets;
use rival::Systems;

/// The headings of the page, in order.
const TITLES: [&str; 5] = ["Operations", "Threads", "Latency", "Network", "Start, memory and size"];

/// What to measure.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// The parts [default: all]
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// How often the start is timed
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure Caracal without its rivals
    #[arg(long)]
    alone: bool,
    /// Write the figures of this run into tests/bench/budgets.toml
    #[arg(long)]
    update_budgets: bool,
    /// Of `net`, this figure only, without writing it down; repeatable
    #[arg(long, value_name = "FIGURE", value_parser = net::names())]
    only: Vec<String>,
    /// Of `net`, print which functions the instructions are in, of figures that are counted in rounds
    #[arg(long, requires = "alone", requires = "only")]
    profile: bool,
    /// `net` in the namespace that the tool made for it
    #[arg(long, hide = true)]
    inside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Operations of std and of the system, in instructions
    Ops,
    /// How many threads can wait, and what each takes
    Threads,
    /// How late threads are woken, and how long they stay away
    Latency,
    /// What the network takes, beside peers at the other end of a tap device
    Net,
    /// QEMU's start to the first line, the least memory, the size of an image, and an idle machine
    Boot,
}

/// Measures the parts and writes them into the page.
pub(crate) fn main(args: &BenchArgs) -> Result<()> {
    let has = |part: Part| args.parts.is_empty() || args.parts.contains(&part);
    if args.update_budgets {
        budget::update()?;
    }
    let mut sections = Vec::new();
    let systems = Systems::prepare(args.alone);
    if has(Part::Ops) {
        sections.push(ops::section(&systems)?);
    }
    if has(Part::Threads) {
        sections.push(threads::section(&systems)?);
    }
    if has(Part::Latency) {
        sections.push(latency::section(&systems)?);
    }
    if has(Part::Net) && args.inside {
        sections.push(net::section(&systems, &args.only, args.profile)?);
    } else if has(Part::Net) {
        net::enter(&systems, args)?;
    }
    if has(Part::Boot) {
        sections.push(boot::section(&systems, args.runs)?);
    }
    // The page has whole sections only.
    if !sections.is_empty() && args.only.is_empty() {
        page::write(&sections, &systems)?;
    }
    page::show(&sections);
    Ok(())
}
