//! One-shot and periodic timers, and those whose owner came late.

use super::*;

#[test]
fn goes_off_once() {
    let mut timer = Interval::default();
    timer.set(Some(100), 0);
    assert_eq!(timer.setting(40), Setting { left_ns: 60, period_ns: 0 });
    assert_eq!(timer.expire(99), 0);
    assert_eq!(timer.expire(100), 1);
    assert_eq!((timer.deadline(), timer.setting(100).left_ns), (None, 0));
}

#[test]
fn keeps_its_rhythm_when_looked_at_late() {
    let mut timer = Interval::default();
    timer.set(Some(100), 10);
    assert_eq!(timer.expire(135), 4);
    assert_eq!(timer.deadline(), Some(140));
    assert_eq!(timer.expire(139), 0);
}

#[test]
fn one_that_is_due_is_still_set() {
    let mut timer = Interval::default();
    timer.set(Some(100), 0);
    assert_eq!(timer.setting(500).left_ns, 1);
}
