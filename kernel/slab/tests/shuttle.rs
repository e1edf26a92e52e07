//! Caches of several CPUs over one central list, in many orders of their steps (`cargo xtask test model`): no object is given out twice, none is
//! lost, whoever frees it.
#![cfg(shuttle)]
#![expect(unsafe_code, reason = "slabs are raw memory")]

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeSet;

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;
use slab::{Batch, Cache, Central, List, class};

const SLAB: usize = 4096;
const ORDERS: usize = 3_000;
const CPUS: usize = 3;
const STEPS: usize = 60;
/// Few of these are in a slab, so that batches and slabs come and go.
const SIZE: usize = 512;

fn layout() -> Layout {
    Layout::from_size_align(SLAB, SLAB).unwrap()
}

/// What the CPUs share.
#[derive(Default)]
struct Shared {
    central: Mutex<Central<SLAB>>,
    /// Addresses of slabs that are there.
    slabs: Mutex<BTreeSet<usize>>,
    /// Objects that somebody has.
    given: Mutex<BTreeSet<usize>>,
    /// Of those, the ones that another CPU is to free.
    sent: Mutex<Vec<usize>>,
}

/// One CPU, with what an allocator does with the two halves.
struct Cpu<'a> {
    shared: &'a Shared,
    cache: Cache,
    class: usize,
}

impl<'a> Cpu<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self { shared, cache: Cache::new(), class: class::of(SIZE).unwrap() }
    }

    fn take(&mut self) -> usize {
        loop {
            let object = self.cache.pop(self.class);
            if !object.is_null() {
                let fresh = self.shared.given.lock().unwrap().insert(object.addr());
                assert!(fresh, "an object is given out twice");
                return object.expose_provenance();
            }
            let batch = self.shared.central.lock().unwrap().take();
            match batch {
                Batch::Used(list) => self.cache.append(self.class, list),
                Batch::Fresh(start, count) => {
                    for index in 0..count as usize {
                        // SAFETY: the central list has just handed it out.
                        unsafe { self.cache.push(self.class, start.wrapping_add(index * SIZE)) };
                    }
                }
                Batch::Empty => self.grow(),
            }
        }
    }

    fn grow(&self) {
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc(layout()) };
        assert!(self.shared.slabs.lock().unwrap().insert(memory.addr()));
        // SAFETY: the memory is a slab's.
        let slab = unsafe { Central::<SLAB>::make(memory, self.class) };
        self.shared.central.lock().unwrap().adopt(slab);
    }

    fn free(&mut self, object: usize) {
        assert!(self.shared.given.lock().unwrap().remove(&object));
        // SAFETY: the object came from `take`, and nobody has it any more.
        if unsafe { self.cache.push(self.class, std::ptr::with_exposed_provenance_mut(object)) } {
            let list = self.cache.take(self.class);
            self.give_back(list);
        }
    }

    fn give_back(&self, mut list: List) {
        loop {
            // SAFETY: the objects came from this class.
            let Some(slab) = (unsafe { self.shared.central.lock().unwrap().give(&mut list) }) else { return };
            let at = slab.address();
            assert!(self.shared.slabs.lock().unwrap().remove(&at.addr()), "a slab is given back twice");
            let mut given = self.shared.given.lock().unwrap().clone().into_iter();
            assert!(!given.any(|object| object & !(SLAB - 1) == at.addr()), "with an object that is in use");
            // SAFETY: made by `alloc` with this layout; all its objects are free.
            unsafe { dealloc(at, layout()) };
        }
    }

    /// Takes and frees at random, own objects and those of others.
    fn run(&mut self) {
        let mut own = Vec::new();
        for _ in 0..STEPS {
            match thread_rng().gen_range(0..5) {
                0 | 1 => own.push(self.take()),
                2 => self.shared.sent.lock().unwrap().extend(own.pop()),
                3 => {
                    let object = self.shared.sent.lock().unwrap().pop();
                    object.into_iter().for_each(|object| self.free(object));
                }
                _ => own.pop().into_iter().for_each(|object| self.free(object)),
            }
        }
        self.shared.sent.lock().unwrap().append(&mut own);
    }

    /// The CPU has nothing any more.
    fn flush(mut self) {
        loop {
            let list = self.cache.take(self.class);
            if list.is_empty() {
                return;
            }
            self.give_back(list);
        }
    }
}

#[test]
fn objects_have_one_owner_and_slabs_go_back() {
    let body = || {
        let shared = Arc::new(Shared::default());
        let cpus: Vec<_> = (0..CPUS)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut cpu = Cpu::new(&shared);
                    cpu.run();
                    cpu.flush();
                })
            })
            .collect();
        cpus.into_iter().for_each(|cpu| cpu.join().unwrap());
        let mut last = Cpu::new(&shared);
        let left = std::mem::take(&mut *shared.sent.lock().unwrap());
        left.into_iter().for_each(|object| last.free(object));
        last.flush();
        assert!(shared.given.lock().unwrap().is_empty());
        let slabs = shared.slabs.lock().unwrap().clone();
        // One is kept; several CPUs may have made one each at the same time.
        assert!(slabs.len() < CPUS, "{} spare slabs", slabs.len());
        for slab in slabs {
            // SAFETY: all its objects are free, and the central list goes with this run.
            unsafe { dealloc(std::ptr::with_exposed_provenance_mut(slab), layout()) };
        }
    };
    shuttle::check_random(body, ORDERS);
    shuttle::check_pct(body, ORDERS, 3);
}
