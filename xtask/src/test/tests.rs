//! Reading libtest's summaries.

use super::{last_line, shortened, summary};

#[test]
fn summaries_are_added_up() {
    let text = "x\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\ntest result: FAILED. 3 passed; 2 failed; 0 ignored\n";
    let count = summary(text);
    assert_eq!((count.passed, count.failed), (15, 2));
}

#[test]
fn the_line_of_a_case_binary_is_read() {
    let count = last_line("4 passed, 1 failed").unwrap();
    assert_eq!((count.passed, count.failed), (4, 1));
    assert!(last_line("4 passed; 1 failed").is_none());
}

#[test]
fn a_repeated_complaint_names_what_failed_and_ends_as_it_did() {
    assert_eq!(shortened(""), "");
    assert_eq!(shortened("a: b\nc"), "a: b\nc");
    let long: Vec<String> = (0..100).map(|line| line.to_string()).collect();
    let expected = [&["0".to_owned()][..], &long[70..]].concat().join("\n");
    assert_eq!(shortened(&long.join("\n")), expected);
}
