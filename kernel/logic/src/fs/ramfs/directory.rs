//! What is done with the names in a directory: looked up, made, removed, renamed.

use alloc::boxed::Box;
use alloc::sync::Arc;

use abi::errno::Errno;
use abi::fs::{FileType, RenameFlags};
use abi::time::Timespec;

use super::entries::{Entries, FIRST_POSITION};
use super::node::{Body, Node};
use super::owned;
use crate::fs::inode::{Caller, Directory, Entry, Inode, New};
use crate::fs::pages::Pages;

impl Node {
    /// The inode as one of this file system; what is bound here from elsewhere is in use.
    fn own<'a>(&self, inode: &'a Arc<dyn Inode>) -> Result<&'a Self, Errno> {
        let node: Option<&Self> = inode.as_any().downcast_ref();
        node.filter(|node| Arc::ptr_eq(&node.fs, &self.fs)).ok_or(Errno::EBUSY)
    }

    fn entries_lock(&self) -> Result<&sync::Lock<Entries>, Errno> {
        match &self.body {
            Body::Directory(entries) => Ok(entries),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn is_directory(&self) -> bool {
        matches!(self.body, Body::Directory(_))
    }

    /// Gives `child` its name here. The caller holds `names`, or nobody else knows the directory yet.
    pub(super) fn adopt(&self, name: &[u8], child: &Arc<Self>) -> Result<(), Errno> {
        let name = self.entries_lock()?.lock().insert(name, Arc::clone(child) as Arc<dyn Inode>)?;
        *child.place.lock() = Some((self.handle(), name));
        if child.is_directory() {
            self.attributes.lock().links += 1;
        }
        Ok(())
    }

    /// Takes the name away that `child` has here.
    fn disown(&self, name: &[u8], child: &Self, now: Timespec) {
        if let Ok(entries) = self.entries_lock() {
            let removed = entries.lock().remove(name);
            drop(removed);
        }
        child.forget_place(self, name);
        if child.is_directory() {
            self.count_link(-1, now);
        }
    }

    /// Remembers what the last name was, for `/proc/self/fd`.
    fn show_deleted(&self, name: &[u8]) {
        let mut shown = b"/".to_vec();
        shown.extend_from_slice(name);
        shown.extend_from_slice(b" (deleted)");
        *self.shown.lock() = Some(shown.into_boxed_slice());
    }

    /// Checks that a directory is empty and lets nothing in any more.
    fn close_directory(&self) -> Result<(), Errno> {
        self.entries_lock()?.lock().close()?;
        self.attributes.lock().links = 0;
        Ok(())
    }

    /// Whether `self` is `other` or lies somewhere below it.
    fn is_within(&self, other: &Self) -> bool {
        let mut at = self.handle().upgrade();
        while let Some(node) = at {
            if core::ptr::eq(Arc::as_ptr(&node), other) {
                return true;
            }
            at = node.place.lock().as_ref().and_then(|(parent, _)| parent.upgrade());
        }
        false
    }
}

impl Directory for Node {
    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        self.entries_lock()?.lock().get(name)
    }

    fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) {
        let Some(me) = self.handle().upgrade() else { return };
        let number = me.metadata().inode;
        let parent = me.home().map_or(number, |home| home.directory.metadata().inode);
        let dots: [(u64, &[u8]); 2] = [(number, b"."), (parent, b"..")];
        for (position, (inode, name)) in (0..).zip(dots) {
            let entry = Entry { inode, kind: FileType::Directory, name, next: position + 1 };
            if position >= from && !visit(entry) {
                return;
            }
        }
        let mut position = from.max(FIRST_POSITION);
        let Ok(entries) = self.entries_lock() else { return };
        loop {
            // One at a time: `visit` and `metadata` run without the lock.
            let next = entries.lock().next(position);
            let Some(found) = next else { return };
            let metadata = found.inode.metadata();
            position = found.position + 1;
            let entry =
                Entry { inode: metadata.inode, kind: metadata.kind, name: &found.name, next: position };
            if !visit(entry) {
                return;
            }
        }
    }

    fn create(
        &self,
        name: &[u8],
        new: New<'_>,
        permissions: u32,
        caller: &Caller,
    ) -> Result<Arc<dyn Inode>, Errno> {
        self.fs.check_space()?;
        let own = self.metadata();
        let inherits = own.permissions & abi::fs::Mode::SGID != 0;
        let gid = if inherits { own.gid } else { caller.gid };
        let hands_down = inherits && matches!(new, New::Directory);
        let permissions = permissions | if hands_down { abi::fs::Mode::SGID } else { 0 };
        let (body, now) = (Body::new(&new, self.fs.seed)?, caller.now());
        let node = Self::new(&self.fs, body, permissions, (caller.uid, gid), now);
        let _names = self.fs.names.lock();
        self.adopt(name, &node)?;
        self.touch(now);
        Ok(node)
    }

    fn create_unnamed(&self, permissions: u32, caller: &Caller) -> Result<Arc<dyn Inode>, Errno> {
        self.fs.check_space()?;
        let body = Body::regular(Pages::default(), None);
        let node = Self::new(&self.fs, body, permissions, (caller.uid, caller.gid), caller.now());
        node.attributes.lock().links = 0;
        *node.shown.lock() = Some(Box::from(&b"/#unnamed (deleted)"[..]));
        Ok(node)
    }

    fn link(&self, name: &[u8], inode: &Arc<dyn Inode>, caller: &Caller) -> Result<(), Errno> {
        let node = self.own(inode).map_err(|_| Errno::EXDEV)?;
        if node.is_directory() {
            return Err(Errno::EPERM);
        }
        let node = node.handle().upgrade().ok_or(Errno::ENOENT)?;
        self.fs.check_space()?;
        let now = caller.now();
        let _names = self.fs.names.lock();
        self.adopt(name, &node)?;
        node.count_link(1, now);
        self.touch(now);
        Ok(())
    }

    fn unlink(&self, name: &[u8], now: Timespec) -> Result<(), Errno> {
        let _names = self.fs.names.lock();
        let inode = self.lookup(name)?;
        let node = self.own(&inode)?;
        if node.is_directory() {
            return Err(Errno::EISDIR);
        }
        self.disown(name, node, now);
        node.count_link(-1, now);
        node.show_deleted(name);
        self.touch(now);
        Ok(())
    }

    fn remove_directory(&self, name: &[u8], now: Timespec) -> Result<(), Errno> {
        let _names = self.fs.names.lock();
        let inode = self.lookup(name)?;
        if inode.directory().is_none() {
            return Err(Errno::ENOTDIR);
        }
        let node = self.own(&inode)?;
        node.close_directory()?;
        self.disown(name, node, now);
        node.show_deleted(name);
        self.touch(now);
        Ok(())
    }

    fn rename(
        &self,
        old: &[u8],
        target: &dyn Inode,
        new: &[u8],
        flags: RenameFlags,
        now: Timespec,
    ) -> Result<(), Errno> {
        let target: &Self = target.as_any().downcast_ref().ok_or(Errno::EXDEV)?;
        if !Arc::ptr_eq(&target.fs, &self.fs) {
            return Err(Errno::EXDEV);
        }
        let _names = self.fs.names.lock();
        let moved = self.lookup(old)?;
        let moved = self.own(&moved)?.handle().upgrade().ok_or(Errno::ENOENT)?;
        if moved.is_directory() && target.is_within(&moved) {
            return Err(Errno::EINVAL);
        }
        match target.lookup(new) {
            Ok(_) if flags.contains(RenameFlags::NOREPLACE) => Err(Errno::EEXIST),
            Ok(other) => {
                let other = self.own(&other)?.handle().upgrade().ok_or(Errno::ENOENT)?;
                if flags.contains(RenameFlags::EXCHANGE) {
                    if other.is_directory() && self.is_within(&other) {
                        return Err(Errno::EINVAL);
                    }
                    self.exchange((old, &moved), target, (new, &other), now)
                } else if Arc::ptr_eq(&moved, &other) {
                    // Two names of one file: nothing happens (rename(2)).
                    Ok(())
                } else {
                    self.replace((old, &moved), target, (new, &other), now)
                }
            }
            Err(_) if flags.contains(RenameFlags::EXCHANGE) => Err(Errno::ENOENT),
            Err(_) => {
                target.adopt(new, &moved)?;
                let place = moved.place.lock().take();
                self.disown(old, &moved, now);
                *moved.place.lock() = place;
                self.finish_rename(target, &moved, now);
                Ok(())
            }
        }
    }
}

impl Node {
    /// Puts `moved` in the place of `other`.
    fn replace(
        &self,
        (old, moved): (&[u8], &Arc<Self>),
        target: &Self,
        (new, other): (&[u8], &Arc<Self>),
        now: Timespec,
    ) -> Result<(), Errno> {
        match (moved.is_directory(), other.is_directory()) {
            (true, false) => return Err(Errno::ENOTDIR),
            (false, true) => return Err(Errno::EISDIR),
            (true, true) => {
                // Moving a directory over its own parent would find it not empty.
                other.close_directory()?;
            }
            (false, false) => other.count_link(-1, now),
        }
        // One step for whoever looks: the name never misses.
        target.entries_lock()?.lock().replace(new, Arc::clone(moved) as Arc<dyn Inode>);
        if moved.is_directory() {
            // One directory less in the old place, one replaced in the new.
            self.count_link(-1, now);
        }
        let removed = self.entries_lock()?.lock().remove(old);
        drop(removed);
        other.forget_place(target, new);
        other.show_deleted(new);
        *moved.place.lock() = Some((target.handle(), owned(new)));
        self.finish_rename(target, moved, now);
        Ok(())
    }

    fn exchange(
        &self,
        (old, moved): (&[u8], &Arc<Self>),
        target: &Self,
        (new, other): (&[u8], &Arc<Self>),
        now: Timespec,
    ) -> Result<(), Errno> {
        for (directory, name, inode) in [(target, new, moved), (self, old, other)] {
            directory.entries_lock()?.lock().replace(name, Arc::clone(inode) as Arc<dyn Inode>);
            *inode.place.lock() = Some((directory.handle(), owned(name)));
        }
        match (moved.is_directory(), other.is_directory()) {
            (true, false) => {
                self.count_link(-1, now);
                target.count_link(1, now);
            }
            (false, true) => {
                self.count_link(1, now);
                target.count_link(-1, now);
            }
            _ => {}
        }
        self.finish_rename(target, moved, now);
        other.count_link(0, now);
        Ok(())
    }

    /// Forgets the place if it is `name` in `directory`.
    fn forget_place(&self, directory: &Self, name: &[u8]) {
        let mut place = self.place.lock();
        if place.as_ref().is_some_and(|(at, called)| at.ptr_eq(&directory.handle()) && **called == *name) {
            *place = None;
        }
    }

    fn finish_rename(&self, target: &Self, moved: &Self, now: Timespec) {
        moved.count_link(0, now);
        self.touch(now);
        target.touch(now);
    }
}
