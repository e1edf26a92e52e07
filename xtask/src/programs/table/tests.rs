//! Reading rows.

use toml_edit::DocumentMut;

use super::*;

const CLIENT: &str = "[[client]]\ntool = \"sh\"\ncommand = \"true\"\ndoes = \"nothing\"\nsays = [\"x\"]\n";

fn read(text: &str) -> Result<Program> {
    let document: DocumentMut = text.parse()?;
    Program::read(document.as_table())
}

#[test]
fn a_program_is_published_or_ours() {
    let head = "name = \"n\"\ncrate = \"c\"\n";
    let source = |more: &str| read(&format!("{head}{more}{CLIENT}")).unwrap().source;
    let version = "1.0.0".to_owned();
    assert_eq!(source("ours = true\n"), Source::Ours);
    let program = Source::Crate { version, features: vec!["f".into()], is_locked: false };
    assert_eq!(source("version = \"1.0.0\"\nfeatures = [\"f\"]\nlocked = false\n"), program);
}

#[test]
fn what_could_not_fail_is_refused() {
    let head = "name = \"n\"\ncrate = \"c\"\nours = true\n";
    assert!(read(head).is_err());
    assert!(read(&format!("{head}typo = 1\n{CLIENT}")).is_err());
    assert!(read(&format!("{head}{}", CLIENT.replace("\"x\"", ""))).is_err());
}
