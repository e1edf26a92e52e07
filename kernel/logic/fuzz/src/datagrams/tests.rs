//! The seeds do what they are for.

use super::*;

#[test]
fn seeds_bring_datagrams() {
    let received = |seed: &Vec<u8>| play(&mut Unstructured::new(seed)).unwrap();
    assert_eq!(seeds().iter().map(received).collect::<Vec<_>>(), [1, 1, 1, 1, 0, 1, 1]);
}
