//! Who asks: a command of the host.

use anyhow::{Result, bail};
use toml_edit::Table;

use crate::tables::{strings_of, text_of};

/// A `[[client]]`.
#[derive(Debug, PartialEq)]
pub(crate) struct Client {
    /// What it needs (`tools`).
    pub(crate) tool: String,
    /// For bash, with words in braces (`Words`).
    pub(crate) command: String,
    /// In a few words.
    pub(crate) does: String,
    /// Parts of what it must print.
    pub(crate) says: Vec<String>,
    /// Why it does not work.
    pub(crate) fails: Option<String>,
}

impl Client {
    /// Reads a table; an unknown key is an error.
    pub(crate) fn read(table: &Table) -> Result<Self> {
        if let Some((key, _)) =
            table.iter().find(|(key, _)| !["tool", "command", "does", "says", "fails"].contains(key))
        {
            bail!("unknown key `{key}` of a client");
        }
        let does = text_of(table, "does")?;
        let says = strings_of(table, "says")?;
        if says.is_empty() {
            bail!("`says` of `{does}` is empty: whatever is printed would do");
        }
        let fails = table.contains_key("fails").then(|| text_of(table, "fails")).transpose()?;
        Ok(Self { tool: text_of(table, "tool")?, command: text_of(table, "command")?, does, says, fails })
    }
}
