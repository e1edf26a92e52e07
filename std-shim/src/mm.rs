//! Memory: mmap(2), munmap(2), madvise(2). `mprotect` is musl's, which rounds the address down.
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_int, c_void};

use kernel::syscall::mm;

use crate::door::direct;

direct! {
    /// mmap(2)
    fn mmap(addr: *mut c_void, len: usize, prot: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void =
        9 => mm::sys_mmap;
    /// mmap64(3)
    fn mmap64(addr: *mut c_void, len: usize, prot: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void =
        9 => mm::sys_mmap;
    /// munmap(2)
    fn munmap(addr: *mut c_void, len: usize) -> c_int = 11 => mm::sys_munmap;
    /// madvise(2)
    fn madvise(addr: *mut c_void, len: usize, advice: c_int) -> c_int = 28 => mm::sys_madvise;
}
