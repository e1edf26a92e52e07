//! The seeds do what they are for.

use super::*;

#[test]
fn seeds_grant_an_address() {
    assert!(seeds().iter().all(|seed| play(&mut Unstructured::new(seed)).unwrap()));
}
