//! `bench net`: what the network takes for peers outside the guest, which are sockets of the host at the other end of a tap device.
//!
//! The host's end lies in a network namespace of its own. What is counted is counted from outside while the guest's time passes with its
//! instructions; only what peers make of the wall clock differs from run to run.

mod client;
mod count;
mod counter;
mod namespace;
mod rig;

use std::fmt::Write as _;

use anyhow::Result;

use super::BenchArgs;
use super::guest::Guest;
use super::page::{Section, cell, grouped};
use super::rival::{SERVER, SYSTEMS, Systems};
use crate::ui;
use count::FIGURES;

/// Measures in a namespace: makes all that is needed, and starts the tool once more.
pub(super) fn enter(systems: &Systems, args: &BenchArgs) -> Result<()> {
    guests(systems)?;
    counter::plugin()?;
    let mut words = vec!["bench".to_owned(), "net".to_owned(), "--inside".to_owned()];
    words.extend(args.alone.then(|| "--alone".to_owned()));
    words.extend(args.only.iter().flat_map(|name| ["--only".to_owned(), name.clone()]));
    namespace::enter(&words)
}

fn guests(systems: &Systems) -> Result<Vec<Option<Guest>>> {
    SYSTEMS.into_iter().map(|system| systems.guest(system, SERVER)).collect()
}

/// The tables, inside.
pub(super) fn section(systems: &Systems, only: &[String]) -> Result<Section> {
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|word| word == name);
    let guests = guests(systems)?;
    let mut text = String::from(
        "Counted on `q35` with a virtio-net card on a tap device, one vCPU.\n\n\
         | in guest instructions, if nothing else is said | must | after | Caracal | tiny Linux | Debian cloud | tiny Linux ÷ Caracal |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
    );
    for figure in FIGURES.iter().filter(|figure| is_wanted(figure.name)) {
        let mut found = [None; 3];
        for ((system, guest), place) in SYSTEMS.into_iter().zip(&guests).zip(&mut found) {
            let Some(guest) = guest else { continue };
            ui::status("Measuring", &format!("{} on {}", figure.what, system.name()));
            match figure.measure(guest) {
                Ok(number) => *place = Some(number),
                Err(error) => ui::warn(&format!("{} on {}: {error:#}", figure.what, system.name())),
            }
        }
        let (must, after) =
            figure.goal.map_or((String::new(), String::new()), |(must, after)| (shown(must), shown(after)));
        let ratio =
            found[1].zip(found[0]).map_or(String::new(), |(rival, ours)| format!("{:.1}", rival / ours));
        let [ours, tiny, cloud] = found.map(|number| cell(number.map(shown)));
        writeln!(text, "| {} | {must} | {after} | {ours} | {tiny} | {cloud} | {ratio} |", figure.what)?;
    }
    Ok(Section { name: "net", title: "Network", text })
}

/// Whole from a hundred on, else two places.
fn shown(number: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "figures are positive and small"
    )]
    if number >= 100.0 { grouped(number.round() as u64) } else { format!("{number:.2}") }
}
