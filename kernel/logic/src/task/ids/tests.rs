//! IDs are unique among the living and not reused at once.

use super::*;

#[test]
fn ascending_and_not_reused_at_once() {
    let mut ids = TidAllocator::new(1);
    assert_eq!(ids.allocate(), Some(2));
    ids.release(2);
    assert_eq!(ids.allocate(), Some(3));
}

#[test]
fn wraps_round_the_living() {
    let mut ids = TidAllocator::new(1);
    ids.next = MOST_TIDS - 1;
    assert_eq!(ids.allocate(), Some(MOST_TIDS - 1));
    assert_eq!(ids.allocate(), Some(2));
    ids.next = MOST_TIDS - 1;
    assert_eq!(ids.allocate(), Some(3));
}
