//! What is run: a `[[program]]` each, with the clients that ask it.

use anyhow::{Context as _, Result, bail};
use toml_edit::Table;

use crate::server::{Client, Service};
use crate::tables::{strings_of, text_of};

/// Where a program's source is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A published program.
    Crate { version: String, features: Vec<String>, is_locked: bool },
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
    /// What runs on the host before it, for a client.
    pub(super) server: Option<Client>,
    /// What a server offers.
    pub(super) service: Service,
    /// What is to be said of it.
    pub(super) note: Option<String>,
    /// All of the table.
    pub(super) text: String,
}

impl Program {
    /// Reads a table; an unknown key is an error.
    pub(super) fn read(table: &Table) -> Result<Self> {
        let name = text_of(table, "name")?;
        Self::of(name.clone(), table).with_context(|| format!("program {name}"))
    }

    fn of(name: String, table: &Table) -> Result<Self> {
        const KEYS: [&str; 10] =
            ["name", "crate", "version", "features", "locked", "ours", "args", "flags", "server", "note"];
        if let Some((key, _)) =
            table.iter().find(|(key, _)| !KEYS.contains(key) && !Service::KEYS.contains(key))
        {
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
            let (version, features) = (text_of(table, "version")?, strings_of(table, "features")?);
            Source::Crate { version, features, is_locked: bool_of("locked", true)? }
        };
        let server = table.get("server").map(|item| item.as_table().context("`server` is not a table"));
        let note = table.contains_key("note").then(|| text_of(table, "note"));
        let program = Self {
            published: text_of(table, "crate")?,
            source,
            args: strings_of(table, "args")?,
            flags: strings_of(table, "flags")?,
            server: server.transpose()?.map(Client::read).transpose()?,
            service: Service::read(table)?,
            note: note.transpose()?,
            text: table.to_string(),
            name,
        };
        if program.service.clients.is_empty() == program.server.is_none() {
            bail!("it has clients or a server");
        }
        Ok(program)
    }

    /// Who asks it, or the one it asks.
    pub(super) fn clients(&self) -> impl Iterator<Item = &Client> {
        self.service.clients.iter().chain(&self.server)
    }
}

#[cfg(test)]
mod tests;
