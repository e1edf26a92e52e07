//! `kernel.o`: std-shim and the kernel as one relocatable object that shows the program only what it may see.
//!
//! cargo builds the static library and decides whether anything changed; the linker script `std-shim/kernel.ld` gives the
//! sections their names; then every global symbol becomes local except the entries and the libc functions. The rule for
//! those cannot go stale: a strong global of `kernel.o` that musl's `libc.a` defines too is a libc function of ours.
//!
//! `memcpy` and its relatives are there twice: the kernel's own are weak and become local, the program's (`std-shim/src/memory.rs`) have names
//! with a prefix until everything in `kernel.o` is linked, and nothing in it may refer to them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget};

use crate::toolchain::Toolchain;
use crate::{libc, linker, paths, process, ui};

/// Entries that boot protocols and the linker look for.
const ENTRIES: [&str; 2] = ["caracal_start", "caracal_pvh_start"];

/// What stands before the name of a libc function that is for the program alone.
const FOR_PROGRAM: &str = "program_";

/// Builds the kernel if needed and puts it at `object`; the file is touched only if its content changed.
pub(crate) fn update(toolchain: &Toolchain, object: &Path) -> Result<()> {
    let archive = build_archive(toolchain)?;
    let stamp_file = object.with_extension("stamp");
    let stamp = stamp(&archive)?;
    if object.is_file() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    ui::status("Linking", "kernel.o");
    let staged = object.with_extension(format!("o.{}", std::process::id()));
    let result = link(toolchain, &archive, &staged).and_then(|()| replace(&staged, object));
    // Already renamed if all went well.
    let _ = fs::remove_file(&staged);
    result?;
    fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))
}

fn stamp(archive: &Path) -> Result<String> {
    let of = |file: &Path| -> Result<String> {
        let meta = fs::metadata(file).with_context(|| format!("cannot find {}", file.display()))?;
        Ok(format!("{} {} {:?}\n", file.display(), meta.len(), meta.modified()?))
    };
    // The tool's own doing counts as well.
    Ok(of(archive)? + &of(&script())? + &of(&std::env::current_exe()?)?)
}

fn script() -> PathBuf {
    paths::root().join("std-shim/kernel.ld")
}

fn build_archive(toolchain: &Toolchain) -> Result<PathBuf> {
    // Where things lie on this machine is nobody's business in an image, and long.
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let target_dir = paths::target().join("kernel");
    let mut cargo = process::clean(&toolchain.cargo);
    cargo
        .current_dir(paths::root())
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", &toolchain.rustc)
        .env("CARGO_TARGET_DIR", &target_dir)
        .env_remove("RUSTC_WRAPPER")
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            [
                "-Crelocation-model=static",
                "-Ccode-model=small",
                "-Cforce-frame-pointers=yes",
                // `Debug` is for tests on the host; in images it would be dead weight.
                "-Zfmt-debug=none",
                // The kernel has no vector registers to speed random numbers up with.
                "--cfg=chacha20_backend=\"soft\"",
                &remap(&toolchain.library(), "rust"),
                &remap(&paths::root(), "caracal"),
            ]
            .join("\x1f"),
        )
        .args([
            "build",
            "--quiet",
            "-p",
            "caracal-std-shim",
            "--profile",
            "kernel",
            "--target",
            "x86_64-unknown-none",
        ])
        // `memcpy` and its relatives are the kernel's own (arch/x86_64/mem.rs).
        .arg("-Zbuild-std=core,alloc")
        // About one object a function, so that what the kernel does not use of it is not linked.
        .args(["--config", "profile.kernel.package.compiler_builtins.codegen-units=10000"]);
    // Warnings are for those who work on the kernel; errors are for everybody.
    process::output(&mut cargo).context("the kernel does not build")?;
    Ok(target_dir.join("x86_64-unknown-none/kernel/libstd_shim.a"))
}

fn link(toolchain: &Toolchain, archive: &Path, object: &Path) -> Result<()> {
    let linker = linker::find(toolchain)?;
    let mut link = linker.command();
    link.args(["-m", "elf_x86_64", "-r", "-T"]).arg(script()).args(["-o".as_ref(), object.as_os_str()]);
    for entry in ENTRIES {
        link.args(["-u", entry]);
    }
    link.arg(archive);
    process::output(&mut link).context("the kernel does not link")?;
    let exports = exports(object, &libc::find(toolchain)?.join("libc.a"))?;
    hide_all_but(toolchain, object, &exports)?;
    // Constants with relocations ask for a writable section, which a static image does not need.
    let mut objcopy = Command::new(linker::find_objcopy(toolchain)?);
    objcopy.args(["--set-section-flags", ".krodata=alloc,readonly,data"]).arg(object);
    for (symbol, name) in
        exports.iter().filter_map(|symbol| Some((symbol, symbol.strip_prefix(FOR_PROGRAM)?)))
    {
        objcopy.arg(format!("--redefine-sym={symbol}={name}"));
    }
    process::output(&mut objcopy).map(drop)
}

/// The symbols that stay visible, sorted; those for the program alone with their prefix.
fn exports(object: &Path, libc: &Path) -> Result<BTreeSet<String>> {
    let libc = defined_in_archive(libc)?;
    let bytes = fs::read(object).with_context(|| format!("cannot read {}", object.display()))?;
    let file = object::File::parse(&*bytes)?;
    let globals: BTreeSet<String> = file
        .symbols()
        .filter(|symbol| symbol.is_global() && !symbol.is_undefined() && !symbol.is_weak())
        .filter_map(|symbol| symbol.name().ok().map(str::to_owned))
        .collect();
    if let Some(missing) = ENTRIES.iter().find(|entry| !globals.contains(**entry)) {
        bail!("the kernel does not define {missing}: nothing could boot it");
    }
    if let Some(user) = user_of_program_functions(&file)? {
        bail!("the kernel would use vector registers: {user}");
    }
    let is_exported =
        |name: &str| ENTRIES.contains(&name) || libc.contains(name.strip_prefix(FOR_PROGRAM).unwrap_or(name));
    Ok(globals.into_iter().filter(|name| is_exported(name)).collect())
}

/// A reference from `kernel.o` to a function that is for the program alone. There must be none.
fn user_of_program_functions(file: &object::File<'_>) -> Result<Option<String>> {
    for section in file.sections() {
        // Debug information describes everything.
        if section.name()?.starts_with(".debug") || section.name()? == ".eh_frame" {
            continue;
        }
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(index) = relocation.target() else { continue };
            let name = file.symbol_by_index(index)?.name().unwrap_or_default().to_owned();
            if name.starts_with(FOR_PROGRAM) {
                return Ok(Some(format!("{}+{offset:#x} refers to {name}", section.name()?)));
            }
        }
    }
    Ok(None)
}

fn defined_in_archive(archive: &Path) -> Result<BTreeSet<String>> {
    let bytes = fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let archive = ArchiveFile::parse(&*bytes)?;
    let symbols = archive.symbols()?.context("libc.a has no symbol table: make one with ranlib")?;
    symbols.map(|symbol| Ok(String::from_utf8_lossy(symbol?.name()).into_owned())).collect()
}

/// Makes every defined global symbol of `object` local, except `kept`.
pub(crate) fn hide_all_but(toolchain: &Toolchain, object: &Path, kept: &BTreeSet<String>) -> Result<()> {
    let list = object.with_extension("exports");
    fs::write(&list, kept.iter().map(|name| format!("{name}\n")).collect::<String>())?;
    let mut objcopy = Command::new(linker::find_objcopy(toolchain)?);
    objcopy.arg(format!("--keep-global-symbols={}", list.display())).arg(object);
    let result = process::output(&mut objcopy);
    fs::remove_file(&list)?;
    result.map(drop)
}

/// Renames `staged` to `file`, unless `file` has the same content already: an unchanged kernel relinks nothing.
fn replace(staged: &Path, file: &Path) -> Result<()> {
    let new = fs::read(staged)?;
    if fs::read(file).is_ok_and(|old| old == new) {
        return Ok(());
    }
    fs::rename(staged, file).with_context(|| format!("cannot write {}", file.display()))
}
