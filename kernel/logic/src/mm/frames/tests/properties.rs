//! Whatever is taken and given back, a frame has one owner, and what is free can be had.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::super::*;
use super::frames;
use crate::properties::cases;

/// Chunks of physical memory: more than a search for a run looks at.
const CHUNKS: usize = 12;
const PER_CHUNK: usize = FRAMES_PER_CHUNK as usize;

#[derive(Clone, Debug)]
enum Step {
    One(For),
    Run(u64, For),
    Large(For),
    /// The program takes so many runs of so many frames: memory becomes full and broken up.
    Many(usize, u64),
    /// Gives back one of what is held, by number.
    Free(prop::sample::Index),
    /// The same, frame by frame, from the end.
    FreeSingly(prop::sample::Index),
    /// Gives back every second one.
    FreeHalf,
}

fn step() -> impl Strategy<Value = Step> {
    let who = || prop_oneof![Just(For::Kernel), Just(For::Program)];
    let lengths =
        prop_oneof![4 => 0..20_u64, 2 => prop::sample::select(vec![63, 64, 65, 128, 511, 512, 513])];
    prop_oneof![
        6 => who().prop_map(Step::One),
        6 => (lengths, who()).prop_map(|(count, who)| Step::Run(count, who)),
        3 => who().prop_map(Step::Large),
        2 => (1..1500_usize).prop_map(|times| Step::Many(times, 1)),
        2 => (1..60_usize, prop::sample::select(vec![3, 32, 64, 128]))
            .prop_map(|(times, count)| Step::Many(times, count)),
        6 => any::<prop::sample::Index>().prop_map(Step::Free),
        3 => any::<prop::sample::Index>().prop_map(Step::FreeSingly),
        1 => Just(Step::FreeHalf),
    ]
}

/// Disjoint ranges of frames, from the lengths of what is RAM and what is not in turns.
fn ram() -> impl Strategy<Value = Vec<(u64, u64)>> {
    // Also such that words of the bitmaps are wholly one or the other.
    let hole = prop_oneof![0..700_u64, (0..12_u64).prop_map(|words| words * 64)];
    let length = prop_oneof![1..2500_u64, (1..40_u64).prop_map(|words| words * 64)];
    prop::collection::vec((hole, length), 1..6).prop_map(|lengths| {
        let (mut at, mut ranges) = (0, Vec::new());
        for (hole, length) in lengths {
            let (start, end) = (at + hole, (at + hole + length).min((CHUNKS * PER_CHUNK) as u64));
            if start < end {
                ranges.push((start * FRAME, end * FRAME));
            }
            at = end;
        }
        ranges
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NoRam,
    Free,
    Held,
}

struct Both {
    frames: Frames,
    states: Vec<State>,
    free: u64,
    reserve: u64,
    held: Vec<(u64, u64)>,
}

impl Both {
    fn new(ram: &[(u64, u64)], reserve: u64) -> Self {
        let mut states = vec![State::NoRam; CHUNKS * PER_CHUNK];
        for &(start, end) in ram {
            states[(start / FRAME) as usize..(end / FRAME) as usize].fill(State::Free);
        }
        let free = states.iter().filter(|&&state| state == State::Free).count() as u64;
        Self { frames: frames(ram, reserve), states, free, reserve, held: Vec::new() }
    }

    fn may_take(&self, count: u64, who: For) -> bool {
        count + if who == For::Program { self.reserve } else { 0 } <= self.free
    }

    fn has_whole_chunk(&self) -> bool {
        self.states.chunks(PER_CHUNK).any(|chunk| chunk.iter().all(|&state| state == State::Free))
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::One(who) => self.one(*who),
            Step::Run(count, who) => self.run(*count, *who),
            Step::Large(who) => {
                let found = self.frames.allocate_large(*who);
                assert!(found.is_none_or(|address| address % CHUNK == 0));
                self.check_run(found, FRAMES_PER_CHUNK.into(), *who);
            }
            Step::Many(times, 1) => (0..*times).for_each(|_| self.one(For::Program)),
            Step::Many(times, count) => (0..*times).for_each(|_| self.run(*count, For::Program)),
            Step::Free(_) | Step::FreeSingly(_) if self.held.is_empty() => {}
            Step::Free(index) => {
                let (address, count) = self.held.swap_remove(index.index(self.held.len()));
                self.free(address, count);
            }
            Step::FreeSingly(index) => {
                let (address, count) = self.held.swap_remove(index.index(self.held.len()));
                (0..count).rev().for_each(|number| self.free(address + number * FRAME, 1));
            }
            Step::FreeHalf => {
                let held = core::mem::take(&mut self.held);
                for (number, (address, count)) in held.into_iter().enumerate() {
                    if number % 2 == 0 {
                        self.free(address, count);
                    } else {
                        self.held.push((address, count));
                    }
                }
            }
        }
        let total = self.free + self.states.iter().filter(|&&state| state == State::Held).count() as u64;
        assert_eq!(self.frames.usage(), (self.free, total));
        assert_eq!(self.frames.available(), self.free.saturating_sub(self.reserve));
    }

    fn one(&mut self, who: For) {
        let found = self.frames.allocate(who);
        assert_eq!(found.is_some(), self.may_take(1, who));
        self.hold(found, 1);
    }

    fn run(&mut self, count: u64, who: For) {
        let found = self.frames.allocate_contiguous(count, who);
        self.check_run(found, count, who);
    }

    /// A run may not be found where memory is broken up, but it is when a whole chunk is free.
    fn check_run(&mut self, found: Option<u64>, count: u64, who: For) {
        if count == 0 || count > FRAMES_PER_CHUNK.into() || !self.may_take(count, who) {
            assert_eq!(found, None);
        } else if self.has_whole_chunk() {
            assert!(found.is_some(), "a run of {count} was not found");
        }
        if let Some(address) = found {
            assert_eq!(address / CHUNK, (address + count * FRAME - 1) / CHUNK, "a run lies in one chunk");
        }
        self.hold(found, count);
    }

    fn hold(&mut self, found: Option<u64>, count: u64) {
        let Some(address) = found else { return };
        assert_eq!(address % FRAME, 0);
        self.change(address, count, State::Free, State::Held);
        self.free -= count;
        self.held.push((address, count));
    }

    fn free(&mut self, address: u64, count: u64) {
        self.change(address, count, State::Held, State::Free);
        self.frames.free_contiguous(address, count);
        self.free += count;
    }

    fn change(&mut self, address: u64, count: u64, from: State, to: State) {
        let first = (address / FRAME) as usize;
        for state in &mut self.states[first..first + count as usize] {
            assert_eq!(core::mem::replace(state, to), from);
        }
    }
}

proptest! {
    #![proptest_config(cases(80))]

    #[test]
    fn a_frame_has_one_owner(
        ram in ram(),
        reserve in 0..80_u64,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        prop_assume!(!ram.is_empty());
        let mut both = Both::new(&ram, reserve);
        steps.iter().for_each(|step| both.take(step));
        while let Some((address, count)) = both.held.pop() {
            both.free(address, count);
        }
        prop_assert_eq!(both.frames.usage(), (both.free, both.free));
        prop_assert_eq!(both.frames.allocate_large(For::Kernel).is_some(), both.has_whole_chunk());
        let left = both.frames.usage().0;
        let again = core::iter::from_fn(|| both.frames.allocate(For::Kernel)).count();
        prop_assert_eq!(again as u64, left);
    }
}
