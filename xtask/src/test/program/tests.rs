//! Reading `example.toml`.

use super::Case;

#[test]
fn every_key_is_read_and_others_are_refused() {
    let text = "args = [\"a\"]\nenv = { K = \"v\" }\nexit = 3\nstdin = \"x\"\nsmp = 2\nstderr = [\"e\"]\n";
    let strings = |word: &str| vec![word.to_owned()];
    let case = Case {
        args: strings("a"),
        env: strings("K=v"),
        stdin: Some("x".into()),
        smp: Some(2),
        exit: 3,
        stderr: strings("e"),
    };
    assert_eq!(Case::parse(text).unwrap(), case);
    assert!(Case::parse("typo = 1").is_err() && Case::parse("exit = \"1\"").is_err());
}
