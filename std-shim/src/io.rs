//! `read` and its relatives, and what is done with a descriptor: read(2), readv(2), pread(2), lseek(2), close(2).
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_int, c_void};

use kernel::syscall::io;

use crate::check::same_as_libc;
use crate::door::direct;

direct! {
    /// read(2)
    fn read(fd: c_int, buf: *mut c_void, count: usize) -> isize = 0 => io::sys_read;
    /// write(2)
    fn write(fd: c_int, buf: *const c_void, count: usize) -> isize = 1 => io::sys_write;
    /// close(2)
    fn close(fd: c_int) -> c_int = 3 => io::sys_close;
    /// lseek(2)
    fn lseek(fd: c_int, offset: i64, whence: c_int) -> i64 = 8 => io::sys_lseek;
    /// lseek64(3)
    fn lseek64(fd: c_int, offset: i64, whence: c_int) -> i64 = 8 => io::sys_lseek;
    /// pread(2)
    fn pread(fd: c_int, buf: *mut c_void, count: usize, offset: i64) -> isize = 17 => io::sys_pread64;
    /// pread64(2)
    fn pread64(fd: c_int, buf: *mut c_void, count: usize, offset: i64) -> isize = 17 => io::sys_pread64;
    /// pwrite(2)
    fn pwrite(fd: c_int, buf: *const c_void, count: usize, offset: i64) -> isize = 18 => io::sys_pwrite64;
    /// pwrite64(2)
    fn pwrite64(fd: c_int, buf: *const c_void, count: usize, offset: i64) -> isize = 18 => io::sys_pwrite64;
    /// readv(2)
    fn readv(fd: c_int, iov: *const c_void, count: c_int) -> isize = 19 => io::sys_readv;
    /// writev(2)
    fn writev(fd: c_int, iov: *const c_void, count: c_int) -> isize = 20 => io::sys_writev;
}

same_as_libc! {
    read: extern "C" fn(c_int, *mut c_void, usize) -> isize;
    write: extern "C" fn(c_int, *const c_void, usize) -> isize;
}
