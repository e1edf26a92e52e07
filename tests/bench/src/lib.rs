//! What the measuring programs share: the counter, the median over batches, and a bare Linux made usable.
//!
//! Under QEMU's `-icount shift=0` the time-stamp counter counts guest instructions (one nanosecond of virtual time each, at 1 GHz), on
//! Caracal and on Linux alike, so a figure is the same at every run. What is printed is for `cargo xtask bench`: a word that says what
//! the line is, a name, numbers. Nothing here is meant for timing on a real clock.
#![expect(unsafe_code, reason = "the counter is an instruction, mount(2) is C")]
#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "the fence belongs to the reading")]

use std::arch::x86_64::{_mm_lfence, _rdtsc};
use std::hint::black_box;
use std::path::Path;

pub mod network;

/// Batches per figure. The median of them is what counts, so that a timer tick in one of them does not.
pub const BATCHES: usize = 9;
/// The same, and the one that warms up.
const ALL_BATCHES: u32 = 10;

/// The time-stamp counter, when everything before it is done.
pub fn counter() -> u64 {
    // SAFETY: x86-64 has both instructions, and Linux leaves the counter readable to programs.
    unsafe {
        _mm_lfence();
        _rdtsc()
    }
}

/// What a counted loop around nothing takes per batch of `count`.
fn empty(count: u32) -> u64 {
    batch(count, &mut || {
        black_box(());
    })
}

/// What `count` calls take, the loop included.
fn batch(count: u32, operation: &mut impl FnMut()) -> u64 {
    let start = counter();
    for _ in 0..count {
        operation();
    }
    counter() - start
}

/// The one in the middle.
pub fn median(mut values: [u64; BATCHES]) -> u64 {
    values.sort_unstable();
    values[BATCHES / 2]
}

/// How often `operation` runs in `measure` with this `count`.
pub const fn calls(count: u32) -> u32 {
    count * ALL_BATCHES
}

/// Prints what one call takes: a batch to warm up, then the median of the others, the loop itself taken off.
pub fn measure(name: &str, count: u32, mut operation: impl FnMut()) {
    batch(count, &mut operation);
    let costs = std::array::from_fn(|_| batch(count, &mut operation));
    report(name, median(costs).saturating_sub(empty(count)), u64::from(count));
}

/// Prints `total` shared out over `count`, rounded to the nearest.
pub fn report(name: &str, total: u64, count: u64) {
    println!("op {name} {}", (total + count / 2) / count);
}

/// Makes the devices appear where the program is the first process of a Linux without user space.
pub fn set_up_bare_linux() {
    if Path::new("/dev/null").exists() {
        return;
    }
    let (name, place) = (c"devtmpfs".as_ptr(), c"/dev".as_ptr());
    // SAFETY: the strings are C strings; devtmpfs takes no data.
    let answer = unsafe { libc::mount(name, place, name, 0, std::ptr::null()) };
    assert_eq!(answer, 0, "cannot mount devtmpfs: {}", std::io::Error::last_os_error());
}
