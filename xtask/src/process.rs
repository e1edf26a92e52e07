//! Child processes: a clean environment, and errors that say what ran.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A command without what an outer cargo left in the environment.
///
/// Under `cargo xtask` the outer cargo exports `CARGO_*` facts about this package, rustup's choice of toolchain and a library
/// path into it; inner builds must see none of them. What users set on purpose (`CARGO_TARGET_DIR`, `CARGO_HOME`,
/// `CARGO_NET_*`, `CARGO_BUILD_JOBS` …) stays.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let is_package_fact = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CFG_"]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        let is_outer_choice = [
            "CARGO",
            "CARGO_CRATE_NAME",
            "CARGO_PRIMARY_PACKAGE",
            "RUSTUP_TOOLCHAIN",
            "RUST_RECURSION_COUNT",
        ]
        .contains(&text);
        if is_package_fact || is_outer_choice {
            command.env_remove(&name);
        }
    }
    if let Some(path) = env::var_os("LD_LIBRARY_PATH") {
        let kept = env::split_paths(&path).filter(|dir| {
            let dir = dir.to_string_lossy();
            !dir.contains("/toolchains/") && !dir.contains("/build/") && !dir.ends_with("/deps")
        });
        match env::join_paths(kept) {
            Ok(kept) if !kept.is_empty() => command.env("LD_LIBRARY_PATH", kept),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    command
}

/// Runs a command whose output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", show(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", show(command));
    }
    Ok(())
}

/// Runs a command whose output, all of it, is a message: standard output belongs to the program that is run.
pub(crate) fn run_to_stderr(command: &mut Command) -> Result<()> {
    run(command.stdout(std::io::stderr()))
}

/// Runs a command and returns its standard output; its standard error is in the error if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", show(command)))?;
    if !output.status.success() {
        bail!(
            "{} failed ({}):\n{}",
            show(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote something that is not UTF-8", show(command)))
}

/// Has the process killed when the thread that starts it is gone, however that comes.
pub(crate) fn end_with_us(command: &mut Command) -> &mut Command {
    #[expect(unsafe_code, reason = "only the child itself can ask for its death signal")]
    // SAFETY: the closure makes one async-signal-safe system call.
    unsafe {
        command.pre_exec(|| {
            Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
        })
    }
}

/// The command as one could type it.
pub(crate) fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quote(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// A word as `sh` reads it back.
pub(crate) fn quote(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
