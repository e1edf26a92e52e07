//! Signal masks around musl's own work, and alternate stacks: sigprocmask(2), sigaltstack(2).
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::ptr;

use abi::errno::Errno;
use abi::prelude::*;
use abi::signal::{MINSIGSTKSZ, SsFlags};
use kernel::kernel::Kernel;
use kernel::syscall::{is_traced, signal};
use kernel::task;

use crate::door::{self, direct};
use crate::errno;

/// Every signal.
const ALL: u64 = u64::MAX;
/// All but 32 to 34, which musl keeps for itself.
const ALL_OF_THE_PROGRAM: u64 = 0xffff_fffc_7fff_ffff;

direct! {
    fn sigprocmask_in_kernel(how: c_int, set: *const c_void, old: *mut c_void, set_size: usize) -> c_int =
        14 => signal::sys_rt_sigprocmask;
    fn sigaltstack_in_kernel(stack: *const c_void, old: *mut c_void) -> c_int = 131 => signal::sys_sigaltstack;
}

/// Blocks the signals of `set` too, or those and no others; answers the mask from before, which is never taken for an error: SIGSTOP is not in
/// it. It is sigprocmask(2) without copies of memory that may be missing; its door lets handlers run too.
#[unsafe(naked)]
extern "C" fn change_mask(_how: c_int, _set: u64) -> u64 {
    extern "C" fn inside(how: c_int, set: u64) -> u64 {
        let how = if how == SigHow::Block.raw() { SigHow::Block } else { SigHow::SetMask };
        kernel::signal::change_mask(&Kernel::get().process, &task::current(), how, SigSet(set)).0
    }
    naked_asm!(
        "lea r10, [rip + {inside}]",
        "jmp {through}",
        inside = sym inside,
        through = sym door::through,
    )
}

/// The same with memory of C's.
fn change_mask_in_memory(how: SigHow, set: u64, old: *mut c_void) {
    if is_traced() {
        sigprocmask_in_kernel(how.raw(), (&raw const set).cast(), old, size_of::<SigSet>());
        return;
    }
    let before = change_mask(how.raw(), set);
    if !old.is_null() {
        // SAFETY: C's promise; a wild pointer faults here, as it does elsewhere in musl's functions.
        unsafe { old.cast::<u64>().write(before) };
    }
}

/// What musl's functions call that must not be interrupted by any signal; the mask from before goes to `old`.
#[unsafe(no_mangle)]
pub extern "C" fn __block_all_sigs(old: *mut c_void) {
    change_mask_in_memory(SigHow::Block, ALL, old);
}

/// The same for the program's signals only.
#[unsafe(no_mangle)]
pub extern "C" fn __block_app_sigs(old: *mut c_void) {
    change_mask_in_memory(SigHow::Block, ALL_OF_THE_PROGRAM, old);
}

/// The mask from before comes back.
#[unsafe(no_mangle)]
pub extern "C" fn __restore_sigs(old: *const c_void) {
    // SAFETY: C's promise: what one of the two above has filled.
    let set = unsafe { old.cast::<u64>().read() };
    change_mask_in_memory(SigHow::SetMask, set, ptr::null_mut());
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
