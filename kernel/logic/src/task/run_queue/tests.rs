//! Order, and what may be stolen.

use super::*;

#[test]
fn first_come_first_served() {
    let mut queue = RunQueue::new();
    (0..3).for_each(|task| queue.enqueue(task));
    assert_eq!(queue.pick_next(), Some(0));
    assert_eq!(queue.len(), 2);
}

#[test]
fn thieves_take_from_the_end_what_they_may() {
    let mut queue = RunQueue::new();
    (0..4).for_each(|task| queue.enqueue(task));
    assert_eq!(queue.steal(|&task| task != 3), Some(2));
    assert_eq!(queue.steal(|_| false), None);
    assert_eq!([queue.pick_next(), queue.pick_next(), queue.pick_next()], [Some(0), Some(1), Some(3)]);
    assert!(queue.is_empty());
}
