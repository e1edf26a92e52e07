//! Whole pages at a time. As `user_copy` and `mem`, and nothing else in the kernel, this borrows vector registers: it gives them back as it found
//! them, so on every path they are still the program's; an interrupt in between saves them like the program's own.
#![expect(unsafe_code, reason = "vector instructions")]

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::cpu;

/// Whether 32-byte registers are turned on.
pub static HAS_WIDE: AtomicBool = AtomicBool::new(false);

/// From how many bytes on `rep movsb` and `rep stosb` are quicker than registers.
pub static STRINGS_FROM: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Tells what `fpu` turned on. (CPUs that are quick at strings have XSAVE, so `fpu` comes here.)
pub(super) fn install(has_wide: bool) {
    /// Source and target no longer fit the first cache together.
    const LONG: usize = 32 << 10;
    HAS_WIDE.store(has_wide, Ordering::Relaxed);
    if has_quick_strings() {
        STRINGS_FROM.store(LONG, Ordering::Relaxed);
    }
}

/// Whether the CPU says so (ERMS), and is Intel's: AMD's say it too, and take twenty times as long where source and target are not aligned
/// alike (decision 0015). An emulator goes byte by byte, whatever it says.
fn has_quick_strings() -> bool {
    const ERMS: u32 = 1 << 9;
    let vendor = __cpuid(0);
    if !cpu::is_text([vendor.ebx, vendor.edx, vendor.ecx], b"GenuineIntel") || vendor.eax < 7 {
        return false;
    }
    __cpuid_count(7, 0).ebx & ERMS != 0 && !cpu::is_emulated()
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
