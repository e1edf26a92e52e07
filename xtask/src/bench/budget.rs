//! Instruction budgets: `tests/bench/budgets.toml` says what some operations take, and a change of more than 2 % either way is told.
//!
//! More is a mistake or a price that somebody must want; less is a budget that would let the next mistake through.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, value};

use super::ops::{self, Figures, OPERATIONS, Operation};
use super::rival;
use crate::rig::guest::Guest;
use crate::{paths, ui};

/// Tolerance, in per cent.
const TOLERANCE: u64 = 2;
const UPDATE: &str = "`cargo xtask bench ops --alone --update-budgets` writes the new figures";

fn file() -> PathBuf {
    paths::root().join("tests/bench/budgets.toml")
}

fn read() -> Result<DocumentMut> {
    let file = file();
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    text.parse().with_context(|| format!("cannot read {}", file.display()))
}

fn measured() -> Result<Figures> {
    ops::figures(&Guest { kernel: rival::image("ops")?, initrd: None })
}

/// The operations that have a budget, each with what became of it.
pub(crate) fn check() -> Result<Vec<(&'static str, Result<()>)>> {
    let (budgets, figures) = (read()?, measured()?);
    let kept = OPERATIONS.iter().filter(|operation| operation.has_budget);
    kept.map(|Operation { name, .. }| {
        let budget = budgets["instructions"].get(name).and_then(|item| item.as_integer());
        let budget = budget.and_then(|budget| u64::try_from(budget).ok());
        let budget = budget.with_context(|| format!("{} has no number for {name}", file().display()))?;
        Ok((*name, compare(budget, figures.get(*name).copied().unwrap_or(0))))
    })
    .collect()
}

fn compare(budget: u64, figure: u64) -> Result<()> {
    let slack = (budget * TOLERANCE).div_ceil(100);
    if figure > budget + slack {
        bail!("takes {figure} instructions, {budget} is the budget; if that is wanted, {UPDATE}");
    }
    if figure + slack < budget {
        bail!("takes {figure} instructions only, {budget} is the budget: {UPDATE}");
    }
    Ok(())
}

/// Writes what operations take now.
pub(super) fn update() -> Result<()> {
    let (mut budgets, figures) = (read()?, measured()?);
    for Operation { name, .. } in OPERATIONS.iter().filter(|operation| operation.has_budget) {
        let figure = figures.get(*name).copied().unwrap_or(0);
        budgets["instructions"][name] = value(i64::try_from(figure)?);
    }
    fs::write(file(), budgets.to_string())?;
    ui::status("Wrote", &file().display().to_string());
    Ok(())
}

#[cfg(test)]
mod tests;
