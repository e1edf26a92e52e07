//! What is known already: a run that was cut off goes on where it stopped, and a test binary that has not changed is not run again.
//!
//! An image contains its kernel, so its bytes say all that the outcome depends on.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::run::{self, Outcome, Outcomes, Side};
use super::suite::Suite;
use crate::{paths, ui};

/// How the tests of `suite` end: as they did the last time, unless everything is to be run `again`.
pub(super) fn outcomes(suite: &Suite, side: Side, again: bool) -> Result<Outcomes> {
    let record = place(suite, side)?;
    if let Some(known) = read(&record).filter(|_| !again) {
        ui::status("Known", &format!("{} on {side}", suite.name));
        return Ok(known);
    }
    let outcomes = run::outcomes(suite, side)?;
    write(&record, &outcomes)?;
    Ok(outcomes)
}

fn place(suite: &Suite, side: Side) -> Result<PathBuf> {
    let (binary, smp) = match side {
        Side::Linux => (&suite.linux, 0),
        Side::Guest { smp } => (&suite.image, smp),
    };
    let bytes = fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    let mut hasher = DefaultHasher::new();
    (bytes, smp).hash(&mut hasher);
    Ok(paths::cache()?.join("conformance/outcomes").join(format!("{:016x}", hasher.finish())))
}

/// The word for an outcome in a record.
const WORDS: [(Outcome, &str); 4] = [
    (Outcome::Passed, "passed"),
    (Outcome::Failed, "failed"),
    (Outcome::Ignored, "ignored"),
    (Outcome::Died, "died"),
];

fn read(record: &Path) -> Option<Outcomes> {
    let text = fs::read_to_string(record).ok()?;
    let one = |line: &str| {
        let (word, name) = line.split_once(' ')?;
        let (outcome, _) = WORDS.into_iter().find(|(_, known)| *known == word)?;
        Some((name.to_owned(), outcome))
    };
    text.lines().map(one).collect()
}

fn write(record: &Path, outcomes: &Outcomes) -> Result<()> {
    let mut text = String::new();
    for (name, outcome) in outcomes {
        let word = WORDS.iter().find(|(known, _)| known == outcome).map_or("", |(_, word)| word);
        text.push_str(&format!("{word} {name}\n"));
    }
    if let Some(folder) = record.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(record, text).with_context(|| format!("cannot write {}", record.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let record = std::env::temp_dir().join(format!("caracal-record-{}", std::process::id()));
        let outcomes: Outcomes =
            WORDS.iter().map(|(outcome, word)| (format!("a::{word} x"), *outcome)).collect();
        write(&record, &outcomes).expect("a temporary file can be written");
        assert_eq!(read(&record), Some(outcomes));
        fs::write(&record, "vanished a\n").expect("as above");
        assert_eq!(read(&record), None, "an unknown word is no record");
        fs::remove_file(record).expect("it is there");
    }
}
