//! `tidy`: the house rules that a program can check, one function each.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{paths, ui};

/// Longest file in lines.
const LONGEST_FILE: usize = 600;
/// Trees that hold our sources.
const TREES: [&str; 5] = ["kernel", "std-shim", "xtask", "examples", "tests"];
/// Kernel modules, lower ones first: a module uses only those before it (ARCHITECTURE.md).
const LAYERS: [&[&str]; 12] = [
    &["arch"],
    &["boot", "image"],
    &["console", "end", "panic", "backtrace"],
    &["mm"],
    &["drivers"],
    &["time", "rng"],
    &["task"],
    &["irq", "fault"],
    &["fs", "net", "process"],
    &["kernel"],
    &["syscall"],
    &["app", "start"],
];

/// A source file.
struct Source {
    path: PathBuf,
    text: String,
}

/// Checks every rule and lists everything that breaks one.
pub(crate) fn main() -> Result<()> {
    let mut sources = Vec::new();
    for tree in TREES {
        collect(&paths::root().join(tree), &mut sources)?;
    }
    let mut found = Vec::new();
    for source in &sources {
        let shown = source.path.strip_prefix(paths::root()).unwrap_or(&source.path).display().to_string();
        for problem in problems(source, &shown) {
            found.push(format!("{shown}: {problem}"));
        }
    }
    for problem in &found {
        ui::error(problem);
    }
    if !found.is_empty() {
        bail!("{} places break the house rules", found.len());
    }
    ui::status("Tidy", &format!("{} files", sources.len()));
    Ok(())
}

fn collect(dir: &Path, sources: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

fn problems(source: &Source, shown: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !source.text.starts_with("//!") {
        found.push("does not begin with `//!`: say what it is, why, and what it is not".to_owned());
    }
    let lines = source.text.lines().count();
    if lines > LONGEST_FILE {
        found.push(format!("has {lines} lines, more than {LONGEST_FILE}: split it by noun"));
    }
    if let Some(number) = source.text.lines().position(|line| line.ends_with([' ', '\t'])) {
        found.push(format!("line {} ends in white space", number + 1));
    }
    if let Some(module) = shown.strip_prefix("kernel/src/") {
        found.extend(upward_uses(module, &source.text));
    }
    found
}

/// Uses of `crate::module` that lies in a higher layer than the file's own.
fn upward_uses(file: &str, text: &str) -> Vec<String> {
    let own = file.split(['/', '.']).next().unwrap_or_default();
    let layer_of = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let Some(layer) = layer_of(own) else { return Vec::new() };
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        for module in used_modules(line) {
            if layer_of(module).is_some_and(|used| used > layer) {
                found.push(format!("line {}: `{own}` uses `{module}` of a higher layer", number + 1));
            }
        }
    }
    found
}

/// The modules a line names through `crate::`.
fn used_modules(line: &str) -> Vec<&str> {
    let mut modules = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let list = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or_default());
        let parts: Vec<&str> = if rest.starts_with('{') { list.split(',').collect() } else { vec![list] };
        for part in parts {
            let name =
                part.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            modules.push(name);
        }
    }
    modules
}

#[cfg(test)]
mod tests;
