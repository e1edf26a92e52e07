//! `setup` and `doctor`: what images need on this machine, what of it is there, and how the rest is installed.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::spec::Target;
use crate::toolchain::{self, Toolchain};
use crate::{libc, linker, paths, process, qemu, sysroot, ui};

/// One thing an image needs.
struct Need {
    /// What it is for.
    name: &'static str,
    /// Where it is, or what is wrong.
    found: Result<String>,
    /// Debian packages that bring it.
    packages: &'static [&'static str],
    /// Without it nothing boots.
    is_required: bool,
}

/// Looks at everything.
fn needs() -> Vec<Need> {
    let toolchain = toolchain::choose();
    let with = |look: fn(&Toolchain) -> Result<String>| match &toolchain {
        Ok(toolchain) => look(toolchain),
        Err(_) => bail!("needs a compiler first"),
    };
    let found_in_path = |name: &str| {
        paths::find_program(name)
            .map(|file| file.display().to_string())
            .with_context(|| format!("{name} is not in PATH"))
    };
    let libc = with(|toolchain| libc::find(toolchain).map(|dir| dir.display().to_string()));
    let linker = with(|toolchain| linker::find(toolchain).map(|linker| linker.program.display().to_string()));
    let objcopy = with(|toolchain| linker::find_objcopy(toolchain).map(|file| file.display().to_string()));
    let rustc = match &toolchain {
        Ok(toolchain) => {
            Ok(format!("{} at {} ({})", toolchain.release, toolchain.rustc.display(), toolchain.reason))
        }
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    vec![
        Need {
            name: "rustc with library sources",
            found: rustc,
            packages: &["rustc-web", "cargo-web", "rust-web-src"],
            is_required: true,
        },
        Need { name: "musl", found: libc, packages: &["musl-dev"], is_required: true },
        Need { name: "linker", found: linker, packages: &["lld"], is_required: true },
        Need { name: "objcopy", found: objcopy, packages: &["llvm"], is_required: true },
        Need {
            name: "QEMU",
            found: qemu::program().map(|file| file.display().to_string()),
            packages: &["qemu-system-x86"],
            is_required: true,
        },
        Need {
            name: "musl-gcc, for crates with C code",
            found: found_in_path("musl-gcc"),
            packages: &["musl-tools"],
            is_required: false,
        },
    ]
}

/// `cargo xtask doctor`: exit code 1 if something that is required is missing.
pub(crate) fn doctor() -> ExitCode {
    let mut is_usable = true;
    for need in needs() {
        match need.found {
            Ok(place) => ui::status("Found", &format!("{}: {place}", need.name)),
            Err(error) => {
                is_usable &= !need.is_required;
                ui::warn(&format!(
                    "{}: {error:#}\n         `apt-get install {}` brings it",
                    need.name,
                    need.packages.join(" ")
                ));
            }
        }
    }
    if is_usable {
        ui::status("Ready", "images can be built and booted");
        ExitCode::SUCCESS
    } else {
        ui::error("something is missing: `cargo xtask setup` installs it");
        ExitCode::FAILURE
    }
}

/// `cargo xtask setup`: installs what is missing, then builds the sysroot.
pub(crate) fn main() -> Result<()> {
    if toolchain::choose().is_err() && paths::find_program("rustup").is_some() {
        ui::status("Installing", "the library sources: rustup component add rust-src");
        if let Err(error) = process::run(process::clean("rustup").args(["component", "add", "rust-src"])) {
            ui::warn(&format!("{error:#}; trying the distribution's compiler instead"));
        }
    }
    let packages: Vec<&str> =
        needs().iter().filter(|need| need.found.is_err()).flat_map(|need| need.packages).copied().collect();
    if !packages.is_empty() {
        install(&packages)?;
    }
    if let Some(need) = needs().into_iter().find(|need| need.is_required && need.found.is_err()) {
        return Err(need
            .found
            .err()
            .context("a need without a place has an error")?
            .context(format!("still missing: {}", need.name)));
    }
    let sysroot = sysroot::prepare(Target::Unikernel)?;
    let toolchain = &sysroot.toolchain;
    ui::status(
        "Ready",
        &format!(
            "rustc {} at {} ({}), sysroot {}",
            toolchain.release,
            toolchain.rustc.display(),
            toolchain.reason,
            sysroot.dir.display()
        ),
    );
    Ok(())
}

/// Installs Debian packages, as root or through sudo.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let Some(apt) = paths::find_program("apt-get") else {
        bail!(
            "this machine has no apt-get; install by other means what these Debian packages bring: {}",
            packages.join(" ")
        );
    };
    let sudo = if rustix::process::geteuid().is_root() {
        None
    } else {
        let missing = "installing packages needs root: run as root, or install sudo";
        Some(paths::find_program("sudo").context(missing)?)
    };
    let words = |words: &[&str]| {
        // `env` and not an environment variable: sudo drops those.
        let mut command = Command::new(sudo.as_deref().unwrap_or(Path::new("env")));
        command.args(sudo.is_some().then_some("env")).arg("DEBIAN_FRONTEND=noninteractive");
        command.arg(&apt).args(words).stdin(Stdio::null());
        command
    };
    // A fresh machine or container has no package lists. Old lists may still do.
    let mut update = words(&["update", "-q"]);
    ui::status("Installing", &process::show(&update));
    if let Err(error) = process::run_to_stderr(&mut update) {
        ui::warn(&format!("{error:#}"));
    }
    // A machine that has just been started may be installing its own updates: wait for them.
    let how = ["install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600"];
    let mut install = words(&[&how, packages].concat());
    ui::status("Installing", &process::show(&install));
    process::run_to_stderr(&mut install)
}

/// Makes the other commands set up by themselves: nothing to do where everything is found.
pub(crate) fn ensure() -> Result<()> {
    let can_build = toolchain::choose().is_ok_and(|toolchain| {
        libc::find(&toolchain).is_ok()
            && linker::find(&toolchain).is_ok()
            && linker::find_objcopy(&toolchain).is_ok()
    });
    if can_build && qemu::program().is_ok() {
        return Ok(());
    }
    ui::status("Setup", "something that images need is missing");
    main()
}
