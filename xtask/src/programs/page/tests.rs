//! Rows of a page that stay, and those that are written.

use super::*;

fn row(name: &str, works: &str, note: Option<&str>) -> Row {
    Row {
        name: name.to_owned(),
        origin: "crate 1.0.0 | the program".to_owned(),
        is_built: true,
        works: vec![works.to_owned()],
        known: Vec::new(),
        failures: Vec::new(),
        note: note.map(str::to_owned),
    }
}

#[test]
fn rows_that_did_not_run_stay() {
    let (a, b) = (Entry::of(&row("a", "GET", Some("slow"))), Entry::of(&row("a-b", "POST", None)));
    let text = page(2, &[&a, &b]);
    assert_eq!(standing(&text, &["a-b", "a", "c"]), BTreeMap::from([("a", a), ("a-b", b)]));
}

#[test]
fn a_bar_does_not_end_a_cell() {
    let entry = Entry::of(&row("a", "x | y", None));
    assert_eq!(entry.line, "| a | crate 1.0.0 | the program | yes | x \\| y |  |");
}

#[test]
fn who_begins_with_the_name_of_another_is_another() {
    let text = page(2, &[&Entry::of(&row("hyper-util", "GET", None))]);
    assert!(standing(&text, &["hyper"]).is_empty());
    assert!(text.starts_with(&head(2)) && !text.starts_with(&head(1)));
}
