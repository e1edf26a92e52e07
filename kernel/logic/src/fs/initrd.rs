//! Archives of files in memory: cpio "newc" (cpio(5)), read where they lie.
//!
//! A malformed archive is an error with a position, never a panic. Names are taken as paths below the root; `..` is refused.

use alloc::sync::Arc;
use core::fmt;
use litemap::LiteMap;

use abi::errno::Errno;
use abi::fs::{FileType, Mode};
use abi::time::Timespec;

use super::inode::{Caller, Clock, Directory, Inode, Metadata, New};
use super::ramfs::Node;

const MAGIC: &[u8] = b"070701";
const HEADER_BYTES: usize = 110;
const TRAILER: &[u8] = b"TRAILER!!!";

/// What is wrong with an archive, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Byte in the archive.
    pub at: usize,
    /// What was expected there.
    pub what: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed cpio archive at byte {}: {}", self.at, self.what)
    }
}

/// One member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its path as the archive has it.
    pub path: &'a [u8],
    /// Kind and permissions.
    pub mode: Mode,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds since 1970.
    pub modified: u32,
    /// Inode number in the archive, the same for names of one file.
    pub inode: u32,
    /// Names of this file in the archive.
    pub links: u32,
    /// A file's bytes, or where a symbolic link points.
    pub data: &'a [u8],
}

/// The members of an archive, in order.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    archive: &'a [u8],
    at: usize,
}

impl<'a> Members<'a> {
    /// Reads `archive`.
    pub fn new(archive: &'a [u8]) -> Self {
        Self { archive, at: 0 }
    }

    fn bytes(&self, at: usize, count: usize) -> Result<&'a [u8], Malformed> {
        let end = at.checked_add(count).ok_or(Malformed { at, what: "a length that fits" })?;
        self.archive.get(at..end).ok_or(Malformed { at, what: "more bytes" })
    }

    fn field(&self, index: usize) -> Result<u32, Malformed> {
        let at = self.at + MAGIC.len() + index * 8;
        let digits = self.bytes(at, 8)?;
        let text = core::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
        text.and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or(Malformed { at, what: "eight hexadecimal digits" })
    }

    fn member(&mut self) -> Result<Option<Member<'a>>, Malformed> {
        if self.bytes(self.at, MAGIC.len())? != MAGIC {
            return Err(Malformed { at: self.at, what: "the magic number 070701" });
        }
        let name_at = self.at + HEADER_BYTES;
        let name_length = self.field(11)? as usize;
        let name = self.bytes(name_at, name_length)?;
        let path =
            name.strip_suffix(b"\0").ok_or(Malformed { at: name_at, what: "a name that ends in a zero" })?;
        if path == TRAILER {
            return Ok(None);
        }
        let data_at = (name_at + name_length).next_multiple_of(4);
        let data = self.bytes(data_at, self.field(6)? as usize)?;
        let member = Member {
            path,
            mode: Mode(self.field(1)?),
            uid: self.field(2)?,
            gid: self.field(3)?,
            modified: self.field(5)?,
            inode: self.field(0)?,
            links: self.field(4)?,
            data,
        };
        self.at = (data_at + data.len()).next_multiple_of(4);
        Ok(Some(member))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let member = self.member().transpose();
        if !matches!(member, Some(Ok(_))) {
            self.archive = &[];
        }
        member
    }
}

/// Why an archive could not be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is not a good archive.
    Malformed(Malformed),
    /// A member could not be made: `ENOSPC`, or `ENOTDIR` for a file used as a directory.
    Member(Errno),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Member(errno) => write!(f, "a file of the archive cannot be made: {errno}"),
        }
    }
}

/// Puts the members of `archive` below `root`. What is there already stays; files lie in the archive until they are written.
///
/// # Errors
/// At the first bad member; those before it are there.
pub fn unpack(root: &Arc<Node>, archive: &'static [u8]) -> Result<(), Error> {
    let mut names_of: LiteMap<u32, Arc<dyn Inode>> = LiteMap::new();
    let mut parent: (&[u8], Arc<Node>) = (b"", Arc::clone(root));
    for member in Members::new(archive) {
        let member = member.map_err(Error::Malformed)?;
        let (folder, name) = split(member.path);
        if matches!(name, b"" | b"." | b"..") {
            continue;
        }
        if folder != parent.0 {
            parent = (folder, directory(root, folder).map_err(Error::Member)?);
        }
        insert(&parent.1, name, &member, &mut names_of).map_err(Error::Member)?;
    }
    Ok(())
}

/// The folder and the last part of a path.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// The directory at `path`, its parts made as needed.
fn directory(root: &Arc<Node>, path: &[u8]) -> Result<Arc<Node>, Errno> {
    let mut at = Arc::clone(root);
    for part in path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
        if part == b".." {
            return Err(Errno::EINVAL);
        }
        at = match at.lookup(part) {
            Ok(inode) => {
                (inode as Arc<dyn core::any::Any + Send + Sync>).downcast().map_err(|_| Errno::EBUSY)?
            }
            Err(_) => {
                at.insert(part, New::Directory, &Metadata::new(0, 0, FileType::Directory, 0o755), b"")?
            }
        };
        if at.directory().is_none() {
            return Err(Errno::ENOTDIR);
        }
    }
    Ok(at)
}

fn insert(
    parent: &Arc<Node>,
    name: &[u8],
    member: &Member<'static>,
    names_of: &mut LiteMap<u32, Arc<dyn Inode>>,
) -> Result<(), Errno> {
    let kind = member.mode.file_type().ok_or(Errno::EINVAL)?;
    let modified = Timespec { tv_sec: i64::from(member.modified), tv_nsec: 0 };
    let metadata = Metadata {
        uid: member.uid,
        gid: member.gid,
        modified,
        ..Metadata::new(0, 0, kind, member.mode.permissions())
    };
    let made = match kind {
        FileType::Directory => {
            match parent.insert(name, New::Directory, &metadata, b"") {
                // Made on the way to something below it, or there from the start.
                Err(Errno::EEXIST) => return Ok(()),
                made => made?,
            }
        }
        FileType::Symlink => parent.insert(name, New::Symlink(member.data), &metadata, b"")?,
        FileType::Regular => {
            if member.links > 1
                && let Some(first) = names_of.get(&member.inode)
            {
                let caller = Caller { clock: Clock::Stopped(modified), ..Caller::default() };
                // The bytes come with one of the names, usually the last.
                if let Some(node) = first.as_any().downcast_ref::<Node>()
                    && !member.data.is_empty()
                {
                    node.lay_over(member.data);
                }
                return parent.link(name, first, &caller);
            }
            parent.insert(name, New::Regular, &metadata, member.data)?
        }
        FileType::Fifo => parent.insert(name, New::Fifo, &metadata, b"")?,
        // Devices are the kernel's to offer (`devfs`); sockets have no meaning outside the process that bound them.
        FileType::CharDevice | FileType::BlockDevice | FileType::Socket | FileType::Anonymous => {
            return Ok(());
        }
    };
    if member.links > 1 && kind == FileType::Regular {
        names_of.insert(member.inode, made);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
