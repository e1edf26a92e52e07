//! How properties are tried: the same cases at every run, unless the environment asks for others.
//!
//! `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=$RANDOM cargo test -p caracal-logic properties` looks further. What is found becomes an ordinary
//! test with the smallest case.

extern crate std;

use proptest::test_runner::{Config, RngSeed};

/// `cases` cases, if the environment does not say how many.
pub(crate) fn cases(cases: u32) -> Config {
    let given = Config::default();
    let chosen = std::env::var_os("PROPTEST_CASES").map(|_| given.cases);
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    Config { cases: chosen.unwrap_or(cases), rng_seed, failure_persistence: None, ..given }
}
