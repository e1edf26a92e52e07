//! Same seed, same numbers; different seeds or fresh words, different numbers.

use super::*;

fn numbers(seed: u8, fresh: u64) -> [[u8; 32]; 2] {
    let mut generator = Generator::new([seed; 32]);
    [(); 2].map(|()| {
        let mut bytes = [0; 32];
        generator.fill(&mut bytes, fresh);
        bytes
    })
}

#[test]
fn the_seed_and_the_fresh_words_decide() {
    assert_eq!(numbers(1, 2), numbers(1, 2));
    assert_ne!(numbers(1, 2), numbers(2, 2));
    // Fresh words change what comes after, not what is given now.
    assert_eq!(numbers(1, 2)[0], numbers(1, 3)[0]);
    assert_ne!(numbers(1, 2)[1], numbers(1, 3)[1]);
}

#[test]
fn numbers_do_not_repeat_and_bits_are_even() {
    let [first, second] = numbers(1, 2);
    assert_ne!(first, second);
    let mut generator = Generator::new([7; 32]);
    let mut bytes = [0; 4096];
    generator.fill(&mut bytes, 0);
    let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
    assert!((15_900..16_900).contains(&ones), "{ones}");
}
