//! Cycles → nanoseconds, kept right against a reference counter.
//!
//! The first rate comes from a short measurement and may be off by a per cent; on a loaded host much more. So the clock is fed pairs
//! (cycles, reference nanoseconds) as time goes by, each with its uncertainty: the rate is taken over a growing baseline, and a
//! difference is slewed away, never stepped. The clock never goes back.

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;

/// How strongly an error is slewed away: within this many nanoseconds of clock time, or until the next comparison if that comes later. (More, and
/// it would be a larger one on the other side by then.)
const SLEW_NS: u64 = 500_000_000;
/// Most slewing, in parts per billion.
const MOST_SLEW_PPB: i64 = 100_000_000;

/// A straight line from cycles to nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Cycles at which the line begins; what would lie before 0 wraps around.
    pub cycles: u64,
    /// Nanoseconds there.
    pub ns: u64,
    /// Nanoseconds per cycle, times 2^32.
    pub rate: u64,
}

impl Line {
    /// The line through (`cycles`, `ns`) of a counter with `hz` cycles a second.
    #[must_use]
    pub fn new(cycles: u64, ns: u64, hz: u64) -> Self {
        Self { cycles, ns, rate: rate(NS_PER_S, hz) }
    }

    /// Nanoseconds at `cycles`; before the line's beginning, its beginning.
    #[inline]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "584 years fit")]
    pub fn ns_at(&self, cycles: u64) -> u64 {
        let passed = cycles.wrapping_sub(self.cycles).cast_signed().max(0).cast_unsigned();
        self.ns + ((u128::from(passed) * u128::from(self.rate)) >> 32) as u64
    }

    /// Cycles at which the line reaches `ns`, at least the line's beginning.
    #[must_use]
    pub fn cycles_at(&self, ns: u64) -> u64 {
        let ahead = u128::from(ns.saturating_sub(self.ns)) << 32;
        let ahead = i64::try_from(ahead / u128::from(self.rate.max(1))).unwrap_or(i64::MAX);
        self.cycles.cast_signed().saturating_add(ahead).max(0).cast_unsigned()
    }

    /// The line that goes on from here at `cycles` with another rate. It begins where the current second does and is ahead of this one by less
    /// than what a cycle takes, never behind.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "cycles of one second")]
    pub fn bent(&self, cycles: u64, rate: u64) -> Self {
        let (ns, rate) = (self.ns_at(cycles), rate.max(1));
        let within = u128::from(ns % NS_PER_S) << 32;
        let since = within.div_ceil(u128::from(rate)) as u64;
        Self { cycles: cycles.wrapping_sub(since), ns: ns - ns % NS_PER_S, rate }
    }
}

/// `ns` per `cycles`, times 2^32.
fn rate(ns: u64, cycles: u64) -> u64 {
    u64::try_from((u128::from(ns) << 32) / u128::from(cycles.max(1))).unwrap_or(u64::MAX)
}

/// One comparison of the counter with the reference.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The counter.
    pub cycles: u64,
    /// The reference at that moment, in nanoseconds.
    pub reference_ns: u64,
    /// By how much the pair may be off, in nanoseconds.
    pub uncertainty_ns: u64,
}

/// What a counter that wraps at `mask` has counted, when it was at `total` and reads `raw` now: of all that fit, the count next to `expected`,
/// and not less than `total`.
#[must_use]
pub fn unwrapped(total: u64, raw: u64, mask: u64, expected: u64) -> u64 {
    let least = total + (raw.wrapping_sub(total) & mask);
    let Some(wrap) = mask.checked_add(1) else { return least };
    least + (expected.saturating_sub(least) + wrap / 2) / wrap * wrap
}

/// Keeps a [`Line`] in step with the reference.
#[derive(Clone, Debug)]
pub struct Discipline {
    first: Sample,
    /// Clock time of the first sample.
    origin_ns: u64,
    best_rate: u64,
    best_error: u64,
}

impl Discipline {
    /// Starts at `first`, where the clock says `clock_ns`.
    #[must_use]
    pub fn new(first: Sample, clock_ns: u64, hz: u64) -> Self {
        Self { first, origin_ns: clock_ns, best_rate: rate(NS_PER_S, hz), best_error: u64::MAX }
    }

    /// What the reference must be about to say at `cycles`, by `line`.
    #[must_use]
    pub fn expected(&self, line: &Line, cycles: u64) -> u64 {
        self.first.reference_ns + line.ns_at(cycles).saturating_sub(self.origin_ns)
    }

    /// How long a line from here stays within `range_ns` of the reference, in nanoseconds: what the rate may be off by is known.
    #[must_use]
    pub fn is_right_for(&self, range_ns: u64) -> u64 {
        u64::try_from(u128::from(range_ns) * u128::from(NS_PER_S) / u128::from(self.best_error.max(1)))
            .unwrap_or(u64::MAX)
    }

    /// Takes a comparison in and answers the line to follow from `sample.cycles` on; the next one comes `distance_ns` later. `line` is the one
    /// followed until now.
    pub fn feed(&mut self, line: &Line, sample: Sample, distance_ns: u64) -> Line {
        let cycles = sample.cycles.saturating_sub(self.first.cycles);
        let passed = sample.reference_ns.saturating_sub(self.first.reference_ns);
        let now = line.ns_at(sample.cycles);
        if cycles == 0 || passed == 0 {
            return Line { cycles: sample.cycles, ns: now, ..*line };
        }
        // Parts per billion that the two ends' uncertainty can make of this baseline.
        let error = (self.first.uncertainty_ns + sample.uncertainty_ns).saturating_mul(NS_PER_S) / passed;
        if error <= self.best_error {
            self.best_error = error;
            self.best_rate = rate(passed, cycles);
        }
        let behind = (self.origin_ns + passed).cast_signed() - now.cast_signed();
        let within = distance_ns.max(SLEW_NS).cast_signed();
        let ppb = (behind.saturating_mul(1_000_000_000) / within).clamp(-MOST_SLEW_PPB, MOST_SLEW_PPB);
        let slewed =
            u128::from(self.best_rate) * u128::from((1_000_000_000 + ppb).cast_unsigned()) / 1_000_000_000;
        Line { cycles: sample.cycles, ns: now, rate: u64::try_from(slewed).unwrap_or(self.best_rate) }
    }
}

#[cfg(test)]
mod tests;
