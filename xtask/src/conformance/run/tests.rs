//! What libtest's lines mean, and what a program leaves behind that breaks off.

use super::*;

#[test]
fn tests_end_as_their_events_say() {
    let mut attempt = Attempt::default();
    for line in [
        r#"{ "type": "suite", "event": "started", "test_count": 4 }"#,
        r#"{ "type": "test", "event": "started", "name": "a" }"#,
        r#"{ "type": "test", "event": "started", "name": "b" }"#,
        r#"{ "type": "test", "name": "a", "event": "ok" }"#,
        "something that a test printed",
        r#"{ "type": "test", "name": "b", "event": "failed", "stdout": "thread panicked\n" }"#,
        r#"{ "type": "test", "event": "started", "name": "c" }"#,
        r#"{ "type": "test", "name": "c", "event": "ignored" }"#,
        r#"{ "type": "test", "event": "started", "name": "d" }"#,
    ] {
        attempt.read(line);
    }
    let ended: Vec<_> = attempt.ended.iter().map(|(name, outcome)| (name.as_str(), *outcome)).collect();
    assert_eq!(ended, [("a", Outcome::Passed), ("b", Outcome::Failed), ("c", Outcome::Ignored)]);
    assert_eq!(attempt.begun.iter().map(String::as_str).collect::<Vec<_>>(), ["d"]);
    assert!(!attempt.is_complete);
    assert_eq!(attempt.noise, "something that a test printed\n");
    attempt.read(r#"{ "type": "suite", "event": "failed", "passed": 1, "failed": 1 }"#);
    assert!(attempt.is_complete);
}

#[test]
fn a_program_that_dies_is_not_complete() {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"echo '{"type":"test","event":"started","name":"x"}'; exit 1"#])
        .stdout(Stdio::piped());
    let attempt = attempt(command).unwrap();
    assert!(!attempt.is_complete && attempt.begun.contains("x"));
}
