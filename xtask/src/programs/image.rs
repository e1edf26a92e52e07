//! Building what is run, each program once, with one target directory for all.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use toml_edit::DocumentMut;

use super::folder;
use super::table::{Program, Source};
use crate::fetch::{self, Lock};
use crate::flags::BuildArgs;
use crate::spec::Target;
use crate::{build, sysroot, tables, ui};

/// The long name is the one that C build systems of published crates understand.
const TARGET: Target = Target::UnikernelMusl;

/// A program that was built.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) file: PathBuf,
    /// Of the published crate.
    pub(super) version: String,
}

/// Builds `program`.
pub(super) fn of(program: &Program) -> Result<Image> {
    let name = &program.published;
    match &program.source {
        Source::Crate { version, features, is_locked } => {
            let lock = if *is_locked { Lock::Theirs } else { Lock::Newest };
            let args = BuildArgs { features: features.clone(), ..BuildArgs::default() };
            let file = fetch::image(&format!("{name}@{version}"), lock, &args)?;
            Ok(Image { file, version: version.clone() })
        }
        Source::Ours => Ok(Image { file: ours(&program.name)?, version: locked_version(name)? }),
    }
}

/// A binary of `tests/programs`.
fn ours(bin: &str) -> Result<PathBuf> {
    ui::status("Building", &format!("{bin} for {TARGET}"));
    let mut cargo = build::cargo(&sysroot::prepare(TARGET)?, TARGET);
    cargo.current_dir(folder()).env("CARGO_TARGET_DIR", fetch::target_dir()?);
    cargo.args(["build", "--release", "--locked", "--quiet", "--message-format=json-render-diagnostics"]);
    cargo.args(["--target", TARGET.name(), "--bin", bin, "--features", bin]);
    Ok(build::executables(&mut cargo)?.pop().context("cargo made no program")?.file)
}

/// The version of a library that programs of ours are built with.
fn locked_version(library: &str) -> Result<String> {
    let lock: DocumentMut = tables::read(&folder().join("Cargo.lock"))?;
    let package = tables::all(&lock, "package")
        .find(|table| tables::text_of(table, "name").is_ok_and(|name| name == library));
    tables::text_of(package.with_context(|| format!("{library} is not in Cargo.lock"))?, "version")
}
