//! KVM's clock: the host says how fast the TSC runs, so nothing has to be measured (Linux `Documentation/virt/kvm/x86/msr.rst`).
#![expect(unsafe_code, reason = "the host writes to a page that it is told of")]

use core::arch::x86_64::__cpuid;

use logic::mm::frames::For;
use logic::time::pvclock::SystemTime;
use x86_64::registers::model_specific::Msr;

use crate::arch::paging::direct;
use crate::mm::frames;

const SIGNATURE_LEAF: u32 = 0x4000_0000;
const FEATURES_LEAF: u32 = 0x4000_0001;
/// `KVM_FEATURE_CLOCKSOURCE2`
const HAS_CLOCK: u32 = 1 << 3;
const MSR_KVM_SYSTEM_TIME_NEW: u32 = 0x4b56_4d01;
const ENABLE: u64 = 1;
/// How often the structure is read before the host is not believed.
const LOOKS: u32 = 1000;

fn is_offered() -> bool {
    const HYPERVISOR: u32 = 1 << 31;
    if __cpuid(1).ecx & HYPERVISOR == 0 {
        return false;
    }
    let leaf = __cpuid(SIGNATURE_LEAF);
    // "KVMKVMKVM"
    [leaf.ebx, leaf.ecx, leaf.edx] == [0x4b4d_564b, 0x564b_4d56, 0x4d]
        && __cpuid(FEATURES_LEAF).eax & HAS_CLOCK != 0
}

/// Cycles of the TSC per second, if a KVM host tells.
pub fn tsc_hz() -> Option<u64> {
    if !is_offered() {
        return None;
    }
    let frame = frames::allocate_zeroed(For::Kernel)?;
    let mut clock = Msr::new(MSR_KVM_SYSTEM_TIME_NEW);
    // SAFETY: KVM offers the register; the page is nobody else's, and is taken back below.
    unsafe { clock.write(frame | ENABLE) };
    let hz = (0..LOOKS).find_map(|_| {
        // SAFETY: the page is mapped and holds plain bytes; the version tells whether they belong together.
        let bytes = unsafe { (direct(frame) as *const [u8; SystemTime::BYTES]).read_volatile() };
        SystemTime::parse(&bytes).tsc_hz()
    });
    // SAFETY: the host writes there no more.
    unsafe { clock.write(0) };
    frames::free_contiguous(frame, 1);
    hz
}
