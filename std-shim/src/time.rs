//! `clock_gettime`: clock_gettime(2).

use core::ffi::{c_int, c_void};

use abi::prelude::*;
use abi::reg::FromReg as _;
use kernel::syscall::time;

use crate::door::{Word, direct};

direct! {
    /// clock_gettime(2)
    fn clock_gettime(clock: c_int, time: *mut c_void) -> c_int =
        228, |cx| time::sys_clock_gettime(cx, ClockId::from_reg(Word::to_word(clock))?, UserPtr::new(time.addr()));
}
