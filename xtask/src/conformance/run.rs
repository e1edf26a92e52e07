//! One run of one test binary on one side, test by test: what libtest tells as JSON. A test that ends the program or never ends is
//! found by name, and the others are run all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::suite::Suite;
use crate::test::program;
use crate::{process, ui};

/// How long nothing may happen.
const SILENCE: Duration = Duration::from_secs(300);
/// Seconds a whole run may take in a guest.
const LIMIT: &str = "3600";
/// The guest's memory.
const MEMORY: &str = "1G";

/// Where tests run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// This host.
    Linux,
    /// A guest with so many vCPUs.
    Guest {
        /// vCPUs.
        smp: u16,
    },
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linux => f.write_str("Linux"),
            Self::Guest { smp } => write!(f, "the guest ({smp} vCPU)"),
        }
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    Ignored,
    /// The program ended with it, or it never ended.
    Died,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passes",
            Self::Failed => "fails",
            Self::Ignored => "is ignored",
            Self::Died => "ends the program or hangs",
        })
    }
}

/// By the names of tests.
pub(super) type Outcomes = BTreeMap<String, Outcome>;

/// Runs all tests of `suite`.
pub(super) fn outcomes(suite: &Suite, side: Side) -> Result<Outcomes> {
    ui::status("Running", &format!("{} on {side}", suite.name));
    let all = names(&mut command(suite, side, &["--list".to_owned(), "--format=terse".to_owned()])?)?;
    let mut outcomes = Outcomes::new();
    let mut wanted = Vec::new();
    loop {
        let run = attempt(command(suite, side, &arguments(&wanted))?)?;
        outcomes.extend(run.ended);
        if run.is_complete {
            return Ok(outcomes);
        }
        // Who was under way when it broke off shows alone.
        for suspect in run.begun {
            let alone = attempt(command(suite, side, &arguments(std::slice::from_ref(&suspect)))?)?;
            let outcome = alone.ended.get(&suspect).copied().unwrap_or(Outcome::Died);
            outcomes.insert(suspect, outcome);
        }
        let rest: Vec<String> = all.iter().filter(|name| !outcomes.contains_key(*name)).cloned().collect();
        if rest.is_empty() {
            return Ok(outcomes);
        }
        if rest == wanted || wanted.is_empty() && rest.len() == all.len() {
            bail!("{} on {side} ends before any test does:\n{}", suite.name, run.noise);
        }
        wanted = rest;
    }
}

/// libtest's arguments: JSON, and only the tests `wanted` unless that is empty.
fn arguments(wanted: &[String]) -> Vec<String> {
    let mut words = vec!["-Zunstable-options".to_owned(), "--format=json".to_owned()];
    if !wanted.is_empty() {
        words.push("--exact".to_owned());
        words.extend_from_slice(wanted);
    }
    words
}

fn command(suite: &Suite, side: Side, args: &[String]) -> Result<Command> {
    let mut command = match side {
        Side::Linux => {
            let mut command = process::clean(&suite.linux);
            command.args(args).env("RUSTC_BOOTSTRAP", "1").env_remove("RUST_BACKTRACE");
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        }
        Side::Guest { smp } => {
            let mut flags = vec![format!("--smp={smp}"), format!("--memory={MEMORY}")];
            flags.extend([format!("--timeout={LIMIT}"), "--env=RUSTC_BOOTSTRAP=1".to_owned()]);
            program::guest(&suite.image, args, &flags, false)?
        }
    };
    command.current_dir(&suite.folder);
    Ok(command)
}

/// The names of all tests, from `--list --format=terse`.
fn names(command: &mut Command) -> Result<BTreeSet<String>> {
    let output = command.output().with_context(|| format!("cannot start {}", process::show(command)))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("cannot list the tests: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test").map(str::to_owned)).collect())
}

/// What one start of the program told.
#[derive(Debug, Default)]
struct Attempt {
    ended: Outcomes,
    /// Tests that began and did not end.
    begun: BTreeSet<String>,
    /// The program said that it was through.
    is_complete: bool,
    /// What else it said last.
    noise: String,
}

impl Attempt {
    /// Takes a line of standard output in.
    fn read(&mut self, line: &str) {
        let event: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let word = |key: &str| event[key].as_str().unwrap_or_default();
        match (word("type"), word("event")) {
            ("test", "started") => {
                self.begun.insert(word("name").to_owned());
            }
            ("test", event @ ("ok" | "failed" | "ignored")) => {
                let outcome = match event {
                    "ok" => Outcome::Passed,
                    "failed" => Outcome::Failed,
                    _ => Outcome::Ignored,
                };
                self.begun.remove(word("name"));
                self.ended.insert(word("name").to_owned(), outcome);
            }
            ("suite", "ok" | "failed") => self.is_complete = true,
            _ if event.is_null() && self.noise.len() < 4096 => {
                self.noise.push_str(line);
                self.noise.push('\n');
            }
            _ => {}
        }
    }
}

/// Starts the program and listens until it ends, or is silent for too long.
fn attempt(mut command: Command) -> Result<Attempt> {
    // What tests print is not read: it must not fill a pipe.
    command.stderr(Stdio::null());
    let mut child: Child =
        command.spawn().with_context(|| format!("cannot start {}", process::show(&command)))?;
    let stdout = child.stdout.take().context("the program has no output")?;
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    let mut attempt = Attempt::default();
    let silent = loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => attempt.read(&line),
            Err(end) => break end == mpsc::RecvTimeoutError::Timeout,
        }
    };
    if silent {
        child.kill()?;
    }
    child.wait()?;
    if reader.join().is_err() {
        bail!("the output could not be read");
    }
    Ok(attempt)
}

#[cfg(test)]
mod tests;
