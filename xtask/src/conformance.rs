//! `conformance`: Rust's own test suites and those of published crates, unmodified, on Linux and in the guest; the scores, and every
//! difference with its reason, become `docs/conformance.md`.
//!
//! What is run and why tests differ stands in `tests/conformance/suites.toml`. Not here: tests of ours (`test`).

mod difference;
mod page;
mod record;
mod run;
mod suite;

use anyhow::{Result, bail};
use clap::Args;

use crate::{paths, tables, ui};
use difference::Differences;
use page::Score;
use run::Side;

/// Which suites, and where.
#[derive(Args, Debug)]
pub(crate) struct ConformanceArgs {
    /// Suites by name [default: all of tests/conformance/suites.toml, and docs/conformance.md is written]
    suites: Vec<String>,
    /// Numbers of vCPUs
    #[arg(long, short = 'c', value_delimiter = ',', default_value = "1,2,4")]
    smp: Vec<u16>,
    /// Run also what has not changed since it was run last
    #[arg(long)]
    again: bool,
}

/// Runs the suites; an error if a difference has no reason.
pub(crate) fn main(args: &ConformanceArgs) -> Result<()> {
    let file = paths::root().join("tests/conformance/suites.toml");
    let document = tables::read(&file)?;
    let mut differences = Differences::read(&document)?;
    let suites = suite::all(&document, &args.suites)?;
    if suites.is_empty() {
        bail!("no suite has such a name: see {}", file.display());
    }
    let mut scores = Vec::new();
    for suite in &suites {
        let linux = record::outcomes(suite, Side::Linux, args.again)?;
        let mut score = Score::new(&suite.name, &linux);
        for &smp in args.smp.iter().filter(|&&smp| smp >= suite.needs.cpus) {
            let guest = record::outcomes(suite, Side::Guest { smp }, args.again)?;
            differences.compare(&suite.name, smp, &linux, &guest);
            score.add(smp, &guest);
        }
        ui::status("Scored", &score.to_string());
        scores.push(score);
    }
    if args.suites.is_empty() {
        differences.forget_none_that_is_not_needed();
        page::write(&args.smp, &suites, &scores, &differences)?;
    }
    let (same, unexplained) = differences.count();
    for line in differences.unexplained() {
        ui::error(&line);
    }
    #[expect(clippy::print_stdout, reason = "the result is what was asked for")]
    {
        println!("{same} passed, {unexplained} failed");
    }
    if unexplained > 0 {
        bail!("not everything is as on Linux");
    }
    Ok(())
}
