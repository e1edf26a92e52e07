//! What an inode is and may be: stat(2), statx(2), access(2), chmod(2), chown(2), utimensat(2), statfs(2), umask(2).

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use abi::errno::Errno;
use abi::fs::{UTIME_NOW, UTIME_OMIT};
use abi::prelude::*;
use abi::time::NS_PER_SEC;
use logic::fs::inode::{Change, Inode, want};
use logic::fs::path::Last;

use super::super::Ctx;
use super::{caller, find, last_of, only, with_walk};

/// Flags every call that looks takes; there is nothing to mount and nothing to synchronise.
const LOOKING: AtFlags = AtFlags::SYMLINK_NOFOLLOW.union(AtFlags::NO_AUTOMOUNT).union(AtFlags::EMPTY_PATH);

/// fstatat(2)
pub fn sys_newfstatat(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    stat: UserPtr<Stat>,
    flags: AtFlags,
) -> Result<(), Errno> {
    only(flags, LOOKING)?;
    let inode = find(cx, dir, path, flags, last_of(flags))?;
    cx.write_struct(stat, &inode.metadata().to_stat())
}

/// stat(2)
pub fn sys_stat(cx: &Ctx<'_>, path: UserPtr<u8>, stat: UserPtr<Stat>) -> Result<(), Errno> {
    sys_newfstatat(cx, DirFd::CWD, path, stat, AtFlags::empty())
}

/// lstat(2)
pub fn sys_lstat(cx: &Ctx<'_>, path: UserPtr<u8>, stat: UserPtr<Stat>) -> Result<(), Errno> {
    sys_newfstatat(cx, DirFd::CWD, path, stat, AtFlags::SYMLINK_NOFOLLOW)
}

/// fstat(2)
pub fn sys_fstat(cx: &Ctx<'_>, fd: Fd, stat: UserPtr<Stat>) -> Result<(), Errno> {
    let metadata = cx.file(fd)?.inode.metadata();
    cx.write_struct(stat, &metadata.to_stat())
}

/// statx(2)
pub fn sys_statx(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    flags: AtFlags,
    mask: StatxMask,
    stat: UserPtr<Statx>,
) -> Result<(), Errno> {
    let sync = AtFlags::STATX_FORCE_SYNC | AtFlags::STATX_DONT_SYNC;
    only(flags, LOOKING | sync)?;
    if mask.contains(StatxMask::RESERVED) || flags.contains(sync) {
        return Err(Errno::EINVAL);
    }
    let inode = find(cx, dir, path, flags, last_of(flags))?;
    cx.write_struct(stat, &inode.metadata().to_statx())
}

/// faccessat2(2)
pub fn sys_faccessat2(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    mode: AccessMode,
    flags: AtFlags,
) -> Result<(), Errno> {
    only(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EACCESS | AtFlags::EMPTY_PATH)?;
    let inode = find(cx, dir, path, flags, last_of(flags))?;
    let mut who = caller(cx);
    if !flags.contains(AtFlags::EACCESS) {
        let credentials = cx.process().credentials.lock();
        (who.uid, who.gid) = (credentials.user.real, credentials.group.real);
    }
    who.check(&inode.rights(), mode.bits() & (want::READ | want::WRITE | want::EXECUTE))
}

/// faccessat(2), the system call without flags
pub fn sys_faccessat(cx: &Ctx<'_>, dir: DirFd, path: UserPtr<u8>, mode: AccessMode) -> Result<(), Errno> {
    sys_faccessat2(cx, dir, path, mode, AtFlags::empty())
}

/// access(2)
pub fn sys_access(cx: &Ctx<'_>, path: UserPtr<u8>, mode: AccessMode) -> Result<(), Errno> {
    sys_faccessat(cx, DirFd::CWD, path, mode)
}

fn change(cx: &Ctx<'_>, inode: &Arc<dyn Inode>, change: &Change) -> Result<(), Errno> {
    with_walk(cx, |walk| walk.change(inode, change))
}

/// fchmodat2(2)
pub fn sys_fchmodat2(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    mode: Mode,
    flags: AtFlags,
) -> Result<(), Errno> {
    only(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    let inode = find(cx, dir, path, flags, last_of(flags))?;
    if inode.rights().kind == abi::fs::FileType::Symlink {
        return Err(Errno::EOPNOTSUPP);
    }
    change(cx, &inode, &Change { permissions: Some(mode.permissions()), ..Change::default() })
}

/// fchmodat(2), the system call without flags
pub fn sys_fchmodat(cx: &Ctx<'_>, dir: DirFd, path: UserPtr<u8>, mode: Mode) -> Result<(), Errno> {
    sys_fchmodat2(cx, dir, path, mode, AtFlags::empty())
}

/// chmod(2)
pub fn sys_chmod(cx: &Ctx<'_>, path: UserPtr<u8>, mode: Mode) -> Result<(), Errno> {
    sys_fchmodat(cx, DirFd::CWD, path, mode)
}

/// fchmod(2)
pub fn sys_fchmod(cx: &Ctx<'_>, fd: Fd, mode: Mode) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    change(cx, &open.inode, &Change { permissions: Some(mode.permissions()), ..Change::default() })
}

fn owner(uid: Uid, gid: Gid) -> Change {
    Change { uid: uid.given().map(|uid| uid.0), gid: gid.given().map(|gid| gid.0), ..Change::default() }
}

/// fchownat(2)
pub fn sys_fchownat(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    uid: Uid,
    gid: Gid,
    flags: AtFlags,
) -> Result<(), Errno> {
    only(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    let inode = find(cx, dir, path, flags, last_of(flags))?;
    change(cx, &inode, &owner(uid, gid))
}

/// chown(2)
pub fn sys_chown(cx: &Ctx<'_>, path: UserPtr<u8>, uid: Uid, gid: Gid) -> Result<(), Errno> {
    sys_fchownat(cx, DirFd::CWD, path, uid, gid, AtFlags::empty())
}

/// lchown(2)
pub fn sys_lchown(cx: &Ctx<'_>, path: UserPtr<u8>, uid: Uid, gid: Gid) -> Result<(), Errno> {
    sys_fchownat(cx, DirFd::CWD, path, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
}

/// fchown(2)
pub fn sys_fchown(cx: &Ctx<'_>, fd: Fd, uid: Uid, gid: Gid) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    change(cx, &open.inode, &owner(uid, gid))
}

/// One of the two times; `None` for the one to leave alone.
fn given_time(time: Timespec, now: Timespec) -> Result<Option<Timespec>, Errno> {
    match time.tv_nsec {
        UTIME_NOW => Ok(Some(now)),
        UTIME_OMIT => Ok(None),
        nsec if (0..NS_PER_SEC.cast_signed()).contains(&nsec) => Ok(Some(time)),
        _ => Err(Errno::EINVAL),
    }
}

/// utimensat(2): a null path means `dir` itself; null times mean now.
pub fn sys_utimensat(
    cx: &Ctx<'_>,
    dir: DirFd,
    path: UserPtr<u8>,
    times: UserPtr<[Timespec; 2]>,
    flags: AtFlags,
) -> Result<(), Errno> {
    let now = cx.wall_time();
    let given = times.non_null().map(|times| cx.read_struct(times)).transpose()?;
    let is_now = given.is_none_or(|times| times.iter().all(|time| time.tv_nsec == UTIME_NOW));
    let (accessed, modified) = match given {
        Some([accessed, modified]) => (given_time(accessed, now)?, given_time(modified, now)?),
        None => (Some(now), Some(now)),
    };
    if accessed.is_none() && modified.is_none() {
        return Ok(());
    }
    only(flags, AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH)?;
    let inode = match (path.non_null(), dir.fd()) {
        (None, Some(fd)) => Arc::clone(&cx.file(fd)?.inode),
        (None, None) => return Err(Errno::EFAULT),
        (Some(path), _) => find(cx, dir, path, flags, last_of(flags))?,
    };
    let (who, rights) = (caller(cx), inode.rights());
    if let Err(errno) = who.check_owner(&rights) {
        // Whoever may write may set the times to now (utimensat(2)).
        let may_write = is_now && who.check(&rights, want::WRITE).is_ok();
        if !may_write {
            return Err(if is_now { Errno::EACCES } else { errno });
        }
    }
    inode.change(&Change { accessed, modified, ..Change::default() }, now)
}

/// umask(2)
pub fn sys_umask(cx: &Ctx<'_>, mask: Mode) -> Result<u32, Errno> {
    Ok(cx.process().files.umask.swap(mask.permissions() & 0o777, Ordering::Relaxed))
}

/// statfs(2)
pub fn sys_statfs(cx: &Ctx<'_>, path: UserPtr<u8>, buf: UserPtr<Statfs>) -> Result<(), Errno> {
    let inode = find(cx, DirFd::CWD, path, AtFlags::empty(), Last::Follow)?;
    cx.write_struct(buf, &inode.file_system())
}

/// fstatfs(2)
pub fn sys_fstatfs(cx: &Ctx<'_>, fd: Fd, buf: UserPtr<Statfs>) -> Result<(), Errno> {
    let inode = Arc::clone(&cx.file(fd)?.inode);
    cx.write_struct(buf, &inode.file_system())
}
