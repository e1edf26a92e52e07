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

#[test]
fn the_order_of_preempted_threads_varies_and_nobody_waits_for_ever() {
    let mut queue = RunQueue::new();
    (0..5).for_each(|task| queue.enqueue(task));
    let mut turns = alloc::vec::Vec::new();
    for _ in 0..500 {
        let task = queue.pick_next().unwrap();
        turns.push(task);
        queue.enqueue_preempted(task);
    }
    let successors_of_0 = turns.windows(2).filter(|pair| pair[0] == 0).map(|pair| pair[1]);
    let successors: alloc::collections::BTreeSet<i32> = successors_of_0.collect();
    assert_eq!(successors.len(), 4, "each of the others comes right after thread 0 at some time");
    for task in 0..5 {
        let at: alloc::vec::Vec<usize> = (0..turns.len()).filter(|&turn| turns[turn] == task).collect();
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] <= 20), "thread {task} waited too long");
    }
}

#[test]
fn two_threads_take_turns() {
    let mut queue = RunQueue::new();
    queue.enqueue(1);
    for _ in 0..20 {
        queue.enqueue_preempted(0);
        assert_eq!(queue.pick_next(), Some(1));
        queue.enqueue_preempted(1);
        assert_eq!(queue.pick_next(), Some(0));
    }
}
