//! The extended register state (x87, SSE, AVX, AVX-512): turned on at start, saved when a thread is put aside while its
//! vector registers are live.
//!
//! The kernel is compiled soft-float and never uses these registers, so they stay the program's across any kernel path that
//! does not switch threads. Where a thread is switched out by its own direct call, the C ABI says they are dead but for the
//! control words; elsewhere (interrupt, `syscall` instruction) all of them are saved.
#![expect(unsafe_code, reason = "control registers and XSAVE")]

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count, _fxrstor64, _fxsave64, _xgetbv};
use core::sync::atomic::{AtomicUsize, Ordering};

use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};
use x86_64::registers::xcontrol::{XCr0, XCr0Flags};

/// Bytes of the XSAVE area for the features turned on; 512 (FXSAVE) where the CPU has no XSAVE.
static AREA_BYTES: AtomicUsize = AtomicUsize::new(512);
/// The XCR0 mask, 0 where there is no XSAVE.
static FEATURES: AtomicUsize = AtomicUsize::new(0);

/// Turns the extended state on for this CPU: everything up to AVX-512. AMX tiles and protection keys stay off.
pub(super) fn install() {
    // SAFETY: clears EM and TS and sets MP: SSE and x87 instructions run without a trap.
    unsafe {
        Cr0::update(|cr0| {
            cr0.remove(Cr0Flags::EMULATE_COPROCESSOR | Cr0Flags::TASK_SWITCHED);
            cr0.insert(Cr0Flags::MONITOR_COPROCESSOR | Cr0Flags::NUMERIC_ERROR);
        })
    };
    // SAFETY: announces FXSAVE and SIMD exceptions, which fpu and the fault handler serve.
    unsafe { Cr4::update(|cr4| cr4.insert(Cr4Flags::OSFXSR | Cr4Flags::OSXMMEXCPT_ENABLE)) };
    // SAFETY: `wrfsbase` is the kernel's to allow; who booted us may have. CpuLocal remembers what FS base is.
    unsafe { Cr4::update(|cr4| cr4.remove(Cr4Flags::FSGSBASE)) };
    if __cpuid(1).ecx & (1 << 26) == 0 {
        return;
    }
    // SAFETY: CPUID says XSAVE is there.
    unsafe { Cr4::update(|cr4| cr4.insert(Cr4Flags::OSXSAVE)) };
    let supported = u64::from(__cpuid_count(0xd, 0).eax);
    let wanted = XCr0Flags::X87
        | XCr0Flags::SSE
        | XCr0Flags::AVX
        | XCr0Flags::OPMASK
        | XCr0Flags::ZMM_HI256
        | XCr0Flags::HI16_ZMM;
    let mut mask = XCr0Flags::from_bits_truncate(supported & wanted.bits());
    if !mask.contains(XCr0Flags::OPMASK | XCr0Flags::ZMM_HI256 | XCr0Flags::HI16_ZMM) {
        mask.remove(XCr0Flags::OPMASK | XCr0Flags::ZMM_HI256 | XCr0Flags::HI16_ZMM);
    }
    // SAFETY: a subset of what CPUID leaf 0xD offers, x87 and SSE always in it.
    unsafe { XCr0::write(mask) };
    // EBX of sub-leaf 0: bytes for the features that XCR0 has on now.
    AREA_BYTES.store(__cpuid_count(0xd, 0).ebx as usize, Ordering::Relaxed);
    FEATURES.store(usize::try_from(mask.bits()).unwrap_or(3), Ordering::Relaxed);
    super::bulk::install(mask.contains(XCr0Flags::AVX));
}

/// Bytes a saved state takes on the kernel stack, a multiple of 64.
pub(super) fn area_bytes() -> usize {
    AREA_BYTES.load(Ordering::Relaxed).next_multiple_of(64)
}

/// The XCR0 mask in force; 0 where the CPU has no XSAVE and FXSAVE is used.
pub fn features() -> u64 {
    if FEATURES.load(Ordering::Relaxed) == 0 {
        return 0;
    }
    // SAFETY: OSXSAVE is on, as FEATURES says.
    unsafe { _xgetbv(0) }
}

/// Puts the state of a new program in place of whatever is there (psABI, section 3.4.1): round to nearest, all exceptions masked.
pub fn reset() {
    const MXCSR_DEFAULT: u32 = 0x1f80;
    // SAFETY: the calling thread has no live vector or x87 state yet.
    unsafe { asm!("fninit", options(nomem, nostack)) };
    // SAFETY: as above; the value is the architecture's default.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &MXCSR_DEFAULT, options(nostack, readonly)) };
}

/// Room for a saved state outside a switch: what XSAVE writes with the features we turn on is less (SDM volume 1, section 13.4).
#[repr(C, align(64))]
#[derive(Clone, Debug)]
pub struct State(pub [u8; State::MOST]);

impl Default for State {
    fn default() -> Self {
        Self([0; Self::MOST])
    }
}

impl State {
    /// Bytes of the largest state.
    pub const MOST: usize = 2816;
    /// Bytes of the part every CPU has.
    const LEGACY: usize = 512;

    /// Bytes of it that are used on this machine.
    pub fn used() -> usize {
        AREA_BYTES.load(Ordering::Relaxed).min(Self::MOST)
    }

    /// The program's registers as they are now.
    pub fn save(&mut self) {
        let mask = FEATURES.load(Ordering::Relaxed);
        if mask == 0 {
            // SAFETY: 512 bytes, aligned.
            unsafe { _fxsave64(self.0.as_mut_ptr()) };
        } else {
            // SAFETY: the area is aligned, zeroed at first, and large enough: `install` turns on no more than fits.
            unsafe {
                asm!("xsave64 [{}]", in(reg) self.0.as_mut_ptr(), in("eax") mask, in("edx") 0, options(nostack))
            };
        }
    }

    /// Puts a state that the program could have written back in force; what would be refused by the CPU is taken out first.
    pub fn restore(&mut self) {
        const MXCSR: usize = 24;
        const XSTATE_BV: usize = 512;
        let mask = FEATURES.load(Ordering::Relaxed);
        let mxcsr =
            u32::from_le_bytes([self.0[MXCSR], self.0[MXCSR + 1], self.0[MXCSR + 2], self.0[MXCSR + 3]])
                & 0xffff;
        self.0[MXCSR..MXCSR + 4].copy_from_slice(&mxcsr.to_le_bytes());
        if mask == 0 {
            // SAFETY: 512 bytes, aligned; reserved bits of MXCSR are clear.
            unsafe { _fxrstor64(self.0.as_ptr()) };
            return;
        }
        for (byte, allowed) in self.0[XSTATE_BV..].iter_mut().zip((mask as u64).to_le_bytes()) {
            *byte &= allowed;
        }
        // The rest of the header: the standard form, reserved bytes zero.
        self.0[XSTATE_BV + 8..XSTATE_BV + 64].fill(0);
        // SAFETY: an aligned area with a header and an MXCSR that the CPU accepts.
        unsafe {
            asm!("xrstor64 [{}]", in(reg) self.0.as_ptr(), in("eax") mask, in("edx") 0, options(nostack))
        };
    }

    /// Forgets everything but the legacy part: the frame had no more.
    pub fn keep_legacy(&mut self) {
        self.0[Self::LEGACY..].fill(0);
        self.0[Self::LEGACY] = 3;
    }
}

/// Bytes and mask, for `switch`.
pub(super) fn layout() -> (usize, u64) {
    (area_bytes(), FEATURES.load(Ordering::Relaxed) as u64)
}
