//! `caracal-rustc`: the chosen rustc, told about the sysroot when it compiles for one of our targets and unchanged otherwise.
//!
//! Flags added here survive a user's `RUSTFLAGS`. Host code (build scripts, procedural macros) never sees
//! `RUSTC_BOOTSTRAP`; target code sees it because rustc asks it for custom targets, with language features kept off as on
//! any released compiler. After a link the kernel is named in the crate's dep-info, so cargo relinks when it changed.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::layout::{COMPAT, ID, Record, STD_BUILD, SYSROOT};
use crate::spec::{self, Target};
use crate::sysroot;

/// Runs as rustc; returns only what rustc returned.
pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let exe = env::current_exe()?;
    let home = exe.parent().and_then(Path::parent).context("the wrapper is not in a sysroot")?;
    let record = Record::read(home)?;
    let mut rustc = Command::new(&record.rustc);
    rustc.args(args);
    if env::var_os(STD_BUILD).is_some() {
        let name = value_of(args, "--crate-name").unwrap_or_default();
        // Cargo compiles it like any crate; it must never unwind.
        if name == "panic_abort" {
            rustc.arg("-Cpanic=abort");
        }
        return Err(rustc.exec()).context("cannot run rustc");
    }
    if args == ["-vV"] {
        return version(&mut rustc, home);
    }
    let target = value_of(args, "--target").and_then(|name| Target::from_name(name.to_str()?));
    let target = target.filter(|target| *target != Target::Compat || env::var_os(COMPAT).is_some());
    let Some(target) = target else { return Err(rustc.exec()).context("cannot run rustc") };
    let sysroot = match env::var_os(SYSROOT) {
        Some(other) => PathBuf::from(other),
        None if strips_symbols(args) => sysroot::stripped(home, &record.rustc, target)?,
        None => home.to_owned(),
    };
    adapt(&mut rustc, args, target, &record, &sysroot);
    if !is_link(args) {
        return Err(rustc.exec()).context("cannot run rustc");
    }
    let status = rustc.status().with_context(|| format!("cannot run {}", record.rustc.display()))?;
    if status.success() {
        name_kernel_in_dep_info(args, &home.join("kernel.o"))?;
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn adapt(rustc: &mut Command, args: &[OsString], target: Target, record: &Record, sysroot: &Path) {
    rustc.arg("--sysroot").arg(sysroot);
    if target == Target::Compat {
        rustc.args(["-Crelocation-model=static", "-Cforce-frame-pointers=yes"]);
        rustc.args(["-Clink-arg=-Wl,-e,caracal_start", "-Clink-arg=-l:libgcc.a"]);
        return;
    }
    rustc.arg("-Zunstable-options");
    if record.is_release && env::var_os("RUSTC_BOOTSTRAP").is_none() {
        let has_own = args.iter().any(|arg| arg.to_string_lossy().contains("allow-features"));
        if !has_own {
            rustc.arg("-Zallow-features=");
        }
    }
    rustc.env("RUSTC_BOOTSTRAP", "1");
    if !args.iter().any(|arg| arg.to_string_lossy().contains("linker=")) {
        let mut linker = OsString::from("-Clinker=");
        linker.push(&record.linker);
        rustc.arg(linker).arg(format!("-Clinker-flavor={}", record.linker_flavor));
    }
}

/// `rustc -vV`, with the sysroot in it: cargo keys its caches by this text, so another std means another build.
fn version(rustc: &mut Command, home: &Path) -> Result<ExitCode> {
    let output = rustc.output().context("cannot run rustc")?;
    let id = fs::read_to_string(home.join(ID)).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, &output.stdout)?;
    std::io::Write::write_all(
        &mut out,
        format!("caracal: {} {} {id}\n", spec::hash(), home.display()).as_bytes(),
    )?;
    Ok(if output.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether this call makes an image: a binary or a test, really linked.
fn is_link(args: &[OsString]) -> bool {
    let is_image = args.iter().any(|arg| arg == "--test")
        || value_of(args, "--crate-type").is_some_and(|kind| kind == "bin");
    let emits_link = value_of(args, "--emit")
        .is_none_or(|emit| emit.to_string_lossy().split(',').any(|kind| kind.starts_with("link")));
    is_image && emits_link
}

/// Whether this image, or the one this library is for, has no symbols (cargo tells all crates of a profile).
fn strips_symbols(args: &[OsString]) -> bool {
    codegen_value(args, "strip") == Some("symbols")
}

/// The value of `--name VALUE` or `--name=VALUE`.
fn value_of<'args>(args: &'args [OsString], name: &str) -> Option<&'args OsStr> {
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == name {
            return rest.next().map(OsString::as_os_str);
        }
        if let Some(value) = arg.to_str().and_then(|arg| arg.strip_prefix(name)?.strip_prefix('=')) {
            return Some(OsStr::new(value));
        }
    }
    None
}

/// The value of the last `-C name=VALUE` or `-Cname=VALUE`.
fn codegen_value<'args>(args: &'args [OsString], name: &str) -> Option<&'args str> {
    args.iter()
        .filter_map(|arg| arg.to_str())
        .filter_map(|arg| arg.strip_prefix("-C").unwrap_or(arg).strip_prefix(name)?.strip_prefix('='))
        .next_back()
}

fn name_kernel_in_dep_info(args: &[OsString], kernel: &Path) -> Result<()> {
    let (Some(dir), Some(name)) = (value_of(args, "--out-dir"), value_of(args, "--crate-name")) else {
        return Ok(());
    };
    let suffix = codegen_value(args, "extra-filename").unwrap_or_default();
    let file = Path::new(dir).join(format!("{}{suffix}.d", name.to_string_lossy()));
    // No dep-info was asked for: nobody will look at it.
    let Ok(text) = fs::read_to_string(&file) else { return Ok(()) };
    fs::write(&file, with_dependency(&text, &kernel.display().to_string()))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Adds `dependency` to every rule of a dep-info text.
fn with_dependency(text: &str, dependency: &str) -> String {
    let dependency = dependency.replace(' ', "\\ ");
    let is_rule = |line: &str| {
        !line.starts_with('#')
            && line.split_once(": ").is_some_and(|(_, prerequisites)| !prerequisites.is_empty())
    };
    text.lines()
        .map(|line| if is_rule(line) { format!("{line} {dependency}\n") } else { format!("{line}\n") })
        .collect()
}

#[cfg(test)]
mod tests;
