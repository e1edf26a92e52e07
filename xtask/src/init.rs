//! `init`: the few lines of `.cargo/config.toml` that make plain cargo build and boot images in any package.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, Item, Table, value};

use crate::spec::Target;
use crate::{layout, paths, sysroot, ui};

/// Writes the configuration of the package in `dir`; what is there already stays.
pub(crate) fn main(dir: &Path) -> Result<()> {
    if !dir.join("Cargo.toml").is_file() {
        bail!("{} has no Cargo.toml: make a package there first (cargo init)", dir.display());
    }
    sysroot::prepare(Target::Unikernel)?;
    let folder = dir.join(".cargo");
    let file = folder.join("config.toml");
    let old = if file.is_file() {
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?
    } else {
        String::new()
    };
    let new = configured(&old, &paths::current()?)
        .with_context(|| format!("{} cannot be edited", file.display()))?;
    fs::create_dir_all(&folder)?;
    fs::write(&file, new).with_context(|| format!("cannot write {}", file.display()))?;
    ui::status("Configured", &format!("{}; now: cargo run --target {}", file.display(), Target::Unikernel));
    Ok(())
}

/// The configuration text with our lines in it.
fn configured(old: &str, sysroot: &Path) -> Result<String> {
    let mut document: DocumentMut = old.parse()?;
    let bin = sysroot.join("bin");
    let text = |name: &str| bin.join(name).display().to_string();
    let rustc = text(layout::RUSTC);
    let build = table(document.as_table_mut(), "build")?;
    match build.get("rustc").and_then(Item::as_str) {
        Some(other) if !other.ends_with(layout::RUSTC) => {
            bail!("build.rustc is {other}; remove it first: images need a compiler that knows the target")
        }
        _ => build["rustc"] = value(rustc),
    }
    for target in [Target::Unikernel, Target::UnikernelMusl] {
        let all = table(document.as_table_mut(), "target")?;
        all.set_implicit(true);
        table(all, target.name())?["runner"] = value(text(layout::RUNNER));
        let env = table(document.as_table_mut(), "env")?;
        for (tool, program) in [("CC", "musl-gcc"), ("AR", "ar")] {
            let name = format!("{tool}_{}", target.name().replace('-', "_"));
            if !env.contains_key(&name) {
                env[&name] = value(program);
            }
        }
    }
    Ok(document.to_string())
}

fn table<'parent>(parent: &'parent mut Table, name: &str) -> Result<&'parent mut Table> {
    parent
        .entry(name)
        .or_insert_with(toml_edit::table)
        .as_table_mut()
        .with_context(|| format!("`{name}` is not a table"))
}

#[cfg(test)]
mod tests;
