//! The linker and objcopy: LLVM's if installed, else the ones of the toolchain, else GNU's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::paths;
use crate::toolchain::Toolchain;

/// A linker and how rustc must be told of it.
#[derive(Clone, Debug)]
pub(crate) struct Linker {
    /// The program.
    pub(crate) program: PathBuf,
    /// `rustc -Clinker-flavor=`.
    pub(crate) flavor: &'static str,
    /// Arguments that make the program behave as ld.
    first: &'static [&'static str],
}

impl Linker {
    /// A command line to add arguments of ld's to.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.first);
        command
    }
}

/// `ld.lld`, else rustup's `rust-lld`, else GNU `ld`.
pub(crate) fn find(toolchain: &Toolchain) -> Result<Linker> {
    if let Some(program) = paths::find_program("ld.lld") {
        return Ok(Linker { program, flavor: "gnu-lld", first: &[] });
    }
    let bundled = tools(toolchain).join("rust-lld");
    if bundled.is_file() {
        return Ok(Linker { program: bundled, flavor: "gnu-lld", first: &["-flavor", "gnu"] });
    }
    if let Some(program) = paths::find_program("ld") {
        return Ok(Linker { program, flavor: "gnu", first: &[] });
    }
    bail!("no linker found (ld.lld, rust-lld, ld): `cargo xtask setup` installs one")
}

/// `llvm-objcopy`, else rustup's `rust-objcopy`, else GNU `objcopy`.
pub(crate) fn find_objcopy(toolchain: &Toolchain) -> Result<PathBuf> {
    let bundled = ["rust-objcopy", "llvm-objcopy"]
        .map(|name| tools(toolchain).join(name))
        .into_iter()
        .find(|file| file.is_file());
    match paths::find_program("llvm-objcopy").or(bundled).or_else(|| paths::find_program("objcopy")) {
        Some(program) => Ok(program),
        None => {
            bail!("no objcopy found (llvm-objcopy, rust-objcopy, objcopy): `cargo xtask setup` installs one")
        }
    }
}

fn tools(toolchain: &Toolchain) -> PathBuf {
    let host = Path::new("lib/rustlib").join(&toolchain.host).join("bin");
    toolchain.sysroot.join(host)
}
