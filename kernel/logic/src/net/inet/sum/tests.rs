//! Sums, as they are defined.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::{add, of};

fn slow(bytes: &[u8]) -> u16 {
    let sum = bytes
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |&low| low.into()))
        .sum::<u32>();
    (sum % 0xffff) as u16
}

/// Two numbers that stand for the same sum.
fn is_same(one: u16, other: u16) -> bool {
    one % 0xffff == other % 0xffff
}

proptest! {
    #[test]
    fn it_is_the_sum_of_all_words(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..100) {
        prop_assert!(is_same(of(&bytes), slow(&bytes)));
        let cut = (cut * 2).min(bytes.len() & !1);
        prop_assert!(is_same(add(of(&bytes[..cut]), of(&bytes[cut..])), slow(&bytes)));
    }
}

#[test]
fn carries_are_not_lost() {
    let ones: Vec<u8> = alloc::vec![0xff; 65_535];
    assert!(is_same(of(&ones), slow(&ones)));
    // RFC 1071, section 3.
    assert_eq!(of(&[0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
}
