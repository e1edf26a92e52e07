//! Reading libtest's summaries.

use super::summary;

#[test]
fn summaries_are_added_up() {
    let text = "x\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\ntest result: FAILED. 3 passed; 2 failed; 0 ignored\n";
    let count = summary(text);
    assert_eq!((count.passed, count.failed), (15, 2));
}
