//! C's memory functions: memcpy(3), memmove(3), memset(3), memcmp(3), bcmp(3), memchr(3), strlen(3).
//!
//! Which instructions they are made of depends on length, overlap and CPU, so everything is tried around every length where that may
//! change, and on several CPUs (`tests/abi/cases.toml`). What must come of it is said by loops over bytes.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::hint::black_box;
use std::ptr::null_mut;
use std::thread;

use abi_tests::cases;
use libc::{c_int, c_void};

cases! {
    copies, moves_over_itself, sets, compares, long_copies, long_moves_over_itself, long_sets, long_compares,
    copies_at_edges, moves_at_edges, sets_at_edges, compares_at_edges, finds, finds_at_edges, finds_the_first_whatever_the_length, string_lengths,
    registers_survive_other_threads
}

const PAGE: usize = 4096;
/// Every short length.
const SHORT: usize = 300;
/// Where something lies within a block of 32 bytes.
const PLACES: [usize; 6] = [0, 1, 7, 16, 24, 31];
/// Lengths around those where long copies are done in another way, and some that are nothing special.
const LONG: [usize; 15] =
    [383, 384, 385, 511, 513, 1000, 4095, 4096, 4159, 8192, 32_767, 32_768, 32_769, 65_536 + 63, 262_144 + 7];
/// How far a move goes.
const DISTANCES: [usize; 8] = [0, 1, 7, 15, 16, 33, 64, 127];

unsafe extern "C" {
    /// bcmp(3), which the libc crate does not have everywhere.
    fn bcmp(one: *const c_void, other: *const c_void, length: usize) -> c_int;
}

/// A byte that tells where it comes from.
fn pattern(index: usize) -> u8 {
    (index.wrapping_mul(167) ^ (index >> 7)).to_le_bytes()[0]
}

fn patterned(length: usize) -> Vec<u8> {
    (0..length).map(pattern).collect()
}

fn copy(to: &mut [u8], from: &[u8]) {
    assert_eq!(to.len(), from.len());
    let at = black_box(to.as_mut_ptr()).cast();
    // SAFETY: both are that long; one is borrowed for writing, so they do not overlap.
    let answer = unsafe { libc::memcpy(at, black_box(from.as_ptr()).cast(), black_box(from.len())) };
    assert_eq!(answer, at);
}

/// Moves `length` bytes within `bytes`.
fn shift(bytes: &mut [u8], from: usize, to: usize, length: usize) {
    assert!(from.max(to) + length <= bytes.len());
    let start = black_box(bytes.as_mut_ptr());
    // SAFETY: both ranges lie within `bytes`.
    let (from, to) = unsafe { (start.add(from), start.add(to)) };
    // SAFETY: as above.
    let answer = unsafe { libc::memmove(to.cast(), from.cast(), black_box(length)) };
    assert_eq!(answer, to.cast());
}

fn set(bytes: &mut [u8], value: c_int) {
    let at = black_box(bytes.as_mut_ptr()).cast();
    // SAFETY: it is that long.
    let answer = unsafe { libc::memset(at, black_box(value), black_box(bytes.len())) };
    assert_eq!(answer, at);
}

/// The sign of memcmp's answer, which bcmp must agree with.
fn compare(one: &[u8], other: &[u8]) -> c_int {
    assert_eq!(one.len(), other.len());
    let (one, other, length) = (black_box(one.as_ptr()), black_box(other.as_ptr()), black_box(one.len()));
    // SAFETY: both are that long.
    let order = unsafe { libc::memcmp(one.cast(), other.cast(), length) };
    // SAFETY: both are that long.
    let differs = unsafe { bcmp(one.cast(), other.cast(), length) };
    assert_eq!(order != 0, differs != 0, "{length} bytes");
    order.signum()
}

/// Whether all bytes are what `expected` says, by a loop.
fn check(bytes: &[u8], expected: impl Fn(usize) -> u8, what: &str) {
    for (index, &byte) in bytes.iter().enumerate() {
        assert!(byte == expected(index), "{what}: byte {index} is {byte}, not {}", expected(index));
    }
}

fn try_copy(from: &[u8], to: &mut [u8], from_at: usize, to_at: usize, length: usize) {
    const OLD: u8 = 0xa5;
    to.iter_mut().for_each(|byte| *byte = OLD);
    copy(&mut to[to_at..to_at + length], &from[from_at..from_at + length]);
    let expected = |index: usize| {
        let is_copied = (to_at..to_at + length).contains(&index);
        if is_copied { pattern(from_at + index - to_at) } else { OLD }
    };
    check(to, expected, &format!("{length} bytes from {from_at} to {to_at}"));
}

fn copies() {
    let from = patterned(SHORT + 64);
    for length in 0..=SHORT {
        let mut to = vec![0; length + 64];
        for from_at in PLACES {
            for to_at in [0, 9, 31] {
                try_copy(&from, &mut to, from_at, to_at, length);
            }
        }
    }
}

fn long_copies() {
    for length in LONG {
        let from = patterned(length + 64);
        let mut to = vec![0; length + 64];
        let places: &[usize] = if length > 10_000 { &[0, 17] } else { &PLACES };
        for &from_at in places {
            for &to_at in places {
                try_copy(&from, &mut to, from_at, to_at, length);
            }
        }
    }
}

fn try_shift(from: usize, to: usize, length: usize) {
    let mut bytes = patterned(from.max(to) + length + 40);
    shift(&mut bytes, from, to, length);
    let expected = |index: usize| {
        let is_moved = (to..to + length).contains(&index);
        pattern(if is_moved { from + index - to } else { index })
    };
    check(&bytes, expected, &format!("{length} bytes from {from} to {to}"));
}

fn moves_over_itself() {
    for length in 0..=SHORT {
        for distance in DISTANCES {
            try_shift(5, 5 + distance, length);
            try_shift(5 + distance, 5, length);
        }
    }
}

fn long_moves_over_itself() {
    for length in LONG {
        let distances: &[usize] = if length > 10_000 { &[0, 33, 9000] } else { &DISTANCES };
        for &distance in distances {
            try_shift(9, 9 + distance, length);
            try_shift(9 + distance, 9, length);
        }
    }
}

fn try_set(at: usize, length: usize, value: c_int) {
    let mut bytes = patterned(at + length + 40);
    set(&mut bytes[at..at + length], value);
    let byte = value.to_le_bytes()[0];
    let expected = |index: usize| if (at..at + length).contains(&index) { byte } else { pattern(index) };
    check(&bytes, expected, &format!("{length} bytes at {at}"));
}

fn sets() {
    for length in 0..=SHORT {
        for at in [0, 7, 24] {
            // Only the low byte counts.
            for value in [0, 0x5a, -1, 0x1280] {
                try_set(at, length, value);
            }
        }
    }
}

fn long_sets() {
    for length in LONG {
        for at in [0, 17] {
            try_set(at, length, 0);
            try_set(at, length, 0xc3);
        }
    }
}

fn compares() {
    for length in 0..=SHORT {
        for (one_at, other_at) in [(0, 0), (1, 0), (3, 16), (31, 17)] {
            let one = patterned(one_at + length + 1);
            // What lies before and behind differs, and does not count.
            let mut other = vec![0; other_at + length + 1];
            for index in 0..length {
                other[other_at + index] = one[one_at + index];
            }
            other[other_at + length] = !one[one_at + length];
            let (one, other) = (&one[one_at..one_at + length], &mut other[other_at..other_at + length]);
            assert_eq!(compare(one, other), 0, "{length} bytes");
            for at in 0..length {
                differ_at(one, other, at);
            }
        }
    }
}

/// Makes equal bytes differ at one place, and at another one behind it that says the opposite.
fn differ_at(one: &[u8], other: &mut [u8], at: usize) {
    let (here, last) = (other[at], other.len() - 1);
    // Bytes are unsigned.
    other[at] ^= 0x80;
    let sign = if here & 0x80 == 0 { -1 } else { 1 };
    assert_eq!(compare(one, other), sign, "{} bytes that differ at {at}", one.len());
    if at < last {
        let there = other[last];
        other[last] = if sign < 0 { there.wrapping_sub(1) } else { there.wrapping_add(1) };
        assert_eq!(compare(one, other), sign, "{} bytes that differ at {at} first", one.len());
        other[last] = there;
    }
    other[at] = here;
}

fn long_compares() {
    for length in LONG {
        let one = patterned(length + 3);
        let one = &one[3..];
        let mut other = one.to_vec();
        assert_eq!(compare(one, &other), 0, "{length} bytes");
        for at in [0, 64, 100, length / 2, length - 130, length - 65, length - 17, length - 1] {
            differ_at(one, &mut other, at);
        }
    }
}

/// Memory with nothing before and behind it.
struct Fenced {
    start: *mut u8,
    length: usize,
}

impl Fenced {
    fn new(pages: usize) -> Self {
        let length = pages * PAGE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory wherever there is room.
        let all = unsafe { libc::mmap(null_mut(), length + 2 * PAGE, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(all, libc::MAP_FAILED);
        // SAFETY: within the mapping.
        let start = unsafe { all.cast::<u8>().add(PAGE) };
        // SAFETY: the middle of the mapping.
        assert_eq!(unsafe { libc::mprotect(start.cast(), length, libc::PROT_READ | libc::PROT_WRITE) }, 0);
        Self { start, length }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is this one's, readable, writable and that long.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }

    /// `length` bytes at its very start, or at its very end.
    fn edge(&mut self, length: usize, is_end: bool) -> &mut [u8] {
        let at = if is_end { self.length - length } else { 0 };
        &mut self.bytes()[at..at + length]
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made.
        unsafe { libc::munmap(self.start.sub(PAGE).cast(), self.length + 2 * PAGE) };
    }
}

/// Lengths that fit into `pages` pages.
fn lengths(pages: usize) -> impl Iterator<Item = usize> {
    (0..=SHORT).chain(LONG).filter(move |&length| length <= pages * PAGE)
}

const SIDES: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

fn copies_at_edges() {
    const PAGES: usize = 17;
    for (is_end, is_other_end) in SIDES {
        let (mut from, mut to) = (Fenced::new(PAGES), Fenced::new(PAGES));
        // The target's pages are found in the middle of a copy.
        for length in lengths(PAGES).chain([PAGES * PAGE]) {
            let from = from.edge(length, is_end);
            for (index, byte) in from.iter_mut().enumerate() {
                *byte = pattern(index);
            }
            let to = to.edge(length, is_other_end);
            copy(to, from);
            check(to, pattern, &format!("{length} bytes"));
        }
    }
}

fn moves_at_edges() {
    const PAGES: usize = 9;
    let mut memory = Fenced::new(PAGES);
    for length in lengths(PAGES).filter(|&length| length > 0) {
        for distance in [1, 33, 127].into_iter().filter(|&distance| distance < length) {
            for (is_end, is_up) in SIDES {
                let bytes = memory.edge(length, is_end);
                for (index, byte) in bytes.iter_mut().enumerate() {
                    *byte = pattern(index);
                }
                let (from, to) = if is_up { (0, distance) } else { (distance, 0) };
                let moved = length - distance;
                shift(bytes, from, to, moved);
                let what = format!("{moved} bytes from {from} to {to}");
                check(&bytes[to..to + moved], |index| pattern(from + index), &what);
            }
        }
    }
}

fn sets_at_edges() {
    const PAGES: usize = 17;
    for is_end in [false, true] {
        let mut memory = Fenced::new(PAGES);
        for length in lengths(PAGES).chain([PAGES * PAGE]) {
            let byte = pattern(length);
            let bytes = memory.edge(length, is_end);
            set(bytes, c_int::from(byte));
            check(bytes, |_| byte, &format!("{length} bytes"));
        }
    }
}

fn compares_at_edges() {
    const PAGES: usize = 17;
    let (mut one, mut other) = (Fenced::new(PAGES), Fenced::new(PAGES));
    for (is_end, is_other_end) in SIDES {
        for length in lengths(PAGES).chain([PAGES * PAGE]) {
            let (one, other) = (one.edge(length, is_end), other.edge(length, is_other_end));
            for memory in [&mut *one, &mut *other] {
                for (index, byte) in memory.iter_mut().enumerate() {
                    *byte = pattern(index);
                }
            }
            assert_eq!(compare(one, other), 0, "{length} bytes");
            for at in [0, length / 2, length.saturating_sub(1)].into_iter().filter(|&at| at < length) {
                differ_at(one, other, at);
            }
        }
    }
}

/// Where memchr finds `byte`.
fn find(start: *const u8, byte: c_int, length: usize) -> Option<usize> {
    // SAFETY: the caller has that many bytes, or the byte among fewer.
    let found = unsafe { libc::memchr(black_box(start).cast(), black_box(byte), black_box(length)) };
    (!found.is_null()).then(|| found.addr() - start.addr())
}

fn finds() {
    for at in PLACES {
        let mut bytes = [7; SHORT + 40];
        for length in 0..=SHORT {
            // What is looked for lies before and behind.
            bytes[at + length] = 9;
            if at > 0 {
                bytes[at - 1] = 9;
            }
            let start = bytes[at..].as_ptr();
            assert_eq!(find(start, 9, length), None, "{length} bytes at {at}");
            // Only the low byte counts.
            assert_eq!(find(start, 0x109, length + 1), Some(length), "{length} bytes at {at}");
            assert_eq!(find(start, 7, length), (length > 0).then_some(0));
            bytes[at + length] = 7;
        }
        for place in 0..SHORT {
            bytes[at + place] = 0xff;
            bytes[at + SHORT - 1] = 0xff;
            assert_eq!(find(bytes[at..].as_ptr(), -1, SHORT), Some(place), "at {at}");
            bytes[at + place] = 7;
        }
    }
}

fn finds_at_edges() {
    const PAGES: usize = 2;
    let mut memory = Fenced::new(PAGES);
    for is_end in [false, true] {
        for length in lengths(PAGES) {
            let bytes = memory.edge(length, is_end);
            assert_eq!(find(bytes.as_ptr(), 1, length), None, "{length} bytes");
            if length > 0 {
                bytes[length - 1] = 1;
                assert_eq!(find(bytes.as_ptr(), 1, length), Some(length - 1));
                bytes[length - 1] = 0;
            }
        }
    }
}

fn finds_the_first_whatever_the_length() {
    let mut memory = Fenced::new(1);
    for length in 1..=SHORT {
        let bytes = memory.edge(length, true);
        bytes[length - 1] = 5;
        for most in [length, length + 1, PAGE, usize::MAX / 2, usize::MAX] {
            assert_eq!(find(bytes.as_ptr(), 5, most), Some(length - 1), "{length} bytes, {most} to look at");
        }
        bytes[length - 1] = 0;
    }
}

fn string_lengths() {
    const PAGES: usize = 2;
    let mut memory = Fenced::new(PAGES);
    memory.bytes().iter_mut().for_each(|byte| *byte = 0x80);
    for length in lengths(PAGES).filter(|&length| length + PLACES[5] < PAGES * PAGE) {
        for at in PLACES {
            // Zeros before do not count.
            let string = memory.edge(length + 1 + at, true);
            string[..at].fill(0);
            string[length + at] = 0;
            // SAFETY: it ends with a zero.
            assert_eq!(unsafe { libc::strlen(black_box(string[at..].as_ptr()).cast()) }, length, "at {at}");
            string[..at].fill(0x80);
        }
    }
}

fn registers_survive_other_threads() {
    let threads = [1_u8, 2, 3, 4].map(|own| {
        thread::spawn(move || {
            let from = vec![own; 16 << 10];
            let mut to = vec![0; 16 << 10];
            for round in 0..300_usize {
                let length = from.len() - round % 100;
                set(&mut to, 0);
                copy(&mut to[..length], &from[..length]);
                assert_eq!(compare(&to[..length], &from[..length]), 0);
                if round % 50 == 0 {
                    check(&to[..length], |_| own, "a copy");
                    thread::yield_now();
                }
            }
        })
    });
    for thread in threads {
        thread.join().expect("its own bytes only");
    }
}
