//! The page keeps what was not measured anew.

use super::{grouped, merge, ratio};

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
    assert_eq!(ratio(Some(314), Some(12)), "26.2");
    assert_eq!(ratio(None, Some(12)), "");
    assert_eq!(ratio(Some(1), Some(0)), "");
}
