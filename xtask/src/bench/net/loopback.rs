//! Figures of the network that never leaves the guest: both ends in one thread (`tests/bench/src/bin/net.rs`), counted as operations are.

use anyhow::Result;

use crate::bench::ops;
use crate::bench::page::{figures_head, figures_row};
use crate::bench::rival::Systems;

/// As the program calls it, what it is, and what it must be at most.
const OPERATIONS: [(&str, &str, Option<f64>); 4] = [
    ("tcp-round-trip", "TCP round trip of 64 bytes", Some(4_000.0)),
    ("tcp-4k", "4 KiB over TCP", None),
    ("tcp-connect-accept-close", "TCP connect, accept and close", Some(12_000.0)),
    ("udp-round-trip", "UDP round trip of 64 bytes", Some(2_500.0)),
];

/// The table.
pub(super) fn table(systems: &Systems) -> Result<String> {
    let figures = systems.measure("net", |guest, _| ops::report(guest))?;
    let mut text = figures_head("over the loopback interface of one thread");
    for (name, what, must) in OPERATIONS {
        let found = [0, 1, 2].map(|index: usize| Some(*figures[index].as_ref()?.get(name)? as f64));
        text.push_str(&figures_row(what, [must, None], found));
    }
    Ok(text)
}
