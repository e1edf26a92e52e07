//! `idle SECONDS`: does nothing for so long, then says so. What the machine does meanwhile is the kernel's own.
#![expect(clippy::print_stdout, reason = "the report")]

use std::time::Duration;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1);
    std::thread::sleep(Duration::from_secs(seconds));
    println!("idle {seconds}");
}
