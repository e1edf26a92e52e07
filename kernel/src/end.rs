//! How the machine ends: flush what was said, tell the host the exit code, power off.
//!
//! Exit codes (docs/exit-codes.md): the program's own 0 to 255; 128 + N for death by signal N; 125 when boot fails.

use core::fmt::Write as _;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::arch::{cpu, interrupts, power, smp};
use crate::console;
use crate::drivers::acpi;

/// Boot cannot go on: bad command line, too little memory, no entropy.
pub const BOOT_FAILED: u8 = 125;
/// Memory ran out under the program.
pub const OUT_OF_MEMORY: u8 = 137;
/// The kernel found itself wrong.
pub const KERNEL_PANIC: u8 = 134;

/// One more than the number of the CPU that ends the machine.
static ENDING: AtomicUsize = AtomicUsize::new(0);

/// Only the first CPU that comes here goes on, with interrupts off: its report is not mixed with another's. The others stop.
pub fn begin() {
    interrupts::disable();
    let me = cpu::id() + 1;
    match ENDING.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) if !cpu::current().is_null() => smp::stop_others(),
        Err(other) if other != me => power::halt(),
        _ => {}
    }
}

/// Ends the machine with `code`. The first caller wins; other CPUs stop where they are.
pub fn exit(code: u8) -> ! {
    tell(code);
    if let Some(port) = console::ports().exit {
        power::debug_exit(port, code);
    }
    acpi::power_off();
    power::reset()
}

/// Resets the machine: the host sees whether it starts again. Where it does not, the code is 0.
pub fn reset() -> ! {
    tell(0);
    power::reset()
}

/// Stops everything else, and says what the code is.
fn tell(code: u8) {
    begin();
    if let Some(mut control) = console::ports().control {
        // The host reads the code here; writing to a debug console cannot fail.
        let _ = writeln!(control, "exit {code}");
    }
    console::drain();
}

/// Boot stops with a message that names cause and remedy.
pub fn boot_failed(message: core::fmt::Arguments<'_>) -> ! {
    console::emergency(format_args!("caracal: cannot boot: {message}\n"));
    exit(BOOT_FAILED)
}
