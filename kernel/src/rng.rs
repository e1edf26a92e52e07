//! Random numbers: entropy from the CPU (RDSEED, RDRAND) and the host (a seed, virtio's entropy device), stretched by `logic::rng`.
//!
//! The CPU's is mixed into every request. On a CPU that has none the entropy device is looked for, and asked again from time to time.
//! Without any source boot stops, unless the command line says `entropy=weak` (design: fail closed).
#![expect(unsafe_code, reason = "the RDSEED and RDRAND instructions")]

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::fmt;

use logic::boot::cmdline::Options;
use logic::rng::Generator;
use sync::Lock;

use crate::arch::tsc;
use crate::drivers::fw_cfg;
use crate::drivers::virtio_rng::EntropyDevice;
use crate::mm::Memory;
use crate::time;

/// How long the entropy device is left in peace.
const RESEED_NS: u64 = 60_000_000_000;

/// The generator and what keeps it fresh.
#[derive(Debug)]
struct Source {
    generator: Generator,
    /// Only where the CPU has no instruction for it.
    device: Option<EntropyDevice>,
    /// When the device is to be asked again.
    reseed_at: u64,
}

static SOURCE: Lock<Option<Source>> = Lock::new(None);

/// No source of entropy.
#[derive(Debug)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no source of entropy: the CPU has neither RDSEED nor RDRAND and the host gave no seed; use a newer CPU model \
             (qemu -cpu max), give the machine an entropy device (-device virtio-rng-pci), pass a seed \
             (-fw_cfg name=opt/caracal/seed,file=FILE), or accept guessable random numbers \
             with entropy=weak on the kernel command line",
        )
    }
}

/// One word from RDSEED or RDRAND.
fn cpu_word() -> Option<u64> {
    const TRIES: usize = 32;
    let has_rdseed = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).ebx & (1 << 18) != 0;
    let has_rdrand = __cpuid(1).ecx & (1 << 30) != 0;
    for _ in 0..TRIES {
        let (mut word, mut good): (u64, u8) = (0, 0);
        if has_rdseed {
            // SAFETY: CPUID says the instruction is there.
            unsafe {
                asm!("rdseed {}", "setc {}", inout(reg) word, inout(reg_byte) good, options(nomem, nostack))
            };
        }
        if good == 0 && has_rdrand {
            // SAFETY: CPUID says the instruction is there.
            unsafe {
                asm!("rdrand {}", "setc {}", inout(reg) word, inout(reg_byte) good, options(nomem, nostack))
            };
        }
        if good != 0 {
            return Some(word);
        }
    }
    None
}

/// 32 bytes from the CPU.
fn cpu_bytes() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for word in bytes.as_chunks_mut().0 {
        *word = cpu_word()?.to_le_bytes();
    }
    Some(bytes)
}

/// Gathers entropy and starts the generator.
///
/// # Errors
/// [`NoEntropy`], unless `options` accept weak numbers.
pub fn init(options: &Options, memory: &Memory) -> Result<(), NoEntropy> {
    let from_cpu = cpu_bytes();
    let from_host = fw_cfg::read_all("opt/caracal/seed").filter(|bytes| bytes.len() >= 32);
    let mut device = None;
    let mut from_device = None;
    if from_cpu.is_none() {
        device = EntropyDevice::find(&options.virtio_mmio, memory);
        from_device = device.as_mut().and_then(|device| device.read(time::now));
        device = device.filter(|_| from_device.is_some());
    }
    let sources = [
        from_cpu.as_ref().map(|bytes| &bytes[..]),
        from_host.as_deref(),
        from_device.as_ref().map(|bytes| &bytes[..]),
    ];
    if sources.iter().all(Option::is_none) {
        if !options.weak_entropy {
            return Err(NoEntropy);
        }
        log::error!("no source of entropy: random numbers are guessable (entropy=weak)");
    }
    let mut seed = [0u8; 32];
    let mut mix = |bytes: &[u8]| seed.iter_mut().zip(bytes).for_each(|(seed, byte)| *seed ^= byte);
    sources.into_iter().flatten().for_each(&mut mix);
    mix(&tsc::read().to_le_bytes());
    let reseed_at = time::now() + RESEED_NS;
    *SOURCE.lock() = Some(Source { generator: Generator::new(seed), device, reseed_at });
    Ok(())
}

/// Fills `bytes` with random ones.
pub fn fill(bytes: &mut [u8]) {
    let fresh = cpu_word().unwrap_or_else(tsc::read);
    if let Some(source) = SOURCE.lock().as_mut() {
        source.refresh();
        source.generator.fill(bytes, fresh);
    }
}

impl Source {
    /// Asks the device if it is time. One that does not answer is given up.
    fn refresh(&mut self) {
        if self.device.is_none() || time::now() < self.reseed_at {
            return;
        }
        self.reseed_at = time::now() + RESEED_NS;
        match self.device.as_mut().and_then(|device| device.read(time::now)) {
            Some(entropy) => self.generator.reseed(&entropy),
            None => self.device = None,
        }
    }
}
