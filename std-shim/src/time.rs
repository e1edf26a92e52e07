//! `clock_gettime`: clock_gettime(2).

use core::ffi::{c_int, c_void};

use abi::prelude::*;
use abi::reg::FromReg as _;
use kernel::syscall::time;

use crate::door::direct;

direct! {
    /// clock_gettime(2)
    fn clock_gettime(clock: c_int, time: *mut c_void) -> c_int =
        |cx| time::sys_clock_gettime(cx, ClockId::from_reg(clock as u64)?, UserPtr::new(time.addr()));
}
