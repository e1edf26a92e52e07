//! The suites: built for this host and as images, by cargo, from sources that nobody touched.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, Table};

use crate::build::{self, Image};
use crate::layout::Sysroot;
use crate::spec::Target;
use crate::tables::{self, strings_of, text_of};
use crate::{fetch, paths, process, sysroot, ui};

/// One test binary, built twice.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: String,
    /// For the host.
    pub(super) linux: PathBuf,
    /// For the guest.
    pub(super) image: PathBuf,
    /// Where cargo would run it.
    pub(super) folder: PathBuf,
    /// What it needs.
    pub(super) needs: Needs,
}

/// A suite may ask for more than one CPU.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    /// On fewer it is not run.
    pub(super) cpus: u16,
    /// Why; empty if it runs everywhere.
    pub(super) why: String,
}

impl Needs {
    const NOTHING: Self = Self { cpus: 1, why: String::new() };

    fn of(table: &Table) -> Result<Self> {
        let Some(cpus) = table.get("cpus") else { return Ok(Self::NOTHING) };
        let cpus = cpus.as_integer().and_then(|cpus| u16::try_from(cpus).ok());
        Ok(Self { cpus: cpus.context("`cpus` is not a number of CPUs")?, why: text_of(table, "why")? })
    }
}

/// The suites that `names` asks for; all of them if it is empty.
pub(super) fn all(document: &DocumentMut, names: &[String]) -> Result<Vec<Suite>> {
    let sysroot = sysroot::prepare(Target::Unikernel)?;
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut library = Vec::new();
    for table in tables::all(document, "library") {
        let (name, path) = (text_of(table, "name")?, text_of(table, "path")?);
        if is_wanted(&name) {
            library.push((name, path));
        }
    }
    let mut suites = Vec::new();
    if !library.is_empty() {
        suites = of_library(&sysroot, &library)?;
    }
    for table in tables::all(document, "crate") {
        let name = text_of(table, "name")?;
        if is_wanted(&name) {
            let needs = Needs::of(table)?;
            let made = of_crate(&sysroot, &name, table)?;
            suites.extend(made.into_iter().map(|suite| Suite { needs: needs.clone(), ..suite }));
        }
    }
    Ok(suites)
}

/// Test binaries of the library sources: a package of ours whose tests lie there.
fn of_library(sysroot: &Sysroot, tests: &[(String, String)]) -> Result<Vec<Suite>> {
    let library = sysroot.toolchain.library();
    let folder = paths::cache()?.join("conformance/library");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("lib.rs"), "")?;
    let mut manifest = String::from(
        "[package]\nname = \"library-tests\"\nversion = \"0.0.0\"\nedition = \"2024\"\nautotests = false\n[workspace]\n\
         [lib]\npath = \"lib.rs\"\n[dev-dependencies]\n\
         rand = { version = \"0.9.0\", default-features = false, features = [\"alloc\"] }\nrand_xorshift = \"0.4.0\"\n",
    );
    for (name, path) in tests {
        writeln!(manifest, "[[test]]\nname = \"{name}\"\npath = \"{}\"", library.join(path).display())?;
    }
    fs::write(folder.join("Cargo.toml"), manifest)?;
    let suites = build_twice(sysroot, &folder, "the library's tests", &|cargo| {
        // As the library's own build does: its tests use what has no stable name yet.
        cargo
            .arg("--tests")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "--cap-lints=warn -Awarnings -Zforce-unstable-if-unmarked");
    })?;
    Ok(suites.into_iter().filter(|suite| tests.iter().any(|(name, _)| *name == suite.name)).collect())
}

/// Test binaries of a published crate, with the `features` that a table names; of its files in `tests` those whose names begin with one of
/// its `tests`, or all.
fn of_crate(sysroot: &Sysroot, name: &str, table: &Table) -> Result<Vec<Suite>> {
    let version = text_of(table, "version")?;
    let folder = paths::cache()?
        .join("conformance/crates")
        .join(format!("{name}-{}", version.trim_start_matches('=')));
    let source = fetch::source(name, &version, &folder)?;
    let (features, beginnings) = (strings_of(table, "features")?, strings_of(table, "tests")?);
    let files = test_files(&source, &beginnings)?;
    let patch = patched(&source, name)?;
    let mut suites = build_twice(sysroot, &source, name, &|cargo| {
        cargo.arg("--lib");
        if beginnings.is_empty() {
            cargo.arg("--tests");
        }
        cargo.args(files.iter().flat_map(|file| ["--test", file]));
        cargo.args(["--features", &features.join(",")]);
        cargo.args(["--config", &patch]);
    })?;
    for suite in &mut suites {
        suite.name = if suite.name == name.replace('-', "_") {
            name.to_owned()
        } else {
            format!("{name}: {}", suite.name)
        };
    }
    Ok(suites)
}

/// The configuration by which libraries for tests, which depend on the crate that they help to test, use this copy of it and no other. A
/// lock file that came with it may name another one.
fn patched(source: &Path, name: &str) -> Result<String> {
    let patch = format!("patch.crates-io.{name}.path={:?}", source.display().to_string());
    let lock = source.join("Cargo.lock");
    if lock.is_file() {
        let lock = tables::read(&lock)?;
        for other in tables::all(&lock, "package").filter(|table| table.contains_key("source")) {
            if text_of(other, "name")? == name {
                let mut cargo = process::clean("cargo");
                cargo.current_dir(source).args(["update", "--quiet", "--config", &patch]);
                process::run(cargo.arg(format!("{name}@{}", text_of(other, "version")?)))?;
            }
        }
    }
    Ok(patch)
}

/// The files in `tests` whose names begin with one of `beginnings`.
fn test_files(source: &Path, beginnings: &[String]) -> Result<Vec<String>> {
    if beginnings.is_empty() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(source.join("tests"))? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        let name =
            file.strip_suffix(".rs").filter(|name| beginnings.iter().any(|begin| name.starts_with(begin)));
        files.extend(name.map(str::to_owned));
    }
    files.sort();
    Ok(files)
}

/// Builds the tests of the package in `folder` for both sides.
fn build_twice(
    sysroot: &Sysroot,
    folder: &Path,
    shown: &str,
    adapt: &dyn Fn(&mut Command),
) -> Result<Vec<Suite>> {
    ui::status("Building", shown);
    let target_dir = paths::cache()?.join("conformance/target");
    let build = |mut cargo: Command, target: &str| -> Result<Vec<Image>> {
        cargo.current_dir(folder).env("CARGO_TARGET_DIR", &target_dir);
        cargo.args(["test", "--no-run", "--release", "--quiet", "--message-format=json-render-diagnostics"]);
        cargo.args(["--target", target]);
        // Warnings about others' tests are nobody's business here.
        cargo.env("RUSTFLAGS", "--cap-lints=warn -Awarnings");
        adapt(&mut cargo);
        build::executables(&mut cargo)
            .with_context(|| format!("the tests of {shown} do not build for {target}"))
    };
    let mut host = process::clean(&sysroot.toolchain.cargo);
    host.env("RUSTC", &sysroot.toolchain.rustc);
    let mut linux = build(host, &sysroot.toolchain.host)?;
    // Cargo tells of them in the order they were done.
    linux.sort_by(|a, b| a.name.cmp(&b.name));
    let images = build(build::cargo(sysroot, Target::Unikernel), Target::Unikernel.name())?;
    if linux.is_empty() {
        bail!("{shown} has no tests");
    }
    linux
        .into_iter()
        .map(|linux| {
            let image = images.iter().find(|image| image.name == linux.name);
            let image =
                image.with_context(|| format!("{} was built for this host only", linux.name))?.file.clone();
            let folder = folder.to_owned();
            Ok(Suite { name: linux.name, linux: linux.file, image, folder, needs: Needs::NOTHING })
        })
        .collect()
}
