//! What the path calls do (open(2), rename(2), unlink(2) …): permissions and the rules of each man page, over `Inode` and `Walk`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::fs::{FileType, Mode, OpenFlags, RenameFlags};

use super::inode::{Caller, Change, Directory, Inode, New, Rights, want};
use super::path::{Found, Last, Name, Walk};
use crate::file::Io;
use crate::file::open::OpenFile;

/// A path and the directory it starts at.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// Where a relative path starts.
    pub start: &'a Arc<dyn Inode>,
    /// The path.
    pub path: &'a [u8],
}

/// The names of `inode`, checked for writing: entries may be added and removed by the caller.
fn writable<'a>(inode: &'a Arc<dyn Inode>, caller: &Caller) -> Result<&'a dyn Directory, Errno> {
    let names = inode.directory().ok_or(Errno::ENOTDIR)?;
    caller.check(&inode.rights(), want::WRITE | want::EXECUTE)?;
    Ok(names)
}

/// In a sticky directory only owners remove (unlink(2)).
fn check_sticky(directory: &Rights, victim: &Rights, caller: &Caller) -> Result<(), Errno> {
    let sticky = directory.permissions & Mode::STICKY != 0;
    let owns = caller.uid == 0 || caller.uid == victim.uid || caller.uid == directory.uid;
    if sticky && !owns { Err(Errno::EPERM) } else { Ok(()) }
}

impl Walk<'_> {
    fn last_of(follow: bool) -> Last {
        if follow { Last::Follow } else { Last::NoFollow }
    }

    /// Opens, and perhaps makes, a file (open(2)).
    ///
    /// # Errors
    /// open(2)'s.
    pub fn open(
        &self,
        at: At<'_>,
        flags: OpenFlags,
        mode: Mode,
        io: &Io<'_>,
    ) -> Result<Arc<OpenFile>, Errno> {
        if flags.contains(OpenFlags::TMPFILE) {
            return self.open_unnamed(at, flags, mode, io);
        }
        let creates = flags.contains(OpenFlags::CREAT) && !flags.contains(OpenFlags::PATH);
        if creates && flags.contains(OpenFlags::DIRECTORY) {
            return Err(Errno::EINVAL);
        }
        let exclusive = creates && flags.contains(OpenFlags::EXCL);
        let follow = !flags.contains(OpenFlags::NOFOLLOW) && !exclusive;
        let found = self.find(at.start, at.path, Self::last_of(follow))?;
        if creates && found.must_be_directory {
            return Err(Errno::EISDIR);
        }
        match &found.inode {
            Ok(_) if exclusive => Err(Errno::EEXIST),
            Ok(inode) => self.open_inode(inode, flags, creates, io),
            Err(_) if creates => {
                let Name::Normal(name) = &found.name else { return Err(Errno::EISDIR) };
                let names = writable(&found.directory, self.caller)?;
                let permissions = mode.permissions() & !self.caller.umask;
                match names.create(name, New::Regular, permissions, self.caller) {
                    // Somebody was faster: it is there now.
                    Err(Errno::EEXIST) if !exclusive => {
                        self.open_inode(&names.lookup(name)?, flags, creates, io)
                    }
                    // A file that one makes may be opened whatever its mode says.
                    made => {
                        let inode = made?;
                        Ok(OpenFile::new(Arc::clone(&inode).open(flags, io)?, inode, flags))
                    }
                }
            }
            Err(errno) => Err(*errno),
        }
    }

    /// Opens an inode that is there.
    ///
    /// # Errors
    /// open(2)'s.
    pub fn open_inode(
        &self,
        inode: &Arc<dyn Inode>,
        flags: OpenFlags,
        creates: bool,
        io: &Io<'_>,
    ) -> Result<Arc<OpenFile>, Errno> {
        let rights = inode.rights();
        let is_directory = rights.kind == FileType::Directory;
        if flags.contains(OpenFlags::DIRECTORY) && !is_directory {
            return Err(Errno::ENOTDIR);
        }
        if flags.contains(OpenFlags::PATH) {
            return Ok(OpenFile::new(Arc::new(Nothing), Arc::clone(inode), flags));
        }
        if rights.kind == FileType::Symlink {
            return Err(Errno::ELOOP);
        }
        let writes = flags.can_write() || flags.contains(OpenFlags::TRUNC);
        if is_directory && (writes || creates) {
            return Err(Errno::EISDIR);
        }
        let mut wanted = if flags.can_read() { want::READ } else { 0 };
        wanted |= if writes { want::WRITE } else { 0 };
        self.caller.check(&rights, wanted)?;
        if flags.contains(OpenFlags::NOATIME) && self.caller.check_owner(&rights).is_err() {
            return Err(Errno::EPERM);
        }
        let file = Arc::clone(inode).open(flags, io)?;
        if flags.contains(OpenFlags::TRUNC) && rights.kind == FileType::Regular {
            file.truncate(io, 0)?;
        }
        Ok(OpenFile::new(file, Arc::clone(inode), flags))
    }

    fn open_unnamed(
        &self,
        at: At<'_>,
        flags: OpenFlags,
        mode: Mode,
        io: &Io<'_>,
    ) -> Result<Arc<OpenFile>, Errno> {
        if !flags.can_write() {
            return Err(Errno::EINVAL);
        }
        let directory = self.resolve(at.start, at.path, Last::Follow)?;
        let names = writable(&directory, self.caller)?;
        let inode = names.create_unnamed(mode.permissions() & !self.caller.umask, self.caller)?;
        Ok(OpenFile::new(Arc::clone(&inode).open(flags, io)?, inode, flags))
    }

    /// Makes a directory, a FIFO, a link … (mkdir(2), mknod(2), symlink(2)).
    ///
    /// # Errors
    /// The man page's.
    pub fn create(&self, at: At<'_>, new: New<'_>, permissions: u32) -> Result<(), Errno> {
        self.create_inode(at, new, permissions).map(|_| ())
    }

    /// [`Walk::create`], for who goes on with what was made.
    ///
    /// # Errors
    /// The man page's.
    pub fn create_inode(&self, at: At<'_>, new: New<'_>, permissions: u32) -> Result<Arc<dyn Inode>, Errno> {
        let found = self.find(at.start, at.path, Last::Name)?;
        let name = found.new_name()?;
        if found.must_be_directory && !matches!(new, New::Directory) {
            return Err(Errno::ENOENT);
        }
        let names = writable(&found.directory, self.caller)?;
        names.create(name, new, permissions, self.caller)
    }

    /// Gives a file another name (link(2)).
    ///
    /// # Errors
    /// link(2)'s.
    pub fn link(&self, inode: &Arc<dyn Inode>, at: At<'_>) -> Result<(), Errno> {
        let found = self.find(at.start, at.path, Last::Name)?;
        let name = found.new_name()?;
        if found.must_be_directory {
            return Err(Errno::ENOENT);
        }
        if inode.directory().is_some() {
            return Err(Errno::EPERM);
        }
        writable(&found.directory, self.caller)?.link(name, inode, self.caller)
    }

    /// Takes a name away (unlink(2)).
    ///
    /// # Errors
    /// unlink(2)'s.
    pub fn unlink(&self, at: At<'_>) -> Result<(), Errno> {
        let found = self.find(at.start, at.path, Last::Name)?;
        let inode = found.inode.clone()?;
        let Name::Normal(name) = &found.name else { return Err(Errno::EISDIR) };
        let names = writable(&found.directory, self.caller)?;
        check_sticky(&found.directory.rights(), &inode.rights(), self.caller)?;
        names.unlink(name, self.caller.now())
    }

    /// Removes an empty directory (rmdir(2)).
    ///
    /// # Errors
    /// rmdir(2)'s.
    pub fn remove_directory(&self, at: At<'_>) -> Result<(), Errno> {
        let found = self.find(at.start, at.path, Last::Name)?;
        let name = match &found.name {
            Name::Normal(name) => name,
            Name::Dot => return Err(Errno::EINVAL),
            Name::DotDot => return Err(Errno::ENOTEMPTY),
            Name::Root => return Err(Errno::EBUSY),
        };
        let inode = found.inode.clone()?;
        let names = writable(&found.directory, self.caller)?;
        check_sticky(&found.directory.rights(), &inode.rights(), self.caller)?;
        names.remove_directory(name, self.caller.now())
    }

    /// Renames (renameat2(2)).
    ///
    /// # Errors
    /// rename(2)'s.
    pub fn rename(&self, old: At<'_>, new: At<'_>, flags: RenameFlags) -> Result<(), Errno> {
        if flags.contains(RenameFlags::WHITEOUT)
            || flags.contains(RenameFlags::NOREPLACE | RenameFlags::EXCHANGE)
        {
            return Err(Errno::EINVAL);
        }
        let from = self.find(old.start, old.path, Last::Name)?;
        let to = self.find(new.start, new.path, Last::Name)?;
        let (Name::Normal(old_name), Name::Normal(new_name)) = (&from.name, &to.name) else {
            return Err(Errno::EBUSY);
        };
        let moved = from.inode.clone()?;
        let is_directory = moved.directory().is_some();
        if !is_directory && (to.must_be_directory || from.must_be_directory) {
            return Err(Errno::ENOTDIR);
        }
        let names = writable(&from.directory, self.caller)?;
        writable(&to.directory, self.caller)?;
        check_sticky(&from.directory.rights(), &moved.rights(), self.caller)?;
        if let Ok(other) = &to.inode {
            check_sticky(&to.directory.rights(), &other.rights(), self.caller)?;
            // A directory that holds the one that is moved is not empty (rename(2)).
            if !flags.contains(RenameFlags::EXCHANGE) && is_ancestor(other, &from) {
                return Err(if flags.contains(RenameFlags::NOREPLACE) {
                    Errno::EEXIST
                } else {
                    Errno::ENOTEMPTY
                });
            }
        }
        names.rename(old_name, &*to.directory, new_name, flags, self.caller.now())
    }

    /// Changes attributes with the permission each one needs (chmod(2), chown(2)).
    ///
    /// # Errors
    /// `EPERM`.
    pub fn change(&self, inode: &Arc<dyn Inode>, change: &Change) -> Result<(), Errno> {
        let rights = inode.rights();
        let mut change = *change;
        if let Some(permissions) = change.permissions {
            self.caller.check_owner(&rights)?;
            let outsider = self.caller.uid != 0
                && rights.gid != self.caller.gid
                && !self.caller.groups.contains(&rights.gid);
            change.permissions = Some(if outsider { permissions & !Mode::SGID } else { permissions });
        }
        if change.uid.is_some() || change.gid.is_some() {
            let gives_away = change.uid.is_some_and(|uid| uid != rights.uid);
            let foreign =
                change.gid.is_some_and(|gid| gid != self.caller.gid && !self.caller.groups.contains(&gid));
            if self.caller.uid != 0 && (gives_away || foreign || rights.uid != self.caller.uid) {
                return Err(Errno::EPERM);
            }
            // Set-user-ID is not inherited by the next owner (chown(2)).
            if rights.kind == FileType::Regular && rights.permissions & 0o111 != 0 {
                let group = if rights.permissions & 0o010 != 0 { Mode::SGID } else { 0 };
                change.permissions = Some(rights.permissions & !(Mode::SUID | group));
            }
        }
        inode.change(&change, self.caller.now())
    }

    /// Where the symbolic link at `at` points (readlink(2)).
    ///
    /// # Errors
    /// readlink(2)'s.
    pub fn read_link(&self, at: At<'_>) -> Result<Vec<u8>, Errno> {
        self.resolve(at.start, at.path, Last::NoFollow)?.read_link()
    }
}

/// Whether `inode` is a directory on the way to `found`.
fn is_ancestor(inode: &Arc<dyn Inode>, found: &Found<'_>) -> bool {
    let mut at = Some(Arc::clone(&found.directory));
    while let Some(directory) = at {
        if super::inode::is_same(&directory, inode) {
            return true;
        }
        at = directory.home().map(|home| home.directory);
    }
    false
}

/// What an `O_PATH` descriptor can be read or written: nothing.
#[derive(Debug)]
struct Nothing;

impl crate::file::File for Nothing {}
