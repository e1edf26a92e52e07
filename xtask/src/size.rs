//! `size`: what an image's bytes are spent on, by segment kind and by owner.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail};
use object::{Object as _, ObjectSection as _, SectionKind};

use crate::flags::BuildArgs;
use crate::{build, ui};

/// `cargo xtask size`.
pub(crate) fn main(args: &BuildArgs) -> Result<()> {
    let images = build::images(args)?;
    if images.is_empty() {
        bail!("{} has no binary", args.what());
    }
    for image in images {
        let bytes = fs::read(&image.file).with_context(|| format!("cannot read {}", image.file.display()))?;
        ui::status("Size", &format!("{}: {} KiB in the file", image.name, bytes.len() / 1024));
        for (owner, size) in by_owner(&bytes)? {
            ui::status("", &format!("{size:>10}  {owner}"));
        }
    }
    Ok(())
}

/// Bytes in memory and of debug information, kernel and program apart.
fn by_owner(image: &[u8]) -> Result<BTreeMap<&'static str, u64>> {
    let mut sizes = BTreeMap::new();
    for section in object::File::parse(image)?.sections() {
        let name = section.name()?;
        let owner = match section.kind() {
            SectionKind::Text if name.starts_with(".k") => "kernel code",
            SectionKind::Text => "program code",
            SectionKind::Data | SectionKind::ReadOnlyData if name.starts_with(".k") => "kernel data",
            SectionKind::Data
            | SectionKind::ReadOnlyData
            | SectionKind::ReadOnlyString
            | SectionKind::Tls => "program data",
            SectionKind::UninitializedData if name.starts_with(".k") => "kernel zeroed (not in the file)",
            SectionKind::UninitializedData | SectionKind::UninitializedTls => {
                "program zeroed (not in the file)"
            }
            SectionKind::Debug | SectionKind::DebugString => "debug information (not loaded)",
            _ => "tables and headers",
        };
        *sizes.entry(owner).or_insert(0) += section.size();
    }
    Ok(sizes)
}
