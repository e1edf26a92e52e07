//! From file to file without a buffer of the program: sendfile(2), copy_file_range(2).

use alloc::vec::Vec;

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags};
use abi::io::MAX_RW_COUNT;
use abi::prelude::*;
use logic::file::Io;
use logic::file::io::{SliceSource, VecSink};
use logic::file::open::OpenFile;

use super::super::Ctx;
use super::super::buffers::{Direction, patience};
use super::{failed, position};

/// Bytes copied at a time.
const STEP: usize = 64 * 1024;

/// Reads up to `count` bytes at `offset`.
fn read_some(cx: &Ctx<'_>, from: &OpenFile, offset: u64, count: usize) -> Result<Vec<u8>, Errno> {
    let mut sink = VecSink::new(count.min(STEP));
    from.file.read_at(&cx.io(None), offset, &mut sink)?;
    Ok(sink.bytes)
}

/// Writes all of `bytes`, as far as it goes, at `offset` or at the file's position.
fn write_all(cx: &Ctx<'_>, to: &OpenFile, offset: Option<u64>, bytes: &[u8]) -> Result<usize, Errno> {
    let mut source = SliceSource(bytes);
    loop {
        let done = bytes.len() - source.0.len();
        let mut write = |io: &Io<'_>| match offset {
            Some(offset) => to.write_at(io, offset + done as u64, &mut source),
            None => to.write(io, &mut source),
        };
        let answer = if to.is_nonblocking() {
            write(&cx.io(None))
        } else {
            cx.block_for(patience(to, Direction::Out), write)
        };
        match answer {
            Err(errno) if done == 0 => return Err(errno),
            Err(_) | Ok(0) => return Ok(done),
            Ok(count) if done + count == bytes.len() => return Ok(bytes.len()),
            Ok(_) => {}
        }
    }
}

/// Copies up to `count` bytes from `start` on; answers how many. `to_offset`: where to, else at the file's position.
fn copy(
    cx: &Ctx<'_>,
    from: &OpenFile,
    start: u64,
    to: &OpenFile,
    to_offset: Option<u64>,
    count: usize,
) -> Result<usize, Errno> {
    let count = count.min(MAX_RW_COUNT);
    let mut done = 0;
    while done < count {
        let step = read_some(cx, from, start + done as u64, count - done).and_then(|bytes| {
            let written = if bytes.is_empty() {
                0
            } else {
                write_all(cx, to, to_offset.map(|at| at + done as u64), &bytes)?
            };
            Ok((written, written == bytes.len() && written > 0))
        });
        match step {
            Err(errno) if done == 0 => return Err(failed(cx, to, errno)),
            Err(_) => break,
            Ok((written, goes_on)) => {
                done += written;
                if !goes_on {
                    break;
                }
            }
        }
    }
    Ok(done)
}

/// sendfile(2)
pub fn sys_sendfile(
    cx: &Ctx<'_>,
    out_fd: Fd,
    in_fd: Fd,
    offset: UserPtr<i64>,
    count: usize,
) -> Result<usize, Errno> {
    let given = offset.non_null().map(|offset| cx.read_struct(offset)).transpose()?;
    let from = cx.file(in_fd)?;
    from.check_read()?;
    let to = cx.file(out_fd)?;
    to.check_write()?;
    if !from.positions().can_be_given() {
        return Err(if given.is_some() { Errno::ESPIPE } else { Errno::EINVAL });
    }
    if to.flags().contains(OpenFlags::APPEND) {
        return Err(Errno::EINVAL);
    }
    let start = given.map_or(Ok(from.position()), position)?;
    let done = copy(cx, &from, start, &to, None, count)?;
    let end = start + done as u64;
    match offset.non_null() {
        Some(offset) => cx.write_struct(offset, &end.cast_signed())?,
        None => from.set_position(end),
    }
    Ok(done)
}

/// copy_file_range(2)
pub fn sys_copy_file_range(
    cx: &Ctx<'_>,
    in_fd: Fd,
    in_offset: UserPtr<i64>,
    out_fd: Fd,
    out_offset: UserPtr<i64>,
    count: usize,
    flags: u32,
) -> Result<usize, Errno> {
    let (from, to) = (cx.file(in_fd)?, cx.file(out_fd)?);
    let read = |at: UserPtr<i64>, open: &OpenFile| match at.non_null() {
        Some(at) => position(cx.read_struct(at)?),
        None => Ok(open.position()),
    };
    let (start, target) = (read(in_offset, &from)?, read(out_offset, &to)?);
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let kinds = [from.inode.metadata(), to.inode.metadata()];
    if kinds.iter().any(|metadata| metadata.kind == FileType::Directory) {
        return Err(Errno::EISDIR);
    }
    if kinds.iter().any(|metadata| metadata.kind != FileType::Regular) {
        return Err(Errno::EINVAL);
    }
    from.check_read()?;
    to.check_write()?;
    if to.flags().contains(OpenFlags::APPEND) {
        return Err(Errno::EBADF);
    }
    let reach = count.min(MAX_RW_COUNT) as u64;
    if kinds[0].id() == kinds[1].id() && start < target + reach && target < start + reach {
        return Err(Errno::EINVAL);
    }
    let done = copy(cx, &from, start, &to, Some(target), count)?;
    for (at, open, begin) in [(in_offset, &from, start), (out_offset, &to, target)] {
        let end = begin + done as u64;
        match at.non_null() {
            Some(at) => cx.write_struct(at, &end.cast_signed())?,
            None => open.set_position(end),
        }
    }
    Ok(done)
}
