//! Layers and uses.

use super::{upward_uses, used_modules};

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
