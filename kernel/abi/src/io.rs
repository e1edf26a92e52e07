//! What one does with an open file: readv(2), poll(2), fcntl(2), ioctl(2), flock(2), fallocate(2).
//!
//! Not here: paths and file properties ([`crate::fs`]), terminal settings ([`crate::tty`]), epoll(7) ([`crate::event`]).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::errno::Errno;
use crate::reg::{FromReg, choice, from_reg_flags, number};

/// Most buffers in one readv(2) or writev(2).
pub const IOV_MAX: usize = 1024;
/// Most bytes one call moves: the largest `int` rounded down to a page.
pub const MAX_RW_COUNT: usize = 0x7fff_f000;
/// Writes of at most this many bytes to a pipe are never mixed with others (pipe(7)).
pub const PIPE_BUF: usize = 4096;
/// `FD_CLOEXEC`, the only descriptor flag of fcntl(2).
pub const FD_CLOEXEC: u32 = 1;

/// `struct iovec`: one buffer of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IoVec {
    /// Where it starts.
    pub iov_base: usize,
    /// Its bytes.
    pub iov_len: usize,
}

/// `struct pollfd`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PollFd {
    /// File descriptor; a negative one is passed over.
    pub fd: i32,
    /// What to wait for: [`PollEvents`].
    pub events: u16,
    /// What has come: [`PollEvents`].
    pub revents: u16,
}

bitflags::bitflags! {
    /// Events of poll(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct PollEvents: u16 {
        /// `POLLIN`: something to read.
        const IN = 0x1;
        /// `POLLPRI`: something urgent.
        const PRI = 0x2;
        /// `POLLOUT`: room to write.
        const OUT = 0x4;
        /// `POLLERR`: an error; reported unasked.
        const ERR = 0x8;
        /// `POLLHUP`: the other side has gone; reported unasked.
        const HUP = 0x10;
        /// `POLLNVAL`: not an open descriptor; reported unasked.
        const NVAL = 0x20;
        /// `POLLRDNORM`: same as `IN`.
        const RDNORM = 0x40;
        /// `POLLRDBAND`: priority data to read.
        const RDBAND = 0x80;
        /// `POLLWRNORM`: same as `OUT`.
        const WRNORM = 0x100;
        /// `POLLWRBAND`: priority data may be written.
        const WRBAND = 0x200;
        /// `POLLMSG`: never set.
        const MSG = 0x400;
        /// `POLLRDHUP`: the other side writes no more.
        const RDHUP = 0x2000;
    }
}

bitflags::bitflags! {
    /// Flags of pipe2(2); the values are those of open(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct PipeFlags: u32 {
        /// `O_NONBLOCK`: both ends never wait.
        const NONBLOCK = 0o4000;
        /// `O_DIRECT`: packets instead of a stream.
        const DIRECT = 0o40000;
        /// `O_CLOEXEC`: both close on execve(2).
        const CLOEXEC = 0o2000000;
        /// `O_NOTIFICATION_PIPE`: for the kernel's own messages.
        const NOTIFICATION = 0o200;
    }
}

bitflags::bitflags! {
    /// Flags of dup3(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct DupFlags: u32 {
        /// `O_CLOEXEC`: close on execve(2).
        const CLOEXEC = 0o2000000;
    }
}

bitflags::bitflags! {
    /// Flags of close_range(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct CloseRangeFlags: u32 {
        /// `CLOSE_RANGE_UNSHARE`: take a table of one's own first.
        const UNSHARE = 2;
        /// `CLOSE_RANGE_CLOEXEC`: mark instead of closing.
        const CLOEXEC = 4;
    }
}

bitflags::bitflags! {
    /// Flags of preadv2(2) and pwritev2(2); unknown ones are `EOPNOTSUPP`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct RwFlags: u32 {
        /// `RWF_HIPRI`: busy-wait for the device.
        const HIPRI = 0x1;
        /// `RWF_DSYNC`: as with `O_DSYNC`.
        const DSYNC = 0x2;
        /// `RWF_SYNC`: as with `O_SYNC`.
        const SYNC = 0x4;
        /// `RWF_NOWAIT`: `EAGAIN` instead of waiting.
        const NOWAIT = 0x8;
        /// `RWF_APPEND`: as with `O_APPEND`.
        const APPEND = 0x10;
        /// `RWF_NOAPPEND`: as without `O_APPEND`.
        const NOAPPEND = 0x20;
    }
}

bitflags::bitflags! {
    /// What fallocate(2) does; unknown bits are `EOPNOTSUPP`, none means "make room".
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FallocateMode: u32 {
        /// `FALLOC_FL_KEEP_SIZE`: the file does not grow.
        const KEEP_SIZE = 0x1;
        /// `FALLOC_FL_PUNCH_HOLE`: give the range back.
        const PUNCH_HOLE = 0x2;
        /// `FALLOC_FL_COLLAPSE_RANGE`: cut the range out.
        const COLLAPSE_RANGE = 0x8;
        /// `FALLOC_FL_ZERO_RANGE`: the range reads as zeros.
        const ZERO_RANGE = 0x10;
        /// `FALLOC_FL_INSERT_RANGE`: push a hole in.
        const INSERT_RANGE = 0x20;
        /// `FALLOC_FL_UNSHARE_RANGE`: stop sharing with other files.
        const UNSHARE_RANGE = 0x40;
    }
}

bitflags::bitflags! {
    /// Flags of sync_file_range(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SyncRangeFlags: u32 {
        /// `SYNC_FILE_RANGE_WAIT_BEFORE`.
        const WAIT_BEFORE = 1;
        /// `SYNC_FILE_RANGE_WRITE`.
        const WRITE = 2;
        /// `SYNC_FILE_RANGE_WAIT_AFTER`.
        const WAIT_AFTER = 4;
    }
}

from_reg_flags! {
    reject PipeFlags;
    reject DupFlags;
    reject CloseRangeFlags;
    reject SyncRangeFlags;
    // EOPNOTSUPP, and only after the descriptor was found.
    retain RwFlags;
    retain FallocateMode;
}

choice! {
    /// Advice of posix_fadvise(2).
    pub enum FileAdvice: i32, else EINVAL {
        /// `POSIX_FADV_NORMAL`.
        Normal = 0,
        /// `POSIX_FADV_RANDOM`.
        Random = 1,
        /// `POSIX_FADV_SEQUENTIAL`.
        Sequential = 2,
        /// `POSIX_FADV_WILLNEED`.
        WillNeed = 3,
        /// `POSIX_FADV_DONTNEED`.
        DontNeed = 4,
        /// `POSIX_FADV_NOREUSE`.
        NoReuse = 5,
    }
}

/// What flock(2) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlockOp {
    /// The lock wanted.
    pub kind: FlockKind,
    /// `LOCK_NB`: `EWOULDBLOCK` instead of waiting.
    pub nonblocking: bool,
}

choice! {
    /// The locks of flock(2).
    pub enum FlockKind: i32, else EINVAL {
        /// `LOCK_SH`: shared.
        Shared = 1,
        /// `LOCK_EX`: exclusive.
        Exclusive = 2,
        /// `LOCK_UN`: none any more.
        Unlock = 8,
    }
}

impl FromReg for FlockOp {
    /// `EINVAL` unless it is one of the three locks, with or without `LOCK_NB`.
    fn from_reg(word: u64) -> Result<Self, Errno> {
        const LOCK_NB: i32 = 4;
        let word = i32::from_reg(word)?;
        Ok(Self { kind: (word & !LOCK_NB).try_into()?, nonblocking: word & LOCK_NB != 0 })
    }
}

choice! {
    /// Commands of fcntl(2).
    pub enum FcntlCommand: u32, else EINVAL {
        /// `F_DUPFD`: lowest free descriptor from `arg` on.
        DupFd = 0,
        /// `F_GETFD`: descriptor flags.
        GetFd = 1,
        /// `F_SETFD`: set descriptor flags.
        SetFd = 2,
        /// `F_GETFL`: access mode and status flags.
        GetFl = 3,
        /// `F_SETFL`: set status flags.
        SetFl = 4,
        /// `F_GETLK`: who holds a lock in the way.
        GetLk = 5,
        /// `F_SETLK`: lock or unlock a range, never waiting.
        SetLk = 6,
        /// `F_SETLKW`: lock or unlock a range.
        SetLkW = 7,
        /// `F_SETOWN`: who gets SIGIO.
        SetOwn = 8,
        /// `F_GETOWN`: who gets SIGIO.
        GetOwn = 9,
        /// `F_SETSIG`: which signal instead of SIGIO.
        SetSig = 10,
        /// `F_GETSIG`: which signal instead of SIGIO.
        GetSig = 11,
        /// `F_SETOWN_EX`: who gets SIGIO, threads too.
        SetOwnEx = 15,
        /// `F_GETOWN_EX`: who gets SIGIO, threads too.
        GetOwnEx = 16,
        /// `F_OFD_GETLK`: as `GetLk`, for locks of the open file.
        OfdGetLk = 36,
        /// `F_OFD_SETLK`: as `SetLk`, for locks of the open file.
        OfdSetLk = 37,
        /// `F_OFD_SETLKW`: as `SetLkW`, for locks of the open file.
        OfdSetLkW = 38,
        /// `F_SETLEASE`.
        SetLease = 1024,
        /// `F_GETLEASE`.
        GetLease = 1025,
        /// `F_NOTIFY`.
        Notify = 1026,
        /// `F_DUPFD_QUERY`: is `arg` a duplicate?
        DupFdQuery = 1027,
        /// `F_DUPFD_CLOEXEC`: as `DupFd`, closed on execve(2).
        DupFdCloexec = 1030,
        /// `F_SETPIPE_SZ`: set a pipe's capacity.
        SetPipeSz = 1031,
        /// `F_GETPIPE_SZ`: a pipe's capacity.
        GetPipeSz = 1032,
        /// `F_ADD_SEALS`.
        AddSeals = 1033,
        /// `F_GET_SEALS`.
        GetSeals = 1034,
    }
}

bitflags::bitflags! {
    /// Seals of a memfd (fcntl(2)).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Seals: u32 {
        /// `F_SEAL_SEAL`: no more seals.
        const SEAL = 0x1;
        /// `F_SEAL_SHRINK`: it cannot become smaller.
        const SHRINK = 0x2;
        /// `F_SEAL_GROW`: it cannot become larger.
        const GROW = 0x4;
        /// `F_SEAL_WRITE`: its bytes cannot change.
        const WRITE = 0x8;
        /// `F_SEAL_FUTURE_WRITE`: only mappings that exist may change it.
        const FUTURE_WRITE = 0x10;
        /// `F_SEAL_EXEC`: its execute bits cannot change.
        const EXEC = 0x20;
    }
}

/// `struct flock`: a range lock of fcntl(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flock {
    /// [`LockType`].
    pub l_type: i16,
    /// Where `l_start` counts from: [`Whence`](crate::fs::Whence) `Set`, `Cur` or `End`.
    pub l_whence: i16,
    /// Always zero.
    pub pad0: u32,
    /// First byte.
    pub l_start: i64,
    /// Bytes; zero means up to the end, whatever that becomes.
    pub l_len: i64,
    /// Who holds it; -1 for locks of open files.
    pub l_pid: i32,
    /// Always zero.
    pub pad1: u32,
}

choice! {
    /// Kinds of range locks.
    pub enum LockType: i32, else EINVAL {
        /// `F_RDLCK`: shared.
        Read = 0,
        /// `F_WRLCK`: exclusive.
        Write = 1,
        /// `F_UNLCK`: none.
        Unlock = 2,
    }
}

number! {
    /// A request of ioctl(2).
    Ioctl: u32;
}

impl Ioctl {
    /// Read terminal settings.
    pub const TCGETS: Self = Self(0x5401);
    /// Set them at once.
    pub const TCSETS: Self = Self(0x5402);
    /// Set them when output has drained.
    pub const TCSETSW: Self = Self(0x5403);
    /// Set them when output has drained, and drop input.
    pub const TCSETSF: Self = Self(0x5404);
    /// Send a break, or wait for output to drain.
    pub const TCSBRK: Self = Self(0x5409);
    /// Stop or start output or input.
    pub const TCXONC: Self = Self(0x540a);
    /// Drop input, output or both.
    pub const TCFLSH: Self = Self(0x540b);
    /// Become the controlling terminal.
    pub const TIOCSCTTY: Self = Self(0x540e);
    /// Foreground process group.
    pub const TIOCGPGRP: Self = Self(0x540f);
    /// Set the foreground process group.
    pub const TIOCSPGRP: Self = Self(0x5410);
    /// Bytes not yet sent.
    pub const TIOCOUTQ: Self = Self(0x5411);
    /// Bytes not yet sent, of a socket: the same number.
    pub const SIOCOUTQ: Self = Self::TIOCOUTQ;
    /// Name of the interface with a number.
    pub const SIOCGIFNAME: Self = Self(0x8910);
    /// Interfaces and their addresses.
    pub const SIOCGIFCONF: Self = Self(0x8912);
    /// Flags of an interface.
    pub const SIOCGIFFLAGS: Self = Self(0x8913);
    /// Address of an interface.
    pub const SIOCGIFADDR: Self = Self(0x8915);
    /// Address of everybody on it.
    pub const SIOCGIFBRDADDR: Self = Self(0x8919);
    /// Which bits of the address are the network's.
    pub const SIOCGIFNETMASK: Self = Self(0x891b);
    /// Bytes of its longest packet.
    pub const SIOCGIFMTU: Self = Self(0x8921);
    /// Its hardware's address.
    pub const SIOCGIFHWADDR: Self = Self(0x8927);
    /// Its number.
    pub const SIOCGIFINDEX: Self = Self(0x8933);
    /// Size of the window.
    pub const TIOCGWINSZ: Self = Self(0x5413);
    /// Set the size of the window.
    pub const TIOCSWINSZ: Self = Self(0x5414);
    /// Bytes to read.
    pub const FIONREAD: Self = Self(0x541b);
    /// Set or clear `O_NONBLOCK`.
    pub const FIONBIO: Self = Self(0x5421);
    /// Give up the controlling terminal.
    pub const TIOCNOTTY: Self = Self(0x5422);
    /// Session of the terminal.
    pub const TIOCGSID: Self = Self(0x5429);
    /// Do not close on execve(2).
    pub const FIONCLEX: Self = Self(0x5450);
    /// Close on execve(2).
    pub const FIOCLEX: Self = Self(0x5451);
    /// Set or clear `O_ASYNC`.
    pub const FIOASYNC: Self = Self(0x5452);
    /// Bytes a file occupies.
    pub const FIOQSIZE: Self = Self(0x5460);
    /// Share another file's data.
    pub const FICLONE: Self = Self(0x4004_9409);
    /// Attributes such as "append only".
    pub const FS_IOC_GETFLAGS: Self = Self(0x8008_6601);
}

#[cfg(test)]
mod tests;
