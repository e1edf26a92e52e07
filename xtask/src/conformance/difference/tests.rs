//! Reasons are asked for, accepted, and not kept.

use super::*;

fn outcomes(list: &[(&str, Outcome)]) -> Outcomes {
    list.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect()
}

fn compared(text: &str) -> Differences {
    let mut differences = Differences::read(&text.parse().unwrap()).unwrap();
    let linux = outcomes(&[("a", Outcome::Passed), ("b", Outcome::Passed), ("c", Outcome::Failed)]);
    let guest = outcomes(&[("a", Outcome::Passed), ("b", Outcome::Died), ("c", Outcome::Failed)]);
    differences.compare("s", 1, &linux, &guest);
    differences.forget_none_that_is_not_needed();
    differences
}

#[test]
fn a_difference_without_a_reason_is_a_failure() {
    let differences = compared("");
    assert_eq!(differences.count(), (2, 1));
    assert!(differences.unexplained()[0].contains("s: b passes on Linux"));
}

#[test]
fn a_reason_explains_one_test() {
    let differences = compared("[[difference]]\nsuite = \"s\"\ntest = \"b\"\nreason = \"no processes\"\n");
    assert_eq!(differences.count(), (3, 0));
}

#[test]
fn a_reason_that_nothing_needs_is_a_failure() {
    let differences = compared(
        "[[difference]]\nsuite = \"s\"\ntest = \"b\"\nreason = \"r\"\n[[difference]]\nsuite = \"s\"\ntest = \"a\"\nreason = \"r\"\n",
    );
    assert_eq!(differences.count(), (3, 1));
}

#[test]
fn a_reason_that_is_needed_sometimes_may_wait() {
    let differences = compared(
        "[[difference]]\nsuite = \"s\"\ntest = \"b\"\nreason = \"r\"\n\
         [[difference]]\nsuite = \"s\"\ntest = \"a\"\nreason = \"r\"\nsometimes = true\n",
    );
    assert_eq!(differences.count(), (3, 0));
}
