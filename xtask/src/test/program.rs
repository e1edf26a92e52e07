//! One program that is a test: it boots, and what it prints and how it ends is compared with what its directory says.
//!
//! `expected.txt` is its standard output. `example.toml` may give `args`, `env`, `stdin`, the code it ends with (`exit`), `smp`,
//! and parts of standard error that must be there (`stderr`).

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, Item};

use crate::build;
use crate::flags::BuildArgs;

/// Seconds a guest of a test may take.
const LIMIT: &str = "60";

/// How a program is run and what must come of it.
#[derive(Debug, Default, PartialEq)]
struct Case {
    args: Vec<String>,
    env: Vec<String>,
    stdin: Option<String>,
    smp: Option<i64>,
    exit: i64,
    stderr: Vec<String>,
}

impl Case {
    /// Reads `example.toml`; an unknown key is an error.
    fn parse(text: &str) -> Result<Self> {
        let mut case = Self::default();
        for (key, item) in text.parse::<DocumentMut>()?.iter() {
            match key {
                "args" => case.args = strings(item)?,
                "stderr" => case.stderr = strings(item)?,
                "stdin" => case.stdin = Some(item.as_str().context("`stdin` is not a string")?.to_owned()),
                "exit" => case.exit = item.as_integer().context("`exit` is not a number")?,
                "smp" => case.smp = Some(item.as_integer().context("`smp` is not a number")?),
                "env" => {
                    let table = item.as_table_like().context("`env` is not a table")?;
                    let pair = |(name, value): (&str, &Item)| Some(format!("{name}={}", value.as_str()?));
                    case.env = table
                        .iter()
                        .map(|entry| pair(entry).context("a variable is not a string"))
                        .collect::<Result<_>>()?;
                }
                _ => bail!("unknown key `{key}`"),
            }
        }
        Ok(case)
    }
}

fn strings(item: &Item) -> Result<Vec<String>> {
    let array = item.as_array().context("not an array")?;
    array.iter().map(|value| value.as_str().map(str::to_owned).context("not an array of strings")).collect()
}

/// Builds and boots the package and compares.
pub(super) fn check(package: &Path) -> Result<()> {
    let case = match fs::read_to_string(package.join("example.toml")) {
        Ok(text) => Case::parse(&text).context("example.toml")?,
        Err(_) => Case::default(),
    };
    let build_args = BuildArgs { what: Some(package.display().to_string()), ..BuildArgs::default() };
    let image = build::images(&build_args)?.into_iter().next().context("has no binary")?;
    let mut flags: Vec<String> = case.env.iter().map(|pair| format!("--env={pair}")).collect();
    flags.extend(case.smp.map(|count| format!("--smp={count}")));
    let mut child = guest(&image.file, &case.args, &flags, case.stdin.is_some())?.spawn()?;
    if let (Some(text), Some(mut stdin)) = (&case.stdin, child.stdin.take()) {
        // A program may end without reading everything.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output()?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code().map(i64::from) != Some(case.exit) {
        bail!("ended with {}, not {}\n{stdout}{stderr}", output.status, case.exit);
    }
    if let Some(missing) = case.stderr.iter().find(|part| !stderr.contains(part.as_str())) {
        bail!("`{missing}` is not in standard error:\n{stderr}");
    }
    match fs::read_to_string(package.join("expected.txt")) {
        Ok(text) if text != stdout => bail!("printed\n{stdout}\nnot\n{text}"),
        _ => Ok(()),
    }
}

/// This tool, about to boot `image`, with all its output to us.
pub(super) fn guest(image: &Path, args: &[String], flags: &[String], has_stdin: bool) -> Result<Command> {
    let mut run = Command::new(std::env::current_exe()?);
    run.args(["run", "--timeout", LIMIT]).args(flags);
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
