//! `docs/programs.md`: a row for each program. Who runs some programs only replaces their rows.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Error, Result};

use super::image::Image;
use super::table::{Program, Source};
use crate::server::Answers;
use crate::{paths, ui};

/// What is told of a program.
#[derive(Debug)]
pub(super) struct Row {
    name: String,
    /// Crate, version, and what of it was run.
    origin: String,
    is_built: bool,
    works: Vec<String>,
    /// What did not, and the reason that the table gives.
    known: Vec<(String, String)>,
    /// What must be looked at, in full.
    failures: Vec<String>,
    note: Option<String>,
}

impl Row {
    /// A program that was built, and what came of its clients.
    pub(super) fn of(program: &Program, image: &Image, answers: Result<Answers>) -> Self {
        let mut row = Self {
            name: program.name.clone(),
            origin: origin(program, Some(image)),
            is_built: true,
            works: Vec::new(),
            known: Vec::new(),
            failures: Vec::new(),
            note: program.note.clone(),
        };
        match answers {
            Ok(answers) => answers.into_iter().for_each(|(does, result)| row.add(program, does, result)),
            Err(error) => row.failures.push(format!("{error:#}")),
        }
        row
    }

    /// A program that did what its table says, the last time.
    pub(super) fn as_expected(program: &Program, image: &Image) -> Self {
        let mut row = Self::of(program, image, Ok(Vec::new()));
        for client in program.clients() {
            match &client.fails {
                None => row.works.push(client.does.clone()),
                Some(reason) => row.known.push((client.does.clone(), reason.clone())),
            }
        }
        row
    }

    fn add(&mut self, program: &Program, does: String, result: Result<()>) {
        let client = program.clients().find(|client| client.does == does);
        let reason = client.and_then(|client| client.fails.clone());
        match (result, reason) {
            (Ok(()), None) => self.works.push(does),
            (Ok(()), Some(_)) => {
                self.failures.push(format!("{does}: works; take its `fails` out of programs.toml"))
            }
            (Err(_), Some(reason)) => self.known.push((does, reason)),
            (Err(error), None) => self.failures.push(format!("{does}: {error:#}")),
        }
    }

    /// A program that cargo refused.
    pub(super) fn not_built(program: &Program, error: &Error) -> Self {
        Self {
            name: program.name.clone(),
            origin: origin(program, None),
            is_built: false,
            works: Vec::new(),
            known: Vec::new(),
            failures: vec![format!("{error:#}")],
            note: program.note.clone(),
        }
    }

    /// What did as it should, or as was known.
    pub(super) fn passed(&self) -> usize {
        self.works.len() + self.known.len()
    }

    /// What did not.
    pub(super) fn failed(&self) -> usize {
        self.failures.len()
    }

    /// Says it on the terminal.
    pub(super) fn tell(&self) {
        for done in &self.works {
            ui::status("Works", &format!("{}: {done}", self.name));
        }
        for (done, reason) in &self.known {
            ui::status("Known", &format!("{}: {done} does not work: {reason}", self.name));
        }
        for failure in &self.failures {
            ui::error(&format!("{}: {failure}", self.name));
        }
    }
}

fn origin(program: &Program, image: Option<&Image>) -> String {
    let what = match &program.source {
        Source::Crate { features, .. } if features.is_empty() => "the program".to_owned(),
        Source::Crate { features, .. } => format!("the program, with {}", features.join(", ")),
        Source::Ours => format!("`tests/programs/src/bin/{}.rs`", program.name),
    };
    let version = match (&program.source, image) {
        (Source::Crate { version, .. }, None) => version,
        (Source::Ours, None) => "",
        (_, Some(image)) => &image.version,
    };
    format!("{} {version} | {what}", program.published)
}

/// What the page says of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// The row of the table.
    line: String,
    /// The line among the notes.
    note: Option<String>,
}

impl Entry {
    fn of(row: &Row) -> Self {
        let known = row.known.iter().map(|(does, reason)| format!("{does}: {reason}"));
        let failures =
            row.failures.iter().map(|text| format!("**{}**", text.lines().next().unwrap_or_default()));
        let not: Vec<String> = known.chain(failures).collect();
        let is_built = if row.is_built { "yes" } else { "**no**" };
        let (works, not) = (cell(&row.works), cell(&not));
        Self {
            line: format!("| {} | {} | {is_built} | {works} | {not} |", row.name, row.origin),
            note: row.note.as_ref().map(|note| format!("- {}: {note}", row.name)),
        }
    }
}

/// Writes the page: `rows` of this run, the others of `programs` as they stand there, in the order of `programs`.
pub(super) fn write(smp: u16, programs: &[&str], rows: &[Row]) -> Result<()> {
    let file = paths::root().join("docs/programs.md");
    let old = fs::read_to_string(&file).unwrap_or_default();
    let mut entries = standing(&old, programs);
    if !old.starts_with(&head(smp)) && rows.len() < programs.len() && !entries.is_empty() {
        ui::status("Kept", &format!("{}: its rows are of another machine", file.display()));
        return Ok(());
    }
    entries.extend(rows.iter().map(|row| (row.name.as_str(), Entry::of(row))));
    let entries: Vec<&Entry> = programs.iter().filter_map(|name| entries.get(name)).collect();
    fs::write(&file, page(smp, &entries)).with_context(|| format!("cannot write {}", file.display()))?;
    ui::status("Wrote", &file.display().to_string());
    Ok(())
}

/// What `page` says of `programs`.
fn standing<'a>(page: &str, programs: &[&'a str]) -> BTreeMap<&'a str, Entry> {
    let line_of = |begin: String| page.lines().find(|line| line.starts_with(&begin)).map(str::to_owned);
    let entry = |name: &'a str| {
        let line = line_of(format!("| {name} | "))?;
        Some((name, Entry { line, note: line_of(format!("- {name}: ")) }))
    };
    programs.iter().filter_map(|name| entry(name)).collect()
}

fn head(smp: u16) -> String {
    format!(
        "# Programs\n\nGenerated by `cargo xtask programs`: published servers and clients, built from the crate registry without a change, in guests \
         (q35, 256 MiB, {smp} vCPUs, QEMU's user network), and who asked or answered them on the host. `tests/programs/programs.toml` has every command \
         line. Each server also has to end when it is told to (SIGTERM).\n\n"
    )
}

fn page(smp: u16, entries: &[&Entry]) -> String {
    let mut page = head(smp)
        + "| program | crate | what is run | builds unmodified | works | what did not |\n|---|---|---|---|---|---|\n";
    for entry in entries {
        page.push_str(&entry.line);
        page.push('\n');
    }
    let notes: Vec<&String> = entries.iter().filter_map(|entry| entry.note.as_ref()).collect();
    if !notes.is_empty() {
        page.push_str("\n## Notes\n\n");
        for note in notes {
            page.push_str(note);
            page.push('\n');
        }
    }
    page
}

/// Lines in a cell.
fn cell(lines: &[String]) -> String {
    lines.join("<br>").replace('|', "\\|")
}

#[cfg(test)]
mod tests;
