//! A program that does little but sleep, run with little memory as well: CPUs wake up, again and again.

use std::time::{Duration, Instant};

use abi_tests::cases;

// covers: clock_nanosleep
fn short_sleeps() {
    const SLEEP: Duration = Duration::from_millis(60);
    for _ in 0..5 {
        let since = Instant::now();
        std::thread::sleep(SLEEP);
        assert!(since.elapsed() >= SLEEP);
    }
}

cases! { short_sleeps }
