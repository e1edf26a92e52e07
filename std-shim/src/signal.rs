//! Signal masks around musl's own work, and alternate stacks: sigprocmask(2), sigaltstack(2).
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_int, c_void};
use core::ptr;

use abi::errno::Errno;
use abi::prelude::*;
use abi::signal::{MINSIGSTKSZ, SsFlags};
use kernel::syscall::signal;

use crate::door::direct;
use crate::errno;

const SIG_BLOCK: c_int = 0;
const SIG_SETMASK: c_int = 2;

/// Every signal.
static ALL: u64 = u64::MAX;
/// All but 32 to 34, which musl keeps for itself.
static ALL_OF_THE_PROGRAM: u64 = 0xffff_fffc_7fff_ffff;

direct! {
    fn sigprocmask_in_kernel(how: c_int, set: *const c_void, old: *mut c_void, set_size: usize) -> c_int =
        14 => signal::sys_rt_sigprocmask;
    fn sigaltstack_in_kernel(stack: *const c_void, old: *mut c_void) -> c_int = 131 => signal::sys_sigaltstack;
}

/// What musl's functions call that must not be interrupted by any signal; the mask from before goes to `old`.
#[unsafe(no_mangle)]
pub extern "C" fn __block_all_sigs(old: *mut c_void) {
    sigprocmask_in_kernel(SIG_BLOCK, (&raw const ALL).cast(), old, size_of::<SigSet>());
}

/// The same for the program's signals only.
#[unsafe(no_mangle)]
pub extern "C" fn __block_app_sigs(old: *mut c_void) {
    sigprocmask_in_kernel(SIG_BLOCK, (&raw const ALL_OF_THE_PROGRAM).cast(), old, size_of::<SigSet>());
}

/// The mask from before comes back.
#[unsafe(no_mangle)]
pub extern "C" fn __restore_sigs(old: *const c_void) {
    sigprocmask_in_kernel(SIG_SETMASK, old, ptr::null_mut(), size_of::<SigSet>());
}

/// sigaltstack(2). As musl's: `SS_ONSTACK` is nothing that can be asked for.
#[unsafe(no_mangle)]
pub extern "C" fn sigaltstack(stack: *const c_void, old: *mut c_void) -> c_int {
    if !stack.is_null() {
        // SAFETY: C's promise; a wild pointer faults here, as in musl's function.
        let asked = unsafe { stack.cast::<SigStack>().read_unaligned() };
        let is_disabled = asked.ss_flags & SsFlags::DISABLE.bits() != 0;
        if !is_disabled && asked.ss_size < MINSIGSTKSZ {
            return errno::failed(-i64::from(Errno::ENOMEM.raw())) as c_int;
        }
        if asked.ss_flags & SsFlags::ONSTACK.bits() != 0 {
            return errno::failed(-i64::from(Errno::EINVAL.raw())) as c_int;
        }
    }
    sigaltstack_in_kernel(stack, old)
}
