//! The specification against rustc's built-in target: every difference stands in targets/README.md.

use serde_json::{Map, Value};

use super::{SPEC, Target};
use crate::{process, toolchain};

fn built_in() -> Map<String, Value> {
    let toolchain = toolchain::choose().unwrap();
    let mut rustc = process::clean(&toolchain.rustc);
    rustc.env("RUSTC_BOOTSTRAP", "1").args([
        "-Zunstable-options",
        "--print",
        "target-spec-json",
        "--target",
        Target::Compat.name(),
    ]);
    serde_json::from_str(&process::output(&mut rustc).unwrap()).unwrap()
}

#[test]
fn every_difference_is_documented() {
    let ours: Map<String, Value> = serde_json::from_str(SPEC).unwrap();
    let theirs = built_in();
    let readme = include_str!("../../../targets/README.md");
    let keys = ours.keys().chain(theirs.keys());
    for key in keys.filter(|key| ours.get(*key) != theirs.get(*key)) {
        let is_named = readme.contains(&format!("`{key}`"))
            || (key.contains("link-objects-fallback") && readme.contains("`*-link-objects-fallback`"));
        assert!(is_named, "targets/README.md does not say why `{key}` differs");
    }
}

#[test]
fn rustc_accepts_the_specification() {
    let toolchain = toolchain::choose().unwrap();
    let file = crate::paths::root().join("targets/x86_64-unikernel.json");
    let mut rustc = process::clean(&toolchain.rustc);
    rustc.env("RUSTC_BOOTSTRAP", "1").args(["-Zunstable-options", "--print", "cfg", "--target"]).arg(file);
    let cfg = process::output(&mut rustc).unwrap();
    for line in [
        "target_os=\"linux\"",
        "target_env=\"musl\"",
        "target_feature=\"crt-static\"",
        "panic=\"unwind\"",
        "unix",
    ] {
        assert!(cfg.lines().any(|found| found == line), "missing {line} in\n{cfg}");
    }
}
