//! The kernel found itself wrong: say where, show the stack, end with the documented code.
#![cfg(target_os = "none")]

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::arch::cpu;
use crate::{backtrace, console, end};

static PANICKING: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    end::begin();
    if PANICKING.swap(true, Ordering::AcqRel) {
        // A panic while reporting a panic: the short way out.
        console::emergency(format_args!("kernel panic while reporting a kernel panic\n"));
        end::exit(end::KERNEL_PANIC);
    }
    console::emergency(format_args!("kernel panic on CPU {}: {info}\n", cpu::id()));
    backtrace::print_current();
    end::exit(end::KERNEL_PANIC)
}
