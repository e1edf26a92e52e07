//! Which rustc builds everything: the first one from 1.95 on whose sysroot holds the library sources.
//!
//! One compiler makes the kernel, std and the program. Nothing is installed here (see `setup`).

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::{paths, process};

/// The oldest release whose target specifications and std layout we know.
const OLDEST: (u32, u32) = (1, 95);

/// A compiler that can build std.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// The compiler itself, never rustup's proxy.
    pub(crate) rustc: PathBuf,
    /// The cargo that belongs to it, else the one in `PATH`.
    pub(crate) cargo: PathBuf,
    /// `rustc --print sysroot`.
    pub(crate) sysroot: PathBuf,
    /// `1.96.0`.
    pub(crate) release: String,
    /// The commit, or the release where a build has none.
    pub(crate) commit: String,
    /// The machine it runs on, as a target name.
    pub(crate) host: String,
    /// Why it was taken.
    pub(crate) reason: String,
}

impl Toolchain {
    /// The library sources, `library/` of the Rust repository.
    pub(crate) fn library(&self) -> PathBuf {
        library(&self.sysroot)
    }

    /// Whether its own runtime of AddressSanitizer is there; some distributions leave it out.
    pub(crate) fn has_asan(&self) -> bool {
        let libraries = self.sysroot.join("lib/rustlib").join(&self.host).join("lib");
        std::fs::read_dir(libraries).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with("_rt.asan.a"))
        })
    }
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library")
}

/// Chooses; the error lists every compiler that was looked at and what it lacks.
pub(crate) fn choose() -> Result<Toolchain> {
    let mut refused = String::new();
    for (rustc, reason) in candidates() {
        match inspect(&rustc, &reason) {
            Ok(toolchain) => return Ok(toolchain),
            Err(error) => writeln!(refused, "\n  {} ({reason}): {error:#}", rustc.display())?,
        }
    }
    bail!(
        "no rustc from {}.{} on with the library sources was found; `cargo xtask setup` installs them{refused}",
        OLDEST.0,
        OLDEST.1
    )
}

fn candidates() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    if let Some(rustc) = env::var_os("CARACAL_RUSTC") {
        found.push((PathBuf::from(rustc), "CARACAL_RUSTC".to_owned()));
        return found;
    }
    if let Some(rustc) = paths::find_program("rustc") {
        found.push((rustc, "the default rustc".to_owned()));
    }
    let rustup = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".rustup")));
    if let Some(entries) = rustup.and_then(|home| std::fs::read_dir(home.join("toolchains")).ok()) {
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        for dir in names {
            let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.push((dir.join("bin/rustc"), format!("rustup toolchain {name}")));
        }
    }
    found.push((PathBuf::from("/usr/bin/rustc"), "the distribution's rustc".to_owned()));
    found
}

/// What stands behind `rustc`; an error says what it lacks.
pub(crate) fn inspect(rustc: &Path, reason: &str) -> Result<Toolchain> {
    let sysroot = PathBuf::from(process::output(process::clean(rustc).args(["--print", "sysroot"]))?.trim());
    if !library(&sysroot).join("std/Cargo.toml").is_file() {
        bail!("has no library sources (rustup component rust-src, or the distribution's package)");
    }
    // Behind a proxy of rustup's stands the compiler of the sysroot; name that one, so that the choice cannot change later.
    let own = sysroot.join("bin/rustc");
    let rustc = if own.is_file() { own } else { rustc.to_owned() };
    let version = process::output(process::clean(&rustc).arg("-vV"))?;
    let field = |name: &str| {
        version
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or("unknown")
            .to_owned()
    };
    let release = field("release");
    let numbers: Vec<u32> = release.split(['.', '-']).take(2).filter_map(|part| part.parse().ok()).collect();
    let [major, minor] = numbers[..] else { bail!("names its release {release:?}") };
    if (major, minor) < OLDEST {
        bail!("is {release}, older than {}.{}", OLDEST.0, OLDEST.1);
    }
    let commit = match field("commit-hash") {
        commit if commit == "unknown" => release.clone(),
        commit => commit,
    };
    let cargo = rustc.parent().map(|dir| dir.join("cargo")).filter(|cargo| cargo.is_file());
    let cargo = cargo
        .or_else(|| paths::find_program("cargo"))
        .context("has no cargo beside it, and none is in PATH")?;
    Ok(Toolchain { host: field("host"), rustc, cargo, sysroot, release, commit, reason: reason.to_owned() })
}
