//! What a bad network does to each frame: nothing, or it loses, doubles, delays or damages it, by given odds and a seed. Decisions only; `shim` has the frames.

use std::time::Duration;

use fastrand::Rng;

/// Bytes of an Ethernet header, the kind of what follows in its last two.
const HEADER: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
/// The longest delay, in which many others pass.
const LATEST: u64 = 10_000;

/// How probable each is, of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odds {
    pub(super) lost: f64,
    pub(super) doubled: f64,
    pub(super) late: f64,
    pub(super) damaged: f64,
}

/// What becomes of one copy of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// Those behind it may pass it.
    pub(super) delay: Option<Duration>,
    /// This bit is turned.
    pub(super) damage: Option<usize>,
}

/// Decides.
#[derive(Debug)]
pub(super) struct Dice {
    rng: Rng,
    odds: Odds,
}

impl Dice {
    /// The same decisions for the same frames and seed.
    pub(super) fn new(seed: u64, odds: Odds) -> Self {
        Self { rng: Rng::with_seed(seed), odds }
    }

    /// What becomes of the frame, once for each copy of it that arrives.
    pub(super) fn roll(&mut self, frame: &[u8]) -> Vec<Fate> {
        let copies = match () {
            () if self.happens(self.odds.lost) => 0,
            () if self.happens(self.odds.doubled) => 2,
            () => 1,
        };
        (0..copies).map(|_| self.fate(frame)).collect()
    }

    fn fate(&mut self, frame: &[u8]) -> Fate {
        let is_late = self.happens(self.odds.late);
        let delay = is_late.then(|| Duration::from_micros(self.rng.u64(1..=LATEST)));
        // What only Ethernet's own checksum guards, which ends with the cable, stays as it is: a damaged ARP packet would be believed by everybody.
        let is_guarded = frame.len() > HEADER && frame[12..HEADER] == IPV4;
        let is_damaged = self.happens(self.odds.damaged) && is_guarded;
        Fate { delay, damage: is_damaged.then(|| self.rng.usize(8 * HEADER..8 * frame.len())) }
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.rng.f64() < probability
    }
}

#[cfg(test)]
mod tests;
