//! Configuration is added to, never lost.

use std::path::Path;

use super::configured;

#[test]
fn existing_lines_stay_and_a_second_time_changes_nothing() {
    let old = "# mine\n[build]\njobs = 2 # two\n\n[env]\nCC_x86_64_unikernel = \"clang\"\n";
    let new = configured(old, Path::new("/c")).unwrap();
    for line in [
        "# mine",
        "jobs = 2 # two",
        "CC_x86_64_unikernel = \"clang\"",
        "rustc = \"/c/bin/caracal-rustc\"",
        "[target.x86_64-unikernel]",
    ] {
        assert!(new.contains(line), "{line} is missing in\n{new}");
    }
    assert_eq!(configured(&new, Path::new("/c")).unwrap(), new);
}

#[test]
fn another_compiler_is_not_overwritten() {
    assert!(configured("[build]\nrustc = \"mine\"\n", Path::new("/c")).is_err());
    assert!(configured("build = 1\n", Path::new("/c")).is_err());
}
