//! What libFuzzer says.

use super::*;

#[test]
fn how_far_it_is() {
    let mut report = Report::default();
    report.hear("INFO: Seed: 1");
    report.hear("#8	INITED cov: 22 ft: 23 corp: 3/48b exec/s: 0 rss: 44Mb");
    report.hear("#4096	pulse  cov: 30 ft: 41 corp: 5/90b lim: 4 exec/s: 2048 rss: 44Mb");
    assert_eq!(report.to_string(), "4096 executions, coverage 30, 41 features");
    report.hear("stat::number_of_executed_units: 5000");
    assert_eq!((report.executions, report.found.is_none(), report.last.len()), (5000, true, 0));
}

#[test]
fn what_it_found() {
    let mut report = Report::default();
    report.hear("thread '<unnamed>' panicked at kernel/logic/src/acpi.rs:1:1:");
    report.hear("artifact_prefix='/t/found/x/'; Test unit written to /t/found/x/crash-d15d");
    assert_eq!(report.found.as_deref(), Some(Path::new("/t/found/x/crash-d15d")));
    assert_eq!(report.last.len(), 1);
}

#[test]
fn each_target_has_a_body() {
    let library = paths::root().join("kernel/logic/fuzz/src/lib.rs");
    let text = fs::read_to_string(library).unwrap();
    for target in targets().unwrap() {
        assert!(text.contains(&format!("(\"{target}\", {target}::run)")), "{target}");
    }
}
