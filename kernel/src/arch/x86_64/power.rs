//! Ending: halting a CPU, and resetting the machine when nothing better ends it.
#![expect(unsafe_code, reason = "port I/O")]

use core::arch::asm;

use super::port::{outb, outl};

/// Stops this CPU for ever.
pub fn halt() -> ! {
    loop {
        // SAFETY: with interrupts off, hlt ends in nothing but NMI or reset.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// Ends QEMU at once through isa-debug-exit at `port`; comes back when there is no such device.
pub fn debug_exit(port: u16, value: u8) {
    // SAFETY: the command line named this port as isa-debug-exit's.
    unsafe { outl(port, u32::from(value)) };
}

/// Resets the machine: keyboard controller, then the PCI reset register, then a triple fault. Under `-no-reboot` (QEMU) and in
/// Firecracker this ends the VM.
pub fn reset() -> ! {
    // SAFETY: pulses the reset line of the 8042.
    unsafe { outb(0x64, 0xfe) };
    // SAFETY: PCI reset control: full reset. Absent register: ignored.
    unsafe { outb(0xcf9, 0x06) };
    // SAFETY: an empty IDT makes the next exception a triple fault: reset.
    unsafe { asm!("lidt [{}]", "ud2", in(reg) &[0u64; 2], options(noreturn)) };
}
