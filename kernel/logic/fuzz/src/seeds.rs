//! What the fuzzer begins with, made by each target for itself.

use std::path::Path;

use crate::{
    addresses, archive, command_line, console, datagrams, dhcp, firmware, frames, neighbours, segments,
};

/// The variable that names the directory to write them to.
pub const DIRECTORY: &str = "CARACAL_FUZZ_SEEDS";

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "frames" => frames::seeds(),
        "segments" => segments::seeds(),
        "datagrams" => datagrams::seeds(),
        "neighbours" => neighbours::seeds(),
        "dhcp" => dhcp::seeds(),
        "firmware" => firmware::seeds(),
        "command_line" => command_line::seeds(),
        "archive" => archive::seeds(),
        "addresses" => addresses::seeds(),
        "console" => console::seeds(),
        _ => Vec::new(),
    }
}

/// Writes the seeds of `target` before the fuzzer reads its corpus, if the environment says where.
///
/// # Panics
/// When they cannot be written: a run from nothing would look like a run.
pub fn write(target: &str) {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    for (index, seed) in of(target).iter().enumerate() {
        let file = Path::new(&directory).join(format!("seed-{index}"));
        std::fs::write(&file, seed)
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
    }
}
