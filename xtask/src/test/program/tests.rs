//! Reading cases.

use toml_edit::DocumentMut;

use super::{Case, Service};

fn read(text: &str) -> anyhow::Result<Case> {
    let document: DocumentMut = text.parse()?;
    Case::read(document.as_table())
}

#[test]
fn every_key_is_read_and_others_are_refused() {
    let text = "args = [\"a\"]\nenv = { K = \"v\" }\nexit = 3\nstdin = \"x\"\nflags = [\"--f\"]\nstderr = [\"e\"]\nstdout = \"o\"\n";
    let strings = |word: &str| vec![word.to_owned()];
    let case = Case {
        args: strings("a"),
        env: strings("K=v"),
        stdin: Some("x".into()),
        stdout: Some("o".into()),
        flags: strings("--f"),
        exit: 3,
        service: Service::default(),
        stderr: strings("e"),
    };
    assert_eq!(read(text).unwrap(), case);
    assert!(read("typo = 1").is_err() && read("exit = \"1\"").is_err());
}
