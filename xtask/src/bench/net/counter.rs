//! Counts of what a guest does, from outside: its instructions by a plugin of QEMU's (`tests/counter`), its notifications by QEMU's trace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::{paths, process};

/// The plugin, built for the host.
pub(super) fn plugin() -> Result<PathBuf> {
    let mut cargo = process::clean("cargo");
    cargo.args(["build", "--quiet", "--release", "--package", "counter", "--manifest-path"]);
    process::run_to_stderr(cargo.arg(paths::root().join("Cargo.toml")))?;
    Ok(paths::target().join("release/libcounter.so"))
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Instructions that the guest executed.
    Instructions,
    /// Times that the guest told the device of something, and the device the guest.
    Notifications,
    /// Nothing: counting takes time.
    Nothing,
}

/// Where the counts of one guest are.
pub(super) struct Counter {
    file: PathBuf,
}

impl Counter {
    /// Before the guest starts.
    pub(super) fn new() -> Result<Self> {
        let folder = paths::target().join("bench");
        fs::create_dir_all(&folder)?;
        let file = folder.join("net.count");
        // An old one would be taken for this guest's.
        let _ = fs::remove_file(&file);
        Ok(Self { file })
    }

    /// What QEMU is told.
    pub(super) fn args(&self, count: Count) -> Result<Vec<String>> {
        let file = crate::qemu::comma(&self.file);
        let words: &[&str] = match count {
            Count::Instructions => &["-plugin", &format!("{},count={file}", plugin()?.display())],
            Count::Notifications => &[
                "-trace",
                "virtio_queue_notify",
                "-trace",
                "virtio_notify",
                "-D",
                &self.file.to_string_lossy(),
            ],
            Count::Nothing => &[],
        };
        Ok(words.iter().map(|&word| word.to_owned()).collect())
    }

    /// Instructions so far.
    pub(super) fn instructions(&self) -> Result<u64> {
        let bytes = read(&self.file)?;
        let bytes = bytes.first_chunk().context("QEMU counts no instructions: it cannot load plugins")?;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// Times that the guest told the device, and the device the guest, so far.
    pub(super) fn notifications(&self) -> Result<[u64; 2]> {
        let bytes = read(&self.file)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines = |word: &str| text.lines().filter(|line| line.contains(word)).count() as u64;
        Ok([lines("virtio_queue_notify "), lines("virtio_notify ")])
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file)
        .with_context(|| format!("QEMU wrote no {}: is it built with plugins and traces?", file.display()))
}
