//! A thread of a model that parks and is woken, as `kernel/src/task` has it.

use std::sync::Arc;
use std::task::Wake;

use logic::futex::{Thread, Waiter, Waits};
use shuttle::sync::{Condvar, Mutex};
use sync::{Link, Park, linked};

/// A thread as the scheduler has it: its word, and the run queue that gives it the CPU again.
#[derive(Default)]
pub(crate) struct Sleeper {
    pub(crate) waiter: Waiter,
    link: Link<Self, Waits>,
    park: Park,
    queued: (Mutex<bool>, Condvar),
}

linked! { Sleeper, by link: Waits }

impl Thread for Sleeper {
    fn waiter(&self) -> &Waiter {
        &self.waiter
    }

    fn wake(self: &Arc<Self>) {
        self.unpark();
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }
}

impl Sleeper {
    fn unpark(&self) {
        if self.park.notify() {
            *self.queued.0.lock().unwrap() = true;
            self.queued.1.notify_one();
        }
    }
}

impl Sleeper {
    pub(crate) fn park(&self) {
        if !self.park.prepare() {
            return;
        }
        let mut queued = self.queued.0.lock().unwrap();
        while !*queued {
            queued = self.queued.1.wait(queued).unwrap();
        }
        *queued = false;
    }
}
