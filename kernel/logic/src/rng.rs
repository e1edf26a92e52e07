//! The random number generator behind getrandom(2) and /dev/urandom: ChaCha20, reseeded as it runs.
//!
//! Every request mixes fresh words in and forgets how it got there: what was given out before cannot be computed from a
//! later state. The caller serialises requests.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A seeded generator.
#[derive(Debug)]
pub struct Generator {
    stream: ChaCha20Rng,
}

impl Generator {
    /// A generator seeded with 32 bytes of entropy.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self { stream: ChaCha20Rng::from_seed(seed) }
    }

    /// Mixes `entropy` in.
    pub fn reseed(&mut self, entropy: &[u8; 32]) {
        let mut seed = [0u8; 32];
        self.stream.fill_bytes(&mut seed);
        seed.iter_mut().zip(entropy).for_each(|(seed, fresh)| *seed ^= fresh);
        *self = Self::new(seed);
    }

    /// Fills `bytes`; `fresh` is whatever new entropy there is (it may be guessable: it only adds).
    pub fn fill(&mut self, bytes: &mut [u8], fresh: u64) {
        self.stream.fill_bytes(bytes);
        let mut entropy = [0u8; 32];
        entropy[..8].copy_from_slice(&fresh.to_le_bytes());
        self.reseed(&entropy);
    }
}

#[cfg(test)]
mod tests;
