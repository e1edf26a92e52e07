//! Random numbers: entropy from the CPU (RDSEED, RDRAND) and the host, stretched by `logic::rng`.
//!
//! Without any source boot stops, unless the command line says `entropy=weak` (design: fail closed).
#![expect(unsafe_code, reason = "the RDSEED and RDRAND instructions")]

use alloc::vec::Vec;
use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::fmt;

use logic::boot::cmdline::Options;
use logic::rng::Generator;
use sync::Lock;

use crate::arch::tsc;
use crate::drivers::fw_cfg;

static GENERATOR: Lock<Option<Generator>> = Lock::new(None);

/// No source of entropy.
#[derive(Debug)]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no source of entropy: the CPU has neither RDSEED nor RDRAND and the host gave no seed; use a newer CPU model \
             (qemu -cpu max), pass a seed (-fw_cfg name=opt/caracal/seed,file=FILE), or accept guessable random numbers \
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

/// Gathers entropy and starts the generator.
///
/// # Errors
/// [`NoEntropy`], unless `options` accept weak numbers.
pub fn init(options: &Options) -> Result<(), NoEntropy> {
    let mut seed = [0u8; 32];
    let mut sources = 0;
    let mut mix = |bytes: &[u8]| seed.iter_mut().zip(bytes).for_each(|(seed, byte)| *seed ^= byte);
    if let Some(words) = [(); 4].map(|()| cpu_word()).into_iter().collect::<Option<Vec<_>>>() {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        mix(&bytes);
        sources += 1;
    }
    if let Some(bytes) = fw_cfg::read_all("opt/caracal/seed").filter(|bytes| bytes.len() >= 32) {
        mix(&bytes);
        sources += 1;
    }
    if sources == 0 {
        if !options.weak_entropy {
            return Err(NoEntropy);
        }
        log::error!("no source of entropy: random numbers are guessable (entropy=weak)");
    }
    mix(&tsc::read().to_le_bytes());
    *GENERATOR.lock() = Some(Generator::new(seed));
    Ok(())
}

/// Fills `bytes` with random ones.
pub fn fill(bytes: &mut [u8]) {
    let fresh = cpu_word().unwrap_or_else(tsc::read);
    if let Some(generator) = GENERATOR.lock().as_mut() {
        generator.fill(bytes, fresh);
    }
}
