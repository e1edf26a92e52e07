//! Decisions come as often as they should, and again with the same seed.

use super::{Dice, Fate, HEADER, LATEST, Odds};

const ODDS: Odds = Odds { lost: 0.02, doubled: 0.01, late: 0.05, damaged: 0.03 };
const NONE: Odds = Odds { lost: 0.0, doubled: 0.0, late: 0.0, damaged: 0.0 };

fn frame(kind: [u8; 2]) -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[12..14].copy_from_slice(&kind);
    frame
}

#[test]
fn a_good_network_changes_nothing() {
    let mut dice = Dice::new(1, NONE);
    for _ in 0..1000 {
        assert_eq!(dice.roll(&frame([8, 0])), [Fate::default()]);
    }
}

#[test]
fn as_often_as_the_odds_say() {
    const FRAMES: usize = 100_000;
    let mut dice = Dice::new(2, ODDS);
    let fates: Vec<Vec<Fate>> = (0..FRAMES).map(|_| dice.roll(&frame([8, 0]))).collect();
    let is_near = |count: usize, probability: f64| {
        let ratio = count as f64 / (FRAMES as f64 * probability);
        assert!((0.9..1.1).contains(&ratio), "{ratio} times as often");
    };
    let copies = |count: usize| fates.iter().filter(|fates| fates.len() == count).count();
    is_near(copies(0), ODDS.lost);
    is_near(copies(2), (1.0 - ODDS.lost) * ODDS.doubled);
    let all = || fates.iter().flatten();
    is_near(all().filter(|fate| fate.delay.is_some()).count(), ODDS.late);
    is_near(all().filter(|fate| fate.damage.is_some()).count(), ODDS.damaged);
    assert!(all().filter_map(|fate| fate.delay).all(|delay| delay.as_micros() <= LATEST.into()));
    assert!(all().filter_map(|fate| fate.damage).all(|bit| (8 * HEADER..8 * 60).contains(&bit)));
}

#[test]
fn what_has_no_checksum_is_not_damaged() {
    let mut dice = Dice::new(3, Odds { damaged: 1.0, ..NONE });
    assert!(dice.roll(&frame([8, 0]))[0].damage.is_some());
    assert_eq!(dice.roll(&frame([8, 6])), [Fate::default()]);
    assert_eq!(dice.roll(&frame([8, 0])[..HEADER]), [Fate::default()]);
    assert_eq!(dice.roll(&[]), [Fate::default()]);
}

#[test]
fn a_seed_is_a_sequence() {
    let all = |seed| {
        let mut dice = Dice::new(seed, ODDS);
        (0..1000).map(|_| dice.roll(&frame([8, 0]))).collect::<Vec<_>>()
    };
    assert_eq!(all(4), all(4));
    assert_ne!(all(4), all(5));
}
