//! The time-stamp counter: cycles since reset, on every CPU.
#![expect(unsafe_code, reason = "an instruction the language does not know")]

use core::arch::asm;
use core::arch::x86_64::{__cpuid, _rdtsc};

/// The counter now: not before what comes before has been seen.
#[inline]
pub fn read() -> u64 {
    // SAFETY: lfence orders; long mode implies it.
    unsafe { asm!("lfence", options(nostack, preserves_flags)) };
    // SAFETY: rdtsc reads a counter; long mode implies it.
    unsafe { _rdtsc() }
}

/// Its frequency in Hz where the CPU or the hypervisor says it: leaves 0x15 (crystal), 0x40000010 (VMware, KVM).
pub fn frequency() -> Option<u64> {
    if __cpuid(0).eax >= 0x15 {
        let leaf = __cpuid(0x15);
        if leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0 {
            return Some(u64::from(leaf.ecx) * u64::from(leaf.ebx) / u64::from(leaf.eax));
        }
    }
    let hypervisor = __cpuid(1).ecx & (1 << 31) != 0;
    if hypervisor && __cpuid(0x4000_0000).eax >= 0x4000_0010 {
        let khz = __cpuid(0x4000_0010).eax;
        if khz != 0 {
            return Some(u64::from(khz) * 1000);
        }
    }
    None
}

/// Whether the timer of the local APIC can be armed by a deadline in this counter's cycles.
pub fn has_deadline_timer() -> bool {
    __cpuid(1).ecx & (1 << 24) != 0
}
