//! What stands in the tree: attributes, and what can be done with a name. Defaults are Linux's answers for inodes that cannot.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

use abi::errno::Errno;
use abi::fs::{FileType, Mode, OpenFlags, RenameFlags, Stat, Statfs, Statx, StatxMask, StatxTimestamp};
use abi::time::Timespec;

use crate::file::lock::FileId;
use crate::file::{File, Io};
use crate::net::unix::BoundName;

/// Who asks, for permissions, ownership and times.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Effective user ID.
    pub uid: u32,
    /// Effective group ID.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Arc<[u32]>,
    /// File mode creation mask (umask(2)).
    pub umask: u32,
    /// Wall-clock time, for calls that set one.
    pub clock: Clock,
}

/// Where a caller's time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// It is asked for.
    Running(fn() -> Timespec),
    /// It is this.
    Stopped(Timespec),
}

/// Root, in 1970.
impl Default for Caller {
    fn default() -> Self {
        let clock = Clock::Stopped(Timespec::default());
        Self { uid: 0, gid: 0, groups: Arc::default(), umask: 0, clock }
    }
}

/// Permission to read (4), write (2), execute or search (1), as in a mode.
pub mod want {
    /// Read.
    pub const READ: u32 = 4;
    /// Write.
    pub const WRITE: u32 = 2;
    /// Execute a file, search a directory.
    pub const EXECUTE: u32 = 1;
}

impl Caller {
    /// Wall-clock time.
    pub fn now(&self) -> Timespec {
        match self.clock {
            Clock::Running(read) => read(),
            Clock::Stopped(time) => time,
        }
    }

    /// Checks for the permissions `wanted` (path_resolution(7)). Root may do everything but execute what nobody may.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, rights: &Rights, wanted: u32) -> Result<(), Errno> {
        let mode = rights.permissions;
        if self.uid == 0 {
            let executable = rights.kind == FileType::Directory || mode & 0o111 != 0;
            return if wanted & want::EXECUTE == 0 || executable { Ok(()) } else { Err(Errno::EACCES) };
        }
        let granted = if rights.uid == self.uid {
            mode >> 6
        } else if rights.gid == self.gid || self.groups.contains(&rights.gid) {
            mode >> 3
        } else {
            mode
        };
        if wanted & !granted & 7 == 0 { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// Checks that the caller may look names up in `directory`. Root may in every one.
    ///
    /// # Errors
    /// `EACCES`.
    #[inline]
    pub fn check_search(&self, directory: &dyn Inode) -> Result<(), Errno> {
        if self.uid == 0 { Ok(()) } else { self.check(&directory.rights(), want::EXECUTE) }
    }

    /// Checks that the caller owns the file, or is root.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check_owner(&self, rights: &Rights) -> Result<(), Errno> {
        if self.uid == 0 || self.uid == rights.uid { Ok(()) } else { Err(Errno::EPERM) }
    }
}

/// What permissions depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What the inode is.
    pub kind: FileType,
    /// The twelve permission bits.
    pub permissions: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// The attributes of an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Device number of the file system.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// What it is.
    pub kind: FileType,
    /// The twelve permission bits.
    pub permissions: u32,
    /// Hard links.
    pub links: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Units of 512 bytes in use.
    pub blocks: u64,
    /// Device number of a device file.
    pub special: u32,
    /// Last read.
    pub accessed: Timespec,
    /// Last write.
    pub modified: Timespec,
    /// Last change of anything.
    pub changed: Timespec,
    /// Creation.
    pub created: Timespec,
}

const BLOCK_SIZE: u32 = 4096;

impl Metadata {
    /// Attributes of an inode of kind `kind` that belongs to root, with one link, no size, and all times at zero.
    pub const fn new(device: u64, inode: u64, kind: FileType, permissions: u32) -> Self {
        const ZERO: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        Self {
            device,
            inode,
            kind,
            permissions,
            links: 1,
            uid: 0,
            gid: 0,
            size: 0,
            blocks: 0,
            special: 0,
            accessed: ZERO,
            modified: ZERO,
            changed: ZERO,
            created: ZERO,
        }
    }

    /// What permissions depend on.
    pub const fn rights(&self) -> Rights {
        Rights { kind: self.kind, permissions: self.permissions, uid: self.uid, gid: self.gid }
    }

    /// Which file it is, for locks.
    pub fn id(&self) -> FileId {
        (self.device, self.inode)
    }

    /// As stat(2) answers.
    pub fn to_stat(&self) -> Stat {
        Stat {
            st_dev: self.device,
            st_ino: self.inode,
            st_nlink: self.links,
            st_mode: Mode::new(self.kind, self.permissions).0,
            st_uid: self.uid,
            st_gid: self.gid,
            st_rdev: u64::from(self.special),
            st_size: self.size.cast_signed(),
            st_blksize: i64::from(BLOCK_SIZE),
            st_blocks: self.blocks.cast_signed(),
            st_atim: self.accessed,
            st_mtim: self.modified,
            st_ctim: self.changed,
            ..Stat::default()
        }
    }

    /// As statx(2) answers.
    pub fn to_statx(&self) -> Statx {
        let stamp = |time: Timespec| StatxTimestamp {
            tv_sec: time.tv_sec,
            tv_nsec: u32::try_from(time.tv_nsec).unwrap_or(0),
            reserved: 0,
        };
        // The parts of `make_device`'s number.
        let (major, minor) =
            ((self.special >> 8) & 0xfff, self.special & 0xff | (self.special >> 12) & !0xff);
        Statx {
            stx_mask: (StatxMask::BASIC_STATS | StatxMask::BTIME).bits(),
            stx_blksize: BLOCK_SIZE,
            stx_nlink: u32::try_from(self.links).unwrap_or(u32::MAX),
            stx_uid: self.uid,
            stx_gid: self.gid,
            stx_mode: u16::try_from(Mode::new(self.kind, self.permissions).0).unwrap_or(0),
            stx_ino: self.inode,
            stx_size: self.size,
            stx_blocks: self.blocks,
            stx_atime: stamp(self.accessed),
            stx_btime: stamp(self.created),
            stx_ctime: stamp(self.changed),
            stx_mtime: stamp(self.modified),
            stx_rdev_major: major,
            stx_rdev_minor: minor,
            stx_dev_minor: u32::try_from(self.device).unwrap_or(0),
            ..Statx::default()
        }
    }
}

/// A change of attributes; `None` leaves one alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Permission bits (chmod(2)).
    pub permissions: Option<u32>,
    /// Owner (chown(2)).
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Last read (utimensat(2)).
    pub accessed: Option<Timespec>,
    /// Last write.
    pub modified: Option<Timespec>,
}

/// An entry of a directory, as getdents64(2) gives it.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Inode number.
    pub inode: u64,
    /// What it is.
    pub kind: FileType,
    /// Its name.
    pub name: &'a [u8],
    /// Where reading goes on behind it.
    pub next: u64,
}

/// What a new inode is.
#[derive(Clone, Debug)]
pub enum New<'a> {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link to this path.
    Symlink(&'a [u8]),
    /// A FIFO.
    Fifo,
    /// A socket's name.
    Socket,
}

/// Where an inode is: the directory that names it.
#[derive(Clone, Debug)]
pub struct Home {
    /// The directory.
    pub directory: Arc<dyn Inode>,
    /// The name in it.
    pub name: Box<[u8]>,
}

/// Something in the tree.
pub trait Inode: Any + Send + Sync + fmt::Debug {
    /// Its attributes.
    fn metadata(&self) -> Metadata;

    /// What permissions depend on: asked on every step of a path.
    fn rights(&self) -> Rights {
        self.metadata().rights()
    }

    /// What it is.
    fn kind(&self) -> FileType {
        self.rights().kind
    }

    /// Changes attributes; who may is checked by the caller.
    ///
    /// # Errors
    /// `EPERM` for inodes whose attributes are fixed.
    fn change(&self, _change: &Change, _now: Timespec) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// What reads and writes go to.
    ///
    /// # Errors
    /// `ENXIO` for what cannot be opened (sockets; FIFOs without a reader).
    fn open(self: Arc<Self>, _flags: OpenFlags, _io: &Io<'_>) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ENXIO)
    }

    /// Its names, if it is a directory.
    fn directory(&self) -> Option<&dyn Directory> {
        None
    }

    /// Where a symbolic link points.
    ///
    /// # Errors
    /// `EINVAL` for anything else.
    fn read_link(&self) -> Result<Vec<u8>, Errno> {
        Err(Errno::EINVAL)
    }

    /// The inode a link of `/proc` leads to, whatever its text says (proc(5)).
    fn jump(&self) -> Option<Result<Arc<dyn Inode>, Errno>> {
        None
    }

    /// Who is bound to it, if it is a socket's name (unix(7)).
    fn bound(&self) -> Option<&BoundName> {
        None
    }

    /// Where it is; `None` for the root, and for what has lost its name.
    fn home(&self) -> Option<Home>;

    /// What `/proc/self/fd` calls an inode that has no home (`pipe:[7]`).
    fn description(&self) -> Vec<u8> {
        b"(deleted)".to_vec()
    }

    /// The file system it is on (statfs(2)).
    fn file_system(&self) -> Statfs;

    /// For file systems that must know their own inodes again.
    fn as_any(&self) -> &dyn Any;
}

/// The names in a directory. Permissions are checked by the caller (`vfs`).
pub trait Directory {
    /// The inode called `name`.
    ///
    /// # Errors
    /// `ENOENT`.
    fn lookup(&self, name: &[u8]) -> Result<Arc<dyn Inode>, Errno>;

    /// Calls `visit` with the entries from position `from` on (0 is the first), until it answers false.
    fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool);

    /// Makes a new inode called `name`.
    ///
    /// # Errors
    /// `EEXIST`; `EPERM` for directories that cannot grow; `ENOSPC`; `ENOENT` when the directory itself was removed.
    fn create(
        &self,
        _name: &[u8],
        _new: New<'_>,
        _permissions: u32,
        _caller: &Caller,
    ) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::EPERM)
    }

    /// Makes a regular file without a name (`O_TMPFILE`).
    ///
    /// # Errors
    /// `EOPNOTSUPP` where that cannot be.
    fn create_unnamed(&self, _permissions: u32, _caller: &Caller) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Gives `inode` the further name `name` (link(2)).
    ///
    /// # Errors
    /// `EEXIST`; `EXDEV` for an inode of another file system; `EPERM` for a directory.
    fn link(&self, _name: &[u8], _inode: &Arc<dyn Inode>, _caller: &Caller) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Takes the name of something that is no directory away (unlink(2)).
    ///
    /// # Errors
    /// `ENOENT`; `EISDIR`; `EBUSY` for what is bound here.
    fn unlink(&self, _name: &[u8], _now: Timespec) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Removes an empty directory (rmdir(2)).
    ///
    /// # Errors
    /// `ENOENT`; `ENOTDIR`; `ENOTEMPTY`; `EBUSY` for what is bound here.
    fn remove_directory(&self, _name: &[u8], _now: Timespec) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Renames `old` in this directory to `new` in `target` (renameat2(2)).
    ///
    /// # Errors
    /// `EXDEV` when `target` is on another file system, and rename(2)'s.
    fn rename(
        &self,
        _old: &[u8],
        _target: &dyn Inode,
        _new: &[u8],
        _flags: RenameFlags,
        _now: Timespec,
    ) -> Result<(), Errno> {
        Err(Errno::EXDEV)
    }
}

/// The absolute path of `inode` below `root`, as getcwd(2) gives it.
///
/// # Errors
/// `ENOENT` for what has lost its name.
pub fn path_of(root: &Arc<dyn Inode>, inode: &Arc<dyn Inode>) -> Result<Vec<u8>, Errno> {
    let mut names: Vec<Box<[u8]>> = Vec::new();
    let mut at = Arc::clone(inode);
    while !is_same(&at, root) {
        let home = at.home().ok_or(Errno::ENOENT)?;
        names.push(home.name);
        at = home.directory;
    }
    if names.is_empty() {
        return Ok(b"/".to_vec());
    }
    let mut path = Vec::new();
    for name in names.iter().rev() {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    Ok(path)
}

/// Whether two handles mean the same inode.
pub fn is_same(one: &Arc<dyn Inode>, other: &Arc<dyn Inode>) -> bool {
    core::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

/// The answer of statfs(2) for a file system of this kind that has no size.
pub fn sizeless(magic: i64) -> Statfs {
    let (f_bsize, f_namelen) = (i64::from(BLOCK_SIZE), 255);
    Statfs { f_type: magic, f_bsize, f_frsize: f_bsize, f_namelen, ..Statfs::default() }
}
