//! Soon, and every few seconds of a busy CPU that is a program.

use super::{EVERY_NS, FIRST_NS, Growth};

#[test]
fn it_is_time_again_and_again() {
    let growth = Growth::new(true, 7);
    for count in 0..3 {
        let due = 7 + FIRST_NS + count * EVERY_NS;
        assert_eq!(growth.deadline(), due);
        assert!(!growth.is_due(due - 1));
        assert!(growth.is_due(due));
        assert!(!growth.is_due(due), "once");
    }
    let late = 1000 * EVERY_NS;
    assert!(growth.is_due(late));
    assert_eq!(growth.deadline(), late + EVERY_NS, "what a CPU slept through is not made up for");
}

#[test]
fn a_cpu_of_silicon_needs_none() {
    assert!(!Growth::new(false, 0).is_due(u64::MAX - 1));
}
