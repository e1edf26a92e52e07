//! Options of sockets: setsockopt(2), getsockopt(2). What they mean is `logic::net::options`' business.

use alloc::vec;

use abi::errno::Errno;
use abi::prelude::*;
use logic::net::options;

use super::super::Ctx;
use super::socket_of;

/// Most bytes of a value that are looked at: more than any option has.
const MOST_BYTES: usize = 1024;

/// A length as Linux takes it: an `int` that is not negative.
fn length(word: u32) -> Result<usize, Errno> {
    usize::try_from(word.cast_signed()).map_err(|_| Errno::EINVAL)
}

/// setsockopt(2)
pub fn sys_setsockopt(
    cx: &Ctx<'_>,
    fd: Fd,
    level: i32,
    option: i32,
    value: UserPtr<u8>,
    len: u32,
) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    let mut bytes = vec![0; length(len)?.min(MOST_BYTES)];
    cx.read_bytes(value, &mut bytes)?;
    options::set(socket, &cx.io(None), level, option, &bytes)
}

/// getsockopt(2)
pub fn sys_getsockopt(
    cx: &Ctx<'_>,
    fd: Fd,
    level: i32,
    option: i32,
    value: UserPtr<u8>,
    len: UserPtr<u32>,
) -> Result<(), Errno> {
    let open = cx.file(fd)?;
    let socket = socket_of(&open)?;
    let room = length(cx.read_struct(len)?)?;
    let bytes = options::get(socket, level, option)?;
    let count = bytes.len().min(room);
    cx.write_bytes(value, &bytes[..count])?;
    cx.write_struct(len, &u32::try_from(count).unwrap_or(0))
}
