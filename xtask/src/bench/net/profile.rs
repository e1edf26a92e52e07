//! Where the instructions of a figure go, function by function.
#![expect(clippy::print_stdout, reason = "the report")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::counter::{Blocks, Counter};
use crate::symbols;

/// Functions that take less of the whole are not printed.
const LEAST: f64 = 1e-4;

/// What was executed before.
pub(super) struct Profile {
    image: PathBuf,
    before: Blocks,
}

impl Profile {
    /// Counts from now on in a guest whose symbols are in `image`.
    pub(super) fn begin(counter: &Counter, image: &Path) -> Result<Self> {
        Ok(Self { image: image.to_owned(), before: counter.blocks()? })
    }

    /// Prints what was executed since, for each of `acts`.
    pub(super) fn print(self, counter: &Counter, acts: f64) -> Result<()> {
        let loader = addr2line::Loader::new(&self.image).map_err(|error| anyhow!("{error}"))?;
        let mut functions: HashMap<String, f64> = HashMap::new();
        for (address, count) in counter.blocks()? {
            let count = count - self.before.get(&address).copied().unwrap_or(0);
            let name = loader.find_symbol(address).map_or_else(|| "?".to_owned(), symbols::demangle);
            *functions.entry(name).or_default() += count as f64 / acts;
        }
        let whole: f64 = functions.values().sum();
        let mut functions: Vec<_> =
            functions.into_iter().filter(|(_, count)| *count >= LEAST * whole).collect();
        functions.sort_by(|one, other| other.1.total_cmp(&one.1));
        println!("| instructions | function |\n|--:|---|");
        // Of a byte they are fractions.
        let decimals = if whole < 100.0 { 4 } else { 0 };
        for (name, count) in functions {
            println!("| {count:.decimals$} | {name} |");
        }
        println!();
        Ok(())
    }
}
