//! Host files as a cpio archive ("newc", cpio(5)) that becomes the guest's root. Written as a stream: no copy in memory.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A host path and where it appears in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// File or directory of the host.
    pub(crate) host: PathBuf,
    /// Absolute path in the guest.
    pub(crate) guest: PathBuf,
}

impl Item {
    /// Reads `HOST:GUEST`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (host, guest) = text
            .rsplit_once(':')
            .with_context(|| format!("--pack {text}: write HOST:GUEST, for example ./site:/srv"))?;
        if host.is_empty() || !guest.starts_with('/') {
            bail!("--pack {text}: write HOST:GUEST with an absolute GUEST, for example ./site:/srv");
        }
        Ok(Self { host: host.into(), guest: guest.into() })
    }
}

/// Writes all items into `file`. Directories named in `skipped` are left out wherever they lie directly below an item.
pub(crate) fn write(items: &[Item], skipped: &[&str], file: &Path) -> Result<()> {
    let out = File::create(file).with_context(|| format!("cannot create {}", file.display()))?;
    let mut archive = Archive { out: BufWriter::new(out), inode: 0, made: BTreeSet::new() };
    for item in items {
        let guest = relative(&item.guest)?;
        archive.parents(&guest)?;
        let meta =
            fs::metadata(&item.host).with_context(|| format!("cannot pack {}", item.host.display()))?;
        archive.tree(&fs::canonicalize(&item.host)?, &guest, &meta, skipped)?;
    }
    archive.finish().with_context(|| format!("cannot write {}", file.display()))
}

/// The guest path without its leading slash; `..` has no meaning in an archive.
fn relative(guest: &Path) -> Result<PathBuf> {
    let mut clean = PathBuf::new();
    for part in guest.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                bail!("the guest path {} must not contain `..`", guest.display())
            }
        }
    }
    Ok(clean)
}

struct Archive<W: Write> {
    out: W,
    inode: u32,
    made: BTreeSet<PathBuf>,
}

impl<W: Write> Archive<W> {
    fn parents(&mut self, path: &Path) -> Result<()> {
        let mut parents: Vec<&Path> =
            path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()).collect();
        parents.reverse();
        for parent in parents {
            if self.made.insert(parent.to_owned()) {
                self.header(parent, 0o040_755, 0, 0)?;
            }
        }
        Ok(())
    }

    fn tree(&mut self, host: &Path, guest: &Path, meta: &Metadata, skipped: &[&str]) -> Result<()> {
        let seconds = u32::try_from(meta.mtime()).unwrap_or(0);
        let kind = meta.file_type();
        if kind.is_dir() {
            if !guest.as_os_str().is_empty() && self.made.insert(guest.to_owned()) {
                self.header(guest, meta.mode(), seconds, 0)?;
            }
            let mut entries = fs::read_dir(host)
                .with_context(|| format!("cannot read {}", host.display()))?
                .collect::<io::Result<Vec<_>>>()?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let name = entry.file_name();
                if !skipped.iter().any(|skip| name == *skip) {
                    // Names below the first level are all kept.
                    self.tree(&entry.path(), &guest.join(&name), &entry.metadata()?, &[])?;
                }
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(host)?;
            let target = target.as_os_str().as_bytes();
            self.header(guest, meta.mode(), seconds, target.len() as u64)?;
            self.out.write_all(target)?;
            self.pad(target.len() as u64)?;
        } else if kind.is_file() {
            self.header(guest, meta.mode(), seconds, meta.len())?;
            let copied = io::copy(
                &mut File::open(host).with_context(|| format!("cannot read {}", host.display()))?,
                &mut self.out,
            )?;
            if copied != meta.len() {
                bail!("{} changed while it was packed", host.display());
            }
            self.pad(copied)?;
        } else if kind.is_socket() || kind.is_fifo() || kind.is_char_device() || kind.is_block_device() {
            // Such objects belong to the host's processes and devices.
        }
        Ok(())
    }

    fn header(&mut self, name: &Path, mode: u32, seconds: u32, size: u64) -> Result<()> {
        let size = u32::try_from(size).with_context(|| {
            format!("{} is larger than 4 GiB, the most a cpio archive can hold", name.display())
        })?;
        self.inode += 1;
        let name = name.as_os_str().as_bytes();
        let length = u32::try_from(name.len() + 1)?;
        // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        write!(
            self.out,
            "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{seconds:08x}{size:08x}",
            self.inode, 0, 0, 1
        )?;
        write!(self.out, "{:08x}{:08x}{:08x}{:08x}{length:08x}{:08x}", 0, 0, 0, 0, 0)?;
        self.out.write_all(name)?;
        self.out.write_all(&[0])?;
        self.pad(110 + u64::from(length))
    }

    /// Fills up to a multiple of four after `written` bytes.
    fn pad(&mut self, written: u64) -> Result<()> {
        let missing = written.next_multiple_of(4) - written;
        for _ in 0..missing {
            self.out.write_all(&[0])?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.inode = 0;
        self.header(Path::new("TRAILER!!!"), 0, 0, 0)?;
        self.out.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
