//! `sched_yield` and `getpid`: sched_yield(2), getpid(2).

use core::ffi::c_int;

use kernel::syscall::task;

use crate::door::direct;

direct! {
    /// sched_yield(2)
    fn sched_yield() -> c_int = 24, |cx| task::sys_sched_yield(cx);
    /// getpid(2)
    fn getpid() -> c_int = 39, |cx| task::sys_getpid(cx);
}
