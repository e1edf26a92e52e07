//! `sched_yield` and `getpid`: sched_yield(2), getpid(2).
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::c_int;

use kernel::process::PID;
use kernel::syscall::{is_traced, task};

use crate::door::direct;

direct! {
    /// sched_yield(2)
    fn sched_yield() -> c_int = 24 => task::sys_sched_yield;
    fn getpid_in_kernel() -> c_int = 39 => task::sys_getpid;
}

/// getpid(2): there is one process.
#[unsafe(no_mangle)]
pub extern "C" fn getpid() -> c_int {
    if is_traced() { getpid_in_kernel() } else { PID.cast_signed() }
}
