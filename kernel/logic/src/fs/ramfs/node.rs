//! One inode of the file system in memory, and the bytes of a regular one.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags, Statfs};
use abi::io::{FallocateMode, Seals};
use abi::time::Timespec;
use sync::Lock;

use super::Ramfs;
use super::content::Content;
use super::entries::Entries;
use crate::file::io::{Sink, Source};
use crate::file::mapping::{Mapper, Mapping, SharedPages};
use crate::file::open::MOST_OFFSET;
use crate::file::pipe::Pipe;
use crate::file::{File, Io, Positions};
use crate::fs::inode::{Change, Directory, Home, Inode, Metadata, New, Rights};
use crate::fs::pages::{Page, Pages};
use crate::fs::special;
use crate::net::unix::BoundName;

/// What an inode is made of.
#[derive(Debug)]
pub(super) enum Body {
    Regular(Lock<Content>),
    Directory(Lock<Entries>),
    Symlink(Box<[u8]>),
    Fifo(Arc<Pipe>),
    Socket(BoundName),
}

impl Body {
    pub(super) fn directory(seed: u64) -> Self {
        Self::Directory(Lock::new(Entries::new(seed)))
    }

    pub(super) fn regular(pages: Pages, seals: Option<Seals>) -> Self {
        Self::Regular(Lock::new(Content::new(pages, seals)))
    }

    pub(super) fn new(new: &New<'_>, seed: u64) -> Result<Self, Errno> {
        Ok(match new {
            New::Regular => Self::regular(Pages::default(), None),
            New::Directory => Self::directory(seed),
            New::Symlink(target) => {
                let mut copy = Vec::new();
                copy.try_reserve_exact(target.len()).map_err(|_| Errno::ENOSPC)?;
                copy.extend_from_slice(target);
                Self::Symlink(copy.into_boxed_slice())
            }
            New::Fifo => Self::Fifo(Arc::default()),
            New::Socket => Self::Socket(BoundName::default()),
        })
    }

    fn kind(&self) -> FileType {
        match self {
            Self::Regular(_) => FileType::Regular,
            Self::Directory(_) => FileType::Directory,
            Self::Symlink(_) => FileType::Symlink,
            Self::Fifo(_) => FileType::Fifo,
            Self::Socket(_) => FileType::Socket,
        }
    }
}

/// What stat(2) tells and the body does not know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes {
    permissions: u32,
    uid: u32,
    gid: u32,
    pub(super) links: u64,
    accessed: Timespec,
    modified: Timespec,
    changed: Timespec,
    created: Timespec,
}

/// The directory that names an inode, and the name.
type Place = (Weak<Node>, Arc<[u8]>);

/// An inode.
#[derive(Debug)]
pub struct Node {
    pub(super) fs: Arc<Ramfs>,
    number: u64,
    me: Weak<Node>,
    pub(super) body: Body,
    pub(super) attributes: Lock<Attributes>,
    pub(super) place: Lock<Option<Place>>,
    /// What `/proc/self/fd` shows for a file that never had a name.
    pub(super) shown: Lock<Option<Box<[u8]>>>,
}

impl Node {
    pub(super) fn new(
        fs: &Arc<Ramfs>,
        body: Body,
        permissions: u32,
        (uid, gid): (u32, u32),
        now: Timespec,
    ) -> Arc<Self> {
        let links = if matches!(body, Body::Directory(_)) { 2 } else { 1 };
        let attributes = Attributes {
            permissions,
            uid,
            gid,
            links,
            accessed: now,
            modified: now,
            changed: now,
            created: now,
        };
        Arc::new_cyclic(|me| Self {
            fs: Arc::clone(fs),
            number: fs.number(),
            me: me.clone(),
            body,
            attributes: Lock::new(attributes),
            place: Lock::new(None),
            shown: Lock::new(None),
        })
    }

    /// A handle on itself.
    pub(super) fn handle(&self) -> Weak<Self> {
        self.me.clone()
    }

    /// Something was written: contents or names.
    pub(super) fn touch(&self, now: Timespec) {
        let mut attributes = self.attributes.lock();
        attributes.modified = now;
        attributes.changed = now;
    }

    /// One link more or less.
    pub(super) fn count_link(&self, more: i64, now: Timespec) {
        let mut attributes = self.attributes.lock();
        attributes.links = attributes.links.saturating_add_signed(more);
        attributes.changed = now;
    }

    /// Something was read: the time is kept as with `relatime` (mount(8)).
    fn note_read(&self, now: Timespec) {
        const DAY_SECONDS: i64 = 86_400;
        let mut attributes = self.attributes.lock();
        let order = |time: Timespec| (time.tv_sec, time.tv_nsec);
        let is_old = order(attributes.accessed) <= order(attributes.modified)
            || order(attributes.accessed) <= order(attributes.changed)
            || now.tv_sec - attributes.accessed.tv_sec >= DAY_SECONDS;
        if is_old {
            attributes.accessed = now;
        }
    }

    /// Makes `data` the bytes of a regular file.
    pub(in crate::fs) fn lay_over(&self, data: &'static [u8]) {
        if let Body::Regular(content) = &self.body {
            content.lock().pages = Pages::over(data);
        }
    }

    fn content(&self) -> Result<&Lock<Content>, Errno> {
        match &self.body {
            Body::Regular(content) => Ok(content),
            Body::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl SharedPages for Node {
    fn attach(&self, mapper: &'static dyn Mapper, may_write: bool, write: bool) -> Result<bool, Errno> {
        self.content()?.lock().attach(mapper, (self.fs.device, self.number), may_write, write)
    }

    fn detach(&self, write: bool) {
        if let Ok(content) = self.content() {
            content.lock().detach(write);
        }
    }

    fn with_page(&self, io: &Io<'_>, offset: u64, install: &mut dyn FnMut(&mut Page)) -> Result<(), Errno> {
        install(self.content()?.lock().page(io, offset)?);
        Ok(())
    }
}

impl Inode for Node {
    fn metadata(&self) -> Metadata {
        let attributes = *self.attributes.lock();
        let (size, blocks) = match &self.body {
            Body::Regular(content) => {
                let content = content.lock();
                (content.pages.size(), content.pages.blocks())
            }
            Body::Directory(entries) => (entries.lock().size(), 0),
            Body::Symlink(target) => (target.len() as u64, 0),
            Body::Fifo(_) | Body::Socket(_) => (0, 0),
        };
        Metadata {
            links: attributes.links,
            uid: attributes.uid,
            gid: attributes.gid,
            size,
            blocks,
            accessed: attributes.accessed,
            modified: attributes.modified,
            changed: attributes.changed,
            created: attributes.created,
            ..Metadata::new(self.fs.device, self.number, self.body.kind(), attributes.permissions)
        }
    }

    fn rights(&self) -> Rights {
        let attributes = self.attributes.lock();
        let Attributes { permissions, uid, gid, .. } = *attributes;
        Rights { kind: self.body.kind(), permissions, uid, gid }
    }

    fn kind(&self) -> FileType {
        self.body.kind()
    }

    fn change(&self, change: &Change, now: Timespec) -> Result<(), Errno> {
        let mut attributes = self.attributes.lock();
        attributes.permissions = change.permissions.unwrap_or(attributes.permissions) & 0o7777;
        attributes.uid = change.uid.unwrap_or(attributes.uid);
        attributes.gid = change.gid.unwrap_or(attributes.gid);
        attributes.accessed = change.accessed.unwrap_or(attributes.accessed);
        attributes.modified = change.modified.unwrap_or(attributes.modified);
        attributes.changed = now;
        Ok(())
    }

    fn open(self: Arc<Self>, flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        match &self.body {
            Body::Fifo(pipe) => special::open_fifo(pipe, flags),
            Body::Socket(_) | Body::Symlink(_) => Err(Errno::ENXIO),
            Body::Regular(_) | Body::Directory(_) => Ok(self),
        }
    }

    fn directory(&self) -> Option<&dyn Directory> {
        matches!(self.body, Body::Directory(_)).then_some(self)
    }

    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        match &self.body {
            Body::Symlink(target) => Ok(target.to_vec()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn bound(&self) -> Option<&BoundName> {
        match &self.body {
            Body::Socket(bound) => Some(bound),
            _ => None,
        }
    }

    fn home(&self) -> Option<Home> {
        let (directory, name) = self.place.lock().clone()?;
        Some(Home { directory: directory.upgrade()?, name: Box::from(&*name) })
    }

    fn description(&self) -> Vec<u8> {
        self.shown.lock().as_deref().unwrap_or(b"/ (deleted)").to_vec()
    }

    fn file_system(&self) -> Statfs {
        self.fs.statfs()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl File for Node {
    fn read_at(&self, io: &Io<'_>, offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        let count = self.content()?.lock().pages.read(offset, out)?;
        self.note_read(io.now());
        Ok(count)
    }

    fn write_at(&self, io: &Io<'_>, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let count = self.content()?.lock().write(io, offset, from)?;
        if count > 0 {
            self.touch(io.now());
        }
        Ok(count)
    }

    fn append(&self, io: &Io<'_>, from: &mut dyn Source) -> Result<(u64, usize), Errno> {
        let mut content = self.content()?.lock();
        let end = content.pages.size();
        let count = content.write(io, end, from)?;
        drop(content);
        if count > 0 {
            self.touch(io.now());
        }
        Ok((end + count as u64, count))
    }

    fn positions(&self) -> Positions {
        Positions::Kept
    }

    fn size(&self) -> u64 {
        match &self.body {
            Body::Regular(content) => content.lock().pages.size(),
            // lseek(2) to the end of a directory on tmpfs goes here (simple directories: MAX_LFS_FILESIZE).
            Body::Directory(_) => MOST_OFFSET,
            _ => 0,
        }
    }

    fn truncate(&self, io: &Io<'_>, size: u64) -> Result<(), Errno> {
        self.content()?.lock().truncate(io, size)?;
        self.touch(io.now());
        Ok(())
    }

    fn allocate(&self, io: &Io<'_>, mode: FallocateMode, offset: u64, length: u64) -> Result<(), Errno> {
        let Body::Regular(content) = &self.body else { return Err(Errno::ENODEV) };
        let end = offset.checked_add(length).filter(|&end| end <= MOST_OFFSET).ok_or(Errno::EFBIG)?;
        content.lock().allocate(io, mode, offset..end)?;
        self.touch(io.now());
        Ok(())
    }

    fn next_data(&self, offset: u64) -> Result<u64, Errno> {
        self.content()?.lock().pages.next_data(offset)
    }

    fn next_hole(&self, offset: u64) -> Result<u64, Errno> {
        self.content()?.lock().pages.next_hole(offset)
    }

    fn available(&self, offset: u64) -> Result<u64, Errno> {
        match &self.body {
            Body::Regular(content) => Ok(content.lock().pages.size().saturating_sub(offset)),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn seals(&self) -> Result<Seals, Errno> {
        match &self.body {
            Body::Regular(content) => content.lock().seals(),
            _ => Err(Errno::EINVAL),
        }
    }

    fn add_seals(&self, more: Seals) -> Result<(), Errno> {
        match &self.body {
            Body::Regular(content) => content.lock().add_seals(more),
            _ => Err(Errno::EINVAL),
        }
    }

    fn mapping(&self) -> Mapping<'_> {
        if matches!(self.body, Body::Regular(_)) { Mapping::Pages(self) } else { Mapping::Nothing }
    }
}
