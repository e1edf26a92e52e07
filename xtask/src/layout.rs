//! A sysroot as it lies on disk: where its parts are, what this executable is called in it, and what it is told there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::spec::Target;
use crate::toolchain::Toolchain;

/// The name this executable has when it is the wrapper.
pub(crate) const RUSTC: &str = "caracal-rustc";
/// The name this executable has when it is the runner.
pub(crate) const RUNNER: &str = "caracal-run";
/// The sysroot's file that no other sysroot has the same of.
pub(crate) const ID: &str = "id";
/// Set while std itself is built: there is no sysroot yet.
pub(crate) const STD_BUILD: &str = "CARACAL_STD_BUILD";
/// Another sysroot than the one the wrapper lies in.
pub(crate) const SYSROOT: &str = "CARACAL_SYSROOT";
/// Set when the built-in musl target means an image.
pub(crate) const COMPAT: &str = "CARACAL_COMPAT";

/// A sysroot on disk, ready for `target`s that were asked for.
#[derive(Debug)]
pub(crate) struct Sysroot {
    /// Its root.
    pub(crate) dir: PathBuf,
    /// What it was built with.
    pub(crate) toolchain: Toolchain,
}

impl Sysroot {
    /// The rustc that finds std and the kernel for our targets.
    pub(crate) fn rustc(&self) -> PathBuf {
        self.dir.join("bin").join(RUSTC)
    }

    /// The runner for `target.<name>.runner`.
    pub(crate) fn runner(&self) -> PathBuf {
        self.dir.join("bin").join(RUNNER)
    }

    /// `kernel.o`.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.dir.join("kernel.o")
    }

    /// Where the libraries of `target` lie.
    pub(crate) fn libraries(&self, target: Target) -> PathBuf {
        libraries(&self.dir, target)
    }
}

/// Where the libraries of `target` lie in the sysroot `root`.
pub(crate) fn libraries(root: &Path, target: Target) -> PathBuf {
    root.join("lib/rustlib").join(target.name()).join("lib")
}

/// What the wrapper runs, as the sysroot's file `toolchain` says.
#[derive(Debug)]
pub(crate) struct Record {
    /// The compiler.
    pub(crate) rustc: PathBuf,
    /// The linker.
    pub(crate) linker: PathBuf,
    /// Its flavor for rustc.
    pub(crate) linker_flavor: String,
    /// A released compiler: language features stay off.
    pub(crate) is_release: bool,
}

impl Record {
    /// Writes the file.
    pub(crate) fn write(&self, sysroot: &Path) -> Result<()> {
        let text = format!(
            "{}\n{}\n{}\n{}\n",
            self.rustc.display(),
            self.linker.display(),
            self.linker_flavor,
            self.is_release
        );
        let file = sysroot.join("toolchain");
        if fs::read_to_string(&file).is_ok_and(|old| old == text) {
            return Ok(());
        }
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Reads the file.
    pub(crate) fn read(sysroot: &Path) -> Result<Self> {
        let file = sysroot.join("toolchain");
        let text = fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}: run `cargo xtask setup`", file.display()))?;
        let mut lines = text.lines();
        let mut next = || {
            lines.next().with_context(|| format!("{} is incomplete: run `cargo xtask setup`", file.display()))
        };
        Ok(Self {
            rustc: next()?.into(),
            linker: next()?.into(),
            linker_flavor: next()?.to_owned(),
            is_release: next()? == "true",
        })
    }
}
