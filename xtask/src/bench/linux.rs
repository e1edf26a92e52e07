//! The programs that are measured, as static executables for Linux: the same source, the same std, no kernel in them.
//!
//! The sysroot for `--compat` holds std for rustc's built-in musl target and musl's own start file beside the one that carries the
//! kernel. A second sysroot of links, with musl's start file in its place, makes what any `cargo build --target x86_64-unknown-linux-musl` makes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::layout::Sysroot;
use crate::spec::Target;
use crate::{build, paths, process, sysroot};

/// Builds a binary of a package, optimised, with these cargo configuration values.
pub(super) fn program(package: &Path, name: &str, config: &[String]) -> Result<PathBuf> {
    let target = Target::Compat;
    let sysroot = sysroot::prepare(target)?;
    let links = links(&sysroot)?;
    let flags = [
        "--sysroot",
        &links.display().to_string(),
        "-Crelocation-model=static",
        "-Cforce-frame-pointers=yes",
        "-Clink-arg=-l:libgcc.a",
    ];
    let mut cargo = process::clean(&sysroot.toolchain.cargo);
    cargo
        .env("RUSTC", &sysroot.toolchain.rustc)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("CARGO_TARGET_DIR", paths::target().join("linux"))
        .args(["build", "--release", "--quiet", "--message-format=json-render-diagnostics"])
        .args(["--target", target.name(), "--bin", name, "--manifest-path"])
        .arg(package.join("Cargo.toml"));
    for value in config {
        cargo.args(["--config", value]);
    }
    let image = build::executables(&mut cargo)?.into_iter().next();
    Ok(image.with_context(|| format!("{} has no binary {name}", package.display()))?.file)
}

/// The second sysroot, made anew: it costs nothing.
fn links(sysroot: &Sysroot) -> Result<PathBuf> {
    let root = sysroot.dir.join("linux");
    let from = sysroot.libraries(Target::Compat);
    let to = root.join("lib/rustlib").join(Target::Compat.name()).join("lib");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(to.join("self-contained"))?;
    for (from, to) in [(from.clone(), to.clone()), (from.join("self-contained"), to.join("self-contained"))] {
        for entry in fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_file() && name != "crt1.o" {
                let as_seen = if name == "crt1-musl.o" { "crt1.o".into() } else { name };
                symlink(entry.path(), to.join(as_seen))?;
            }
        }
    }
    Ok(root)
}
