//! `tidy`: the house rules that a program can check, one function each.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use abi::table::Level;
use anyhow::{Context as _, Result, bail};

use crate::{codegen, paths, ui};

/// Longest file in lines.
const LONGEST_FILE: usize = 600;
/// Trees that hold our sources.
const TREES: [&str; 5] = ["kernel", "std-shim", "xtask", "examples", "tests"];
/// What each crate of the image may use of the others (house rule: dependencies go down only).
const CRATES: [(&str, &[&str]); 6] = [
    ("kernel/abi", &[]),
    ("kernel/sync", &[]),
    ("kernel/slab", &[]),
    ("kernel/logic", &["abi", "sync"]),
    ("kernel", &["abi", "sync", "slab", "logic"]),
    ("std-shim", &["abi", "sync", "slab", "kernel"]),
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
    let mut found = crate_edges()?;
    found.extend(table_promises()?);
    found.extend(codegen::stale()?);
    found.extend(statics_by_list(&sources)?);
    let layers = layers()?;
    for source in &sources {
        let shown = source.path.strip_prefix(paths::root()).unwrap_or(&source.path).display().to_string();
        for problem in problems(source, &shown, &layers) {
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

fn problems(source: &Source, shown: &str, layers: &[String]) -> Vec<String> {
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
        found.extend(upward_uses(module, &source.text, layers));
    }
    if ["kernel/", "std-shim/"].iter().any(|tree| shown.starts_with(tree)) {
        found.extend(conditions(shown, &source.text));
    }
    found
}

/// Kernel modules, lower ones first, in the order kernel/src/lib.rs declares them.
fn layers() -> Result<Vec<String>> {
    let file = paths::root().join("kernel/src/lib.rs");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text
        .lines()
        .filter_map(|line| Some(line.strip_prefix("pub mod ")?.trim_end_matches(';').to_owned()))
        .collect())
}

/// Uses of `crate::module` that is declared behind the file's own.
fn upward_uses(file: &str, text: &str, layers: &[String]) -> Vec<String> {
    let own = file.split(['/', '.']).next().unwrap_or_default();
    let layer_of = |module: &str| layers.iter().position(|layer| layer == module);
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

/// Conditions outside their one home: the CPU is picked in `arch/mod.rs`, and nothing is optional by feature.
fn conditions(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.contains("cfg")) {
        if line.contains("target_arch") && file != "kernel/src/arch/mod.rs" {
            found.push(format!("line {}: only kernel/src/arch/mod.rs asks for `target_arch`", number + 1));
        }
        if line.contains("feature = ") && !line.contains("target_feature") {
            found.push(format!("line {}: code does not depend on cargo features", number + 1));
        }
    }
    found
}

/// The kernel's statics against the list in ARCHITECTURE.md: what is there and not listed, and what is listed and not there.
fn statics_by_list(sources: &[Source]) -> Result<Vec<String>> {
    const LIST: &str = "ARCHITECTURE.md";
    let file = paths::root().join(LIST);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let listed = listed_statics(&text);
    let kernel = paths::root().join("kernel/src");
    let mut there = BTreeSet::new();
    for source in sources {
        if let Ok(shown) = source.path.strip_prefix(&kernel) {
            there.extend(statics(&source.text).map(|name| format!("{}: {name}", shown.display())));
        }
    }
    let unlisted = there.difference(&listed).map(|item| format!("kernel/src/{item} is not listed in {LIST}"));
    let gone = listed.difference(&there).map(|item| format!("{LIST} lists {item}, which is not there"));
    Ok(unlisted.chain(gone).collect())
}

/// Names of the statics a module defines (not those it declares in an `extern` block).
fn statics(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let visible = ["pub(crate) ", "pub(super) ", "pub "];
        let item = visible.iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
        item.strip_prefix("static ")?.trim_start_matches("mut ").split(':').next()
    })
}

/// Rows "| `file.rs` | `NAME` `NAME` | … |" as `file.rs: NAME`.
fn listed_statics(text: &str) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    for row in text.lines().filter_map(|line| line.strip_prefix("| `")) {
        let mut cells = row.split(" | ");
        if let (Some(file), Some(names)) =
            (cells.next().and_then(|cell| cell.strip_suffix(".rs`")), cells.next())
        {
            listed.extend(names.split(' ').map(|name| format!("{file}.rs: {}", name.trim_matches('`'))));
        }
    }
    listed
}

/// Dependencies between our crates that go up.
fn crate_edges() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (folder, allowed) in CRATES {
        let file = paths::root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let used = text.lines().filter_map(|line| line.strip_suffix(".workspace = true"));
        for name in used.filter(|name| ["abi", "sync", "logic", "kernel"].contains(name)) {
            if !allowed.contains(&name) {
                found.push(format!("{folder} depends on {name}, which lies above it"));
            }
        }
    }
    Ok(found)
}

/// Calls the table promises to serve that no test under tests/abi says it covers, and gaps that do not say why.
fn table_promises() -> Result<Vec<String>> {
    let covered = codegen::covered()?;
    let mut found = Vec::new();
    for row in abi::table::rows() {
        if row.handler.is_some() && !covered.contains_key(row.name) {
            found.push(format!("no test in tests/abi has a `// covers: {}` mark", row.name));
        }
        if let Level::Partial("") | Level::NotSupported("", _) = row.level {
            found.push(format!("the table does not say what is missing of {}", row.name));
        }
    }
    Ok(found)
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
