//! Attacks on a guest's network, a function each. A guest may answer late while one lasts, but it must answer.

mod floods;
mod peers;
mod transfers;

use anyhow::Result;
use fastrand::Rng;

use super::site::{Between, Site};

/// An attack.
pub(super) struct Attack {
    /// For `--only`.
    pub(super) name: &'static str,
    /// What it needs.
    pub(super) between: Between,
    /// Does it, by chance where there is some. What the guest owes even now is an error if it does not come.
    pub(super) run: fn(&Site, &mut Rng) -> Result<()>,
}

const fn attack(name: &'static str, run: fn(&Site, &mut Rng) -> Result<()>) -> Attack {
    Attack { name, between: Between::Nothing, run }
}

/// All.
pub(super) const ATTACKS: [Attack; 8] = [
    attack("load-killed", peers::load_killed),
    attack("half-open", floods::half_open),
    attack("slow-senders", peers::slow_senders),
    attack("syn-flood", floods::syn_flood),
    attack("reset-storm", floods::reset_storm),
    attack("zero-window", peers::zero_window),
    attack("garbage", floods::garbage),
    Attack { name: "loss", between: Between::BadNetwork, run: transfers::loss },
];
