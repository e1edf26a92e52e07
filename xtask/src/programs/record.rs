//! What is known already: a run that was cut off goes on where it stopped. Only what went as the table says is written down.
//!
//! An image contains its kernel, so its bytes, the program's table and the data's script say all that the outcome depends on.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::folder;
use super::image::Image;
use super::table::Program;
use crate::paths;

/// A file that is there if `program` did as its table says, with so many vCPUs.
pub(super) fn place(program: &Program, image: &Image, smp: u16) -> Result<PathBuf> {
    let read = |file: &Path| fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let mut hasher = DefaultHasher::new();
    (read(&image.file)?, read(&folder().join("data.sh"))?, &program.text, smp).hash(&mut hasher);
    Ok(paths::cache()?.join("programs/known").join(format!("{:016x}", hasher.finish())))
}

/// Makes the file.
pub(super) fn write(place: &Path) -> Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(place, "").with_context(|| format!("cannot write {}", place.display()))
}
