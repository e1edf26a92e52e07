//! What one does with an open file: read(2), write(2), lseek(2), dup(2), pipe(2), sendfile(2), ftruncate(2), close(2).
//!
//! `fcntl` and `ioctl` have files of their own below.

mod copy;
mod fcntl;
mod ioctl;

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::io::FallocateMode;
use abi::prelude::*;
use logic::file::Positions;
use logic::file::open::{MOST_OFFSET, OpenFile};
use logic::fs::special::PipeInode;

use super::Ctx;
use super::buffers::{Buffers, Direction, Until, parts, transfer};

pub use copy::{sys_copy_file_range, sys_sendfile};
pub use fcntl::{sys_fcntl, sys_flock};
pub use ioctl::sys_ioctl;

/// Reads into `buffers` at the file's position.
#[inline]
fn read(cx: &Ctx<'_>, open: &OpenFile, buffers: &mut Buffers<'_>) -> Result<usize, Errno> {
    let until = if open.positions().can_be_given() { Until::Done } else { Until::Some };
    transfer(cx, open, buffers, open.is_nonblocking(), until, |io, out| open.read(io, out))
}

/// Writes from `buffers` at the file's position.
#[inline(always)]
fn write(cx: &Ctx<'_>, open: &OpenFile, buffers: &mut Buffers<'_>) -> Result<usize, Errno> {
    transfer(cx, open, buffers, open.is_nonblocking(), Until::Done, |io, from| open.write(io, from))
        .map_err(|errno| failed(cx, open, errno))
}

/// Sends the signal that goes with an error of a write: SIGPIPE without a reader, SIGXFSZ for a file that would become larger than the
/// caller may make it (signal(7)). Messages have no readers.
#[cold]
fn failed(cx: &Ctx<'_>, open: &OpenFile, errno: Errno) -> Errno {
    match errno {
        Errno::EPIPE if !open.keeps_records() => super::signal::broken_pipe(cx),
        Errno::EFBIG if cx.process().file_size_limit() < MOST_OFFSET => super::signal::too_large(cx),
        _ => {}
    }
    errno
}

/// Reads into `buffers` at `offset`.
#[inline]
fn read_at(cx: &Ctx<'_>, open: &OpenFile, buffers: &mut Buffers<'_>, offset: u64) -> Result<usize, Errno> {
    let whole = buffers.left();
    transfer(cx, open, buffers, open.is_nonblocking(), Until::Done, |io, out| {
        let done = whole - out.left();
        open.read_at(io, offset + done as u64, out)
    })
}

/// Writes from `buffers` at `offset`.
#[inline]
fn write_at(cx: &Ctx<'_>, open: &OpenFile, buffers: &mut Buffers<'_>, offset: u64) -> Result<usize, Errno> {
    let whole = buffers.left();
    transfer(cx, open, buffers, open.is_nonblocking(), Until::Done, |io, from| {
        let done = whole - from.left();
        open.write_at(io, offset + done as u64, from)
    })
    .map_err(|errno| failed(cx, open, errno))
}

/// A position in a file; negative ones are `EINVAL`.
fn position(offset: i64) -> Result<u64, Errno> {
    u64::try_from(offset).map_err(|_| Errno::EINVAL)
}

/// read(2)
#[inline(always)]
pub fn sys_read(cx: &Ctx<'_>, fd: Fd, buf: UserPtr<u8>, count: usize) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    read(cx, &open, &mut Buffers::one(buf, count, Direction::In))
}

/// write(2)
#[inline(always)]
pub fn sys_write(cx: &Ctx<'_>, fd: Fd, buf: UserPtr<u8>, count: usize) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    write(cx, &open, &mut Buffers::one(buf, count, Direction::Out))
}

/// readv(2)
pub fn sys_readv(cx: &Ctx<'_>, fd: Fd, iov: UserPtr<IoVec>, count: usize) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    open.check_read()?;
    read(cx, &open, &mut Buffers::many(&parts(cx, iov, count)?, Direction::In))
}

/// writev(2)
pub fn sys_writev(cx: &Ctx<'_>, fd: Fd, iov: UserPtr<IoVec>, count: usize) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    open.check_write()?;
    write(cx, &open, &mut Buffers::many(&parts(cx, iov, count)?, Direction::Out))
}

/// pread(2)
#[inline(always)]
pub fn sys_pread64(
    cx: &Ctx<'_>,
    fd: Fd,
    buf: UserPtr<u8>,
    count: usize,
    offset: i64,
) -> Result<usize, Errno> {
    let offset = position(offset)?;
    read_at(cx, &*cx.file(fd)?, &mut Buffers::one(buf, count, Direction::In), offset)
}

/// pwrite(2)
#[inline(always)]
pub fn sys_pwrite64(
    cx: &Ctx<'_>,
    fd: Fd,
    buf: UserPtr<u8>,
    count: usize,
    offset: i64,
) -> Result<usize, Errno> {
    let offset = position(offset)?;
    write_at(cx, &*cx.file(fd)?, &mut Buffers::one(buf, count, Direction::Out), offset)
}

/// preadv(2)
pub fn sys_preadv(
    cx: &Ctx<'_>,
    fd: Fd,
    iov: UserPtr<IoVec>,
    count: usize,
    offset: i64,
    _offset_high: usize,
) -> Result<usize, Errno> {
    let offset = position(offset)?;
    let open = cx.file(fd)?;
    read_at(cx, &open, &mut Buffers::many(&parts(cx, iov, count)?, Direction::In), offset)
}

/// pwritev(2)
pub fn sys_pwritev(
    cx: &Ctx<'_>,
    fd: Fd,
    iov: UserPtr<IoVec>,
    count: usize,
    offset: i64,
    _offset_high: usize,
) -> Result<usize, Errno> {
    let offset = position(offset)?;
    let open = cx.file(fd)?;
    write_at(cx, &open, &mut Buffers::many(&parts(cx, iov, count)?, Direction::Out), offset)
}

/// Flags of preadv2(2) that need nothing done: everything is in memory, so it is as durable as it gets.
const PASSED_OVER: RwFlags = RwFlags::HIPRI.union(RwFlags::DSYNC).union(RwFlags::SYNC);

/// preadv2(2): offset -1 means the file's position.
pub fn sys_preadv2(
    cx: &Ctx<'_>,
    fd: Fd,
    iov: UserPtr<IoVec>,
    count: usize,
    offset: i64,
    _offset_high: usize,
    flags: RwFlags,
) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    let parts = parts(cx, iov, count)?;
    let mut buffers = Buffers::many(&parts, Direction::In);
    if !PASSED_OVER.union(RwFlags::NOWAIT).contains(flags) {
        return Err(Errno::EOPNOTSUPP);
    }
    let nonblocking = open.is_nonblocking() || flags.contains(RwFlags::NOWAIT);
    if offset == -1 {
        return transfer(cx, &open, &mut buffers, nonblocking, Until::Some, |io, out| open.read(io, out));
    }
    read_at(cx, &open, &mut buffers, position(offset)?)
}

/// pwritev2(2): offset -1 means the file's position.
pub fn sys_pwritev2(
    cx: &Ctx<'_>,
    fd: Fd,
    iov: UserPtr<IoVec>,
    count: usize,
    offset: i64,
    _offset_high: usize,
    flags: RwFlags,
) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    open.check_write()?;
    let parts = parts(cx, iov, count)?;
    let mut buffers = Buffers::many(&parts, Direction::Out);
    if !PASSED_OVER.union(RwFlags::APPEND).contains(flags) {
        return Err(Errno::EOPNOTSUPP);
    }
    if flags.contains(RwFlags::APPEND) {
        return transfer(cx, &open, &mut buffers, true, Until::Done, |io, from| {
            open.file.append(io, from).map(|(_, n)| n)
        });
    }
    if offset == -1 {
        write(cx, &open, &mut buffers)
    } else {
        write_at(cx, &open, &mut buffers, position(offset)?)
    }
}

/// lseek(2)
pub fn sys_lseek(cx: &Ctx<'_>, fd: Fd, offset: i64, whence: Late<Whence>) -> Result<u64, Errno> {
    let open = cx.file(fd)?;
    open.seek(offset, whence?)
}

/// close(2)
pub fn sys_close(cx: &Ctx<'_>, fd: Fd) -> Result<(), Errno> {
    let closed = cx.process().files.table.lock().remove(fd)?;
    // Its last reference may do work: outside the lock.
    drop(closed);
    Ok(())
}

/// close_range(2)
pub fn sys_close_range(cx: &Ctx<'_>, first: u32, last: u32, flags: CloseRangeFlags) -> Result<(), Errno> {
    if first > last {
        return Err(Errno::EINVAL);
    }
    let table = &cx.process().files.table;
    if flags.contains(CloseRangeFlags::CLOEXEC) {
        table.lock().mark_range(first, last);
    } else {
        let closed = table.lock().remove_range(first, last);
        drop(closed);
    }
    Ok(())
}

/// dup(2)
pub fn sys_dup(cx: &Ctx<'_>, fd: Fd) -> Result<Fd, Errno> {
    let open = Arc::clone(&*cx.file(fd)?);
    cx.process().files.table.lock().insert(open, false, 0)
}

fn dup_to(cx: &Ctx<'_>, fd: Fd, new_fd: Fd, close_on_exec: bool) -> Result<Fd, Errno> {
    let open = Arc::clone(&*cx.file(fd)?);
    let replaced = cx.process().files.table.lock().replace(new_fd, open, close_on_exec)?;
    drop(replaced);
    Ok(new_fd)
}

/// dup2(2): onto itself changes nothing.
pub fn sys_dup2(cx: &Ctx<'_>, fd: Fd, new_fd: Fd) -> Result<Fd, Errno> {
    if fd == new_fd {
        return cx.file(fd).map(|_| fd);
    }
    dup_to(cx, fd, new_fd, false)
}

/// dup3(2): onto itself is `EINVAL`.
pub fn sys_dup3(cx: &Ctx<'_>, fd: Fd, new_fd: Fd, flags: DupFlags) -> Result<Fd, Errno> {
    if fd == new_fd {
        return Err(Errno::EINVAL);
    }
    dup_to(cx, fd, new_fd, flags.contains(DupFlags::CLOEXEC))
}

/// pipe(2)
pub fn sys_pipe(cx: &Ctx<'_>, fds: UserPtr<[i32; 2]>) -> Result<(), Errno> {
    sys_pipe2(cx, fds, PipeFlags::empty())
}

/// pipe2(2)
pub fn sys_pipe2(cx: &Ctx<'_>, fds: UserPtr<[i32; 2]>, flags: PipeFlags) -> Result<(), Errno> {
    if flags.intersects(PipeFlags::DIRECT | PipeFlags::NOTIFICATION) {
        return Err(Errno::EINVAL);
    }
    cx.check_memory()?;
    let files = &cx.process().files;
    let inode = Arc::new(PipeInode::new(files.next_pipe(), cx.wall_time()));
    let status = OpenFlags::from_bits_retain(flags.bits()) & OpenFlags::NONBLOCK;
    let close_on_exec = flags.contains(PipeFlags::CLOEXEC);
    let end = |access: OpenFlags| -> Result<Fd, Errno> {
        let flags = access | status;
        let file = logic::fs::special::open_fifo(inode.pipe(), flags.difference(OpenFlags::NONBLOCK))?;
        let open = OpenFile::new(file, Arc::clone(&inode) as _, flags);
        files.table.lock().insert(open, close_on_exec, 0)
    };
    let reader = end(OpenFlags::empty())?;
    let made = end(OpenFlags::WRONLY).and_then(|writer| {
        let told = cx.write_struct(fds, &[reader.0, writer.0]);
        told.inspect_err(|_| drop(files.table.lock().remove(writer)))
    });
    made.inspect_err(|_| drop(files.table.lock().remove(reader)))
}

/// ftruncate(2)
pub fn sys_ftruncate(cx: &Ctx<'_>, fd: Fd, len: i64) -> Result<(), Errno> {
    let size = position(len)?;
    let open = cx.file(fd)?;
    open.check_not_path()?;
    open.check_write().map_err(|_| Errno::EINVAL)?;
    open.file.truncate(&cx.io(None), size).map_err(|errno| failed(cx, &open, errno))
}

/// truncate(2)
pub fn sys_truncate(cx: &Ctx<'_>, path: UserPtr<u8>, len: i64) -> Result<(), Errno> {
    let size = position(len)?;
    let open = super::fs::open_path(cx, path, OpenFlags::WRONLY)?;
    open.file.truncate(&cx.io(None), size).map_err(|errno| failed(cx, &open, errno))
}

/// fallocate(2)
pub fn sys_fallocate(cx: &Ctx<'_>, fd: Fd, mode: FallocateMode, offset: i64, len: i64) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    let (offset, length) = (position(offset)?, position(len)?);
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    if !FallocateMode::all().contains(mode) {
        return Err(Errno::EOPNOTSUPP);
    }
    open.check_write()?;
    match open.inode.metadata().kind {
        abi::fs::FileType::Fifo => Err(Errno::ESPIPE),
        _ => open.file.allocate(&cx.io(None), mode, offset, length).map_err(|errno| failed(cx, &open, errno)),
    }
}

/// fsync(2): memory is all there is, so it is safe already. Pipes and devices cannot be: `EINVAL`.
pub fn sys_fsync(cx: &Ctx<'_>, fd: Fd) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    if open.positions() == Positions::Kept { Ok(()) } else { Err(Errno::EINVAL) }
}

/// fdatasync(2)
pub fn sys_fdatasync(cx: &Ctx<'_>, fd: Fd) -> Result<(), Errno> {
    sys_fsync(cx, fd)
}

/// sync(2)
pub fn sys_sync(_cx: &Ctx<'_>) -> Result<(), Errno> {
    Ok(())
}

/// syncfs(2)
pub fn sys_syncfs(cx: &Ctx<'_>, fd: Fd) -> Result<(), Errno> {
    cx.file(fd)?.check_not_path()
}

/// sync_file_range(2)
pub fn sys_sync_file_range(
    cx: &Ctx<'_>,
    fd: Fd,
    offset: i64,
    len: i64,
    flags: Late<SyncRangeFlags>,
) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    flags?;
    let end = position(offset)?.checked_add(position(len)?).filter(|&end| i64::try_from(end).is_ok());
    end.ok_or(Errno::EINVAL)?;
    if open.positions() == Positions::Kept { Ok(()) } else { Err(Errno::ESPIPE) }
}

/// posix_fadvise(2): advice, which memory does not need.
pub fn sys_fadvise64(
    cx: &Ctx<'_>,
    fd: Fd,
    _offset: i64,
    len: usize,
    advice: Late<FileAdvice>,
) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    open.check_not_path()?;
    if open.inode.metadata().kind == abi::fs::FileType::Fifo {
        return Err(Errno::ESPIPE);
    }
    if isize::try_from(len).is_err() {
        return Err(Errno::EINVAL);
    }
    advice.map(|_| ())
}
