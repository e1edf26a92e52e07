//! Building images: what to build, and cargo told how.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::flags::BuildArgs;
use crate::layout::{self, Sysroot};
use crate::spec::Target;
use crate::{paths, process, sysroot};

/// An executable cargo made.
#[derive(Debug)]
pub(crate) struct Image {
    /// The name of the cargo target.
    pub(crate) name: String,
    /// The ELF file.
    pub(crate) file: PathBuf,
}

/// `cargo xtask build`: builds and names the images on stdout.
pub(crate) fn main(args: &BuildArgs) -> Result<()> {
    let images = images(args)?;
    if images.is_empty() {
        bail!("{} has no binary to build", args.what());
    }
    for image in images {
        crate::ui::status("Image", &image.file.display().to_string());
    }
    Ok(())
}

/// Builds what the arguments name.
pub(crate) fn images(args: &BuildArgs) -> Result<Vec<Image>> {
    let target = args.target();
    let sysroot = sysroot::prepare(target)?;
    let mut cargo = cargo(&sysroot, target);
    cargo.args(["build", "--message-format=json-render-diagnostics", "--target", target.name()]);
    cargo.args(selection(args)?);
    executables(&mut cargo)
}

/// A cargo that builds for `target` with `sysroot`; the subcommand comes next.
pub(crate) fn cargo(sysroot: &Sysroot, target: Target) -> Command {
    let mut cargo = process::clean(&sysroot.toolchain.cargo);
    cargo.env("RUSTC", sysroot.rustc());
    let variable = target.name().replace('-', "_");
    cargo.env(format!("CARGO_TARGET_{}_RUNNER", variable.to_uppercase()), sysroot.runner());
    // C code must see musl's headers.
    for (tool, program) in [("CC", "musl-gcc"), ("AR", "ar")] {
        let name = format!("{tool}_{variable}");
        if std::env::var_os(&name).is_none() && paths::find_program(program).is_some() {
            cargo.env(name, program);
        }
    }
    if target == Target::Compat {
        // Apart from ordinary builds for the same target, which have no kernel in them.
        cargo.env(layout::COMPAT, "1").env("CARGO_TARGET_DIR", paths::target().join("compat"));
    }
    cargo
}

/// The arguments that select package, binary, features and profile.
fn selection(args: &BuildArgs) -> Result<Vec<String>> {
    let mut words = Vec::new();
    if let Some(what) = &args.what {
        let manifest = manifest(what)?;
        words.extend(["--manifest-path".to_owned(), manifest.display().to_string()]);
    }
    for bin in &args.bin {
        words.extend(["--bin".to_owned(), bin.clone()]);
    }
    for example in &args.example {
        words.extend(["--example".to_owned(), example.clone()]);
    }
    if !args.features.is_empty() {
        words.extend(["--features".to_owned(), args.features.join(",")]);
    }
    for value in &args.config {
        words.extend(["--config".to_owned(), value.clone()]);
    }
    if args.release {
        words.push("--release".to_owned());
    }
    if args.verbose > 0 {
        words.push("--verbose".to_owned());
    }
    Ok(words)
}

/// The `Cargo.toml` of an example of ours or of the package at a path.
fn manifest(what: &str) -> Result<PathBuf> {
    let example = paths::root().join("examples").join(what).join("Cargo.toml");
    let path = Path::new(what);
    let own = if path.is_dir() { path.join("Cargo.toml") } else { path.to_owned() };
    if example.is_file() {
        return Ok(example);
    }
    if own.file_name().is_some_and(|name| name == "Cargo.toml") && own.is_file() {
        return Ok(own);
    }
    bail!("{what} is neither an example (see examples/) nor the path of a package or of an image")
}

/// Runs cargo and collects the executables it reports.
pub(crate) fn executables(cargo: &mut Command) -> Result<Vec<Image>> {
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", process::show(cargo)))?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut images = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(&line?) else { continue };
        if let (Some("compiler-artifact"), Some(file)) =
            (message["reason"].as_str(), message["executable"].as_str())
        {
            let name = message["target"]["name"].as_str().unwrap_or_default().to_owned();
            images.push(Image { name, file: file.into() });
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("the build failed (cargo {status})");
    }
    Ok(images)
}
