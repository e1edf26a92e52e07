//! `memory`: what C's memory functions take, in guest instructions: `op NAME-LENGTH N` per line, the call itself included.
//!
//! For comparing one way of writing them with another: `cargo xtask build tests/bench --bin memory`, then QEMU with the flags that
//! docs/benchmarks.md names for the operations. Not part of that page.
#![expect(unsafe_code, reason = "what is measured is C's")]
#![expect(clippy::print_stdout, reason = "the report")]

use std::hint::black_box;

use bench_programs::measure;

const LENGTHS: [usize; 13] = [0, 1, 3, 8, 16, 32, 64, 100, 128, 256, 1024, 4096, 65536];
const COUNT: u32 = 100;

fn main() {
    let mut to = vec![1_u8; 65536 + 64];
    let from = vec![1_u8; 65536 + 64];
    let (to, from) = (black_box(to.as_mut_ptr().cast()), black_box(from.as_ptr().cast()));
    for length in LENGTHS {
        measure(&format!("memcpy-{length}"), COUNT, || {
            // SAFETY: both are longer, and not the same.
            black_box(unsafe { libc::memcpy(to, from, black_box(length)) });
        });
    }
    for length in LENGTHS {
        // To an address below: forward.
        measure(&format!("memmove-{length}"), COUNT, || {
            // SAFETY: the object is longer by 64 bytes.
            black_box(unsafe { libc::memmove(to, to.cast::<u8>().add(33).cast(), black_box(length)) });
        });
    }
    for length in LENGTHS {
        // To an address above: backward.
        measure(&format!("memmove-up-{length}"), COUNT, || {
            // SAFETY: the object is longer by 64 bytes.
            black_box(unsafe { libc::memmove(to.cast::<u8>().add(33).cast(), to, black_box(length)) });
        });
    }
    for length in LENGTHS {
        measure(&format!("memset-{length}"), COUNT, || {
            // SAFETY: the object is longer.
            black_box(unsafe { libc::memset(to, 1, black_box(length)) });
        });
    }
    for length in LENGTHS {
        measure(&format!("memcmp-{length}"), COUNT, || {
            // SAFETY: both are longer.
            black_box(unsafe { libc::memcmp(to, from, black_box(length)) });
        });
    }
    let (one, other) = (vec![1_u8; 65536], vec![1_u8; 65536]);
    for length in LENGTHS {
        measure(&format!("slices-equal-{length}"), COUNT, || {
            black_box(one[..black_box(length)] == other[..black_box(length)]);
        });
    }
    finding();
    println!("done");
}

fn finding() {
    let mut string = vec![1_u8; 65536];
    for length in LENGTHS.into_iter().filter(|&length| length < 65536) {
        string[length] = 0;
        let start = black_box(string.as_ptr());
        measure(&format!("strlen-{length}"), COUNT, || {
            // SAFETY: it ends with a zero.
            black_box(unsafe { libc::strlen(black_box(start.cast())) });
        });
        measure(&format!("memchr-{length}"), COUNT, || {
            // SAFETY: the object is longer.
            black_box(unsafe { libc::memchr(black_box(start.cast()), 0, black_box(length)) });
        });
        string[length] = 1;
    }
}
