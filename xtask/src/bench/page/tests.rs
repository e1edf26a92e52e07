//! The page keeps what was not measured anew.

use super::{figures_row, grouped, merge, ratio, shown};

#[test]
fn a_run_replaces_its_own_sections_only() {
    let [first, second] = [super::super::TITLES[0], super::super::TITLES[1]];
    let page = merge("", &[(second, "b\n\n| 1 |\n".to_owned())]);
    let page = merge(&page, &[(first, "a\n".to_owned())]);
    assert!(page.contains(&format!("## {first}\n\na\n\n## {second}\n\nb\n\n| 1 |\n")), "{page}");
    let page = merge(&page, &[(second, "c\n".to_owned())]);
    assert!(page.ends_with(&format!("## {first}\n\na\n\n## {second}\n\nc\n")), "{page}");
}

#[test]
fn figures_are_shown_in_groups() {
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(999), "999");
    assert_eq!(grouped(1000), "1,000");
    assert_eq!(grouped(27_000_000), "27,000,000");
}

#[test]
fn ratios_need_both() {
    assert_eq!(ratio(Some(314.0), Some(12.0)), "26.2");
    assert_eq!(ratio(None, Some(12.0)), "");
    assert_eq!(ratio(Some(1.0), Some(0.0)), "");
}

#[test]
fn small_figures_have_places() {
    assert_eq!([0.125, 12.0, 99.994, 1234.5].map(shown), ["0.12", "12", "99.99", "1,235"]);
    let row = figures_row("a byte", [Some(0.3), None], [Some(0.25), Some(0.5), None]);
    assert_eq!(row, "| a byte | 0.30 |  | 0.25 | 0.50 | not measured | 2.0 |\n");
}
