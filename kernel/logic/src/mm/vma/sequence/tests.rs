//! Order over many chunks, and gaps found by bounds that are never too narrow.

use crate::mm::vma::Access;

use super::*;

const PAGE: u64 = 4096;

fn area(start: u64, end: u64) -> Area<()> {
    Area {
        start: start * PAGE,
        end: end * PAGE,
        access: Access::default(),
        backing: (),
        charged: false,
        locked: false,
        touched: crate::mm::vma::Touched::NOTHING,
    }
}

fn random(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

/// The highest gap, by looking at all.
fn gap(sequence: &Sequence<()>, length: u64, high: u64) -> Option<u64> {
    let mut ceiling = high;
    let areas: Vec<_> = sequence.iter_from(sequence.seek(0)).collect();
    for area in areas.iter().rev() {
        if ceiling - area.end >= length {
            return Some(ceiling - length);
        }
        ceiling = area.start;
    }
    (ceiling >= length).then(|| ceiling - length)
}

#[test]
fn many_areas_stay_in_order_and_gaps_are_found() {
    const HIGH: u64 = 20_000;
    let mut sequence = Sequence::new();
    let mut state = 3;
    for round in 0..40_000u64 {
        let start = random(&mut state, HIGH - 2);
        let at = sequence.seek(start * PAGE);
        let free = sequence.get(at).is_none_or(|area| area.start > start * PAGE);
        // Grow for a while, then shrink.
        if free && (round / 10_000).is_multiple_of(2) {
            sequence.insert(at, area(start, start + 1));
        } else if !free {
            let next = sequence.remove_to(at, (start + 1) * PAGE, |_| ());
            sequence.note_gap(next);
        }
        if round.is_multiple_of(100) {
            let starts: Vec<_> = sequence.iter_from(sequence.seek(0)).map(|area| area.start).collect();
            assert!(starts.is_sorted() && starts.len() == sequence.len());
            let length = (1 + random(&mut state, 12)) * PAGE;
            let fits = |floor, ceiling: u64| (ceiling - floor >= length).then(|| ceiling - length);
            let expected = gap(&sequence, length, HIGH * PAGE);
            assert_eq!(sequence.find_gap(length, HIGH * PAGE, fits), expected);
        }
    }
    assert!(sequence.chunks.len() > 2, "the test must reach over chunks");
}

#[test]
fn areas_from_the_top_down_fill_their_chunks() {
    let mut sequence = Sequence::new();
    for number in (0..1000).rev() {
        let at = sequence.seek(number * 2 * PAGE);
        sequence.insert(at, area(number * 2, number * 2 + 1));
    }
    assert!(sequence.chunks.len() <= 1000 / MOST + 1);
}

#[test]
fn steps_lead_over_the_ends_of_chunks() {
    let mut sequence = Sequence::new();
    for number in 0..200 {
        let at = sequence.seek(number * 2 * PAGE);
        sequence.insert(at, area(number * 2, number * 2 + 1));
    }
    let mut at = sequence.seek(0);
    let mut count = 0;
    while sequence.get(at).is_some() {
        let next = sequence.next(at);
        assert_eq!(sequence.previous(next), Some(at));
        at = next;
        count += 1;
    }
    assert_eq!((count, sequence.previous(sequence.seek(0))), (200, None));
}
