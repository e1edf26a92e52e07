//! Two per cent either way.

use super::compare;

#[test]
fn two_per_cent_are_let_through() {
    for figure in [980, 1000, 1020] {
        assert!(compare(1000, figure).is_ok());
    }
    for figure in [979, 1021] {
        assert!(compare(1000, figure).is_err());
    }
}

#[test]
fn small_budgets_have_one_instruction_of_slack() {
    assert!(compare(12, 13).is_ok() && compare(12, 14).is_err());
}
