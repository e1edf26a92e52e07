//! Where things are: the repository, the cache, the build directories. Nothing here creates or reads a file.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// The root of the repository this tool was built from.
pub(crate) fn root() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().map(PathBuf::from).unwrap_or(package)
}

/// `$CARACAL_CACHE`, else `$XDG_CACHE_HOME/caracal`, else `~/.cache/caracal`.
pub(crate) fn cache() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("CARACAL_CACHE").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    if let Some(dir) = env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir).join("caracal"));
    }
    let home = env::var_os("HOME").context("neither CARACAL_CACHE nor HOME is set: set one of them")?;
    Ok(PathBuf::from(home).join(".cache/caracal"))
}

/// The sysroot that was used last, under a name that stays.
pub(crate) fn current() -> Result<PathBuf> {
    Ok(cache()?.join("current"))
}

/// Cargo's target directory of the repository.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Finds a program in `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}
