//! Building what is run, each program once, with one target directory for all.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use toml_edit::DocumentMut;

use super::folder;
use super::table::{Program, Source};
use crate::fetch::{self, Lock};
use crate::flags::BuildArgs;
use crate::spec::Target;
use crate::{build, paths, sysroot, tables, ui};

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
    let (file, version) = match &program.source {
        Source::Crate { version, features, is_locked } => {
            let lock = if *is_locked { Lock::Theirs } else { Lock::Newest };
            let args = BuildArgs { features: features.clone(), ..BuildArgs::default() };
            (fetch::image(&format!("{name}@{version}"), lock, &args)?, version.clone())
        }
        Source::Example { version, name: example } => {
            let folder = paths::cache()?.join("programs/crates").join(format!("{name}-{version}"));
            let source = fetch::source(name, &format!("={version}"), &folder)?;
            (executable(&source, &["--example", example])?, version.clone())
        }
        Source::Ours => {
            let bin = &program.name;
            (executable(&folder(), &["--locked", "--bin", bin, "--features", bin])?, locked_version(name)?)
        }
    };
    Ok(Image { file, version })
}

/// What cargo makes of the package in `folder`.
fn executable(folder: &Path, what: &[&str]) -> Result<PathBuf> {
    ui::status("Building", &format!("{} for {TARGET}", what.last().unwrap_or(&"")));
    let mut cargo = build::cargo(&sysroot::prepare(TARGET)?, TARGET);
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", fetch::target_dir()?);
    cargo.args(["build", "--release", "--quiet", "--message-format=json-render-diagnostics"]);
    cargo.args(["--target", TARGET.name()]).args(what);
    Ok(build::executables(&mut cargo)?.pop().context("cargo made no program")?.file)
}

/// The version of a library that programs of ours are built with.
fn locked_version(library: &str) -> Result<String> {
    let lock: DocumentMut = tables::read(&folder().join("Cargo.lock"))?;
    let package = tables::all(&lock, "package")
        .find(|table| tables::text_of(table, "name").is_ok_and(|name| name == library));
    tables::text_of(package.with_context(|| format!("{library} is not in Cargo.lock"))?, "version")
}
