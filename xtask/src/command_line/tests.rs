//! Quoting.

use super::CommandLine;

#[test]
fn words_with_spaces_quotes_and_nothing_survive() {
    let mut line =
        CommandLine::new(["p", "a b", "", "say \"hi\\\"", "back\\slash", "--"].map(str::to_owned).to_vec());
    line.option("env=A=b c");
    line.option("strace");
    assert_eq!(line.text(), r#""env=A=b c" strace -- p "a b" "" "say \"hi\\\"" back\slash --"#);
}
