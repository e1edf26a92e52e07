//! `caracal-run IMAGE ARGS…`: cargo's runner, so that `cargo run` and `cargo test` boot. `cargo xtask run` takes the same path.
//!
//! Options come from the environment (`CARACAL_MEMORY`, `CARACAL_SMP`, `CARACAL_TIMEOUT`, `CARACAL_LOG` …), because cargo gives a
//! runner nothing but the image and its arguments. A test finds its package's directory at the same path as on the host.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Parser;

use crate::fetch::Lock;
use crate::flags::{RunArgs, VmArgs};
use crate::layout::RUNNER;
use crate::pack::Item;
use crate::run::{self, Guest};
use crate::{build, fetch};

/// Variables that users and test libraries set for the program.
const FORWARDED: [&str; 5] = ["RUST_", "INSTA_", "TEST_", "PROPTEST_", "LIBTEST_"];
/// What cargo tells a program about its package. Under `cargo xtask` these speak of the tool, so only the runner passes them on.
const FROM_CARGO: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_TARGET_TMPDIR"];

/// The flags alone, with what the environment says.
#[derive(Debug, Parser)]
struct FromEnvironment {
    #[command(flatten)]
    vm: VmArgs,
}

/// Runs as cargo's runner.
pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let (image, rest) = args.split_first().with_context(|| format!("usage: {RUNNER} IMAGE [ARGS]"))?;
    let vm = FromEnvironment::try_parse_from([RUNNER])?.vm;
    let image = PathBuf::from(image);
    let words = rest
        .iter()
        .map(|word| word.to_str().map(str::to_owned).context("arguments must be UTF-8"))
        .collect::<Result<Vec<_>>>()?;
    let mut guest = guest(&image, words, &vm)?;
    let is_test = image.parent().and_then(Path::file_name).is_some_and(|dir| dir == "deps");
    let facts = env::vars().filter(|(name, _)| FROM_CARGO.iter().any(|prefix| name.starts_with(prefix)));
    guest.env.splice(0..0, facts.map(|(name, value)| format!("{name}={value}")));
    if let Some(package) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).filter(|_| is_test) {
        guest.items.push(Item { host: package.clone(), guest: package.clone() });
        guest.skipped = &["target", ".git"];
        let here = env::current_dir()?;
        guest.cwd = if here.starts_with(&package) { here } else { package }.display().to_string();
    }
    run::boot(&guest, &vm, false).map(ExitCode::from)
}

/// `cargo xtask run`.
pub(crate) fn command(args: &RunArgs) -> Result<ExitCode> {
    let image = image(args)?;
    let guest = guest(&image, args.args.clone(), &args.vm)?;
    run::boot(&guest, &args.vm, args.build.verbose > 0).map(ExitCode::from)
}

/// The image the arguments name: a file as it is, or the result of a build.
fn image(args: &RunArgs) -> Result<PathBuf> {
    if let Some(published) = &args.published {
        return fetch::image(published, Lock::Theirs, &args.build);
    }
    if let Some(what) = args
        .build
        .what
        .as_deref()
        .map(Path::new)
        .filter(|path| path.is_file() && path.file_name() != Some("Cargo.toml".as_ref()))
    {
        return Ok(what.to_owned());
    }
    let mut images = build::images(&args.build)?;
    match images.len() {
        0 => bail!("{} has no binary to run", args.build.what()),
        1 => Ok(images.remove(0).file),
        _ => {
            let names: Vec<_> = images.into_iter().map(|image| image.name).collect();
            bail!("{} has several binaries; choose one with --bin: {}", args.build.what(), names.join(", "))
        }
    }
}

fn guest(image: &Path, args: Vec<String>, vm: &VmArgs) -> Result<Guest> {
    let name = image.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut argv = vec![format!("/bin/{name}")];
    argv.extend(args);
    Ok(Guest {
        image: image.to_owned(),
        argv,
        env: environment(vm)?,
        cwd: vm.cwd.clone(),
        items: vm.pack.iter().map(|text| Item::parse(text)).collect::<Result<_>>()?,
        skipped: &[],
    })
}

/// What the program finds in its environment: what cargo and tests set, then what `--env` says.
fn environment(vm: &VmArgs) -> Result<Vec<String>> {
    let mut pairs = vec!["HOME=/".to_owned(), "PATH=/bin".to_owned()];
    for (name, value) in env::vars() {
        if FORWARDED.iter().any(|prefix| name.starts_with(prefix)) {
            pairs.push(format!("{name}={value}"));
        }
    }
    for text in &vm.env {
        if text.contains('=') {
            pairs.push(text.clone());
        } else {
            let value = env::var(text).with_context(|| {
                format!("--env {text}: the host has no such variable; write {text}=VALUE")
            })?;
            pairs.push(format!("{text}={value}"));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    // The last one wins.
    pairs.reverse();
    pairs.retain(|pair| seen.insert(pair.split('=').next().unwrap_or_default().to_owned()));
    pairs.reverse();
    Ok(pairs)
}
