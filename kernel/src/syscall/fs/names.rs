//! Making, moving and removing names: mkdir(2), mknod(2), link(2), symlink(2), readlink(2), unlink(2), rmdir(2), rename(2).

use abi::errno::Errno;
use abi::fs::{FileType, PATH_MAX};
use abi::prelude::*;
use logic::fs::inode::New;
use logic::fs::path::Last;
use logic::fs::vfs::At;

use super::super::Ctx;
use super::{at_path, caller, find, kind_to_make, only, read_path, start_of, with_walk};

/// mkdirat(2)
pub fn sys_mkdirat(cx: &Ctx<'_>, dir: DirFd, path: UserPtr<u8>, mode: Mode) -> Result<(), Errno> {
    // The set-ID bits are not the caller's to give here (mkdir(2)); the sticky bit is.
    let permissions = mode.permissions() & 0o1777 & !caller(cx).umask;
    at_path(cx, dir, path, |walk, at| walk.create(at, New::Directory, permissions))
}

/// mkdir(2)
pub fn sys_mkdir(cx: &Ctx<'_>, path: UserPtr<u8>, mode: Mode) -> Result<(), Errno> {
    sys_mkdirat(cx, DirFd::CWD, path, mode)
}

/// mknodat(2)
pub fn sys_mknodat(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    mode: Mode,
    _device: u32,
) -> Result<(), Errno> {
    let new = match kind_to_make(mode)? {
        FileType::Fifo => New::Fifo,
        FileType::Socket => New::Socket,
        _ => New::Regular,
    };
    let permissions = mode.permissions() & !caller(cx).umask;
    at_path(cx, dir, path, |walk, at| walk.create(at, new, permissions))
}

/// mknod(2)
pub fn sys_mknod(cx: &Ctx<'_>, path: UserPtr<u8>, mode: Mode, device: u32) -> Result<(), Errno> {
    sys_mknodat(cx, DirFd::CWD, path, mode, device)
}

/// symlinkat(2)
pub fn sys_symlinkat(cx: &Ctx<'_>, target: UserPtr<u8>, dir: DirFd, path: UserPtr<u8>) -> Result<(), Errno> {
    let target = read_path(cx, target)?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    if target.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    at_path(cx, dir, path, |walk, at| walk.create(at, New::Symlink(&target), 0o777))
}

/// symlink(2)
pub fn sys_symlink(cx: &Ctx<'_>, target: UserPtr<u8>, path: UserPtr<u8>) -> Result<(), Errno> {
    sys_symlinkat(cx, target, DirFd::CWD, path)
}

/// readlinkat(2): answers the bytes written; what does not fit is cut.
pub fn sys_readlinkat(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    buf: UserPtr<u8>,
    size: i32,
) -> Result<usize, Errno> {
    let size = usize::try_from(size).ok().filter(|&size| size > 0).ok_or(Errno::EINVAL)?;
    let target = find(cx, dir, path, AtFlags::EMPTY_PATH, Last::NoFollow)?.read_link()?;
    let count = target.len().min(size);
    cx.write_bytes(buf, &target[..count])?;
    Ok(count)
}

/// readlink(2)
pub fn sys_readlink(cx: &Ctx<'_>, path: UserPtr<u8>, buf: UserPtr<u8>, size: i32) -> Result<usize, Errno> {
    sys_readlinkat(cx, DirFd::CWD, path, buf, size)
}

/// linkat(2)
pub fn sys_linkat(
    cx: &Ctx<'_>,
    old_dir: DirFd,
    old: UserPtr<u8>,
    new_dir: DirFd,
    new: UserPtr<u8>,
    flags: AtFlags,
) -> Result<(), Errno> {
    only(flags, AtFlags::SYMLINK_FOLLOW | AtFlags::EMPTY_PATH)?;
    let last = if flags.contains(AtFlags::SYMLINK_FOLLOW) { Last::Follow } else { Last::NoFollow };
    let inode = find(cx, old_dir, old, flags, last)?;
    at_path(cx, new_dir, new, |walk, at| walk.link(&inode, at))
}

/// link(2)
pub fn sys_link(cx: &Ctx<'_>, old: UserPtr<u8>, new: UserPtr<u8>) -> Result<(), Errno> {
    sys_linkat(cx, DirFd::CWD, old, DirFd::CWD, new, AtFlags::empty())
}

/// unlinkat(2)
pub fn sys_unlinkat(cx: &Ctx<'_>, dir: DirFd, path: UserPtr<u8>, flags: AtFlags) -> Result<(), Errno> {
    only(flags, AtFlags::REMOVEDIR)?;
    at_path(cx, dir, path, |walk, at| {
        if flags.contains(AtFlags::REMOVEDIR) { walk.remove_directory(at) } else { walk.unlink(at) }
    })
}

/// unlink(2)
pub fn sys_unlink(cx: &Ctx<'_>, path: UserPtr<u8>) -> Result<(), Errno> {
    sys_unlinkat(cx, DirFd::CWD, path, AtFlags::empty())
}

/// rmdir(2)
pub fn sys_rmdir(cx: &Ctx<'_>, path: UserPtr<u8>) -> Result<(), Errno> {
    sys_unlinkat(cx, DirFd::CWD, path, AtFlags::REMOVEDIR)
}

/// renameat2(2)
pub fn sys_renameat2(
    cx: &Ctx<'_>,
    old_dir: DirFd,
    old: UserPtr<u8>,
    new_dir: DirFd,
    new: UserPtr<u8>,
    flags: RenameFlags,
) -> Result<(), Errno> {
    let (old, new) = (read_path(cx, old)?, read_path(cx, new)?);
    let (from, to) = (start_of(cx, old_dir, &old)?, start_of(cx, new_dir, &new)?);
    with_walk(cx, |walk| walk.rename(At { start: &from, path: &old }, At { start: &to, path: &new }, flags))
}

/// renameat(2)
pub fn sys_renameat(
    cx: &Ctx<'_>,
    old_dir: DirFd,
    old: UserPtr<u8>,
    new_dir: DirFd,
    new: UserPtr<u8>,
) -> Result<(), Errno> {
    sys_renameat2(cx, old_dir, old, new_dir, new, RenameFlags::empty())
}

/// rename(2)
pub fn sys_rename(cx: &Ctx<'_>, old: UserPtr<u8>, new: UserPtr<u8>) -> Result<(), Errno> {
    sys_renameat(cx, DirFd::CWD, old, DirFd::CWD, new)
}
