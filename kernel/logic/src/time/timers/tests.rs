//! Deadlines go off in order, once, and not when cancelled.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn soonest_first_and_ties_in_order() {
    let counts: [Arc<Count>; 3] = Default::default();
    let mut timers = Timers::new();
    timers.insert(20, counts[0].clone().into());
    timers.insert(10, counts[1].clone().into());
    timers.insert(10, counts[2].clone().into());
    assert_eq!(timers.next_deadline(), Some(10));
    assert!(timers.pop_due(9).is_none());
    timers.pop_due(10).unwrap().wake();
    assert_eq!(counts.each_ref().map(|c| c.0.load(Ordering::Relaxed)), [0, 1, 0]);
    timers.pop_due(100).unwrap().wake();
    timers.pop_due(100).unwrap().wake();
    assert!(timers.pop_due(100).is_none());
    assert_eq!(counts.each_ref().map(|c| c.0.load(Ordering::Relaxed)), [1, 1, 1]);
}

#[test]
fn a_cancelled_deadline_never_goes_off() {
    let count = Arc::new(Count::default());
    let mut timers = Timers::new();
    let id = timers.insert(5, count.clone().into());
    assert!(timers.cancel(id).is_some());
    assert!(timers.cancel(id).is_none());
    assert!(timers.pop_due(u64::MAX).is_none());
}
