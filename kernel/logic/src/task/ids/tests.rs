//! IDs are unique among the living and not reused at once.

use super::*;

#[test]
fn ascending_and_not_reused_at_once() {
    let mut ids = TidAllocator::new(1);
    assert_eq!(ids.allocate(1, |_| false), Some(2));
    assert_eq!(ids.allocate(1, |_| false), Some(3));
}

#[test]
fn wraps_round_the_living() {
    let mut ids = TidAllocator::new(1);
    ids.next = MOST_TIDS - 1;
    assert_eq!(ids.allocate(1, |_| false), Some(MOST_TIDS - 1));
    assert_eq!(ids.allocate(2, |tid| tid == MOST_TIDS - 1), Some(2));
    ids.next = MOST_TIDS - 1;
    assert_eq!(ids.allocate(3, |tid| tid == 2 || tid == MOST_TIDS - 1), Some(3));
}

#[test]
fn no_more_than_there_are() {
    let mut ids = TidAllocator::new(1);
    assert_eq!(ids.allocate((MOST_TIDS - 1) as usize, |_| true), None);
}
