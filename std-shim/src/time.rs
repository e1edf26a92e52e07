//! `clock_gettime` and `nanosleep`: clock_gettime(2), nanosleep(2).
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};

use abi::prelude::*;
use abi::time::NS_PER_SEC;
use kernel::syscall::{is_traced, time};
use kernel::time::{LINE, SharedLine, monotonic, wall};

use crate::door::direct;

direct! {
    fn clock_gettime_in_kernel(clock: c_int, time: *mut c_void) -> c_int = 228 => time::sys_clock_gettime;
    /// nanosleep(2)
    fn nanosleep(request: *const c_void, remain: *mut c_void) -> c_int = 35 => time::sys_nanosleep;
}

/// clock_gettime(2). The clocks that are a counter and a line are read where the program stands, as with Linux's vDSO.
///
/// The monotonic clock on a line younger than a second, and than 2^32 cycles, takes no more than this; [`read_any`] takes the rest. A wild
/// pointer faults here, in code that counts as the program's.
#[unsafe(no_mangle)]
#[unsafe(naked)]
#[unsafe(link_section = ".shimtext.clock_gettime")]
pub extern "C" fn clock_gettime(_clock: c_int, _time: *mut c_void) -> c_int {
    naked_asm!(
        "cmp edi, {monotonic}",
        "jne {any}",
        "mov ecx, [rip + {line} + {ended}]",
        // The counter is read after what was looked at before, and not before the line's number.
        "lfence",
        "rdtsc",
        "sub eax, [rip + {line} + {quick}]",
        "sbb edx, [rip + {line} + {quick} + 4]",
        "jne {any}",
        "mul qword ptr [rip + {line} + {rate}]",
        "shrd rax, rdx, 32",
        "mov r8, [rip + {line} + {seconds}]",
        "cmp ecx, [rip + {line} + {begun}]",
        "jne {any}",
        "cmp rax, {second}",
        "jae {any}",
        "mov [rsi], r8",
        "mov [rsi + 8], rax",
        "xor eax, eax",
        "ret",
        monotonic = const ClockId::MONOTONIC.0,
        any = sym read_any,
        line = sym LINE,
        ended = const SharedLine::ENDED,
        quick = const SharedLine::QUICK,
        rate = const SharedLine::RATE,
        seconds = const SharedLine::SECONDS,
        begun = const SharedLine::BEGUN,
        second = const NS_PER_SEC,
    )
}

/// The clocks that [`clock_gettime`] does not read by itself.
#[unsafe(link_section = ".shimtext.clock_gettime")]
extern "C" fn read_any(clock: c_int, time: *mut c_void) -> c_int {
    let now = match ClockId(clock) {
        _ if is_traced() => return clock_gettime_in_kernel(clock, time),
        ClockId::MONOTONIC | ClockId::MONOTONIC_RAW | ClockId::MONOTONIC_COARSE | ClockId::BOOTTIME => {
            monotonic()
        }
        ClockId::REALTIME | ClockId::REALTIME_COARSE => wall(),
        _ => return clock_gettime_in_kernel(clock, time),
    };
    // SAFETY: the caller's memory; a wild pointer faults here, in code that counts as the program's.
    unsafe { time.cast::<Timespec>().write_unaligned(now) };
    0
}
