//! Twenty thousand threads of std that wait at the same time in a guest of 1 GiB, and what each of them costs.

use std::fs;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

const THREADS: usize = 20_000;
/// Most memory a waiting thread may cost: its stacks, its tables, everything.
const MOST_KIB_EACH: u64 = 24;
/// How much of what the threads cost must be back when they have ended, in per cent.
const LEAST_BACK: u64 = 80;

/// KiB that programs can still have.
fn available() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::Error::other("no MemAvailable in /proc/meminfo"))
}

fn main() -> io::Result<()> {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let before = available()?;
    let mut threads = Vec::with_capacity(THREADS);
    for number in 0..THREADS {
        let gate = Arc::clone(&gate);
        threads.push(thread::Builder::new().spawn(move || {
            let (state, changed) = &*gate;
            let mut state = state.lock().unwrap();
            while !*state {
                state = changed.wait(state).unwrap();
            }
            number
        })?);
    }
    // Let the last ones come to the gate.
    thread::sleep(Duration::from_millis(100));
    let cost = before - available()?;
    println!("{THREADS} threads wait");
    if cost / THREADS as u64 >= MOST_KIB_EACH {
        println!("each costs {} KiB", cost / THREADS as u64);
    }
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    let sum: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("all ended: {}", sum == THREADS * (THREADS - 1) / 2);
    // The last ones are still being taken apart.
    thread::sleep(Duration::from_millis(100));
    let back = (cost + available()?).saturating_sub(before);
    if back * 100 < cost * LEAST_BACK {
        println!("only {back} of {cost} KiB are back");
    }
    Ok(())
}
