//! What is run: a `[[program]]` each, with the clients that ask it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, Table};

use crate::paths;
use crate::tables::{self, strings_of, text_of};

/// Where a program's source is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A published program.
    Crate { version: String, features: Vec<String>, is_locked: bool },
    /// An example of a published library, from the same archive.
    Example { version: String, name: String },
    /// A small program of ours in `tests/programs`, on a published library.
    Ours,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Program {
    /// What it is called here.
    pub(super) name: String,
    /// The published crate.
    pub(super) published: String,
    pub(super) source: Source,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Further flags of `run`.
    pub(super) flags: Vec<String>,
    /// Ports of the guest, `/udp` too.
    pub(super) ports: Vec<String>,
    /// What runs on the host before it.
    pub(super) server: Option<Server>,
    /// Who asks it, in this order.
    pub(super) clients: Vec<Client>,
    /// What is to be said of it.
    pub(super) note: Option<String>,
}

/// A server of the host for a guest that is a client.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) tool: String,
    pub(super) command: String,
    /// What the guest does with it.
    pub(super) does: String,
    /// Parts of what the guest must print.
    pub(super) says: Vec<String>,
}

/// A client of the host for a guest that is a server.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) tool: String,
    pub(super) command: String,
    /// In a few words.
    pub(super) does: String,
    /// Parts of what it must print.
    pub(super) says: Vec<String>,
    /// Why it does not work.
    pub(super) fails: Option<String>,
}

impl Program {
    /// Reads a table; an unknown key is an error.
    pub(super) fn read(table: &Table) -> Result<Self> {
        let name = text_of(table, "name")?;
        Self::of(name.clone(), table).with_context(|| format!("program {name}"))
    }

    fn of(name: String, table: &Table) -> Result<Self> {
        const KEYS: [&str; 13] = [
            "name", "crate", "version", "example", "features", "locked", "args", "flags", "ports", "server",
            "client", "note", "ours",
        ];
        if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
            bail!("unknown key `{key}`");
        }
        let bool_of = |key: &str, otherwise: bool| {
            table
                .get(key)
                .map_or(Some(otherwise), |item| item.as_bool())
                .with_context(|| format!("`{key}` is true or false"))
        };
        let source = if bool_of("ours", false)? {
            Source::Ours
        } else {
            let version = text_of(table, "version")?;
            match table.get("example") {
                Some(_) => Source::Example { version, name: text_of(table, "example")? },
                None => {
                    let features = strings_of(table, "features")?;
                    Source::Crate { version, features, is_locked: bool_of("locked", true)? }
                }
            }
        };
        let server = table.get("server").map(|item| item.as_table().context("`server` is not a table"));
        let note = table.contains_key("note").then(|| text_of(table, "note"));
        let program = Self {
            published: text_of(table, "crate")?,
            source,
            args: strings_of(table, "args")?,
            flags: strings_of(table, "flags")?,
            ports: strings_of(table, "ports")?,
            server: server.transpose()?.map(Server::read).transpose()?,
            clients: tables::all(table, "client").map(Client::read).collect::<Result<_>>()?,
            note: note.transpose()?,
            name,
        };
        if program.clients.is_empty() == program.server.is_none() {
            bail!("it has clients or a server");
        }
        Ok(program)
    }

    /// Every tool of the host that it needs.
    fn tools(&self) -> impl Iterator<Item = &String> {
        let clients = self.clients.iter().map(|client| &client.tool);
        clients.chain(self.server.iter().map(|server| &server.tool))
    }
}

impl Server {
    fn read(table: &Table) -> Result<Self> {
        let (tool, command) = (text_of(table, "tool")?, text_of(table, "command")?);
        let says = strings_of(table, "says")?;
        if says.is_empty() {
            bail!("`says` is empty: whatever the program prints would do");
        }
        Ok(Self { tool, command, does: text_of(table, "does")?, says })
    }
}

impl Client {
    fn read(table: &Table) -> Result<Self> {
        let (tool, command) = (text_of(table, "tool")?, text_of(table, "command")?);
        let (does, says) = (text_of(table, "does")?, strings_of(table, "says")?);
        if says.is_empty() {
            bail!("`says` of `{does}` is empty: whatever the client prints would do");
        }
        let fails = table.contains_key("fails").then(|| text_of(table, "fails")).transpose()?;
        Ok(Self { tool, command, does, says, fails })
    }
}

/// Tools of the host: what each is found by, a program in `PATH` or a file, and the Debian package that brings it.
#[derive(Debug)]
pub(super) struct Tools(BTreeMap<String, Tool>);

#[derive(Debug)]
struct Tool {
    file: String,
    package: String,
}

impl Tools {
    /// The tables `[[tool]]`.
    pub(super) fn read(document: &DocumentMut) -> Result<Self> {
        let mut tools = BTreeMap::new();
        for table in tables::all(document, "tool") {
            let name = text_of(table, "name")?;
            let file = if table.contains_key("file") { text_of(table, "file")? } else { name.clone() };
            tools.insert(name, Tool { file, package: text_of(table, "package")? });
        }
        Ok(Self(tools))
    }

    /// What `programs` need must be there before the first is built.
    pub(super) fn check(&self, programs: &[Program]) -> Result<()> {
        let mut missing = BTreeMap::new();
        for name in programs.iter().flat_map(Program::tools) {
            let tool = self.0.get(name).with_context(|| format!("no [[tool]] is called {name}"))?;
            if !is_there(&tool.file) {
                missing.insert(name, &tool.package);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = missing.keys().map(|name| name.as_str()).collect();
        let mut packages: Vec<&str> = missing.values().map(|package| package.as_str()).collect();
        packages.dedup();
        bail!(
            "not on this machine: {}\n`apt-get install {}` brings them",
            names.join(", "),
            packages.join(" ")
        )
    }
}

fn is_there(file: &str) -> bool {
    if file.starts_with('/') { Path::new(file).exists() } else { paths::find_program(file).is_some() }
}

#[cfg(test)]
mod tests;
