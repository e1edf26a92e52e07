//! C's way of failing: -1 and `errno`. The only place that writes `errno`.
#![expect(unsafe_code, reason = "errno is musl's thread-local variable")]

use core::ffi::{c_int, c_long};

unsafe extern "C" {
    /// Address of the calling thread's `errno`, in musl's thread block.
    fn __errno_location() -> *mut c_int;
}

/// Turns a system call's answer (a value, or minus an errno from -4095 to -1) into C's.
pub(crate) fn ret(answer: i64) -> c_long {
    if (-4095..0).contains(&answer) {
        // SAFETY: musl gives every thread its own errno; the thread runs, so it exists.
        let errno = unsafe { __errno_location() };
        let value = c_int::try_from(-answer).unwrap_or(c_int::MAX);
        // SAFETY: as above; no other thread touches it.
        unsafe { errno.write(value) };
        return -1;
    }
    answer
}
