//! I/O port access. What a write does is the device's business: every function is unsafe, and drivers say why theirs is right.
//!
//! Not a bus abstraction: only the `in` and `out` instructions.
#![expect(unsafe_code, reason = "port I/O is an instruction the language does not know")]

use core::arch::asm;

macro_rules! port_pair {
    ($in:ident, $out:ident, $int:ty, $reg:tt) => {
        /// Reads one value from I/O port `port`.
        ///
        /// # Safety
        /// Reading the port must have no effect that breaks memory safety (device registers that start DMA may).
        pub unsafe fn $in(port: u16) -> $int {
            let value: $int;
            // SAFETY: the caller answers for the device behind the port.
            unsafe { asm!(concat!("in ", $reg, ", dx"), in("dx") port, out($reg) value, options(nomem, nostack, preserves_flags)) };
            value
        }

        /// Writes one value to I/O port `port`.
        ///
        /// # Safety
        /// The write must not make a device break memory safety (by DMA, by a reset that is not wanted).
        pub unsafe fn $out(port: u16, value: $int) {
            // SAFETY: the caller answers for the device behind the port. Memory is clobbered: the device may read it.
            unsafe { asm!(concat!("out dx, ", $reg), in("dx") port, in($reg) value, options(nostack, preserves_flags)) };
        }
    };
}

port_pair!(inb, outb, u8, "al");
port_pair!(inw, outw, u16, "ax");
port_pair!(inl, outl, u32, "eax");

/// Writes all of `bytes` to I/O port `port`, one after the other, with one `rep outsb`.
///
/// # Safety
/// As for [`outb`].
pub unsafe fn outsb(port: u16, bytes: &[u8]) {
    // SAFETY: the string lies in `bytes`; the caller answers for the device.
    unsafe {
        asm!("rep outsb", in("dx") port, inout("rsi") bytes.as_ptr() => _, inout("rcx") bytes.len() => _,
             options(nostack, preserves_flags, readonly));
    }
}
