//! Threads between two CPUs' queues: nobody is lost, nobody is there twice, woken ones keep their order.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::super::*;
use super::{Link, Task};
use crate::properties::cases;

const TASKS: u32 = 12;

#[derive(Clone, Debug)]
enum Step {
    /// One of those that do not wait comes to the queue.
    Enqueue(prop::sample::Index, Arrival),
    /// The queue's CPU takes the next one, after so many nanoseconds.
    Pick(u64),
    /// The other CPU takes one whose bit is set.
    Steal(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let arrival = prop_oneof![Just(Arrival::Woken), Just(Arrival::Ready), Just(Arrival::Preempted)];
    prop_oneof![
        4 => (any::<prop::sample::Index>(), arrival).prop_map(|(task, arrival)| Step::Enqueue(task, arrival)),
        3 => (0..5_000_000_u64).prop_map(Step::Pick),
        1 => any::<u32>().prop_map(Step::Steal),
    ]
}

/// A queue, and who must be in it.
struct Both {
    queue: RunQueue<Task>,
    prompt: VecDeque<u32>,
    /// Not in their order: preempted ones come back in one that varies.
    regular: BTreeSet<u32>,
}

impl Both {
    fn new() -> Self {
        Self { queue: RunQueue::new(), prompt: VecDeque::new(), regular: BTreeSet::new() }
    }

    fn enqueue(&mut self, task: Arc<Task>, arrival: Arrival) {
        match arrival {
            Arrival::Woken => self.prompt.push_back(task.number),
            Arrival::Ready | Arrival::Preempted => assert!(self.regular.insert(task.number)),
        }
        self.queue.enqueue(task, arrival);
    }

    fn pick(&mut self, ran_ns: u64) -> Option<Arc<Task>> {
        let task = self.queue.pick_next(ran_ns);
        match &task {
            Some(task) if self.regular.remove(&task.number) => {
                assert!(self.prompt.is_empty() || self.queue.owed_ns >= MOST_OWED_NS, "woken ones go first");
            }
            Some(task) => assert_eq!(self.prompt.pop_front(), Some(task.number)),
            None => assert!(self.prompt.is_empty() && self.regular.is_empty()),
        }
        task
    }

    fn steal(&mut self, allowed: u32) -> Option<Arc<Task>> {
        let may = |number: &u32| allowed >> number & 1 == 1;
        let task = self.queue.steal(|task| may(&task.number));
        match &task {
            Some(task) if self.regular.remove(&task.number) => assert!(may(&task.number)),
            Some(task) => {
                assert!(!self.regular.iter().any(may), "those that compute are stolen first");
                let last = self.prompt.iter().rposition(may);
                assert_eq!(last.and_then(|at| self.prompt.remove(at)), Some(task.number));
            }
            None => assert!(!self.prompt.iter().chain(&self.regular).any(may)),
        }
        task
    }

    fn compare(&self) {
        let count = self.prompt.len() + self.regular.len();
        assert_eq!((self.queue.len(), self.queue.is_empty()), (count, count == 0));
        assert_eq!(self.queue.turn_ends(0, 0).is_none(), count == 0);
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn nobody_is_lost_and_nobody_is_there_twice(
        steps in prop::collection::vec((0..2_usize, step()), 1..200),
    ) {
        let tasks: Vec<_> = (0..TASKS).map(|number| Arc::new(Task { number, link: Link::new() })).collect();
        let mut idle = tasks.clone();
        let mut queues = [Both::new(), Both::new()];
        for (cpu, step) in steps {
            match step {
                Step::Enqueue(index, arrival) if !idle.is_empty() => {
                    let task = idle.swap_remove(index.index(idle.len()));
                    queues[cpu].enqueue(task, arrival);
                }
                Step::Enqueue(..) => {}
                Step::Pick(ran_ns) => idle.extend(queues[cpu].pick(ran_ns)),
                Step::Steal(allowed) => {
                    if let Some(task) = queues[1 - cpu].steal(allowed) {
                        queues[cpu].enqueue(task, Arrival::Ready);
                    }
                }
            }
            queues.iter().for_each(Both::compare);
        }
        let waiting: usize = queues.iter().map(|both| both.queue.len()).sum();
        prop_assert_eq!(idle.len() + waiting, tasks.len());
        // A queue holds one reference to each that waits, and lets go of it.
        drop((idle, queues));
        prop_assert!(tasks.iter().all(|task| Arc::strong_count(task) == 1));
    }
}
