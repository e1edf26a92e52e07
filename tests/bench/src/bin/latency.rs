//! `latency`: how late a timer wakes a thread, and how long a thread stays away when another wants the same CPU.
//!
//! `hist NAME BELOW COUNT` per line: so many samples took less than BELOW nanoseconds and no less than half of it; `latency NAME MEDIAN P99
//! LARGEST` after each. Nanoseconds are instructions under `-icount shift=0`. Meant for one vCPU, where a busy thread has no other to go to.
#![expect(clippy::print_stdout, reason = "the report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bench_programs::counter;

fn main() {
    let timer = wake_ups();
    show("wake-idle", timer);
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let busy = thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    show("wake-busy", wake_ups());
    stop.store(true, Ordering::Relaxed);
    busy.join().expect("it does not panic");
    show("away", away());
}

/// How late each of many sleeps of different lengths ends.
fn wake_ups() -> Vec<u64> {
    (0..200_u64)
        .map(|sample| {
            let length = Duration::from_nanos(500_000 + 7_919 * (sample % 101));
            let start = Instant::now();
            thread::sleep(length);
            let late = start.elapsed().saturating_sub(length);
            u64::try_from(late.as_nanos()).unwrap_or(u64::MAX)
        })
        .collect()
}

/// Two threads that never wait share the CPU: each gap in one's view of time is a turn of the other's, and the switches to it and back.
fn away() -> Vec<u64> {
    // No loop takes as long without having been interrupted.
    const GAP: u64 = 20_000;
    const TURNS: usize = 50;
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let other = thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    let mut gaps = Vec::with_capacity(TURNS);
    let mut last = counter();
    while gaps.len() < TURNS {
        let now = counter();
        if now - last > GAP {
            gaps.push(now - last);
        }
        last = now;
    }
    stop.store(true, Ordering::Relaxed);
    other.join().expect("it does not panic");
    gaps
}

fn show(name: &str, mut samples: Vec<u64>) {
    samples.sort_unstable();
    let mut rest = samples.as_slice();
    let mut below = 1_u64;
    while !rest.is_empty() {
        let (inside, later) = rest.split_at(rest.partition_point(|&sample| sample < below));
        if !inside.is_empty() {
            println!("hist {name} {below} {}", inside.len());
        }
        rest = later;
        below = below.saturating_mul(2);
    }
    let at = |percent: usize| samples[(samples.len() - 1) * percent / 100];
    println!("latency {name} {} {} {}", at(50), at(99), at(100));
}
