//! Opening files and looking at them: open(2), fstat(2).
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_char, c_int, c_void};

use kernel::syscall::fs;

use crate::door::direct;

// `mode` is one of C's variable arguments, which come like any others; without `O_CREAT` nobody looks at it.
direct! {
    /// open(2)
    fn open(path: *const c_char, flags: c_int, mode: u32) -> c_int = 2 => fs::sys_open;
    /// open64(3)
    fn open64(path: *const c_char, flags: c_int, mode: u32) -> c_int = 2 => fs::sys_open;
    /// fstat(2)
    fn fstat(fd: c_int, stat: *mut c_void) -> c_int = 5 => fs::sys_fstat;
    /// fstat64(3)
    fn fstat64(fd: c_int, stat: *mut c_void) -> c_int = 5 => fs::sys_fstat;
    /// openat(2)
    fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: u32) -> c_int = 257 => fs::sys_openat;
    /// openat64(3)
    fn openat64(dir: c_int, path: *const c_char, flags: c_int, mode: u32) -> c_int = 257 => fs::sys_openat;
}
