//! What is in use stays what it is, whatever comes and goes in the ring.

extern crate std;

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{Repeated, Run};

const PAGES: usize = 16;
const PAGE: usize = 4;

/// A ring over frames, with page tables as the kernel would keep them.
struct Machine {
    ring: Repeated,
    tables: HashMap<usize, u64>,
    memory: HashMap<u64, [u8; PAGE]>,
    next_frame: u64,
}

impl Machine {
    fn hold(&mut self, start: usize, known: usize, length: usize) {
        let whole = Run::of_bytes(start, length, PAGE, PAGES);
        let missing = self.ring.missing(whole.count);
        if missing > 0 {
            let more: Vec<u64> = (self.next_frame..).take(missing).collect();
            self.next_frame += missing as u64;
            let used = Run::of_bytes(start, known, PAGE, PAGES);
            for page in self.ring.others(used).into_iter().flatten() {
                self.tables.remove(&page);
            }
            self.ring.grow(used, more);
        }
        for page in self.ring.run(whole) {
            if let Some(frame) = self.ring.unmapped(page) {
                assert_eq!(
                    self.tables.insert(page, frame),
                    None,
                    "a page that is mapped is not mapped again"
                );
                self.ring.set_mapped(page);
            }
        }
    }

    fn byte(&mut self, at: usize) -> &mut u8 {
        let frame = self.tables[&(at / PAGE % PAGES)];
        &mut self.memory.entry(frame).or_insert([0; PAGE])[at % PAGE]
    }
}

proptest! {
    #[test]
    fn a_ring_is_a_queue(steps in proptest::collection::vec((0_usize..40, 0_usize..40), 1..60)) {
        let mut machine = Machine {
            ring: Repeated::new(PAGES),
            tables: HashMap::new(),
            memory: HashMap::new(),
            next_frame: 1,
        };
        let (mut queue, mut start, mut value) = (VecDeque::new(), 0, 0_u8);
        for (written, read) in steps {
            let written = written.min(PAGES * PAGE - queue.len());
            if written > 0 {
                machine.hold(start, queue.len(), queue.len() + written);
            }
            for _ in 0..written {
                value = value.wrapping_add(1);
                *machine.byte((start + queue.len()) % (PAGES * PAGE)) = value;
                queue.push_back(value);
            }
            for _ in 0..read.min(queue.len()) {
                prop_assert_eq!(Some(*machine.byte(start)), queue.pop_front());
                start = (start + 1) % (PAGES * PAGE);
            }
            let frames = machine.ring.frames();
            prop_assert_eq!(frames.iter().collect::<HashSet<_>>().len(), frames.len());
            let mapped: HashSet<usize> = machine.ring.mapped().collect();
            prop_assert_eq!(mapped, machine.tables.keys().copied().collect::<HashSet<_>>());
            for (page, frame) in &machine.tables {
                prop_assert_eq!(*frame, frames[page % frames.len()]);
            }
        }
        let frames = machine.ring.take();
        prop_assert_eq!(frames.len() as u64, machine.next_frame - 1);
    }
}

#[test]
fn few_bytes_need_one_frame_wherever_they_are() {
    let mut ring = Repeated::new(PAGES);
    assert_eq!(ring.missing(1), 1);
    ring.grow(Run { first: 0, count: 0 }, vec![7]);
    for page in 0..PAGES {
        assert_eq!(ring.missing(Run::of_bytes(page * PAGE, PAGE, PAGE, PAGES).count), 0);
        assert_eq!(ring.unmapped(page), Some(7));
    }
    assert_eq!(ring.missing(3), 3, "a power of two in all");
}
