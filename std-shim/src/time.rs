//! `clock_gettime` and `nanosleep`: clock_gettime(2), nanosleep(2).
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_int, c_void};

use abi::prelude::*;
use abi::time::NS_PER_SEC;
use kernel::syscall::{is_traced, time};
use kernel::time::{now, realtime};

use crate::door::direct;

direct! {
    fn clock_gettime_in_kernel(clock: c_int, time: *mut c_void) -> c_int = 228 => time::sys_clock_gettime;
    /// nanosleep(2)
    fn nanosleep(request: *const c_void, remain: *mut c_void) -> c_int = 35 => time::sys_nanosleep;
}

/// clock_gettime(2). The clocks that are a counter and a line are read where the program stands, as with Linux's vDSO.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".shimtext.clock_gettime")]
pub extern "C" fn clock_gettime(clock: c_int, time: *mut c_void) -> c_int {
    let ns = match ClockId(clock) {
        _ if is_traced() => return clock_gettime_in_kernel(clock, time),
        ClockId::MONOTONIC | ClockId::MONOTONIC_RAW | ClockId::MONOTONIC_COARSE | ClockId::BOOTTIME => now(),
        ClockId::REALTIME | ClockId::REALTIME_COARSE => realtime(),
        _ => return clock_gettime_in_kernel(clock, time),
    };
    let spec = Timespec { tv_sec: (ns / NS_PER_SEC).cast_signed(), tv_nsec: (ns % NS_PER_SEC).cast_signed() };
    // SAFETY: the caller's memory; a wild pointer faults here, in code that counts as the program's.
    unsafe { time.cast::<Timespec>().write_unaligned(spec) };
    0
}
