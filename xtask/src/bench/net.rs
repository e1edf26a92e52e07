//! `bench net`: what the network takes for peers outside the guest, which are sockets of the host at the other end of a tap device.
//!
//! The host's end lies in a network namespace of its own. What is counted is counted from outside while the guest's time passes with its
//! instructions; only what peers make of the wall clock differs from run to run.

mod count;
mod counter;
mod loopback;
mod profile;
mod rig;
mod wall;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use super::BenchArgs;
use super::page::Section;
use super::rival::{HYPER, Systems};
use crate::rig::{SERVER, load, namespace};
use count::FIGURES;

/// Tables that `--only` has as one.
const LOOPBACK: &str = "loopback";
const LOAD: &str = "load";

/// What `--only` can be.
pub(super) fn names() -> PossibleValuesParser {
    FIGURES.iter().map(|figure| figure.name).chain([LOOPBACK, LOAD]).collect::<Vec<_>>().into()
}

/// Measures in a namespace: makes all that is needed, and starts the tool once more.
pub(super) fn enter(systems: &Systems, args: &BenchArgs) -> Result<()> {
    namespace::check()?;
    namespace::check_programs(&load::PROGRAMS)?;
    for program in [SERVER, HYPER] {
        systems.guests(program)?;
    }
    counter::plugin()?;
    let mut words = vec!["bench".to_owned(), "net".to_owned(), "--inside".to_owned()];
    words.extend(args.alone.then(|| "--alone".to_owned()));
    words.extend(args.profile.then(|| "--profile".to_owned()));
    words.extend(args.only.iter().flat_map(|name| ["--only".to_owned(), name.clone()]));
    namespace::enter(&words)
}

/// The tables, inside.
pub(super) fn section(systems: &Systems, only: &[String], profiles: bool) -> Result<Section> {
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|word| word == name);
    let mut text = String::from(
        "A virtio-net card on a tap device (no vhost), `q35` and one vCPU if nothing else is said; the peer is a process of the host. Programs: \
         `tests/bench/src/bin/serve.rs` (a thread of std for each connection), `tests/bench/hyper`.\n\n",
    );
    if FIGURES.iter().any(|figure| is_wanted(figure.name)) {
        text.push_str(
            "Counted by QEMU (`tests/counter`), so that waiting is no part of it, under `-icount shift=0`; repeats within 2 %, because what the peer \
             does takes a different time at each run.\n\n",
        );
        text.push_str(&count::table(systems, is_wanted, profiles)?);
    }
    if is_wanted(LOOPBACK) {
        text.push_str("\nInstructions on `microvm`, as in the table of operations.\n\n");
        text.push_str(&loopback::table(systems)?);
    }
    if is_wanted(LOAD) {
        text.push_str("\nOn the wall clock, each system in its turn, medians of three: wrk for 2 s, h2load for the half of what wrk got.\n\n");
        text.push_str(&wall::table(systems)?);
    }
    Ok(Section { name: "net", title: "Network", text })
}
