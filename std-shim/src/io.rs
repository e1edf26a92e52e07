//! `read` and its relatives: read(2), readv(2), pread(2).

use core::ffi::{c_int, c_void};

use abi::prelude::*;
use kernel::syscall::io;

use crate::check::same_as_libc;
use crate::door::direct;

/// A C pointer as the claim about program memory that handlers take.
fn user<T>(pointer: *const c_void) -> UserPtr<T> {
    UserPtr::new(pointer.addr())
}

direct! {
    /// read(2)
    fn read(fd: c_int, buf: *mut c_void, count: usize) -> isize = 0, |cx| io::sys_read(cx, Fd(fd), user(buf), count);
    /// write(2)
    fn write(fd: c_int, buf: *const c_void, count: usize) -> isize = 1, |cx| io::sys_write(cx, Fd(fd), user(buf), count);
    /// pread(2)
    fn pread(fd: c_int, buf: *mut c_void, count: usize, offset: i64) -> isize = 17,
        |cx| io::sys_pread64(cx, Fd(fd), user(buf), count, offset);
    /// pwrite(2)
    fn pwrite(fd: c_int, buf: *const c_void, count: usize, offset: i64) -> isize = 18,
        |cx| io::sys_pwrite64(cx, Fd(fd), user(buf), count, offset);
    /// readv(2)
    fn readv(fd: c_int, iov: *const c_void, count: c_int) -> isize = 19,
        |cx| io::sys_readv(cx, Fd(fd), user(iov), vector_length(count)?);
    /// writev(2)
    fn writev(fd: c_int, iov: *const c_void, count: c_int) -> isize = 20,
        |cx| io::sys_writev(cx, Fd(fd), user(iov), vector_length(count)?);
}

/// A C `int` count of vector entries; the kernel refuses what is too long.
fn vector_length(count: c_int) -> Result<usize, abi::errno::Errno> {
    usize::try_from(count).map_err(|_| abi::errno::Errno::EINVAL)
}

same_as_libc! {
    read: extern "C" fn(c_int, *mut c_void, usize) -> isize;
    write: extern "C" fn(c_int, *const c_void, usize) -> isize;
}
