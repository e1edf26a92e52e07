//! What a KVM host tells about time (Linux `Documentation/virt/kvm/x86/msr.rst`, `MSR_KVM_SYSTEM_TIME_NEW` and `MSR_KVM_WALL_CLOCK_NEW`).
//!
//! The host fills structures in guest memory; a version that is odd, or changes while one reads, says that it is writing.

use super::clock::NS_PER_S;

/// `struct pvclock_vcpu_time_info`, as its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemTime {
    /// Even when the rest can be believed.
    pub version: u32,
    /// Nanoseconds of 2^shift cycles, times 2^32.
    multiplier: u32,
    /// Cycles are shifted left by this, right if negative, before they are multiplied.
    shift: i8,
}

impl SystemTime {
    /// Bytes of the structure.
    pub const BYTES: usize = 32;

    /// Reads the structure.
    #[must_use]
    pub fn parse(bytes: &[u8; Self::BYTES]) -> Self {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self { version: word(0), multiplier: word(24), shift: bytes[28].cast_signed() }
    }

    /// Cycles of the TSC per second; `None` while the host writes, or for a rate that cannot be.
    #[must_use]
    pub fn tsc_hz(&self) -> Option<u64> {
        if self.version == 0 || self.version & 1 == 1 || self.multiplier == 0 {
            return None;
        }
        let shifted = (u128::from(NS_PER_S) << 32) / u128::from(self.multiplier);
        let hz = match self.shift {
            0..=31 => shifted >> self.shift.unsigned_abs(),
            -31..=-1 => shifted << self.shift.unsigned_abs(),
            _ => return None,
        };
        u64::try_from(hz).ok().filter(|&hz| hz >= 1_000_000)
    }
}

#[cfg(test)]
mod tests;
