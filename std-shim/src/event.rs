//! Readiness: poll(2), epoll(7), eventfd(2), timerfd_create(2).
//!
//! Each of musl's object files is here as a whole or not at all: one of its functions that is missed would bring in the others again.
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_int, c_uint, c_void};

use abi::prelude::SigSet;
use kernel::syscall::{epoll, event, poll as polling};

use crate::door::direct;
use crate::io::{read, write};

direct! {
    /// poll(2)
    fn poll(fds: *mut c_void, count: usize, timeout: c_int) -> c_int = 7 => polling::sys_poll;
    fn ppoll_in_kernel(fds: *mut c_void, count: usize, timeout: *const c_void, mask: *const c_void, set_size: usize) -> c_int =
        271 => polling::sys_ppoll;
    /// epoll_create(2)
    fn epoll_create(size: c_int) -> c_int = 213 => epoll::sys_epoll_create;
    /// epoll_create1(2)
    fn epoll_create1(flags: c_int) -> c_int = 291 => epoll::sys_epoll_create1;
    /// epoll_ctl(2)
    fn epoll_ctl(epfd: c_int, op: c_int, fd: c_int, event: *mut c_void) -> c_int = 233 => epoll::sys_epoll_ctl;
    /// epoll_wait(2)
    fn epoll_wait(epfd: c_int, events: *mut c_void, most: c_int, timeout: c_int) -> c_int =
        232 => epoll::sys_epoll_wait;
    fn epoll_pwait_in_kernel(epfd: c_int, events: *mut c_void, most: c_int, timeout: c_int, mask: *const c_void, set_size: usize)
        -> c_int = 281 => epoll::sys_epoll_pwait;
    /// eventfd(2)
    fn eventfd(initial: c_uint, flags: c_int) -> c_int = 290 => event::sys_eventfd2;
    /// timerfd_create(2)
    fn timerfd_create(clock: c_int, flags: c_int) -> c_int = 283 => event::sys_timerfd_create;
    /// timerfd_settime(2)
    fn timerfd_settime(fd: c_int, flags: c_int, new: *const c_void, old: *mut c_void) -> c_int =
        286 => event::sys_timerfd_settime;
    /// timerfd_gettime(2)
    fn timerfd_gettime(fd: c_int, value: *mut c_void) -> c_int = 287 => event::sys_timerfd_gettime;
}

/// ppoll(2)
#[unsafe(no_mangle)]
pub extern "C" fn ppoll(
    fds: *mut c_void,
    count: usize,
    timeout: *const c_void,
    mask: *const c_void,
) -> c_int {
    ppoll_in_kernel(fds, count, timeout, mask, size_of::<SigSet>())
}

/// epoll_pwait(2)
#[unsafe(no_mangle)]
pub extern "C" fn epoll_pwait(
    epfd: c_int,
    events: *mut c_void,
    most: c_int,
    timeout: c_int,
    mask: *const c_void,
) -> c_int {
    epoll_pwait_in_kernel(epfd, events, most, timeout, mask, size_of::<SigSet>())
}

/// What is said about an eventfd's number: whether all of it was moved.
fn moved(count: isize) -> c_int {
    if count == size_of::<u64>().cast_signed() { 0 } else { -1 }
}

/// eventfd_read(3)
#[unsafe(no_mangle)]
pub extern "C" fn eventfd_read(fd: c_int, number: *mut u64) -> c_int {
    moved(read(fd, number.cast(), size_of::<u64>()))
}

/// eventfd_write(3)
#[unsafe(no_mangle)]
pub extern "C" fn eventfd_write(fd: c_int, number: u64) -> c_int {
    moved(write(fd, (&raw const number).cast(), size_of::<u64>()))
}
