//! A ring is a queue of bytes, however it grows and shrinks.

extern crate std;

use alloc::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::file::{Around, Identity};
use crate::properties::cases;
use abi::time::Timespec;

/// One step of its use.
#[derive(Clone, Debug)]
enum Step {
    Add { more: usize, capacity: usize },
    Consume(usize),
    TakeBack(usize),
    Shrink(usize),
    Relax(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0usize..30_000, 0usize..100_000).prop_map(|(more, capacity)| Step::Add { more, capacity }),
        2 => (0usize..700, 0usize..1000).prop_map(|(more, capacity)| Step::Add { more, capacity }),
        4 => (0usize..40_000).prop_map(Step::Consume),
        1 => (0usize..5000).prop_map(Step::TakeBack),
        1 => (0usize..50_000).prop_map(Step::Shrink),
        1 => (0usize..100_000).prop_map(Step::Relax),
    ]
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn bytes_come_out_as_they_went_in(steps in proptest::collection::vec(step(), 1..80)) {
        let (mut ring, mut model, mut next) = (Ring::new(), VecDeque::new(), 0u32);
        for step in steps {
            match step {
                Step::Add { more, capacity } => {
                    let room = ring.make_room(&Io::default(), (0, more), capacity).unwrap();
                    prop_assert!(room >= more.min(capacity.saturating_sub(ring.len())));
                    let mut left = more.min(room);
                    while left > 0 {
                        let free = ring.free();
                        let count = free.len().min(left);
                        for byte in &mut free[..count] {
                            next += 1;
                            *byte = (next % 251) as u8;
                            model.push_back(*byte);
                        }
                        ring.add(count);
                        left -= count;
                    }
                }
                Step::Consume(count) => {
                    let count = count.min(ring.len());
                    ring.consume(count);
                    model.drain(..count);
                }
                Step::TakeBack(count) => {
                    let count = count.min(ring.len());
                    ring.take_back(count);
                    model.truncate(model.len() - count);
                }
                Step::Shrink(bytes) => ring.shrink(bytes.max(ring.len())),
                Step::Relax(kept) => ring.relax(kept),
            }
            prop_assert_eq!(ring.len(), model.len());
            let (whole, mut at) = (model.make_contiguous(), 0);
            while at < ring.len() {
                let row = ring.filled(at);
                prop_assert!(!row.is_empty() && row == &whole[at..at + row.len()]);
                at += row.len();
            }
        }
    }
}

#[test]
fn without_memory_it_keeps_what_it_has() {
    let around =
        Around { clock: Timespec::default, most_size: || 0, memory_left: || 0, identity: Identity::default };
    let nothing_left = Io::new(None, &around);
    let mut ring = Ring::new();
    assert_eq!(ring.make_room(&nothing_left, (1, 1), 100), Err(Errno::ENOMEM));
    assert_eq!(ring.make_room(&Io::default(), (1, 5000), 100_000), Ok(8192));
    ring.add(5000);
    assert_eq!(ring.make_room(&nothing_left, (1, 50_000), 100_000), Ok(3192));
    assert_eq!(ring.make_room(&nothing_left, (4000, 4000), 100_000), Err(Errno::ENOMEM));
    ring.add(3192);
    assert_eq!(ring.make_room(&nothing_left, (1, 50_000), 100_000), Err(Errno::ENOMEM));
    assert_eq!(ring.make_room(&nothing_left, (1, 50_000), 8192), Ok(0), "that is all there may be");
}

#[test]
fn few_bytes_take_little_memory() {
    let mut ring = Ring::new();
    assert_eq!(ring.make_room(&Io::default(), (1, 100), 1000), Ok(SMALL));
    ring.add(100);
    ring.consume(100);
    ring.relax(SMALL);
    assert_eq!(ring.size(), SMALL);
    ring.make_room(&Io::default(), (1, SMALL + 1), 1000).unwrap();
    assert_eq!(ring.size(), PAGE);
    ring.relax(SMALL);
    assert_eq!(ring.size(), 0);
}
