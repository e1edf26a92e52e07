//! fcntl(2) and flock(2): duplicates, flags, locks, pipe sizes, seals.

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::io::{FD_CLOEXEC, Flock, LockType, Seals};
use abi::prelude::*;
use logic::file::Io;
use logic::file::lock::Range;
use logic::file::open::{MOST_OFFSET, OpenFile};

use super::super::Ctx;

/// fcntl(2)
pub fn sys_fcntl(cx: &Ctx<'_>, fd: Fd, command: Late<FcntlCommand>, arg: usize) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    let command = command?;
    let table = &cx.process().files.table;
    // Linux takes these arguments as `unsigned int`.
    let word = (arg & 0xffff_ffff) as u32;
    use FcntlCommand as C;
    if !matches!(command, C::DupFd | C::DupFdCloexec | C::GetFd | C::SetFd | C::GetFl) {
        open.check_not_path()?;
    }
    match command {
        C::DupFd | C::DupFdCloexec => {
            let least = usize::try_from(word.cast_signed()).map_err(|_| Errno::EINVAL)?;
            let new = table.lock().insert(Arc::clone(&open), command == C::DupFdCloexec, least)?;
            Ok(new.index().unwrap_or(0))
        }
        C::DupFdQuery => {
            let other = cx.file(Fd(word.cast_signed()))?;
            Ok(usize::from(Arc::ptr_eq(&open, &other)))
        }
        C::GetFd => Ok(if table.lock().is_close_on_exec(fd)? { FD_CLOEXEC as usize } else { 0 }),
        C::SetFd => table.lock().set_close_on_exec(fd, word & FD_CLOEXEC != 0).map(|()| 0),
        C::GetFl => Ok(open.flags().bits() as usize),
        C::SetFl => set_flags(&open, OpenFlags::from_bits_retain(word)),
        C::GetLk | C::SetLk | C::SetLkW => process_lock(cx, &open, command, UserPtr::new(arg)),
        C::OfdGetLk | C::OfdSetLk | C::OfdSetLkW => open_file_lock(cx, &open, command, UserPtr::new(arg)),
        C::GetPipeSz => open.file.capacity(),
        C::SetPipeSz => open.file.set_capacity(word as usize),
        C::GetSeals => open.file.seals().map(|seals| seals.bits() as usize),
        C::AddSeals => {
            open.check_write().map_err(|_| Errno::EPERM)?;
            open.file.add_seals(Seals::from_bits(word).ok_or(Errno::EINVAL)?).map(|()| 0)
        }
        C::GetOwn | C::GetSig => Ok(0),
        C::SetOwn | C::SetSig | C::SetOwnEx | C::GetOwnEx | C::SetLease | C::GetLease | C::Notify => {
            Err(Errno::EINVAL)
        }
    }
}

fn set_flags(open: &OpenFile, flags: OpenFlags) -> Result<usize, Errno> {
    if flags.intersects(OpenFlags::ASYNC | OpenFlags::DIRECT) {
        return Err(Errno::EINVAL);
    }
    open.set_flags(flags);
    Ok(0)
}

/// The range a lock is about, as `fcntl` counts it.
fn range(open: &Arc<OpenFile>, lock: &Flock) -> Result<(Range, LockType), Errno> {
    let kind = LockType::try_from(i32::from(lock.l_type))?;
    let base = match lock.l_whence {
        0 => 0,
        1 => open.position(),
        2 => open.file.size(),
        _ => return Err(Errno::EINVAL),
    };
    let at = base.checked_add_signed(lock.l_start).ok_or(Errno::EINVAL)?;
    let (start, end) = match lock.l_len {
        0 => (at, u64::MAX),
        // The bytes before the start (fcntl(2)).
        length @ ..0 => (at.checked_add_signed(length).ok_or(Errno::EINVAL)?, at),
        length => {
            (at, at.checked_add_signed(length).filter(|&end| end <= MOST_OFFSET).ok_or(Errno::EOVERFLOW)?)
        }
    };
    Ok((Range { start, end, exclusive: kind == LockType::Write, owner: owner(open) }, kind))
}

fn owner(open: &Arc<OpenFile>) -> usize {
    Arc::as_ptr(open).addr()
}

fn check_access(open: &OpenFile, kind: LockType) -> Result<(), Errno> {
    match kind {
        LockType::Read => open.check_read(),
        LockType::Write => open.check_write(),
        LockType::Unlock => Ok(()),
    }
}

/// The locks of the process: nobody else is there to be kept out.
fn process_lock(
    cx: &Ctx<'_>,
    open: &Arc<OpenFile>,
    command: FcntlCommand,
    at: UserPtr<Flock>,
) -> Result<usize, Errno> {
    let lock: Flock = cx.read_struct(at)?;
    let (_, kind) = range(open, &lock)?;
    if command != FcntlCommand::GetLk {
        return check_access(open, kind).map(|()| 0);
    }
    if kind == LockType::Unlock {
        return Err(Errno::EINVAL);
    }
    cx.write_struct(at, &Flock { l_type: LockType::Unlock.raw() as i16, ..lock })?;
    Ok(0)
}

fn open_file_lock(
    cx: &Ctx<'_>,
    open: &Arc<OpenFile>,
    command: FcntlCommand,
    at: UserPtr<Flock>,
) -> Result<usize, Errno> {
    let lock: Flock = cx.read_struct(at)?;
    if lock.l_pid != 0 {
        return Err(Errno::EINVAL);
    }
    let (wanted, kind) = range(open, &lock)?;
    let (files, id) = (&cx.process().files, open.inode.metadata().id());
    if command == FcntlCommand::OfdGetLk {
        let answer = match files.locks.lock().conflict(id, wanted) {
            None => Flock { l_type: LockType::Unlock.raw() as i16, ..lock },
            Some(held) => {
                let l_len = if held.end == u64::MAX { 0 } else { (held.end - held.start).cast_signed() };
                let l_type = if held.exclusive { LockType::Write } else { LockType::Read }.raw() as i16;
                Flock { l_type, l_whence: 0, l_start: held.start.cast_signed(), l_len, l_pid: -1, ..lock }
            }
        };
        cx.write_struct(at, &answer)?;
        return Ok(0);
    }
    check_access(open, kind)?;
    if kind != LockType::Unlock {
        cx.check_memory().map_err(|_| Errno::ENOLCK)?;
    }
    open.keep_locks_in(&files.locks);
    let waits = command == FcntlCommand::OfdSetLkW;
    wait_for_lock(cx, waits, |io| files.locks.lock().set(io, id, wanted, kind)).map(|()| 0)
}

/// Tries, or waits, for a lock.
fn wait_for_lock(
    cx: &Ctx<'_>,
    waits: bool,
    mut attempt: impl FnMut(&Io<'_>) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let answer = cx.block_on(None, |waker| match attempt(&cx.io(waker)) {
        Err(Errno::EAGAIN) if waits => Err(Errno::EAGAIN),
        answer => Ok(answer),
    });
    answer.and_then(|answer| answer)
}

/// flock(2)
pub fn sys_flock(cx: &Ctx<'_>, fd: Fd, operation: FlockOp) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    let (files, id, owner) = (&cx.process().files, open.inode.metadata().id(), owner(&open));
    open.keep_locks_in(&files.locks);
    wait_for_lock(cx, !operation.nonblocking, |io| files.locks.lock().flock(io, id, owner, operation.kind))
}
