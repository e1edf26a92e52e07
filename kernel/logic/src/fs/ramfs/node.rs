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
use super::entries::Entries;
use crate::file::io::{First, Sink, Source};
use crate::file::open::MOST_OFFSET;
use crate::file::pipe::Pipe;
use crate::file::{File, Io, Positions};
use crate::fs::inode::{Change, Directory, Home, Inode, Metadata, New, Rights};
use crate::fs::pages::{PAGE, Pages};
use crate::fs::special;

/// What an inode is made of.
#[derive(Debug)]
pub(super) enum Body {
    Regular(Lock<Content>),
    Directory(Lock<Entries>),
    Symlink(Box<[u8]>),
    Fifo(Arc<Pipe>),
    Socket,
}

/// The bytes of a regular file, and what may be done with them.
#[derive(Debug)]
pub(super) struct Content {
    pages: Pages,
    /// `None`: it cannot be sealed.
    seals: Option<Seals>,
}

impl Body {
    pub(super) fn directory(seed: u64) -> Self {
        Self::Directory(Lock::new(Entries::new(seed)))
    }

    pub(super) fn regular(pages: Pages, seals: Option<Seals>) -> Self {
        Self::Regular(Lock::new(Content { pages, seals }))
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
            New::Socket => Self::Socket,
        })
    }

    fn kind(&self) -> FileType {
        match self {
            Self::Regular(_) => FileType::Regular,
            Self::Directory(_) => FileType::Directory,
            Self::Symlink(_) => FileType::Symlink,
            Self::Fifo(_) => FileType::Fifo,
            Self::Socket => FileType::Socket,
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

impl Content {
    fn check(&self, against: Seals) -> Result<(), Errno> {
        if self.seals.is_some_and(|seals| seals.intersects(against)) { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Writes as far as files may reach.
    fn write(&mut self, io: &Io<'_>, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        let count = from.left() as u64;
        let room = io.most_size().saturating_sub(offset).min(count);
        if room == 0 && count > 0 {
            return Err(Errno::EFBIG);
        }
        let room = self.room(io, offset, room)?;
        if room == count {
            return self.write_all(offset, from);
        }
        self.write_all(offset, &mut First::new(from, usize::try_from(room).unwrap_or(usize::MAX)))
    }

    /// How many of `count` bytes from `offset` on there is memory for.
    fn room(&self, io: &Io<'_>, offset: u64, count: u64) -> Result<u64, Errno> {
        let (size, end) = (self.pages.size(), offset.saturating_add(count));
        // The rest of the last page.
        if offset >= size && end <= size.next_multiple_of(PAGE as u64) {
            return Ok(count);
        }
        let left = io.memory_left();
        let is_there = || end <= size && self.pages.next_hole(offset).is_ok_and(|hole| hole >= end);
        match left {
            _ if left >= count || is_there() => Ok(count),
            0 => Err(Errno::ENOSPC),
            _ => Ok(left),
        }
    }

    fn write_all(&mut self, offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.check(Seals::WRITE | Seals::FUTURE_WRITE)?;
        let count = from.left() as u64;
        if count == 0 {
            return Ok(0);
        }
        let end = offset.checked_add(count).filter(|&end| end <= MOST_OFFSET).ok_or(Errno::EFBIG)?;
        if end > self.pages.size() {
            self.check(Seals::GROW)?;
        }
        self.pages.write(offset, from)
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
            Body::Fifo(_) | Body::Socket => (0, 0),
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
            Body::Socket | Body::Symlink(_) => Err(Errno::ENXIO),
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
        let mut content = self.content()?.lock();
        if size > MOST_OFFSET {
            return Err(Errno::EFBIG);
        }
        let before = content.pages.size();
        if size > before && size > io.most_size() {
            return Err(Errno::EFBIG);
        }
        content.check(if size < before { Seals::SHRINK } else { Seals::empty() })?;
        content.check(if size > before { Seals::GROW } else { Seals::empty() })?;
        content.pages.truncate(size)?;
        drop(content);
        self.touch(io.now());
        Ok(())
    }

    fn allocate(&self, io: &Io<'_>, mode: FallocateMode, offset: u64, length: u64) -> Result<(), Errno> {
        let Body::Regular(content) = &self.body else { return Err(Errno::ENODEV) };
        let end = offset.checked_add(length).filter(|&end| end <= MOST_OFFSET).ok_or(Errno::EFBIG)?;
        let mut content = content.lock();
        let keeps_size = mode.contains(FallocateMode::KEEP_SIZE);
        if mode.contains(FallocateMode::PUNCH_HOLE) {
            if !keeps_size {
                return Err(Errno::EOPNOTSUPP);
            }
            content.check(Seals::WRITE | Seals::FUTURE_WRITE)?;
            content.pages.punch(offset, end)?;
        } else if mode.contains(FallocateMode::ZERO_RANGE)
            || mode.difference(FallocateMode::KEEP_SIZE).is_empty()
        {
            if end > io.most_size() {
                return Err(Errno::EFBIG);
            }
            if end > content.pages.size() {
                content.check(Seals::GROW)?;
            }
            if mode.contains(FallocateMode::ZERO_RANGE) {
                content.check(Seals::WRITE | Seals::FUTURE_WRITE)?;
                content.pages.punch(offset, end)?;
            }
            if content.room(io, offset, length)? < length {
                return Err(Errno::ENOSPC);
            }
            content.pages.reserve(offset, end)?;
            if !keeps_size && end > content.pages.size() {
                content.pages.truncate(end)?;
            }
        } else {
            return Err(Errno::EOPNOTSUPP);
        }
        drop(content);
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
            Body::Regular(content) => content.lock().seals.ok_or(Errno::EINVAL),
            _ => Err(Errno::EINVAL),
        }
    }

    fn add_seals(&self, more: Seals) -> Result<(), Errno> {
        let Body::Regular(content) = &self.body else { return Err(Errno::EINVAL) };
        let mut content = content.lock();
        let seals = content.seals.ok_or(Errno::EINVAL)?;
        if seals.contains(Seals::SEAL) {
            return Err(Errno::EPERM);
        }
        content.seals = Some(seals | more);
        Ok(())
    }
}
