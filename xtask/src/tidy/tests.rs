//! Layers, uses, conditions and statics, as they are read from text.

use super::{conditions, listed_statics, statics, upward_uses, used_modules};

#[test]
fn uses_are_read_from_both_forms() {
    assert_eq!(used_modules("use crate::mm::map;"), ["mm"]);
    assert_eq!(used_modules("use crate::{backtrace, console, end};"), ["backtrace", "console", "end"]);
    assert!(used_modules("let x = 1;").is_empty());
}

#[test]
fn only_upward_uses_are_found() {
    let layers = ["arch", "mm", "task"].map(str::to_owned);
    assert!(upward_uses("task/wait.rs", "use crate::mm::map;\n", &layers).is_empty());
    assert_eq!(upward_uses("mm/map.rs", "\nuse crate::task;\n", &layers).len(), 1);
    assert!(upward_uses("lib.rs", "use crate::task;\n", &layers).is_empty());
}

#[test]
fn conditions_have_one_home() {
    let text = "#[cfg(target_arch = \"x86_64\")]\nmod x86_64;\n";
    assert!(conditions("kernel/src/arch/mod.rs", text).is_empty());
    assert_eq!(conditions("kernel/src/mm/map.rs", text).len(), 1);
    assert_eq!(conditions("std-shim/src/io.rs", "#[cfg(feature = \"fast\")]\n").len(), 1);
    assert!(conditions("kernel/src/lib.rs", "#![cfg_attr(target_os = \"none\", no_std)]\n").is_empty());
}

#[test]
fn statics_are_those_a_module_defines() {
    let text = "static A: u8 = 0;\npub static B: u8 = 0;\nunsafe extern \"C\" {\n    static c: u8;\n}\n";
    assert_eq!(statics(text).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn statics_are_listed_in_rows() {
    let text = "| file | statics | what |\n|---|---|---|\n| `mm/map.rs` | `A` `B` | all |\n| `arch` | the machine |\n";
    let listed: Vec<_> = listed_statics(text).into_iter().collect();
    assert_eq!(listed, ["mm/map.rs: A", "mm/map.rs: B"]);
}
