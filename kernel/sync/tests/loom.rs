//! Every order in which the steps of a few CPUs can fall, for the protocols that must not lose a wake-up (`cargo xtask test model`).
//!
//! Each model runs this crate's own code. Beside each stands what is wrong when one step is left out or moved, and that the model finds it.
#![cfg(loom)]

use std::process::Command;

use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;
use sync::{Changes, IdleMask, Park, Request, Seen};

/// A thread as the scheduler has it: its word, and the run queue that gives it the CPU again.
struct Thread {
    park: Park,
    queued: Notify,
}

impl Thread {
    fn new() -> Arc<Self> {
        Arc::new(Self { park: Park::new(), queued: Notify::new() })
    }

    /// `sched::park`: off the CPU until somebody queues it.
    fn park(&self) {
        if self.park.prepare() {
            self.queued.wait();
        }
    }

    /// `sched::unpark`.
    fn unpark(&self) {
        if self.park.notify() {
            self.queued.notify();
        }
    }
}

/// The models below that have a step in the wrong place. They fail in a process of their own: loom's threads do not survive it.
const WRONG: [&str; 4] = [
    "wrong::waking_before_the_change",
    "wrong::registering_after_the_look",
    "wrong::entering_after_the_last_look",
    "wrong::counting_after_the_look",
];

#[test]
fn what_is_wrong_is_found() {
    for name in WRONG {
        let own = std::env::current_exe().unwrap();
        let output = Command::new(own).args(["--exact", name, "--ignored"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("running 1 test"), "there is no model {name}:\n{said}");
        assert!(!output.status.success(), "{name} was not noticed");
    }
}

/// Waits as `wait::block_on` does: looks, and parks while there is nothing.
fn wait_for(thread: &Thread, ready: &AtomicBool) {
    while !ready.load(Ordering::Acquire) {
        thread.park();
    }
}

#[test]
fn a_wake_up_is_never_lost() {
    loom::model(|| {
        let (sleeper, ready) = (Thread::new(), Arc::new(AtomicBool::new(false)));
        let (waker, set) = (Arc::clone(&sleeper), Arc::clone(&ready));
        let other = thread::spawn(move || {
            set.store(true, Ordering::Release);
            waker.unpark();
        });
        wait_for(&sleeper, &ready);
        other.join().unwrap();
    });
}

#[test]
fn two_that_wake_queue_the_thread_once() {
    loom::model(|| {
        let sleeper = Thread::new();
        let queued = Arc::new(AtomicU32::new(0));
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let (sleeper, queued) = (Arc::clone(&sleeper), Arc::clone(&queued));
                thread::spawn(move || {
                    if sleeper.park.notify() {
                        queued.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let parked = sleeper.park.prepare();
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
        // It parked before both, and exactly one was told; or a wake-up was there first, and nobody was.
        assert_eq!(queued.load(Ordering::Relaxed), u32::from(parked));
    });
}

/// An object with a waker, as in `file::pipe`: register before the look.
#[derive(Default)]
struct Object {
    state: Mutex<(bool, Option<Arc<Thread>>)>,
}

impl Object {
    fn look(&self, register: Option<&Arc<Thread>>) -> bool {
        let mut state = self.state.lock().unwrap();
        if let Some(thread) = register {
            state.1 = Some(Arc::clone(thread));
        }
        state.0
    }

    fn change(&self) {
        let waker = {
            let mut state = self.state.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(thread) = waker {
            thread.unpark();
        }
    }
}

#[test]
fn who_registers_before_the_look_is_woken() {
    loom::model(|| {
        let (sleeper, object) = (Thread::new(), Arc::new(Object::default()));
        let changed = Arc::clone(&object);
        let other = thread::spawn(move || changed.change());
        while !object.look(Some(&sleeper)) {
            sleeper.park();
        }
        other.join().unwrap();
    });
}

/// A CPU that runs out of work, and one that makes some: `sched::idle_loop` and `sched::share`.
struct Machine {
    idle: IdleMask,
    work: Mutex<u32>,
    interrupt: Notify,
}

impl Machine {
    fn new() -> Arc<Self> {
        Arc::new(Self { idle: IdleMask::new(), work: Mutex::new(0), interrupt: Notify::new() })
    }

    fn take(&self) -> bool {
        let mut work = self.work.lock().unwrap();
        let found = *work > 0;
        *work -= u32::from(found);
        found
    }
}

#[test]
fn no_work_lies_while_a_cpu_sleeps() {
    loom::model(|| {
        let machine = Machine::new();
        let other = Arc::clone(&machine);
        let maker = thread::spawn(move || {
            *other.work.lock().unwrap() += 1;
            if other.idle.contains(1) {
                other.interrupt.notify();
            }
        });
        machine.idle.enter(1);
        while !machine.take() {
            machine.interrupt.wait();
        }
        machine.idle.leave(1);
        maker.join().unwrap();
    });
}

/// CPU 1 idles and has a translation that CPU 0 takes away: `smp::shootdown` and `smp::leave_idle`.
struct Translation {
    idle: IdleMask,
    changes: Changes,
    reused: AtomicBool,
}

impl Translation {
    fn new() -> Arc<Self> {
        let idle = IdleMask::new();
        idle.enter(1);
        Arc::new(Self { idle, changes: Changes::new(), reused: AtomicBool::new(false) })
    }

    /// The frame is something else's at once, unless CPU 1 must be told first.
    fn reuse_if(&self, idle: bool) {
        if idle {
            self.reused.store(true, Ordering::Release);
        }
    }

    /// CPU 1 has something to do, and uses the translation if it still has it.
    fn use_it(&self) {
        let (seen, mut has_it) = (Seen::new(), true);
        self.idle.leave(1);
        self.changes.catch_up(&seen, || has_it = false);
        assert!(!has_it || !self.reused.load(Ordering::Acquire), "what is mapped there is somebody else's");
    }
}

#[test]
fn no_idle_cpu_keeps_a_translation() {
    loom::model(|| {
        let translation = Translation::new();
        let other = Arc::clone(&translation);
        let taker = thread::spawn(move || {
            other.changes.count();
            other.reuse_if(other.idle.contains(1));
        });
        translation.use_it();
        taker.join().unwrap();
    });
}

/// Two CPUs that ask each other at once: each has done what the other asked when the other's question returns.
#[test]
fn two_that_ask_each_other_get_on() {
    loom::model(|| {
        let request = Arc::new(Request::new());
        let done = Arc::new([AtomicBool::new(false), AtomicBool::new(false)]);
        let ask = |own: usize, request: Arc<Request>, done: Arc<[AtomicBool; 2]>| {
            let answer = || request.answer(own, || done[own].store(true, Ordering::Relaxed));
            request.ask(1 << (1 - own), answer, || {});
            assert!(done[1 - own].load(Ordering::Relaxed));
            // Its interrupt, if it was not asked before.
            while !done[own].load(Ordering::Relaxed) {
                answer();
                thread::yield_now();
            }
        };
        let (there, seen) = (Arc::clone(&request), Arc::clone(&done));
        let other = thread::spawn(move || ask(1, there, seen));
        ask(0, request, done);
        other.join().unwrap();
    });
}

/// Each must be found to be wrong.
mod wrong {
    use super::*;

    /// A waker that changes nothing before it wakes: the sleeper finds nothing and sleeps on.
    #[test]
    #[ignore = "fails"]
    fn waking_before_the_change() {
        loom::model(|| {
            let (sleeper, ready) = (Thread::new(), Arc::new(AtomicBool::new(false)));
            let (waker, set) = (Arc::clone(&sleeper), Arc::clone(&ready));
            thread::spawn(move || {
                waker.unpark();
                set.store(true, Ordering::Release);
            });
            wait_for(&sleeper, &ready);
        });
    }

    #[test]
    #[ignore = "fails"]
    fn registering_after_the_look() {
        loom::model(|| {
            let (sleeper, object) = (Thread::new(), Arc::new(Object::default()));
            let changed = Arc::clone(&object);
            thread::spawn(move || changed.change());
            while !object.look(None) {
                object.state.lock().unwrap().1 = Some(Arc::clone(&sleeper));
                sleeper.park();
            }
        });
    }

    #[test]
    #[ignore = "fails"]
    fn entering_after_the_last_look() {
        loom::model(|| {
            let machine = Machine::new();
            let other = Arc::clone(&machine);
            thread::spawn(move || {
                *other.work.lock().unwrap() += 1;
                if other.idle.contains(1) {
                    other.interrupt.notify();
                }
            });
            while !machine.take() {
                machine.idle.enter(1);
                machine.interrupt.wait();
            }
        });
    }

    #[test]
    #[ignore = "fails"]
    fn counting_after_the_look() {
        loom::model(|| {
            let translation = Translation::new();
            let other = Arc::clone(&translation);
            thread::spawn(move || {
                let idle = other.idle.contains(1);
                other.changes.count();
                other.reuse_if(idle);
            });
            translation.use_it();
        });
    }
}
