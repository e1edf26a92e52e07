//! `park [MOST]`: parks std threads with the default stack until no more can be had, then wakes and joins every one.
//!
//! Prints `parked N KIB` at each thousand and at the end: how many there are, and the memory each takes, by what sysinfo(2) says is free.
//! `joined N` is the last line: none was lost.
#![expect(unsafe_code, reason = "sysinfo(2) is C")]
#![expect(clippy::cast_precision_loss, reason = "a tenth of a KiB is enough")]
#![expect(clippy::print_stdout, reason = "the report")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// More than anybody parks in the memory such a guest has.
const MOST: usize = 200_000;
/// Set before the threads are woken: `park` may also return for no reason.
static IS_OVER: AtomicBool = AtomicBool::new(false);
/// Threads that began to run.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let most = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(MOST);
    // The list itself is no part of what a thread takes.
    let mut threads = Vec::with_capacity(most);
    threads.resize_with(most, || None);
    let before = free_kib();
    let mut parked = 0;
    let mut refusal = None;
    for place in &mut threads {
        match Builder::new().spawn(park) {
            Ok(thread) => *place = Some(thread),
            Err(error) => {
                refusal = Some(error);
                break;
            }
        }
        parked += 1;
        // A thread that has not run yet has not touched its stack.
        while BEGUN.load(Ordering::Acquire) < parked {
            thread::yield_now();
        }
        if parked % 1000 == 0 {
            tell(parked, before);
        }
    }
    tell(parked, before);
    if let Some(error) = refusal {
        println!("refused {error}");
    }
    IS_OVER.store(true, Ordering::Release);
    let mut joined = 0;
    for thread in threads.into_iter().flatten() {
        thread.thread().unpark();
        thread.join().expect("a parked thread does not panic");
        joined += 1;
    }
    assert_eq!(joined, parked);
    println!("joined {joined}");
}

fn park() {
    BEGUN.fetch_add(1, Ordering::Release);
    while !IS_OVER.load(Ordering::Acquire) {
        thread::park();
    }
}

fn tell(parked: usize, before: u64) {
    let used = before.saturating_sub(free_kib());
    println!("parked {parked} {:.1}", used as f64 / parked.max(1) as f64);
}

fn free_kib() -> u64 {
    // SAFETY: a structure of numbers may be all zero.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: the call fills the structure.
    let answer = unsafe { libc::sysinfo(&mut info) };
    assert_eq!(answer, 0, "sysinfo(2) answers");
    info.freeram * u64::from(info.mem_unit) / 1024
}
