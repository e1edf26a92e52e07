//! A guest that is a server, and the programs of the host that ask it, one after the other. At the end it is told to end.

mod client;
mod running;
mod tools;
mod words;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use toml_edit::Table;

use crate::tables::{self, strings_of};
use crate::ui;

pub(crate) use client::Client;
pub(crate) use running::{Running, wait_for};
pub(crate) use tools::check as check_tools;
pub(crate) use words::Words;

/// Seconds a client may take.
const PATIENCE: &str = "120";

/// What was done, and what came of it; the end only if it was none.
pub(crate) type Answers = Vec<(String, Result<()>)>;

/// What a guest offers, and who asks for it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Service {
    /// Ports of the guest, `/udp` too.
    pub(crate) ports: Vec<String>,
    /// In this order.
    pub(crate) clients: Vec<Client>,
}

impl Service {
    /// The keys of a table that belong to it.
    pub(crate) const KEYS: [&str; 2] = ["ports", "client"];

    /// Reads them.
    pub(crate) fn read(table: &Table) -> Result<Self> {
        let clients = tables::all(table, "client").map(Client::read).collect::<Result<_>>()?;
        Ok(Self { ports: strings_of(table, "ports")?, clients })
    }

    /// The flags of `run` that let the host reach it.
    pub(crate) fn flags(&self, words: &Words) -> Result<Vec<String>> {
        self.ports.iter().map(|port| words.publish(port)).collect()
    }

    /// Boots `guest`, whose output goes to `log`, and has it asked.
    pub(crate) fn visit(
        &self,
        mut guest: Command,
        words: &Words,
        log: &Path,
        is_verbose: bool,
    ) -> Result<Answers> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let guest = Running::start(guest.stdout(file.try_clone()?).stderr(file))?;
        if let Some(port) = words.first_tcp(&self.ports) {
            wait_for(port).with_context(|| format!("the guest said\n{}", text(log)))?;
        }
        let mut answers = Answers::new();
        for client in &self.clients {
            let mut command = Command::new("timeout");
            command.args([PATIENCE, "bash", "-c", &words.put_into(&client.command)]).stdin(Stdio::null());
            let output = command.output().context("cannot start a client")?;
            answers.push((client.does.clone(), said(&output, &client.says, is_verbose)));
        }
        let ending = guest.end();
        if is_verbose {
            ui::status("Guest", &text(log));
        }
        if let Err(error) = ending {
            answers
                .push(("the end".to_owned(), Err(error.context(format!("the guest said\n{}", text(log))))));
        }
        Ok(answers)
    }
}

/// What was written into a log.
fn text(log: &Path) -> String {
    fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A command must end well and print every one of `parts`.
pub(crate) fn said(output: &Output, parts: &[String], is_verbose: bool) -> Result<()> {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if is_verbose {
        ui::status("Said", &text);
    }
    if !output.status.success() {
        bail!("ended with {}\n{text}", output.status);
    }
    match parts.iter().find(|part| !text.contains(part.as_str())) {
        Some(missing) => bail!("`{missing}` is not in\n{text}"),
        None => Ok(()),
    }
}
