//! `getrandom`: getrandom(2).
#![expect(unsafe_code, reason = "the symbol is the interface")]

use core::ffi::c_void;

use kernel::syscall::sys;

use crate::door::direct;

direct! {
    /// getrandom(2)
    fn getrandom(buf: *mut c_void, count: usize, flags: u32) -> isize = 318 => sys::sys_getrandom;
}
