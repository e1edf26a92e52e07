//! Names, kinds and properties of files as programs pass them: open(2), stat(2), statx(2), getdents64(2) and relatives.
//!
//! Not here: what one does with an open file (see [`crate::io`]).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::errno::Errno;
use crate::reg::{FromReg, ToRet, choice, from_reg_flags};
use crate::time::Timespec;

/// Longest path in bytes, its terminating zero included.
pub const PATH_MAX: usize = 4096;
/// Longest file name in bytes, without a terminating zero.
pub const NAME_MAX: usize = 255;
/// Symbolic links followed in one path before the answer is `ELOOP` (path_resolution(7)).
pub const SYMLINKS_MAX: usize = 40;

choice! {
    /// Where lseek(2) counts from.
    pub enum Whence: u32, else EINVAL {
        /// `SEEK_SET`: the start of the file.
        Set = 0,
        /// `SEEK_CUR`: the current position.
        Cur = 1,
        /// `SEEK_END`: the end of the file.
        End = 2,
        /// `SEEK_DATA`: the next byte that is not in a hole.
        Data = 3,
        /// `SEEK_HOLE`: the next hole.
        Hole = 4,
    }
}

bitflags::bitflags! {
    /// Flags of open(2). The two lowest bits are the access mode: see [`can_read`](Self::can_read).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OpenFlags: u32 {
        /// `O_WRONLY`.
        const WRONLY = 0o1;
        /// `O_RDWR`.
        const RDWR = 0o2;
        /// `O_CREAT`: make the file if there is none.
        const CREAT = 0o100;
        /// `O_EXCL`: with `CREAT`, fail if there is one.
        const EXCL = 0o200;
        /// `O_NOCTTY`: do not make it the controlling terminal.
        const NOCTTY = 0o400;
        /// `O_TRUNC`: empty it.
        const TRUNC = 0o1000;
        /// `O_APPEND`: each write goes to the end.
        const APPEND = 0o2000;
        /// `O_NONBLOCK`: never wait.
        const NONBLOCK = 0o4000;
        /// `O_DSYNC`: each write waits for the data to be safe.
        const DSYNC = 0o10000;
        /// `O_ASYNC` (`FASYNC`): signal when ready.
        const ASYNC = 0o20000;
        /// `O_DIRECT`: bypass caches; packet mode for pipes.
        const DIRECT = 0o40000;
        /// `O_LARGEFILE`: 64-bit offsets, implied on 64-bit machines.
        const LARGEFILE = 0o100000;
        /// `O_DIRECTORY`: fail unless it is a directory.
        const DIRECTORY = 0o200000;
        /// `O_NOFOLLOW`: fail if the last part of the path is a symbolic link.
        const NOFOLLOW = 0o400000;
        /// `O_NOATIME`: reading does not change the access time.
        const NOATIME = 0o1000000;
        /// `O_CLOEXEC`: close on execve(2).
        const CLOEXEC = 0o2000000;
        /// `O_SYNC`: each write waits for data and metadata; holds `DSYNC`.
        const SYNC = 0o4010000;
        /// `O_PATH`: only a place in the tree, neither readable nor writable.
        const PATH = 0o10000000;
        /// `O_TMPFILE`: a file without a name; holds `DIRECTORY`.
        const TMPFILE = 0o20200000;
    }
}

impl OpenFlags {
    /// `O_ACCMODE`: the bits of the access mode.
    pub const ACCMODE: u32 = 0o3;
    /// What fcntl(2) `F_SETFL` may change.
    pub const SETTABLE: Self =
        Self::APPEND.union(Self::ASYNC).union(Self::DIRECT).union(Self::NOATIME).union(Self::NONBLOCK);

    /// Does the access mode allow reading? Mode 3 allows neither reading nor writing.
    #[must_use]
    pub const fn can_read(self) -> bool {
        matches!(self.bits() & Self::ACCMODE, 0 | 2) && !self.contains(Self::PATH)
    }

    /// Does the access mode allow writing? Mode 3 allows neither reading nor writing.
    #[must_use]
    pub const fn can_write(self) -> bool {
        matches!(self.bits() & Self::ACCMODE, 1 | 2) && !self.contains(Self::PATH)
    }
}

bitflags::bitflags! {
    /// The `AT_` flags of the calls that take a directory and a path. Each call allows some of them:
    /// `flags.only(AtFlags::EMPTY_PATH)?`, see [`Only`](crate::flags::Only).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct AtFlags: u32 {
        /// `AT_SYMLINK_NOFOLLOW`: the link itself.
        const SYMLINK_NOFOLLOW = 0x100;
        /// `AT_REMOVEDIR`: unlinkat(2) acts like rmdir(2).
        const REMOVEDIR = 0x200;
        /// `AT_EACCESS`: faccessat2(2) uses the effective ids. The same bit as `REMOVEDIR`.
        const EACCESS = 0x200;
        /// `AT_SYMLINK_FOLLOW`: linkat(2) follows a link.
        const SYMLINK_FOLLOW = 0x400;
        /// `AT_NO_AUTOMOUNT`: do not mount on the way.
        const NO_AUTOMOUNT = 0x800;
        /// `AT_EMPTY_PATH`: an empty path means the directory descriptor itself.
        const EMPTY_PATH = 0x1000;
        /// `AT_STATX_FORCE_SYNC`: ask the server again.
        const STATX_FORCE_SYNC = 0x2000;
        /// `AT_STATX_DONT_SYNC`: what is cached will do.
        const STATX_DONT_SYNC = 0x4000;
    }
}

bitflags::bitflags! {
    /// What access(2) asks for; none means "does it exist" (`F_OK`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct AccessMode: u32 {
        /// `X_OK`: may it be executed (or searched)?
        const X_OK = 1;
        /// `W_OK`: may it be written?
        const W_OK = 2;
        /// `R_OK`: may it be read?
        const R_OK = 4;
    }
}

bitflags::bitflags! {
    /// Flags of renameat2(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct RenameFlags: u32 {
        /// `RENAME_NOREPLACE`: fail if the new name exists.
        const NOREPLACE = 1;
        /// `RENAME_EXCHANGE`: swap the two.
        const EXCHANGE = 2;
        /// `RENAME_WHITEOUT`: leave a whiteout behind.
        const WHITEOUT = 4;
    }
}

bitflags::bitflags! {
    /// Flags of memfd_create(2). `HUGE_SIZE` without `HUGETLB`, and `EXEC` with `NOEXEC_SEAL`, are `EINVAL` too.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MemfdFlags: u32 {
        /// `MFD_CLOEXEC`: close on execve(2).
        const CLOEXEC = 0x1;
        /// `MFD_ALLOW_SEALING`: seals may be added.
        const ALLOW_SEALING = 0x2;
        /// `MFD_HUGETLB`: made of huge pages.
        const HUGETLB = 0x4;
        /// `MFD_NOEXEC_SEAL`: not executable for ever.
        const NOEXEC_SEAL = 0x8;
        /// `MFD_EXEC`: executable.
        const EXEC = 0x10;
        /// The bits that hold the logarithm of the huge page size.
        const HUGE_SIZE = 0x3f << 26;
    }
}

bitflags::bitflags! {
    /// Which fields statx(2) wants, or has filled in.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct StatxMask: u32 {
        /// `STATX_TYPE`.
        const TYPE = 0x1;
        /// `STATX_MODE`.
        const MODE = 0x2;
        /// `STATX_NLINK`.
        const NLINK = 0x4;
        /// `STATX_UID`.
        const UID = 0x8;
        /// `STATX_GID`.
        const GID = 0x10;
        /// `STATX_ATIME`.
        const ATIME = 0x20;
        /// `STATX_MTIME`.
        const MTIME = 0x40;
        /// `STATX_CTIME`.
        const CTIME = 0x80;
        /// `STATX_INO`.
        const INO = 0x100;
        /// `STATX_SIZE`.
        const SIZE = 0x200;
        /// `STATX_BLOCKS`.
        const BLOCKS = 0x400;
        /// `STATX_BASIC_STATS`: all of stat(2).
        const BASIC_STATS = 0x7ff;
        /// `STATX_BTIME`.
        const BTIME = 0x800;
        /// `STATX_MNT_ID`.
        const MNT_ID = 0x1000;
        /// `STATX__RESERVED`: asking for it is `EINVAL`.
        const RESERVED = 0x8000_0000;
    }
}

from_reg_flags! {
    // open(2) has ignored unknown flags from its beginning.
    retain OpenFlags;
    // Each call allows others.
    retain AtFlags;
    // Fields of the future are simply not filled in.
    retain StatxMask;
    reject AccessMode;
    reject RenameFlags;
    reject MemfdFlags;
}

/// The kind of a file: bits 12..16 of its mode, and `d_type` of its directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A FIFO or pipe.
    Fifo,
    /// A character device.
    CharDevice,
    /// A directory.
    Directory,
    /// A block device.
    BlockDevice,
    /// A regular file.
    Regular,
    /// A symbolic link.
    Symlink,
    /// A socket.
    Socket,
    /// None of these: an object without a name, such as an epoll instance; all bits are zero.
    Anonymous,
}

impl FileType {
    /// The number in a directory entry (`DT_FIFO` …).
    #[must_use]
    pub const fn dirent_type(self) -> u8 {
        match self {
            Self::Fifo => 1,
            Self::CharDevice => 2,
            Self::Directory => 4,
            Self::BlockDevice => 6,
            Self::Regular => 8,
            Self::Symlink => 10,
            Self::Socket => 12,
            Self::Anonymous => 0,
        }
    }

    /// The bits in a mode (`S_IFIFO` …).
    #[must_use]
    pub fn mode_bits(self) -> u32 {
        u32::from(self.dirent_type()) << 12
    }
}

/// `mode_t`: a file's permissions and, for mknod(2) and in stat(2), its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mode(pub u32);

impl Mode {
    /// `S_IFMT`: the bits of the kind.
    pub const FMT: u32 = 0o170_000;
    /// `S_ISUID`: run as the owner.
    pub const SUID: u32 = 0o4000;
    /// `S_ISGID`: run as the group; directories hand their group down.
    pub const SGID: u32 = 0o2000;
    /// `S_ISVTX`: only owners remove entries.
    pub const STICKY: u32 = 0o1000;

    /// A kind and permissions in one.
    #[must_use]
    pub fn new(kind: FileType, permissions: u32) -> Self {
        Self(kind.mode_bits() | permissions & 0o7777)
    }

    /// The twelve permission bits.
    #[must_use]
    pub const fn permissions(self) -> u32 {
        self.0 & 0o7777
    }

    /// The kind; `None` if the bits name none, as when they are zero.
    #[must_use]
    pub const fn file_type(self) -> Option<FileType> {
        Some(match (self.0 & Self::FMT) >> 12 {
            1 => FileType::Fifo,
            2 => FileType::CharDevice,
            4 => FileType::Directory,
            6 => FileType::BlockDevice,
            8 => FileType::Regular,
            10 => FileType::Symlink,
            12 => FileType::Socket,
            _ => return None,
        })
    }
}

impl FromReg for Mode {
    /// Never fails; Linux reads the low 16 bits only.
    fn from_reg(word: u64) -> Result<Self, Errno> {
        u32::from_reg(word & 0xffff).map(Self)
    }
}

impl ToRet for Mode {
    fn to_ret(self) -> isize {
        self.0.to_ret()
    }
}

/// A device number from its two parts, in the form stat(2) and mknod(2) use.
#[must_use]
pub const fn make_device(major: u32, minor: u32) -> u32 {
    (minor & 0xff) | (major & 0xfff) << 8 | (minor & !0xff) << 12
}

/// `struct stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stat {
    /// Device that holds the file.
    pub st_dev: u64,
    /// Inode number.
    pub st_ino: u64,
    /// Hard links.
    pub st_nlink: u64,
    /// Kind and permissions.
    pub st_mode: u32,
    /// Owner.
    pub st_uid: u32,
    /// Group.
    pub st_gid: u32,
    /// Always zero.
    pub pad0: u32,
    /// Which device it is, if it is one.
    pub st_rdev: u64,
    /// Bytes.
    pub st_size: i64,
    /// Good size of a read or write, in bytes.
    pub st_blksize: i64,
    /// Units of 512 bytes in use.
    pub st_blocks: i64,
    /// Last read.
    pub st_atim: Timespec,
    /// Last write.
    pub st_mtim: Timespec,
    /// Last change of anything.
    pub st_ctim: Timespec,
    /// Always zero.
    pub unused: [i64; 3],
}

/// `struct statx_timestamp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StatxTimestamp {
    /// Seconds since 1970.
    pub tv_sec: i64,
    /// Nanoseconds.
    pub tv_nsec: u32,
    /// Always zero.
    pub reserved: i32,
}

/// `struct statx`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Statx {
    /// Fields filled in: a [`StatxMask`].
    pub stx_mask: u32,
    /// Good size of a read or write, in bytes.
    pub stx_blksize: u32,
    /// `STATX_ATTR_` bits.
    pub stx_attributes: u64,
    /// Hard links.
    pub stx_nlink: u32,
    /// Owner.
    pub stx_uid: u32,
    /// Group.
    pub stx_gid: u32,
    /// Kind and permissions.
    pub stx_mode: u16,
    /// Always zero.
    pub pad0: u16,
    /// Inode number.
    pub stx_ino: u64,
    /// Bytes.
    pub stx_size: u64,
    /// Units of 512 bytes in use.
    pub stx_blocks: u64,
    /// Attributes that mean something here.
    pub stx_attributes_mask: u64,
    /// Last read.
    pub stx_atime: StatxTimestamp,
    /// Creation.
    pub stx_btime: StatxTimestamp,
    /// Last change of anything.
    pub stx_ctime: StatxTimestamp,
    /// Last write.
    pub stx_mtime: StatxTimestamp,
    /// Major number, if it is a device.
    pub stx_rdev_major: u32,
    /// Minor number, if it is a device.
    pub stx_rdev_minor: u32,
    /// Major number of the device that holds the file.
    pub stx_dev_major: u32,
    /// Minor number of the device that holds the file.
    pub stx_dev_minor: u32,
    /// The mount it was found through.
    pub stx_mnt_id: u64,
    /// Alignment of memory for direct input/output.
    pub stx_dio_mem_align: u32,
    /// Alignment of offsets for direct input/output.
    pub stx_dio_offset_align: u32,
    /// Always zero.
    pub spare: [u64; 12],
}

/// `STATX_ATTR_MOUNT_ROOT`: the file is the root of a mount.
pub const STATX_ATTR_MOUNT_ROOT: u64 = 0x2000;
/// `UTIME_NOW` in `tv_nsec`: utimensat(2) sets the current time.
pub const UTIME_NOW: i64 = 0x3fff_ffff;
/// `UTIME_OMIT` in `tv_nsec`: utimensat(2) leaves this time alone.
pub const UTIME_OMIT: i64 = 0x3fff_fffe;

/// `struct statfs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Statfs {
    /// Kind of file system, e.g. [`TMPFS_MAGIC`].
    pub f_type: i64,
    /// Good size of a read or write, in bytes.
    pub f_bsize: i64,
    /// Size in units of `f_frsize`.
    pub f_blocks: u64,
    /// Free units.
    pub f_bfree: u64,
    /// Units free for anybody.
    pub f_bavail: u64,
    /// Inodes.
    pub f_files: u64,
    /// Free inodes.
    pub f_ffree: u64,
    /// Identity of the file system.
    pub f_fsid: [i32; 2],
    /// Longest name in bytes.
    pub f_namelen: i64,
    /// The unit of the sizes above, in bytes.
    pub f_frsize: i64,
    /// `ST_` bits.
    pub f_flags: i64,
    /// Always zero.
    pub f_spare: [i64; 4],
}

/// `f_type` of tmpfs.
pub const TMPFS_MAGIC: i64 = 0x0102_1994;
/// `f_type` of /proc.
pub const PROC_SUPER_MAGIC: i64 = 0x9fa0;
/// `f_type` of /sys.
pub const SYSFS_MAGIC: i64 = 0x6265_6572;
/// `f_type` of pipes.
pub const PIPEFS_MAGIC: i64 = 0x5049_5045;
/// `f_type` of sockets.
pub const SOCKFS_MAGIC: i64 = 0x534f_434b;
/// `f_type` of files without a name such as those of epoll(7).
pub const ANON_INODE_FS_MAGIC: i64 = 0x0904_1934;

/// The fixed part of `struct linux_dirent64`; the name and a zero follow at once, then zeros up to `d_reclen`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct DirentHeader {
    /// Inode number.
    pub d_ino: u64,
    /// Where the next entry starts, in the file system's own terms.
    pub d_off: i64,
    /// Bytes of the whole entry.
    pub d_reclen: u16,
    /// Kind: [`FileType::dirent_type`] or 0 if not known.
    pub d_type: u8,
}

impl DirentHeader {
    /// Bytes of the entry of a name of this length: header, name, zero, rounded up to 8.
    #[must_use]
    pub const fn record_len(name_len: usize) -> usize {
        (size_of::<Self>() + name_len + 1).next_multiple_of(8)
    }
}

#[cfg(test)]
mod tests;
