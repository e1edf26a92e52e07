//! Order, shares of the CPU, and what may be stolen.

mod properties;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use sync::{Link, linked};

use super::*;

struct Task {
    number: u32,
    link: Link<Self, Runs>,
}

linked! { Task, by link: Runs }

/// A run queue of numbers.
struct Numbers(RunQueue<Task>);

impl Numbers {
    fn enqueue(&mut self, number: u32, arrival: Arrival) {
        self.0.enqueue(Arc::new(Task { number, link: Link::new() }), arrival);
    }

    fn pick_next(&mut self, ran_ns: u64) -> Option<u32> {
        self.0.pick_next(ran_ns).map(|task| task.number)
    }

    fn steal(&mut self, allowed: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.steal(|task| allowed(task.number)).map(|task| task.number)
    }
}

fn with(arrivals: &[(u32, Arrival)]) -> Numbers {
    let mut queue = Numbers(RunQueue::new());
    arrivals.iter().for_each(|&(task, arrival)| queue.enqueue(task, arrival));
    queue
}

fn ready(tasks: core::ops::Range<u32>) -> Numbers {
    with(&tasks.map(|task| (task, Arrival::Ready)).collect::<Vec<_>>())
}

#[test]
fn first_come_first_served() {
    let mut queue = ready(0..3);
    assert_eq!(queue.pick_next(0), Some(0));
    assert_eq!(queue.0.len(), 2);
}

#[test]
fn thieves_take_from_the_end_what_they_may() {
    let mut queue = ready(0..4);
    queue.enqueue(4, Arrival::Woken);
    assert_eq!(queue.steal(|task| task != 3), Some(2));
    assert_eq!(queue.steal(|_| false), None);
    assert_eq!(queue.steal(|task| task > 3), Some(4));
    assert_eq!([queue.pick_next(0), queue.pick_next(0), queue.pick_next(0)], [Some(0), Some(1), Some(3)]);
    assert!(queue.0.is_empty());
}

#[test]
fn the_order_of_preempted_threads_varies_and_nobody_waits_for_ever() {
    let mut queue = ready(0..5);
    let mut turns = Vec::new();
    for _ in 0..500 {
        let task = queue.pick_next(0).unwrap();
        turns.push(task);
        queue.enqueue(task, Arrival::Preempted);
    }
    let successors_of_0 = turns.windows(2).filter(|pair| pair[0] == 0).map(|pair| pair[1]);
    let successors: BTreeSet<u32> = successors_of_0.collect();
    assert_eq!(successors.len(), 4, "each of the others comes right after thread 0 at some time");
    for task in 0..5 {
        let at: Vec<usize> = (0..turns.len()).filter(|&turn| turns[turn] == task).collect();
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] <= 20), "thread {task} waited too long");
    }
}

#[test]
fn two_threads_take_turns() {
    let mut queue = ready(1..2);
    for _ in 0..20 {
        queue.enqueue(0, Arrival::Preempted);
        assert_eq!(queue.pick_next(0), Some(1));
        queue.enqueue(1, Arrival::Preempted);
        assert_eq!(queue.pick_next(0), Some(0));
    }
}

#[test]
fn a_woken_thread_goes_first_and_cuts_the_turn_of_one_that_computes() {
    let mut queue = ready(0..2);
    assert_eq!(queue.0.turn_ends(50, 0), Some(50 + SLICE_NS));
    queue.enqueue(2, Arrival::Woken);
    assert_eq!(queue.0.turn_ends(50, 0), Some(50 + LEAST_TURN_NS));
    assert_eq!(queue.pick_next(SLICE_NS), Some(2));
    queue.enqueue(3, Arrival::Woken);
    assert_eq!(queue.0.turn_ends(50, 0), Some(50 + PROMPT_SLICE_NS), "woken ones do not cut each other");
}

#[test]
fn nobody_waits_nobody_is_cut() {
    assert_eq!(RunQueue::<Task>::new().turn_ends(1, 0), None);
}

#[test]
fn those_that_compute_keep_half_of_the_cpu() {
    const COMPUTES: u32 = 0;
    // Two threads that wake each other without end, and one that computes.
    let mut queue = with(&[(COMPUTES, Arrival::Ready), (1, Arrival::Woken)]);
    let (mut computed, mut woken) = (0, 0);
    let (mut ran, mut waited, mut longest) = (0, 0, 0);
    for _ in 0..10_000 {
        let task = queue.pick_next(ran).unwrap();
        if task == COMPUTES {
            ran = queue.0.turn_ends(0, 0).unwrap();
            computed += ran;
            longest = longest.max(waited);
            waited = 0;
            queue.enqueue(COMPUTES, Arrival::Preempted);
        } else {
            ran = 100_000;
            woken += ran;
            waited += ran;
            queue.enqueue(3 - task, Arrival::Woken);
        }
    }
    assert!(computed * 11 > woken * 10 && computed * 10 < woken * 11, "computing {computed}, woken {woken}");
    assert!(longest <= MOST_OWED_NS + PROMPT_SLICE_NS, "waited {longest} ns");
}

#[test]
fn a_step_of_nice_is_a_quarter_of_the_slice() {
    assert_eq!(slice_ns(0), SLICE_NS);
    assert_eq!(slice_ns(1), SLICE_NS * 4 / 5);
    assert_eq!(slice_ns(-1), SLICE_NS * 5 / 4);
    assert!(slice_ns(19) > 50_000 && slice_ns(-20) < 400_000_000);
}
