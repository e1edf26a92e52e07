//! Argument reading and dep-info.

use std::ffi::OsString;

use super::{codegen_value, is_link, value_of, with_dependency};

fn args(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

#[test]
fn values_are_found_in_both_spellings() {
    let spaced = args("--crate-name a --target x86_64-unikernel -C extra-filename=-12");
    assert_eq!(value_of(&spaced, "--target").unwrap(), "x86_64-unikernel");
    assert_eq!(codegen_value(&spaced, "extra-filename"), Some("-12"));
    let joined = args("--target=x -Cextra-filename=-3");
    assert_eq!(value_of(&joined, "--target").unwrap(), "x");
    assert_eq!(codegen_value(&joined, "extra-filename"), Some("-3"));
    assert_eq!(value_of(&joined, "--out-dir"), None);
}

#[test]
fn only_linked_images_count() {
    assert!(is_link(&args("--crate-type bin --emit=dep-info,link")));
    assert!(is_link(&args("--test --emit=dep-info,link")));
    assert!(!is_link(&args("--crate-type bin --emit=dep-info,metadata")));
    assert!(!is_link(&args("--crate-type lib --emit=dep-info,link")));
}

#[test]
fn rules_gain_the_kernel_and_phony_targets_do_not() {
    let text = "a.d: src/main.rs\n\na: src/main.rs\n\nsrc/main.rs:\n\n# env-dep:X=1\n";
    let expected = "a.d: src/main.rs /k\\ k.o\n\na: src/main.rs /k\\ k.o\n\nsrc/main.rs:\n\n# env-dep:X=1\n";
    assert_eq!(with_dependency(text, "/k k.o"), expected);
}
