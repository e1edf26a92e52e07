//! Counts the primes below its argument, and sorts and sums some numbers, on as many threads as there are CPUs.
#![expect(clippy::print_stdout, reason = "the result")]

use rayon::prelude::*;

fn is_prime(number: u64) -> bool {
    number >= 2
        && (2..).take_while(|divisor| divisor * divisor <= number).all(|divisor| number % divisor != 0)
}

fn main() {
    let below: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let primes: Vec<u64> = (0..below).into_par_iter().filter(|&number| is_prime(number)).collect();
    println!("{} primes below {below}, the last is {:?}", primes.len(), primes.last());
    let mut mixed: Vec<u64> =
        (0..1_000_000_u64).into_par_iter().map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    mixed.par_sort_unstable();
    let sum = mixed.par_iter().copied().reduce(|| 0, u64::wrapping_add);
    println!("sorted: {}, sum {sum:x}", mixed.is_sorted());
}
