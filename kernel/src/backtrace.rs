//! Stack traces for reports: the chain of frame pointers, each address checked before it is read.
//!
//! Addresses only: the host side (`cargo xtask run`) and gdb turn them into names, files and lines from the image's ELF.
#![expect(unsafe_code, reason = "reads saved frame pointers from stacks")]

use core::arch::asm;

use crate::console;
use crate::mm::map;

/// Longest trace in frames.
const MOST_FRAMES: usize = 48;

/// Prints the trace that starts at instruction `rip` with frame pointer `rbp`.
pub fn print(rip: u64, mut rbp: u64) {
    console::emergency(format_args!("  #0 {rip:#018x}\n"));
    // Frames lie ever higher, but for the step from the kernel's stack to the program's.
    let mut may_step_down = true;
    for index in 1..MOST_FRAMES {
        let readable = rbp.is_multiple_of(8) && rbp != 0 && map::is_mapped(rbp) && map::is_mapped(rbp + 15);
        if !readable {
            break;
        }
        // SAFETY: both words are mapped, as just checked.
        let [next, return_address] = unsafe { (rbp as *const [u64; 2]).read() };
        if return_address == 0 {
            break;
        }
        console::emergency(format_args!("  #{index} {return_address:#018x}\n"));
        if next <= rbp && !core::mem::take(&mut may_step_down) {
            break;
        }
        rbp = next;
    }
}

/// Prints the trace of the caller.
pub fn print_current() {
    let (rip, rbp): (u64, u64);
    // SAFETY: reads two registers.
    unsafe {
        asm!("lea {}, [rip]", "mov {}, rbp", out(reg) rip, out(reg) rbp, options(nomem, nostack, preserves_flags))
    };
    print(rip, rbp);
}
