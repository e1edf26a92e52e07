//! The clock converges from a wrong start, never goes back, and survives late samples.

use super::*;

const HZ: u64 = 2_400_000_000;

fn sample(ns: u64, late: u64) -> Sample {
    Sample { cycles: ns * 12 / 5, reference_ns: ns + late, uncertainty_ns: late.max(500) }
}

/// Runs the clock with a start rate `wrong`/10 of the true one, feeding a sample every 100 ms; returns the error at the end.
fn run(wrong: u64, late: impl Fn(u64) -> u64) -> i64 {
    let mut line = Line::new(0, 0, HZ * 10 / wrong);
    let mut discipline = Discipline::new(sample(0, 0), 0, HZ * 10 / wrong);
    let mut before = 0;
    for step in 1..200u64 {
        let ns = step * 100_000_000;
        for part in 0..10 {
            let now = line.ns_at((ns - 100_000_000 + part * 10_000_000) * 12 / 5);
            assert!(now >= before);
            before = now;
        }
        line = discipline.feed(&line, sample(ns, late(step)), 100_000_000);
    }
    let ns = 200 * 100_000_000u64;
    line.ns_at(ns * 12 / 5).cast_signed() - ns.cast_signed()
}

#[test]
fn converges_from_any_rate() {
    for wrong in [7, 9, 10, 11, 15, 32] {
        let error = run(wrong, |_| 0);
        assert!(error.abs() < 50_000, "start rate {wrong}/10: {error} ns off after 20 s");
    }
}

#[test]
fn late_samples_of_a_loaded_host_do_no_lasting_harm() {
    let error = run(32, |step| if step % 3 == 0 { 20_000_000 } else { 0 });
    assert!(error.abs() < 25_000_000, "{error}");
}

#[test]
fn there_and_back() {
    let line = Line::new(1000, 5, HZ);
    assert_eq!(line.ns_at(0), 5);
    assert_eq!(line.ns_at(1000 + HZ), 5 + NS_PER_S - 1);
    let cycles = line.cycles_at(5 + NS_PER_S);
    assert!((cycles.cast_signed() - (1000 + HZ).cast_signed()).abs() < 10);
    assert_eq!(line.cycles_at(u64::MAX).min(1), 1);
}

#[test]
fn a_bent_line_goes_on_where_it_was() {
    let mut line = Line::new(0, 0, HZ);
    let mut cycles = 7;
    for step in 0..1000u64 {
        let rate = line.rate + line.rate / 3 - step % 5 * (line.rate / 7);
        let bent = line.bent(cycles, rate);
        let (before, after) = (line.ns_at(cycles), bent.ns_at(cycles));
        assert!(before <= after && after <= before + (rate >> 32) + 1, "{before} {after}");
        assert_eq!((bent.ns % NS_PER_S, bent.rate), (0, rate));
        assert!(after - bent.ns <= NS_PER_S + 1);
        line = bent;
        line.rate = line.rate.clamp(1 << 28, 1 << 33);
        cycles += step * 1_234_567;
        line.cycles = cycles;
    }
}

#[test]
fn a_line_can_begin_before_the_counter() {
    // Slower than it was thought to be: the second began before cycle 0.
    let line = Line::new(0, 0, HZ).bent(HZ * 9 / 10, rate(NS_PER_S, 2 * HZ));
    assert!(line.cycles.cast_signed() < 0);
    assert!(line.ns_at(HZ * 9 / 10).abs_diff(NS_PER_S * 9 / 10) <= 1);
    assert!(line.cycles_at(NS_PER_S).abs_diff(HZ * 11 / 10) <= 16);
    assert_eq!(line.cycles_at(0), 0);
}

/// Comparisons further and further apart, each a little off: the clock does not swing.
#[test]
fn a_clock_that_is_seldom_compared_stays_right() {
    let mut line = Line::new(0, 0, HZ * 101 / 100);
    let mut discipline = Discipline::new(sample(0, 0), 0, HZ * 101 / 100);
    let (mut ns, mut worst) = (50_000_000, 0);
    for step in 1..60_u64 {
        let distance = (ns / 2).clamp(50_000_000, 60 * NS_PER_S);
        // Up to two microseconds late, one way or the other from one time to the next.
        line = discipline.feed(&line, sample(ns, step % 3 * 1000), distance);
        ns += distance;
        let error = line.ns_at(ns * 12 / 5).cast_signed() - ns.cast_signed();
        if step > 8 {
            worst = worst.max(error.abs());
        }
    }
    assert!(ns > 2000 * NS_PER_S, "{ns}");
    assert!(worst < 100_000, "{worst} ns off at worst");
}

#[test]
fn a_line_tells_for_how_long_it_is_right() {
    let line = Line::new(0, 0, HZ);
    let mut discipline = Discipline::new(sample(0, 0), 0, HZ);
    discipline.feed(&line, sample(50_000_000, 0), 50_000_000);
    // Two ends off by half a microsecond each: 20 in a million.
    assert_eq!(discipline.is_right_for(1_000_000), 50 * NS_PER_S);
    assert_eq!(discipline.expected(&line, 12), 4);
}

#[test]
fn a_counter_that_wrapped_unseen() {
    assert_eq!(unwrapped(0xfff0, 0x0005, 0xffff, 0), 0x1_0005, "once at least");
    assert_eq!(unwrapped(0xfff0, 0x0005, 0xffff, 0x5_0100), 0x5_0005);
    assert_eq!(unwrapped(0xfff0, 0x0005, 0xffff, 0x5_8000), 0x5_0005, "the nearer one");
    assert_eq!(unwrapped(0xfff0, 0x0005, 0xffff, 0x5_8010), 0x6_0005);
    assert_eq!(unwrapped(7, 9, u64::MAX, 1 << 40), 9);
}
