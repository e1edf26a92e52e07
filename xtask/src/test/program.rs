//! One program that is a test: it boots, and what it prints and how it ends is compared with what its directory says.
//!
//! `expected.txt` is its standard output. `example.toml` may give `args`, `env`, `stdin`, the code it ends with (`exit`), further
//! `flags` of `run`, and parts of standard error that must be there (`stderr`). A server has `ports` and `[[client]]`s that ask it (`server`), instead of
//! output to compare. A program with many ways to end has them in `cases.toml`, a `[[case]]` each, with `stdout` in place of the file.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, Item, Table};

use super::Count;
use crate::flags::{BuildArgs, Place};
use crate::server::{self, Service, Words};
use crate::tables::{self, strings};
use crate::{build, paths};

/// Seconds a guest of a test may take, unless its flags say otherwise: ten times what the longest takes where nothing else runs.
const LIMIT: &str = "180";

/// How a program is run and what must come of it.
#[derive(Debug, Default, PartialEq)]
struct Case {
    args: Vec<String>,
    env: Vec<String>,
    stdin: Option<String>,
    flags: Vec<String>,
    stdout: Option<String>,
    exit: i64,
    stderr: Vec<String>,
    service: Service,
}

impl Case {
    /// Reads a case; an unknown key is an error.
    fn read(table: &Table) -> Result<Self> {
        let mut case = Self { service: Service::read(table)?, ..Self::default() };
        for (key, item) in table.iter() {
            match key {
                "args" => case.args = strings(item)?,
                "flags" => case.flags = strings(item)?,
                "stderr" => case.stderr = strings(item)?,
                "stdin" => case.stdin = Some(item.as_str().context("`stdin` is not a string")?.to_owned()),
                "stdout" => case.stdout = Some(item.as_str().context("`stdout` is not a string")?.to_owned()),
                "exit" => case.exit = item.as_integer().context("`exit` is not a number")?,
                "env" => {
                    let table = item.as_table_like().context("`env` is not a table")?;
                    let pair = |(name, value): (&str, &Item)| Some(format!("{name}={}", value.as_str()?));
                    case.env = table
                        .iter()
                        .map(|entry| pair(entry).context("a variable is not a string"))
                        .collect::<Result<_>>()?;
                }
                _ if Service::KEYS.contains(&key) => {}
                _ => bail!("unknown key `{key}`"),
            }
        }
        Ok(case)
    }

    /// The cases of a package: those of `cases.toml`, or the one that `example.toml` and `expected.txt` describe.
    fn of(package: &Path) -> Result<Vec<Self>> {
        let read = |name: &str| fs::read_to_string(package.join(name));
        if let Ok(text) = read("cases.toml") {
            let document: DocumentMut = text.parse().context("cases.toml")?;
            let cases = document["case"].as_array_of_tables().context("cases.toml has no [[case]]")?;
            return cases.iter().map(|table| Self::read(table).context("cases.toml")).collect();
        }
        let text = read("example.toml").unwrap_or_default();
        let document: DocumentMut = text.parse().context("example.toml")?;
        let case = Self::read(document.as_table()).context("example.toml")?;
        Ok(vec![Self { stdout: read("expected.txt").ok().or(case.stdout), ..case }])
    }
}

/// Further flags of `run` that a binary is tested with: a `[[case]]` with `binary` and `flags`.
#[derive(Debug, Default)]
pub(super) struct Variation {
    pub(super) binary: String,
    pub(super) flags: Vec<String>,
}

impl Variation {
    /// What a file says; an unknown key is an error.
    pub(super) fn all(file: &Path) -> Result<Vec<Self>> {
        let document = tables::read(file)?;
        let tables = document["case"].as_array_of_tables().context("cases.toml has no [[case]]")?;
        tables.iter().map(Self::read).collect()
    }

    fn read(table: &Table) -> Result<Self> {
        let mut variation = Self::default();
        for (key, item) in table {
            match key {
                "binary" => variation.binary = item.as_str().context("`binary` is not a string")?.to_owned(),
                "flags" => variation.flags = strings(item)?,
                _ => bail!("unknown key `{key}`"),
            }
        }
        Ok(variation)
    }
}

/// Builds the package; then boots it for each of its cases, at each of `places`, and compares.
pub(super) fn check(package: &Path, places: &[Place]) -> Result<Count> {
    let program = Program::of(package)?;
    let mut count = Count::default();
    for case in &program.cases {
        for &place in places {
            let shown = format!("{} {}", program.image.name, case.args.join(" "));
            count.add(Count::one(&format!("{shown} ({place})"), case.check(&program.image.file, place)));
        }
    }
    Ok(count)
}

/// A program and what must come of it.
pub(crate) struct Program {
    image: build::Image,
    cases: Vec<Case>,
}

impl Program {
    /// Builds the package.
    pub(crate) fn of(package: &Path) -> Result<Self> {
        let cases = Case::of(package)?;
        let build_args = BuildArgs { what: Some(package.display().to_string()), ..BuildArgs::default() };
        let image = build::images(&build_args)?.into_iter().next().context("has no binary")?;
        Ok(Self { image, cases })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.image.name
    }

    /// Boots it for each of its cases at `place`.
    pub(crate) fn check(&self, place: Place) -> Result<()> {
        self.cases.iter().try_for_each(|case| case.check(&self.image.file, place))
    }
}

impl Case {
    fn check(&self, image: &Path, place: Place) -> Result<()> {
        let mut flags: Vec<String> = self.env.iter().map(|pair| format!("--env={pair}")).collect();
        flags.extend(place.flags());
        flags.extend(self.flags.iter().cloned());
        if !self.service.clients.is_empty() {
            return self.check_service(image, flags);
        }
        let mut child = guest(image, &self.args, &flags, self.stdin.is_some())?.spawn()?;
        if let (Some(text), Some(mut stdin)) = (&self.stdin, child.stdin.take()) {
            // A program may end without reading everything.
            let _ = stdin.write_all(text.as_bytes());
        }
        let output = child.wait_with_output()?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.code().map(i64::from) != Some(self.exit) {
            bail!("ended with {}, not {}\n{stdout}{stderr}", output.status, self.exit);
        }
        if let Some(missing) = self.stderr.iter().find(|part| !stderr.contains(part.as_str())) {
            bail!("`{missing}` is not in standard error:\n{stderr}");
        }
        match &self.stdout {
            Some(text) if *text != stdout => bail!("printed\n{stdout}\nnot\n{text}"),
            _ => Ok(()),
        }
    }
}

impl Case {
    /// Each client must be content.
    fn check_service(&self, image: &Path, mut flags: Vec<String>) -> Result<()> {
        server::check_tools(self.service.clients.iter().map(|client| client.tool.as_str()))?;
        let data = paths::cache()?.join("examples");
        fs::create_dir_all(&data)?;
        let words = Words::new(&data, &self.service.ports)?;
        flags.extend(self.service.flags(&words)?);
        let name = image.file_name().unwrap_or_default();
        let log = data.join(name).with_extension("log");
        let answers = self.service.visit(guest(image, &self.args, &flags, false)?, &words, &log, false)?;
        answers.into_iter().try_for_each(|(does, result)| result.context(does))
    }
}

/// This tool, about to boot `image`, with all its output to us.
pub(crate) fn guest(image: &Path, args: &[String], flags: &[String], has_stdin: bool) -> Result<Command> {
    let mut run = Command::new(std::env::current_exe()?);
    run.arg("run").args(flags).env("CARACAL_TIMEOUT", LIMIT);
    if !has_stdin {
        run.arg("--no-stdin");
    }
    run.arg(image).arg("--").args(args);
    run.stdin(if has_stdin { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What the outer environment asks for must not change a test.
    run.env_remove("RUST_BACKTRACE").env_remove("RUST_LOG");
    Ok(run)
}

#[cfg(test)]
mod tests;
