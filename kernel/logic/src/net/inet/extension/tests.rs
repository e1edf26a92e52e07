//! What is between is taken off, or the packet is not looked at.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::without;

fn packet(next: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0, 0, rest.len() as u8, next, 64];
    bytes.extend([0xfd; 32]);
    bytes.extend(rest);
    bytes
}

#[test]
fn nothing_between_is_left_as_it_is() {
    let bytes = packet(17, b"datagram");
    assert_eq!(without(&bytes).as_deref(), Some(&bytes[..]));
}

#[test]
fn headers_that_mean_nothing_here() {
    let alert = [60, 0, 5, 2, 0, 0, 1, 0];
    let unknown = [43, 0, 0x1e, 4, 1, 2, 3, 4];
    let at_its_end = [17, 0, 4, 0, 0, 0, 0, 0];
    let bytes = packet(0, &[&alert[..], &unknown, &at_its_end, b"datagram"].concat());
    assert_eq!(without(&bytes).as_deref(), Some(&packet(17, b"datagram")[..]));
}

#[test]
fn headers_that_mean_something() {
    let cases: [(u8, [u8; 8]); 5] = [
        (60, [17, 0, 0x9e, 4, 0, 0, 0, 0]),
        (60, [17, 1, 1, 4, 0, 0, 0, 0]),
        (43, [17, 0, 4, 1, 0, 0, 0, 0]),
        (59, [0; 8]),
        (60, [0, 0, 1, 4, 0, 0, 0, 0]),
    ];
    for (next, header) in cases {
        assert_eq!(without(&packet(next, &header)), None, "{next} {header:?}");
    }
    let chain = [60, 0, 1, 4, 0, 0, 0, 0].repeat(9);
    assert_eq!(without(&packet(60, &chain)), None, "too many");
}

proptest! {
    #[test]
    fn anything(next in any::<u8>(), rest in prop::collection::vec(any::<u8>(), 0..100)) {
        let bytes = packet(next, &rest);
        if let Some(plain) = without(&bytes) {
            prop_assert!(plain.len() <= bytes.len());
            prop_assert_eq!(usize::from(plain[5]) + 40, plain.len());
        }
    }
}
