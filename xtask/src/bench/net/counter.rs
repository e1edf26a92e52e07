//! Counts of what a guest does, from outside: its instructions by a plugin of QEMU's (`tests/counter`), its notifications by QEMU's trace.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

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
    /// The same, and where they are.
    Blocks,
    /// Times that the guest told the device of something, and the device the guest.
    Notifications,
    /// Nothing: counting takes time.
    Nothing,
}

/// Instructions executed in each block, by the block's address in the guest.
pub(super) type Blocks = BTreeMap<u64, u64>;
/// How long QEMU may take to write them down.
const PATIENCE: Duration = Duration::from_secs(60);

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
            Count::Blocks => {
                let blocks = crate::qemu::comma(&self.blocks_file());
                &["-plugin", &format!("{},count={file},blocks={blocks}", plugin()?.display())]
            }
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

    fn blocks_file(&self) -> PathBuf {
        self.file.with_extension("blocks")
    }

    /// Where the instructions so far were executed, of a guest that [`Count::Blocks`] are counted of.
    pub(super) fn blocks(&self) -> Result<Blocks> {
        const PLACE: u64 = 8;
        let file = OpenOptions::new().read(true).write(true).open(&self.file)?;
        file.write_all_at(&1_u64.to_le_bytes(), PLACE)?;
        let since = Instant::now();
        let mut wants = [1; 8];
        while wants != [0; 8] {
            ensure!(since.elapsed() < PATIENCE, "QEMU does not tell its blocks");
            thread::sleep(Duration::from_millis(5));
            file.read_exact_at(&mut wants, PLACE)?;
        }
        let mut blocks = Blocks::new();
        for line in fs::read_to_string(self.blocks_file())?.lines() {
            let mut words = line.split(' ');
            let mut number = |radix| u64::from_str_radix(words.next()?, radix).ok();
            let numbers = number(16).zip(number(10)).zip(number(10));
            let ((address, times), instructions) = numbers.with_context(|| format!("QEMU says {line:?}"))?;
            *blocks.entry(address).or_default() += times * instructions;
        }
        Ok(blocks)
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
