//! Counters of known frequency that the clock is measured against: read, never waited for.
//!
//! In order of preference: HPET, the ACPI power-management timer, channel 2 of the PIT. Each is extended to 64 bits by the reader,
//! who must come by before the counter wraps or know about what it will say.
#![expect(unsafe_code, reason = "device registers")]

use logic::time::clock::unwrapped;
use sync::Lock;

use crate::arch::port::{inb, inl, outb};
use crate::mm::{Memory, mmio};

use super::acpi::Firmware;

const FEMTOSECONDS_PER_NS: u64 = 1_000_000;
const PM_TIMER_HZ: u64 = 3_579_545;
const PIT_HZ: u64 = 1_193_182;
const PIT_CHANNEL_2: u16 = 0x42;
const PIT_COMMAND: u16 = 0x43;
const PIT_GATE: u16 = 0x61;
/// How often the count is read before it is believed to stand still; a read takes longer than a tick.
const PIT_LOOKS: u32 = 1000;

/// Which counter is read.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Virtual address of the main counter.
    Hpet(u64),
    /// I/O port.
    PmTimer(u16),
    Pit,
}

/// A counter and how often it has wrapped.
#[derive(Debug)]
pub struct Reference {
    kind: Kind,
    hz_num: u64,
    hz_den: u64,
    mask: u64,
    first: u64,
    /// What it has counted; its low bits are the counter's.
    total: Lock<u64>,
}

impl Reference {
    /// The best counter this machine has; `None` when there is none that counts.
    pub fn find(firmware: &Firmware, memory: &Memory) -> Option<Self> {
        if let Some(reference) = firmware.hpet.and_then(|physical| Self::hpet(physical, memory)) {
            return Some(reference);
        }
        if let Some((port, wide)) = firmware.pm_timer {
            let mask = if wide { 0xffff_ffff } else { 0xff_ffff };
            return Some(Self::new(Kind::PmTimer(port), PM_TIMER_HZ, 1, mask));
        }
        // Channel 2 counts down from 65,536 for ever, its output switched off.
        // SAFETY: reading the gate changes nothing.
        let gate = unsafe { inb(PIT_GATE) };
        // SAFETY: gate on, speaker off.
        unsafe { outb(PIT_GATE, gate & !2 | 1) };
        // SAFETY: channel 2, both bytes, rate generator.
        unsafe { outb(PIT_COMMAND, 0b1011_0100) };
        // SAFETY: count 0 stands for 65,536.
        unsafe { outb(PIT_CHANNEL_2, 0) };
        // SAFETY: as above, high byte.
        unsafe { outb(PIT_CHANNEL_2, 0) };
        // Where there is no PIT its ports read the same for ever.
        let first = pit_count();
        (0..PIT_LOOKS).any(|_| pit_count() != first).then(|| Self::new(Kind::Pit, PIT_HZ, 1, 0xffff))
    }

    fn hpet(physical: u64, memory: &Memory) -> Option<Self> {
        const CAPABILITIES: u64 = 0;
        const CONFIGURATION: u64 = 0x10;
        const COUNTER: u64 = 0xf0;
        let base = mmio::map(memory, physical, 1024).ok()?;
        // SAFETY: the firmware says an HPET is there; its registers are mapped.
        let capabilities = unsafe { ((base + CAPABILITIES) as *const u64).read_volatile() };
        let period_fs = capabilities >> 32;
        if period_fs == 0 || period_fs > 100_000_000 {
            return None;
        }
        let wide = capabilities & (1 << 13) != 0;
        // SAFETY: as above: overall enable, no legacy replacement.
        unsafe { ((base + CONFIGURATION) as *mut u64).write_volatile(1) };
        let mask = if wide { u64::MAX } else { 0xffff_ffff };
        Some(Self::new(Kind::Hpet(base + COUNTER), 1_000_000_000 * FEMTOSECONDS_PER_NS, period_fs, mask))
    }

    fn new(kind: Kind, hz_num: u64, hz_den: u64, mask: u64) -> Self {
        let mut reference = Self { kind, hz_num, hz_den, mask, first: 0, total: Lock::new(0) };
        reference.first = reference.raw() & mask;
        *reference.total.get_mut() = reference.first;
        reference
    }

    /// Its name, for the log.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Hpet(_) => "HPET",
            Kind::PmTimer(_) => "ACPI PM timer",
            Kind::Pit => "PIT",
        }
    }

    /// Nanoseconds until the counter wraps.
    pub fn wrap_ns(&self) -> u64 {
        self.to_ns(self.mask)
    }

    fn raw(&self) -> u64 {
        match self.kind {
            // SAFETY: the counter register is mapped.
            Kind::Hpet(counter) => unsafe { (counter as *const u64).read_volatile() },
            // SAFETY: reading the timer changes nothing.
            Kind::PmTimer(port) => u64::from(unsafe { inl(port) }),
            Kind::Pit => pit_count(),
        }
    }

    fn to_ns(&self, count: u64) -> u64 {
        let ns = u128::from(count) * 1_000_000_000 * u128::from(self.hz_den) / u128::from(self.hz_num);
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Nanoseconds since the reference was found, which must be within half a wrap of `expected_ns`, or within one of the last time.
    pub fn now_ns(&self, expected_ns: u64) -> u64 {
        let expected =
            u128::from(expected_ns) * u128::from(self.hz_num) / (u128::from(self.hz_den) * 1_000_000_000);
        let expected = self.first.saturating_add(u64::try_from(expected).unwrap_or(u64::MAX));
        let mut total = self.total.lock();
        *total = unwrapped(*total, self.raw() & self.mask, self.mask, expected);
        self.to_ns(*total - self.first)
    }
}

/// Channel 2's count, turned round so that it goes up.
fn pit_count() -> u64 {
    // SAFETY: latches channel 2.
    unsafe { outb(PIT_COMMAND, 0b1000_0000) };
    // SAFETY: low byte of the latched count.
    let low = unsafe { inb(PIT_CHANNEL_2) };
    // SAFETY: high byte.
    let high = unsafe { inb(PIT_CHANNEL_2) };
    0xffff - u64::from(u16::from_le_bytes([low, high]))
}
