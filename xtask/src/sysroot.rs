//! The sysroot images are built with: std, start files, libc, unwinder and kernel, once per compiler and specification.
//!
//! ```text
//! ~/.cache/caracal/<rustc commit>-<spec hash>/
//!   bin/caracal-rustc, caracal-run     this tool under other names (see `wrapper`, `runner`)
//!   toolchain                          what the wrapper runs
//!   id                                 differs between two sysroots made one after the other at this place
//!   kernel.o                           replaced whenever the kernel changed
//!   lib/rustlib/<target>/              target.json, lib/{*.rlib, crt*.o, libc.a, libunwind.a, libgcc.a, kernel.o -> ../../../../kernel.o}
//!   stripped/lib/rustlib/<target>/     the same with a std that has no symboliser, made when an image is first built with `strip = true`
//! ```
//! Each target's folder is made aside and renamed, under a lock. `~/.cache/caracal/current` names the sysroot used last.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

use crate::layout::{self, Sysroot, libraries};
use crate::spec::{self, Target};
use crate::toolchain::{self, Toolchain};
use crate::{kernel_object, libc, linker, paths, process, ui, unwinder};

/// An archive without members.
const EMPTY_ARCHIVE: &str = "!<arch>\n";

/// Makes or refreshes the sysroot: std for `target` if it is not there yet, the kernel if its sources changed.
pub(crate) fn prepare(target: Target) -> Result<Sysroot> {
    let toolchain = toolchain::choose()?;
    let dir = location(&toolchain)?;
    fs::create_dir_all(dir.join("bin")).with_context(|| format!("cannot create {}", dir.display()))?;
    let _lock = lock(&dir.join("lock"))?;
    let sysroot = Sysroot { dir, toolchain };
    install_tools(&sysroot)?;
    kernel_object::update(&sysroot.toolchain, &sysroot.kernel())?;
    if !sysroot.libraries(target).is_dir() {
        build(&sysroot, target)?;
    }
    if target == Target::Compat {
        carry_kernel_in_crt1(&sysroot)?;
    }
    point_current_at(&sysroot.dir)?;
    Ok(sysroot)
}

/// The sysroot beside the one in `home` for images without symbols: its std leaves out what would look for them, a quarter of a
/// small image. Made when first asked for, so this may take a minute.
pub(crate) fn stripped(home: &Path, rustc: &Path, target: Target) -> Result<PathBuf> {
    let root = home.join("stripped");
    let place = libraries(&root, target);
    if place.is_dir() {
        return Ok(root);
    }
    let _lock = lock(&home.join("lock"))?;
    if place.is_dir() {
        return Ok(root);
    }
    let toolchain = toolchain::inspect(rustc, "the sysroot's")?;
    let sysroot = Sysroot { dir: home.to_owned(), toolchain };
    let scratch = home.join(format!("scratch-stripped-{}", target.name()));
    let made = libraries(&scratch, target);
    let _ = fs::remove_dir_all(scratch.join("lib"));
    fs::create_dir_all(&made)?;
    let specs = write_specs(&scratch, target)?;
    build_std(&sysroot, target, &scratch, &specs, &["panic-unwind"])?;
    collect_rlibs(&scratch.join("target").join(target.name()).join("release/deps"), &made)?;
    for entry in fs::read_dir(sysroot.libraries(target))? {
        let entry = entry?;
        if entry.path().extension().is_none_or(|extension| extension != "rlib") {
            symlink(entry.path(), made.join(entry.file_name()))?;
        }
    }
    let description = sysroot.libraries(target).with_file_name("target.json");
    if description.is_file() {
        symlink(description, made.with_file_name("target.json"))?;
    }
    let folder = place.parent().context("libraries lie in a target's folder")?;
    fs::create_dir_all(root.join("lib/rustlib"))?;
    fs::rename(scratch.join("lib/rustlib").join(target.name()), folder)
        .with_context(|| format!("cannot write {}", folder.display()))?;
    fs::remove_dir_all(&scratch)?;
    Ok(root)
}

/// Where the sysroot for `toolchain` is or will be.
pub(crate) fn location(toolchain: &Toolchain) -> Result<PathBuf> {
    let commit = toolchain.commit.get(..9).unwrap_or(&toolchain.commit);
    Ok(paths::cache()?.join(format!("{}-{commit}-{}", toolchain.release, spec::hash())))
}

fn lock(file: &Path) -> Result<File> {
    let lock = File::create(file).with_context(|| format!("cannot create {}", file.display()))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        ui::status("Blocking", "waiting for another build of the sysroot");
        flock(&lock, FlockOperation::LockExclusive).context("cannot lock the sysroot")?;
    }
    Ok(lock)
}

/// Copies this executable under its other names and records what the wrapper runs.
fn install_tools(sysroot: &Sysroot) -> Result<()> {
    let own = fs::read(std::env::current_exe()?)?;
    for file in [sysroot.rustc(), sysroot.runner()] {
        if fs::read(&file).is_ok_and(|old| old == own) {
            continue;
        }
        let staged = file.with_extension(std::process::id().to_string());
        // A copy keeps the permission to execute.
        fs::copy(std::env::current_exe()?, &staged)?;
        fs::rename(&staged, &file)?;
    }
    let id = sysroot.dir.join(layout::ID);
    if !id.is_file() {
        // Two builds of std need not be the same to the compiler: what was built with another one must not be linked with this one.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        fs::write(id, now.as_nanos().to_string())?;
    }
    let linker = linker::find(&sysroot.toolchain)?;
    let record = layout::Record {
        rustc: sysroot.toolchain.rustc.clone(),
        linker: linker.program,
        linker_flavor: linker.flavor.to_owned(),
        is_release: !sysroot.toolchain.release.contains('-'),
    };
    record.write(&sysroot.dir)
}

fn point_current_at(dir: &Path) -> Result<()> {
    let current = paths::current()?;
    if fs::read_link(&current).is_ok_and(|target| target == dir) {
        return Ok(());
    }
    let staged = current.with_extension(std::process::id().to_string());
    symlink(dir, &staged)?;
    fs::rename(&staged, &current).with_context(|| format!("cannot write {}", current.display()))
}

/// Builds everything for one target in a scratch folder, then renames it into place.
fn build(sysroot: &Sysroot, target: Target) -> Result<()> {
    ui::status(
        "Using",
        &format!(
            "rustc {} at {} ({})",
            sysroot.toolchain.release,
            sysroot.toolchain.rustc.display(),
            sysroot.toolchain.reason
        ),
    );
    // Ours alone, under the lock; what a failed or interrupted build left there saves the next one time.
    let scratch = sysroot.dir.join(format!("scratch-{}", target.name()));
    let _ = fs::remove_dir_all(scratch.join("lib"));
    fill(sysroot, target, &scratch)?;
    let place = sysroot.dir.join("lib/rustlib").join(target.name());
    fs::create_dir_all(sysroot.dir.join("lib/rustlib"))?;
    fs::rename(scratch.join("lib/rustlib").join(target.name()), &place)
        .with_context(|| format!("cannot write {}", place.display()))?;
    fs::remove_dir_all(&scratch)?;
    ui::status("Finished", &format!("sysroot for {target} in {}", place.display()));
    Ok(())
}

fn fill(sysroot: &Sysroot, target: Target, scratch: &Path) -> Result<()> {
    let out = libraries(scratch, target);
    fs::create_dir_all(&out)?;
    let specs = write_specs(scratch, target)?;
    if !target.is_built_in() {
        fs::write(out.with_file_name("target.json"), spec::SPEC)?;
    }
    build_std(sysroot, target, scratch, &specs, &["panic-unwind", "backtrace"])?;
    collect_rlibs(&scratch.join("target").join(target.name()).join("release/deps"), &out)?;
    let own = if target == Target::Compat { out.join("self-contained") } else { out.clone() };
    fs::create_dir_all(&own)?;
    let libc = libc::find(&sysroot.toolchain)?;
    for file in libc::START_FILES.into_iter().chain(["libc.a"]) {
        fs::copy(libc.join(file), own.join(file))
            .with_context(|| format!("cannot copy {file} from {}", libc.display()))?;
    }
    if target == Target::Compat {
        fs::rename(own.join("crt1.o"), own.join("crt1-musl.o"))?;
        for file in ["crtbegin.o", "crtend.o"] {
            // Nothing to a static Rust program; linkers take an empty archive where they expect an object.
            fs::write(own.join(file), EMPTY_ARCHIVE)?;
        }
    } else {
        symlink("../../../../kernel.o", own.join("kernel.o"))?;
    }
    match libc::find_builtins() {
        Some(builtins) => drop(fs::copy(builtins, own.join("libgcc.a"))?),
        None => fs::write(own.join("libgcc.a"), EMPTY_ARCHIVE)?,
    }
    unwinder::build(sysroot, target, scratch, &own.join("libunwind.a"))
}

/// The specification where `RUST_TARGET_PATH` finds it while std is built.
fn write_specs(scratch: &Path, target: Target) -> Result<PathBuf> {
    let specs = scratch.join("specs");
    fs::create_dir_all(&specs)?;
    if !target.is_built_in() {
        fs::write(specs.join(format!("{}.json", target.name())), spec::SPEC)?;
    }
    Ok(specs)
}

/// Compiles unmodified std with cargo's `-Zbuild-std` and these features of it.
fn build_std(
    sysroot: &Sysroot,
    target: Target,
    scratch: &Path,
    specs: &Path,
    features: &[&str],
) -> Result<()> {
    let empty = scratch.join("empty");
    fs::create_dir_all(empty.join("src"))?;
    fs::write(empty.join("src/lib.rs"), "#![no_std]\n")?;
    fs::write(
        empty.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    let library = sysroot.toolchain.library();
    let flags = [
        "-Zunstable-options".to_owned(),
        // Programs must not see std's own dependencies as theirs.
        "-Zforce-unstable-if-unmarked".to_owned(),
        // Fat LTO of programs reads std's bitcode.
        "-Cembed-bitcode=yes".to_owned(),
        // The kernel's fault reports walk them.
        "-Cforce-frame-pointers=non-leaf".to_owned(),
        "-Crelocation-model=static".to_owned(),
        format!("--remap-path-prefix={}=/rustc/{}/library", library.display(), sysroot.toolchain.commit),
    ];
    let mut cargo = process::clean(&sysroot.toolchain.cargo);
    cargo
        .current_dir(&empty)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", sysroot.rustc())
        .env(layout::STD_BUILD, "1")
        .env("RUST_TARGET_PATH", specs)
        .env("CARGO_TARGET_DIR", scratch.join("target"))
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .env_remove("RUSTC_WRAPPER")
        .args(["build", "--release", "--target", target.name(), "--message-format=json"])
        // It makes names readable for a back trace and is a fifth of a small image's std.
        .args(["--config", "profile.release.package.rustc-demangle.opt-level=\"z\""])
        .arg("-Zbuild-std=core,alloc,std,panic_abort,panic_unwind,proc_macro,test")
        .arg(format!("-Zbuild-std-features={}", features.join(",")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let kind = if features.contains(&"backtrace") { "" } else { ", stripped images" };
    follow(&mut cargo, &format!("std for {target}{kind} (once; takes a minute or two)"))
}

/// Runs cargo and shows how many crates are done; its messages are shown only if it fails.
fn follow(cargo: &mut Command, what: &str) -> Result<()> {
    let progress = ui::Progress::start("Building", what);
    let mut child = cargo.spawn().with_context(|| format!("cannot start {}", process::show(cargo)))?;
    let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        bail!("cargo has no output")
    };
    let messages = std::thread::spawn(move || std::io::read_to_string(&mut stderr));
    let mut done = 0_u32;
    let mut rendered = String::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        let Ok(message) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                done += 1;
                progress.update(&format!(
                    "{what}: {done} crates, {}",
                    message["target"]["name"].as_str().unwrap_or_default()
                ));
            }
            Some("compiler-message") => {
                rendered.push_str(message["message"]["rendered"].as_str().unwrap_or_default())
            }
            _ => {}
        }
    }
    let status = child.wait()?;
    drop(progress);
    if !status.success() {
        let messages = messages.join().ok().and_then(Result::ok).unwrap_or_default();
        bail!("{} failed ({status}):\n{rendered}{messages}", process::show(cargo));
    }
    Ok(())
}

fn collect_rlibs(deps: &Path, out: &Path) -> Result<()> {
    for entry in fs::read_dir(deps).with_context(|| format!("cannot read {}", deps.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "rlib") && !name.starts_with("libempty-") {
            fs::copy(&path, out.join(name))?;
        }
    }
    Ok(())
}

/// The built-in target takes no extra object, so its `crt1.o` is musl's and the kernel in one.
fn carry_kernel_in_crt1(sysroot: &Sysroot) -> Result<()> {
    let dir = sysroot.libraries(Target::Compat).join("self-contained");
    let crt1 = dir.join("crt1.o");
    let modified = |file: &Path| fs::metadata(file).and_then(|meta| meta.modified());
    if modified(&crt1).is_ok_and(|made| modified(&sysroot.kernel()).is_ok_and(|kernel| kernel < made)) {
        return Ok(());
    }
    let staged = dir.join(format!("crt1.{}", std::process::id()));
    let mut link = linker::find(&sysroot.toolchain)?.command();
    link.args(["-m", "elf_x86_64", "-r", "-o"])
        .arg(&staged)
        .arg(sysroot.kernel())
        .arg(dir.join("crt1-musl.o"));
    process::output(&mut link)?;
    fs::rename(&staged, &crt1)?;
    Ok(())
}
