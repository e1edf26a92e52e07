//! C's way of failing: -1 and `errno`. The only place that writes `errno`.
#![expect(unsafe_code, reason = "errno is musl's thread-local variable")]

use core::ffi::{c_int, c_long};

unsafe extern "C" {
    /// Address of the calling thread's `errno`, in musl's thread block.
    fn __errno_location() -> *mut c_int;
}

/// Turns a system call's answer that is an error (minus an errno) into C's.
pub(crate) extern "C" fn failed(answer: i64) -> c_long {
    // SAFETY: musl gives every thread its own errno; the thread runs, so it exists.
    let errno = unsafe { __errno_location() };
    let value = c_int::try_from(-answer).unwrap_or(c_int::MAX);
    // SAFETY: as above; no other thread touches it.
    unsafe { errno.write(value) };
    -1
}
