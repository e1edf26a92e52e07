//! Published crates: programs for `run --crate NAME`, built by `cargo install` into the cache, and sources; all unchanged.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::flags::BuildArgs;
use crate::spec::Target;
use crate::sysroot;
use crate::{build, paths, process, ui};

/// Which versions of its dependencies a program is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Those of its own lock file.
    Theirs,
    /// The newest that fit: a lock file can name versions that a newer compiler refuses.
    Newest,
}

/// Where published programs are built, all of them.
pub(crate) fn target_dir() -> Result<PathBuf> {
    Ok(paths::cache()?.join("crates/target"))
}

/// Builds `NAME[@VERSION]` and returns its image.
pub(crate) fn image(published: &str, lock: Lock, args: &BuildArgs) -> Result<PathBuf> {
    // C build systems of published crates parse triples: the long name is the one they understand.
    let target = if args.compat || args.target.is_some() { args.target() } else { Target::UnikernelMusl };
    let sysroot = sysroot::prepare(target)?;
    let root = paths::cache()?.join("crates").join(format!(
        "{}-{}",
        published.replace(['/', '@'], "-"),
        target.name()
    ));
    ui::status("Installing", &format!("{published} for {target}"));
    let mut cargo = build::cargo(&sysroot, target);
    cargo
        .args(["install", "--quiet", "--target", target.name(), "--root"])
        .arg(&root)
        .args((lock == Lock::Theirs).then_some("--locked"))
        .arg(published);
    cargo.env("CARGO_TARGET_DIR", target_dir()?);
    if is_older(&root.join("bin"), &sysroot.kernel()) {
        // cargo install looks at the version alone; a new kernel means a new image.
        cargo.arg("--force");
    }
    for bin in &args.bin {
        cargo.args(["--bin", bin]);
    }
    if !args.features.is_empty() {
        cargo.args(["--features", &args.features.join(",")]);
    }
    process::run(&mut cargo).with_context(|| format!("{published} does not build for {target}; crates that know only rustc's own musl target want --compat"))?;
    let bin = root.join("bin");
    let mut found: Vec<PathBuf> = fs::read_dir(&bin)?.flatten().map(|entry| entry.path()).collect();
    if let [wanted] = args.bin.as_slice() {
        found.retain(|file| file.file_name().is_some_and(|name| name == wanted.as_str()));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!("{published} installed no program"),
        _ => bail!(
            "{published} has several programs; choose one with --bin: {}",
            found.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Whether a file in `folder` was made before `kernel`.
fn is_older(folder: &Path, kernel: &Path) -> bool {
    let modified = |file: &Path| fs::metadata(file).and_then(|meta| meta.modified()).ok();
    let kernel = modified(kernel);
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| modified(&entry.path()) < kernel)
}

/// A copy of a published crate's source, fetched through an empty package that depends on it.
pub(crate) fn source(name: &str, version: &str, folder: &Path) -> Result<PathBuf> {
    let source = folder.join("source");
    if source.join("Cargo.toml").is_file() {
        return Ok(source);
    }
    let fetcher = folder.join("fetcher");
    fs::create_dir_all(fetcher.join("src"))?;
    fs::write(fetcher.join("src/lib.rs"), "")?;
    fs::write(
        fetcher.join("Cargo.toml"),
        format!(
            "[package]\nname = \"fetcher\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{name} = \"{version}\"\n"
        ),
    )?;
    let mut cargo = process::clean("cargo");
    cargo.current_dir(&fetcher).args(["metadata", "--format-version=1"]);
    let metadata: serde_json::Value = serde_json::from_str(&process::output(&mut cargo)?)?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let package =
        packages.iter().find(|package| package["name"] == name).context("the crate is not there")?;
    let manifest = package["manifest_path"].as_str().context("a package has a manifest")?;
    let from = Path::new(manifest).parent().context("a manifest lies in a folder")?;
    copy_tree(from, &source)?;
    // It stands alone, whatever lies above it.
    let text = fs::read_to_string(source.join("Cargo.toml"))?;
    if !text.contains("[workspace]") {
        fs::write(source.join("Cargo.toml"), text + "\n[workspace]\n")?;
    }
    Ok(source)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
