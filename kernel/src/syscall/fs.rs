//! Names: open(2), stat(2), mkdir(2), rename(2), link(2), chmod(2), getdents(2), statfs(2).

mod attributes;
mod names;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::flags::Only as _;
use abi::fs::{DirentHeader, FileType, OpenFlags, PATH_MAX};
use abi::io::Seals;
use abi::prelude::*;
use logic::file::open::OpenFile;
use logic::fs::inode::{Caller, Inode, path_of};
use logic::fs::path::{Last, Walk};
use logic::fs::vfs::At;
use zerocopy::IntoBytes as _;

use super::Ctx;
use crate::mm::user;

pub use attributes::{
    sys_access, sys_chmod, sys_chown, sys_faccessat, sys_faccessat2, sys_fchmod, sys_fchmodat, sys_fchmodat2,
    sys_fchown, sys_fchownat, sys_fstat, sys_fstatfs, sys_lchown, sys_lstat, sys_newfstatat, sys_stat,
    sys_statfs, sys_statx, sys_umask, sys_utimensat,
};
pub use names::{
    sys_link, sys_linkat, sys_mkdir, sys_mkdirat, sys_mknod, sys_mknodat, sys_readlink, sys_readlinkat,
    sys_rename, sys_renameat, sys_renameat2, sys_rmdir, sys_symlink, sys_symlinkat, sys_unlink, sys_unlinkat,
};

/// Bytes of directory entries gathered at a time.
const MOST_ENTRIES_BYTES: usize = 64 * 1024;

/// Where a path is kept while a call works on it: most are short and need no allocation.
#[derive(Default)]
struct PathRoom {
    short: [u8; 32],
    long: Option<Vec<u8>>,
}

impl PathRoom {
    /// [`read_path`], into this room.
    fn read(&mut self, cx: &Ctx<'_>, path: UserPtr<u8>) -> Result<&[u8], Errno> {
        if let Some(path) = user::read_short_string(path, &mut self.short)? {
            return Ok(path);
        }
        Ok(self.long.insert(read_path(cx, path)?))
    }
}

/// The path at `path`; one that is too long is cut where the walk refuses it.
fn read_path(cx: &Ctx<'_>, path: UserPtr<u8>) -> Result<Vec<u8>, Errno> {
    cx.read_c_string(path, PATH_MAX)
}

/// Where relative paths of `dir` start. An absolute path does not need it.
fn start_of(cx: &Ctx<'_>, dir: DirFd, path: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
    let files = &cx.process().files;
    if path.first() == Some(&b'/') {
        return Ok(Arc::clone(&files.tree()?.root));
    }
    match dir.fd() {
        None => files.working_directory(),
        Some(fd) => {
            let open = cx.file(fd)?;
            if open.inode.directory().is_some() || path.is_empty() {
                Ok(Arc::clone(&open.inode))
            } else {
                Err(Errno::ENOTDIR)
            }
        }
    }
}

/// Walks as the caller.
pub(super) fn with_walk<R>(
    cx: &Ctx<'_>,
    act: impl FnOnce(&Walk<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let caller = caller(cx);
    act(&Walk { root: &cx.process().files.tree()?.root, caller: &caller })
}

/// Who asks.
fn caller(cx: &Ctx<'_>) -> Caller {
    let credentials = cx.process().credentials.lock();
    Caller {
        uid: credentials.user.effective,
        gid: credentials.group.effective,
        groups: Arc::clone(&credentials.supplementary),
        umask: cx.process().files.umask.load(core::sync::atomic::Ordering::Relaxed),
        clock: cx.clock(),
    }
}

/// Does something at a path.
fn at_path<R>(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    act: impl FnOnce(&Walk<'_>, At<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let mut room = PathRoom::default();
    let path = room.read(cx, path)?;
    let start = start_of(cx, dir, path)?;
    with_walk(cx, |walk| act(walk, At { start: &start, path }))
}

/// The inode at a path; with `AT_EMPTY_PATH` an empty one means `dir` itself.
fn find(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    flags: AtFlags,
    last: Last,
) -> Result<Arc<dyn Inode>, Errno> {
    let mut room = PathRoom::default();
    let path = room.read(cx, path)?;
    let start = start_of(cx, dir, path)?;
    if path.is_empty() && flags.contains(AtFlags::EMPTY_PATH) {
        return Ok(start);
    }
    with_walk(cx, |walk| walk.resolve(&start, path, last))
}

/// Whether the last link of a path is followed.
fn last_of(flags: AtFlags) -> Last {
    if flags.contains(AtFlags::SYMLINK_NOFOLLOW) { Last::NoFollow } else { Last::Follow }
}

/// Opens the file at `path`, for the calls that work on an open one.
pub(super) fn open_path(cx: &Ctx<'_>, path: UserPtr<u8>, flags: OpenFlags) -> Result<Arc<OpenFile>, Errno> {
    let io = cx.io(None);
    at_path(cx, DirFd::CWD, path, |walk, at| walk.open(at, flags, Mode(0), &io))
}

/// openat(2)
pub fn sys_openat(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    flags: OpenFlags,
    mode: Mode,
) -> Result<Fd, Errno> {
    let (io, flags) = (cx.io(None), flags | OpenFlags::LARGEFILE);
    // Without a descriptor or memory no file is made and none is cut.
    cx.check_memory()?;
    cx.process().files.table.lock().check_room()?;
    let open = at_path(cx, dir, path, |walk, at| walk.open(at, flags, mode, &io))?;
    if !flags.intersects(OpenFlags::NONBLOCK | OpenFlags::PATH) {
        cx.block_on(None, |waker| open.file.opened(&cx.io(waker)))?;
    }
    cx.process().files.table.lock().insert(open, flags.contains(OpenFlags::CLOEXEC), 0)
}

/// open(2)
pub fn sys_open(cx: &Ctx<'_>, path: UserPtr<u8>, flags: OpenFlags, mode: Mode) -> Result<Fd, Errno> {
    sys_openat(cx, DirFd::CWD, path, flags, mode)
}

/// creat(2)
pub fn sys_creat(cx: &Ctx<'_>, path: UserPtr<u8>, mode: Mode) -> Result<Fd, Errno> {
    sys_openat(cx, DirFd::CWD, path, OpenFlags::CREAT | OpenFlags::WRONLY | OpenFlags::TRUNC, mode)
}

/// memfd_create(2)
pub fn sys_memfd_create(cx: &Ctx<'_>, name: UserPtr<u8>, flags: MemfdFlags) -> Result<Fd, Errno> {
    const NAME_BYTES: usize = 249;
    if flags.intersects(MemfdFlags::HUGETLB | MemfdFlags::HUGE_SIZE)
        || flags.contains(MemfdFlags::EXEC | MemfdFlags::NOEXEC_SEAL)
    {
        return Err(Errno::EINVAL);
    }
    let name = cx.read_c_string(name, NAME_BYTES + 1)?;
    if name.len() > NAME_BYTES {
        return Err(Errno::EINVAL);
    }
    let seals = if flags.contains(MemfdFlags::NOEXEC_SEAL) {
        Seals::EXEC
    } else if flags.contains(MemfdFlags::ALLOW_SEALING) {
        Seals::empty()
    } else {
        Seals::SEAL
    };
    let inode = cx.process().files.tree()?.memory.new_memory_file(&name, seals, cx.wall_time())?;
    let open = OpenFile::new(Arc::clone(&inode) as _, inode, OpenFlags::RDWR | OpenFlags::LARGEFILE);
    cx.process().files.table.lock().insert(open, flags.contains(MemfdFlags::CLOEXEC), 0)
}

/// getcwd(2): answers the bytes written, the zero included.
pub fn sys_getcwd(cx: &Ctx<'_>, buf: UserPtr<u8>, size: usize) -> Result<usize, Errno> {
    let files = &cx.process().files;
    let mut path = path_of(&files.tree()?.root, &files.working_directory()?)?;
    path.push(0);
    if path.len() > size {
        return Err(Errno::ERANGE);
    }
    cx.write_bytes(buf, &path)?;
    Ok(path.len())
}

fn change_directory(cx: &Ctx<'_>, inode: Arc<dyn Inode>) -> Result<(), Errno> {
    if inode.directory().is_none() {
        return Err(Errno::ENOTDIR);
    }
    caller(cx).check_search(&*inode)?;
    let left = core::mem::replace(&mut *cx.process().files.tree()?.working_directory.lock(), inode);
    drop(left);
    Ok(())
}

/// chdir(2)
pub fn sys_chdir(cx: &Ctx<'_>, path: UserPtr<u8>) -> Result<(), Errno> {
    let inode = find(cx, DirFd::CWD, path, AtFlags::empty(), Last::Follow)?;
    change_directory(cx, inode)
}

/// fchdir(2)
pub fn sys_fchdir(cx: &Ctx<'_>, fd: Fd) -> Result<(), Errno> {
    let inode = Arc::clone(&cx.file(fd)?.inode);
    change_directory(cx, inode)
}

/// getdents(2), the 64-bit form.
pub fn sys_getdents64(cx: &Ctx<'_>, fd: Fd, buf: UserPtr<u8>, size: u32) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    let names = open.inode.directory().ok_or(Errno::ENOTDIR)?;
    if open.inode.metadata().links == 0 {
        return Err(Errno::ENOENT);
    }
    let most = (size as usize).min(MOST_ENTRIES_BYTES);
    let (mut records, mut position, mut is_full) = (vec![], open.position(), false);
    names.entries(position, &mut |entry| {
        let length = DirentHeader::record_len(entry.name.len());
        if records.len() + length > most {
            is_full = true;
            return false;
        }
        let header = DirentHeader {
            d_ino: entry.inode,
            d_off: entry.next.cast_signed(),
            d_reclen: u16::try_from(length).unwrap_or(0),
            d_type: entry.kind.dirent_type(),
        };
        let end = records.len() + length;
        records.extend_from_slice(header.as_bytes());
        records.extend_from_slice(entry.name);
        records.resize(end, 0);
        position = entry.next;
        true
    });
    if records.is_empty() && is_full {
        return Err(Errno::EINVAL);
    }
    cx.write_bytes(buf, &records)?;
    open.set_position(position);
    Ok(records.len())
}

/// What mknod(2) may make: device nodes are the kernel's.
fn kind_to_make(mode: Mode) -> Result<FileType, Errno> {
    if mode.0 & Mode::FMT == 0 {
        return Ok(FileType::Regular);
    }
    match mode.file_type() {
        Some(kind @ (FileType::Regular | FileType::Fifo | FileType::Socket)) => Ok(kind),
        Some(FileType::Directory | FileType::CharDevice | FileType::BlockDevice) => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

/// Checks the flags of a call that takes some of them.
fn only(flags: AtFlags, allowed: AtFlags) -> Result<AtFlags, Errno> {
    flags.only(allowed)
}
