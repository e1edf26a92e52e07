//! `spawn [COUNT]`: starts and joins COUNT std threads (a million, unless told otherwise), some at a time, and sees that none is lost and
//! that the machine has its memory back.
//!
//! `spawned N lost 0 KIB` is the last line: threads that ran, those that did not, and what is missing of the memory that was free.
#![expect(unsafe_code, reason = "sysinfo(2) is C")]
#![expect(clippy::print_stdout, reason = "the report")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// Threads when nothing else is asked for.
const COUNT: usize = 1_000_000;
/// Most that are there at a time.
const AT_A_TIME: usize = 64;
/// Rounds that fill caches before memory is looked at.
const WARM_UP: usize = 64;
/// Memory that may be missing at the end: caches of both heaps, in whole slabs.
const MOST_MISSING_KIB: u64 = 512;

/// Threads that have run.
static RAN: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    let count = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(COUNT);
    for _ in 0..WARM_UP {
        spawn_and_join(AT_A_TIME);
    }
    RAN.store(0, Ordering::Relaxed);
    let before = free_kib();
    let mut left = count;
    while left > 0 {
        let now = left.min(AT_A_TIME);
        spawn_and_join(now);
        left -= now;
    }
    let missing = before.saturating_sub(free_kib());
    let ran = RAN.load(Ordering::Relaxed);
    println!("spawned {ran} lost {} {missing}", count - ran);
    if ran == count && missing <= MOST_MISSING_KIB { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts `count` threads, then joins each and looks at what it answers.
fn spawn_and_join(count: usize) {
    let threads: Vec<_> = (0..count)
        .map(|number| {
            let run = move || {
                RAN.fetch_add(1, Ordering::Relaxed);
                number
            };
            Builder::new().spawn(run).expect("there is room for a few threads")
        })
        .collect();
    for (number, thread) in threads.into_iter().enumerate() {
        let answer: thread::Result<usize> = thread.join();
        assert_eq!(answer.expect("the thread does not panic"), number);
    }
}

fn free_kib() -> u64 {
    // SAFETY: a structure of numbers may be all zero.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: the call fills the structure.
    let answer = unsafe { libc::sysinfo(&mut info) };
    assert_eq!(answer, 0, "sysinfo(2) answers");
    info.freeram * u64::from(info.mem_unit) / 1024
}
