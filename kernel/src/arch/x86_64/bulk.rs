//! Whole pages at a time: the one place where the kernel borrows vector registers. It gives them back as it found them, so on every path
//! they are still the program's; an interrupt in between saves them like the program's own.
#![expect(unsafe_code, reason = "vector instructions")]

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

/// Whether 32-byte registers are turned on.
pub(super) static HAS_WIDE: AtomicBool = AtomicBool::new(false);

/// Tells what `fpu` turned on.
pub(super) fn install(has_wide: bool) {
    HAS_WIDE.store(has_wide, Ordering::Relaxed);
}

/// Fills `bytes` from `at` on with zeros.
///
/// # Safety
/// The bytes are the caller's to write; `at` and `bytes` are multiples of 4096.
pub unsafe fn zero_pages(at: u64, bytes: u64) {
    if !HAS_WIDE.load(Ordering::Relaxed) {
        // SAFETY: as the caller promises.
        unsafe { (at as *mut u8).write_bytes(0, bytes as usize) };
        return;
    }
    // SAFETY: as the caller promises; the borrowed register is restored.
    unsafe {
        asm!(
            "sub rsp, 32",
            "vmovdqu [rsp], ymm0",
            "vpxor xmm0, xmm0, xmm0",
            "2: vmovdqu [{at}], ymm0",
            "vmovdqu [{at} + 32], ymm0",
            "vmovdqu [{at} + 64], ymm0",
            "vmovdqu [{at} + 96], ymm0",
            "vmovdqu [{at} + 128], ymm0",
            "vmovdqu [{at} + 160], ymm0",
            "vmovdqu [{at} + 192], ymm0",
            "vmovdqu [{at} + 224], ymm0",
            "add {at}, 256",
            "cmp {at}, {end}",
            "jb 2b",
            "vmovdqu ymm0, [rsp]",
            "add rsp, 32",
            at = inout(reg) at => _,
            end = in(reg) at + bytes,
        )
    };
}
