//! Memory: mmap(2), munmap(2), mprotect(2), madvise(2). Names with two underscores are what musl's own functions call, pthread_create(3) first.
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicU32, Ordering};

use kernel::syscall::mm;

use crate::door::direct;
use crate::stacks;
use crate::task::sched_yield;

/// Bytes of a page.
const PAGE: usize = 4096;

direct! {
    /// mmap(2)
    fn mmap(addr: *mut c_void, len: usize, prot: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void =
        9 => mm::sys_mmap;
    /// mmap64(3)
    fn mmap64(addr: *mut c_void, len: usize, prot: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void =
        9 => mm::sys_mmap;
    /// munmap(2)
    fn munmap(addr: *mut c_void, len: usize) -> c_int = 11 => mm::sys_munmap;
    fn mprotect_in_kernel(addr: usize, len: usize, prot: c_int) -> c_int = 10 => mm::sys_mprotect;
    /// madvise(2)
    fn madvise(addr: *mut c_void, len: usize, advice: c_int) -> c_int = 28 => mm::sys_madvise;
}

/// mprotect(2). As musl's: whole pages that hold the bytes.
#[unsafe(no_mangle)]
pub extern "C" fn mprotect(addr: *mut c_void, len: usize, prot: c_int) -> c_int {
    let start = addr.addr() & !(PAGE - 1);
    let end = addr.addr().wrapping_add(len).wrapping_add(PAGE - 1) & !(PAGE - 1);
    mprotect_in_kernel(start, end.wrapping_sub(start), prot)
}

/// mmap(2). pthread_create(3) asks for a stack with its guard this way.
#[unsafe(no_mangle)]
pub extern "C" fn __mmap(
    addr: *mut c_void,
    len: usize,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: i64,
) -> *mut c_void {
    const PROT_NONE: c_int = 0;
    const PRIVATE_ANONYMOUS: c_int = 0x22;
    if prot == PROT_NONE
        && flags == PRIVATE_ANONYMOUS
        && addr.is_null()
        && let Some(stack) = stacks::take(len)
    {
        return stack;
    }
    mmap(addr, len, prot, flags, fd, offset)
}

/// mprotect(2). What lies above the guard of a stack becomes usable this way.
#[unsafe(no_mangle)]
pub extern "C" fn __mprotect(addr: *mut c_void, len: usize, prot: c_int) -> c_int {
    const READ_WRITE: c_int = 3;
    const PROT_NONE: c_int = 0;
    match stacks::is_below(addr.addr(), len) {
        Some((_, above_guard)) if prot == READ_WRITE && above_guard == addr.addr() => 0,
        Some((start, _)) => {
            mprotect(start as *mut c_void, addr.addr() - start, PROT_NONE);
            mprotect(addr, len, prot)
        }
        None => mprotect(addr, len, prot),
    }
}

/// munmap(2), as musl's own functions call it: not while a thread is about to wake who waits for a lock in that memory.
#[unsafe(no_mangle)]
pub extern "C" fn __munmap(addr: *mut c_void, len: usize) -> c_int {
    __vm_wait();
    if stacks::keep(addr.addr(), len) { 0 } else { munmap(addr, len) }
}

/// Threads that have let go of a lock other processes may see, and have not yet woken who waits for it.
static UNLOCKING: AtomicU32 = AtomicU32::new(0);

/// musl: memory stays mapped from here on, a few instructions long.
#[unsafe(no_mangle)]
pub extern "C" fn __vm_lock() {
    UNLOCKING.fetch_add(1, Ordering::SeqCst);
}

/// musl: memory may go again.
#[unsafe(no_mangle)]
pub extern "C" fn __vm_unlock() {
    UNLOCKING.fetch_sub(1, Ordering::SeqCst);
}

/// musl: waits until memory may go.
#[unsafe(no_mangle)]
pub extern "C" fn __vm_wait() {
    while UNLOCKING.load(Ordering::SeqCst) != 0 {
        sched_yield();
    }
}
