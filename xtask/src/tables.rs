//! Tables of what is run: TOML files with `[[…]]` tables, each key of which must be known or there.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

/// A file of tables.
pub(crate) fn read(file: &Path) -> Result<DocumentMut> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.parse().with_context(|| format!("cannot read {}", file.display()))
}

/// The tables `[[key]]` of a document or table.
pub(crate) fn all<'a>(of: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    let array = of.get(key).and_then(|item| item.as_array_of_tables());
    array.into_iter().flat_map(ArrayOfTables::iter)
}

/// The string `key` of a table.
pub(crate) fn text_of(table: &Table, key: &str) -> Result<String> {
    let text = table.get(key).and_then(|item| item.as_str());
    text.map(str::to_owned).with_context(|| format!("`{key}` is missing or not a string"))
}

/// The strings `key` of a table; none if it is not there.
pub(crate) fn strings_of(table: &Table, key: &str) -> Result<Vec<String>> {
    table.get(key).map_or_else(|| Ok(Vec::new()), |item| strings(item).with_context(|| key.to_owned()))
}

/// An array of strings.
pub(crate) fn strings(item: &Item) -> Result<Vec<String>> {
    let array = item.as_array().context("not an array")?;
    array.iter().map(|value| value.as_str().map(str::to_owned).context("not an array of strings")).collect()
}
