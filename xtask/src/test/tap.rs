//! A card on a tap device, with a pair of queues for each vCPU: in a network namespace of its own, on hosts where one can be made.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use super::{Count, cases};
use crate::flags::Place;
use crate::rig::guest::{Clock, Guest, Machine, name_of};
use crate::rig::namespace::{self, Tap};
use crate::rig::{self, Port, Rig, client};
use crate::{paths, qemu, ui};

/// So many that all queues have some.
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 4;
/// QEMU's event of a queue that the guest tells it of.
const TOLD: &str = "virtio_queue_notify";

/// Runs the tool once more in a namespace, if any of `places` has several vCPUs.
pub(super) fn run(places: &[Place]) -> Result<Count> {
    if !places.iter().any(has_several) {
        return Ok(Count::default());
    }
    if let Err(error) = namespace::check() {
        ui::status("Skipping", &format!("cards with several queues: {error:#}"));
        return Ok(Count::default());
    }
    rig::image()?;
    ui::status("Testing", "cards with several queues");
    let mut tool = namespace::inside(std::env::current_exe()?);
    // With the same rings, machines and vCPUs.
    tool.args(std::env::args_os().skip(1)).arg("--inside").stdin(Stdio::null());
    cases("cards with several queues", &mut tool)
}

/// Inside, on those of `places` that have several vCPUs.
pub(super) fn inside(places: &[Place]) -> Result<Count> {
    let image = rig::image()?;
    let mut count = Count::default();
    for &place in places.iter().filter(|place| has_several(place)) {
        let name = format!("all queues of a card carry packets ({place})");
        count.add(Count::one(&name, serve(&image, place)));
    }
    Ok(count)
}

fn has_several(place: &Place) -> bool {
    place.smp > 1
}

/// Connections get their answers, and each queue has been told of.
fn serve(image: &Path, place: Place) -> Result<()> {
    let pairs = u16::try_from(place.smp)?;
    let tap = Tap::new(pairs)?;
    let trace = paths::target().join("queues.trace");
    // An old one would be taken for this guest's.
    let _ = fs::remove_file(&trace);
    let mut extra = tap.card().args(place.machine)?;
    extra.extend(["-smp".to_owned(), pairs.to_string()]);
    extra.extend(["-trace".to_owned(), format!("enable={TOLD},file={}", qemu::comma(&trace))]);
    let machine = Machine {
        name: name_of(place.machine),
        memory: "256M".to_owned(),
        clock: Clock::Wall,
        extra,
        words: vec![tap.word()],
    };
    let guest = Guest { kernel: image.to_owned(), initrd: None };
    let rig = Rig::boot(&guest, &machine, tap.guest().into(), true)?;
    let read = || fs::read_to_string(&trace).with_context(|| format!("QEMU wrote no {}", trace.display()));
    // It has told itself of each queue when the guest began to use the card.
    let begun = read()?.len();
    let mut connections = client::connect_all(rig.address(Port::Http), CONNECTIONS)?;
    (0..ROUNDS).try_for_each(|_| client::ask(&mut connections))?;
    drop(rig);
    let text = read()?.split_off(begun);
    let number = |line: &str| line.split(' ').skip_while(|word| *word != "n").nth(1)?.parse::<u16>().ok();
    let told: BTreeSet<u16> = text.lines().filter(|line| line.contains(TOLD)).filter_map(number).collect();
    // Those that frames go out by are the odd ones.
    let missing: Vec<u16> =
        (0..pairs).map(|pair| 2 * pair + 1).filter(|queue| !told.contains(queue)).collect();
    ensure!(missing.is_empty(), "the device was told of the queues {told:?}, but never of {missing:?}");
    Ok(())
}
