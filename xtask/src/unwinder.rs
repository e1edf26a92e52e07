//! `libunwind.a`, which std links as `-lunwind` on musl: the crate `std-shim/unwind`, showing `_Unwind_*` and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use object::{Object as _, ObjectSymbol as _};

use crate::layout::{self, Sysroot};
use crate::spec::Target;
use crate::{kernel_object, linker, paths, process, ui};

/// Builds the library for `target` with the sysroot that is growing in `scratch`.
pub(crate) fn build(sysroot: &Sysroot, target: Target, scratch: &Path, library: &Path) -> Result<()> {
    ui::status("Building", "libunwind.a");
    let target_dir = scratch.join("unwind");
    let mut cargo = process::clean(&sysroot.toolchain.cargo);
    cargo
        .current_dir(paths::root())
        .env("RUSTC", sysroot.rustc())
        .env(layout::SYSROOT, scratch)
        .env("CARGO_TARGET_DIR", &target_dir)
        // Code that unwinds others never unwinds itself: no personality is needed.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            ["-Cpanic=abort", "-Cforce-unwind-tables=yes", "-Crelocation-model=static"].join("\x1f"),
        )
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        // A panic is no hot path, and every image carries this.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env_remove("RUSTC_WRAPPER")
        .args(["build", "--quiet", "--release", "-p", "caracal-unwind", "--target", target.name()]);
    if target == Target::Compat {
        cargo.env(layout::COMPAT, "1");
    }
    process::run(&mut cargo).context("the unwinder does not build")?;
    let archive = target_dir.join(target.name()).join("release/libunwind.a");
    let object = scratch.join("unwind.o");
    let mut link = linker::find(&sysroot.toolchain)?.command();
    link.args(["-m", "elf_x86_64", "-r", "-u", "_Unwind_RaiseException", "-u", "_Unwind_Backtrace", "-o"])
        .arg(&object)
        .arg(&archive);
    process::output(&mut link).context("the unwinder does not link")?;
    let shown = interface(&object)?;
    kernel_object::hide_all_but(&sysroot.toolchain, &object, &shown)?;
    archive_of(&object, library)
}

fn interface(object: &Path) -> Result<BTreeSet<String>> {
    let bytes = fs::read(object)?;
    let file = object::File::parse(&*bytes)?;
    let globals = file.symbols().filter(|symbol| symbol.is_global() && !symbol.is_undefined());
    let names: BTreeSet<String> = globals
        .filter_map(|symbol| Some(symbol.name().ok()?.to_owned()))
        .filter(|name| name.starts_with("_Unwind_"))
        .collect();
    if names.len() < 10 {
        bail!("the unwinder defines only {names:?}");
    }
    Ok(names)
}

/// Packs one object with `llvm-ar` or `ar`.
fn archive_of(object: &Path, library: &Path) -> Result<()> {
    let ar = ["llvm-ar", "ar"].into_iter().find_map(paths::find_program);
    let ar = ar.context("no archiver found (llvm-ar, ar): `cargo xtask setup` installs one")?;
    process::output(Command::new(ar).arg("rcsD").arg(library).arg(object)).map(drop)
}
