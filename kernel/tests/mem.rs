//! The kernel's memory functions (arch/x86_64/mem.s) on the host, under other names: every short length, every alignment, overlaps both ways, with
//! pages that may not be touched right behind and right before. Beside them stands what std does.

use std::arch::global_asm;
use std::ops::Range;
use std::ptr;
use std::slice;
use std::sync::atomic::AtomicBool;

static NARROW: AtomicBool = AtomicBool::new(false);
static WIDE: AtomicBool = AtomicBool::new(true);

global_asm!(
    ".pushsection .text.tested, \"ax\", @progbits",
    ".macro memory_function name",
    ".globl tested_\\name",
    "tested_\\name:",
    ".endm",
    include_str!("../src/arch/x86_64/mem.s"),
    ".purgem memory_function",
    ".popsection",
    has_wide = sym NARROW,
);

// The same with vector registers.
global_asm!(
    ".pushsection .text.tested, \"ax\", @progbits",
    ".macro memory_function name",
    ".globl wide_\\name",
    "wide_\\name:",
    ".endm",
    include_str!("../src/arch/x86_64/mem.s"),
    ".purgem memory_function",
    ".popsection",
    has_wide = sym WIDE,
);

unsafe extern "C" {
    fn tested_memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn tested_memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn wide_memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn wide_memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn tested_memset(to: *mut u8, byte: i32, length: usize) -> *mut u8;
    fn tested_memcmp(one: *const u8, other: *const u8, length: usize) -> i32;
    fn tested_bcmp(one: *const u8, other: *const u8, length: usize) -> i32;
}

const PAGE: usize = 4096;
/// Longest length: over both borders from which on string instructions are used, and that of vector registers.
const LONGEST: usize = 800;
/// Lengths that are not tried one by one, up to all of an [`Arena`].
const LONG: [usize; 5] = [1000, 1024, 1025, 2047, PAGE];
/// Offsets from a word's start that are tried with each other.
const OFFSETS: [usize; 6] = [0, 1, 3, 4, 7, 13];

fn lengths() -> impl Iterator<Item = usize> {
    (0..=LONGEST).chain(LONG)
}

/// A page of bytes between two that fault.
struct Arena(*mut u8);

impl Arena {
    fn new() -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory wherever there is room.
        let start = unsafe { libc::mmap(ptr::null_mut(), 3 * PAGE, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        let page = start.cast::<u8>().wrapping_add(PAGE);
        // SAFETY: the middle page of what was just mapped; nobody uses it yet.
        let result = unsafe { libc::mprotect(page.cast(), PAGE, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(result, 0);
        Self(page)
    }

    /// The address of `range`'s start, all of which is in the arena.
    fn at(&self, range: &Range<usize>) -> *mut u8 {
        assert!(range.start <= range.end && range.end <= PAGE);
        self.0.wrapping_add(range.start)
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the page is readable, writable and the arena's own, which is borrowed as long.
        unsafe { slice::from_raw_parts_mut(self.0, PAGE) }
    }

    /// Bytes that differ from their neighbours, and from those of another salt.
    fn fill(&mut self, salt: usize) {
        for (at, byte) in self.bytes().iter_mut().enumerate() {
            *byte = ((at * 7 + at / 251 + salt * 101) % 256) as u8;
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the three pages that `new` mapped; nobody has their addresses any more.
        unsafe { libc::munmap(self.0.wrapping_sub(PAGE).cast(), 3 * PAGE) };
    }
}

/// Where `length` bytes lie: from each offset on at the page's start, and right up to its end.
fn places(length: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = OFFSETS.into_iter().chain([PAGE - length]);
    starts.map(move |start| start..start + length).filter(|range| range.end <= PAGE)
}

type Copy = unsafe extern "C" fn(*mut u8, *const u8, usize) -> *mut u8;

fn copies_between_arenas(copy: Copy) {
    let (mut to, mut from) = (Arena::new(), Arena::new());
    to.fill(1);
    from.fill(2);
    let (before, source) = (to.bytes().to_vec(), from.bytes().to_vec());
    for length in lengths() {
        for (target, origin) in
            places(length).flat_map(|to| places(length).map(move |from| (to.clone(), from)))
        {
            // SAFETY: both ranges lie in their arenas.
            let answer = unsafe { copy(to.at(&target), from.at(&origin), length) };
            assert_eq!(answer, to.at(&target));
            let mut expected = before.clone();
            expected[target.clone()].copy_from_slice(&source[origin.clone()]);
            assert!(to.bytes() == expected, "{origin:?} to {target:?}");
            to.bytes()[target.clone()].copy_from_slice(&before[target]);
        }
    }
    assert!(from.bytes() == source, "what is copied stays");
}

/// Whether this machine has the registers that long copies borrow.
fn has_wide() -> bool {
    std::arch::is_x86_feature_detected!("avx")
}

#[test]
fn memcpy_copies() {
    copies_between_arenas(tested_memcpy);
    if has_wide() {
        copies_between_arenas(wide_memcpy);
    }
}

#[test]
fn memmove_copies() {
    copies_between_arenas(tested_memmove);
    if has_wide() {
        copies_between_arenas(wide_memmove);
    }
}

#[test]
fn memcpy_of_something_to_itself_changes_nothing() {
    copies_to_itself(tested_memcpy);
    if has_wide() {
        copies_to_itself(wide_memcpy);
    }
}

fn copies_to_itself(copy: Copy) {
    let mut arena = Arena::new();
    arena.fill(3);
    let before = arena.bytes().to_vec();
    for range in lengths().flat_map(places) {
        let at = arena.at(&range);
        // SAFETY: the range lies in the arena; the compiler relies on such copies too.
        unsafe { copy(at, at, range.len()) };
        assert!(arena.bytes() == before, "{range:?}");
    }
}

#[test]
fn memmove_moves_over_itself_both_ways() {
    moves_over_itself(tested_memmove);
    if has_wide() {
        moves_over_itself(wide_memmove);
    }
}

fn moves_over_itself(copy: Copy) {
    let mut arena = Arena::new();
    arena.fill(4);
    let before = arena.bytes().to_vec();
    let near = (0..=70).chain([100, 127, 128, 129, 255, 256, 257, 300, 511, 512, 599, 600, 601]);
    let distances: Vec<usize> = near.collect();
    for length in lengths() {
        for (low, high) in distances.iter().flat_map(|&by| [(0, by), (5, 5 + by)]) {
            // Also up to the page's very end.
            let up = (PAGE.saturating_sub(high + length)) / 2 * 2;
            for (low, high) in [(low, high), (low + up, high + up)] {
                for (from, to) in [(low, high), (high, low)] {
                    let (origin, target) = (from..from + length, to..to + length);
                    if origin.end.max(target.end) > PAGE {
                        continue;
                    }
                    // SAFETY: both ranges lie in the arena.
                    let answer = unsafe { copy(arena.at(&target), arena.at(&origin), length) };
                    assert_eq!(answer, arena.at(&target));
                    let whole = origin.start.min(target.start)..origin.end.max(target.end);
                    let mut expected = before[whole.clone()].to_vec();
                    expected.copy_within(
                        origin.start - whole.start..origin.end - whole.start,
                        target.start - whole.start,
                    );
                    assert!(arena.bytes()[whole.clone()] == expected, "{origin:?} to {target:?}");
                    arena.bytes()[target.clone()].copy_from_slice(&before[target.clone()]);
                    let round = whole.start.saturating_sub(64)..(whole.end + 64).min(PAGE);
                    assert!(arena.bytes()[round.clone()] == before[round], "beside {origin:?} to {target:?}");
                }
            }
        }
    }
    assert!(arena.bytes() == before);
}

#[test]
fn memset_sets() {
    let mut arena = Arena::new();
    arena.fill(5);
    let before = arena.bytes().to_vec();
    for range in lengths().flat_map(places) {
        // Only the lowest byte counts.
        for byte in [0, 0x5a, 0x80, 0xff, 0x1234_56ab, -1] {
            // SAFETY: the range lies in the arena.
            let answer = unsafe { tested_memset(arena.at(&range), byte, range.len()) };
            assert_eq!(answer, arena.at(&range));
            let mut expected = before.clone();
            expected[range.clone()].fill(byte as u8);
            assert!(arena.bytes() == expected, "{range:?} to {byte:#x}");
            arena.bytes()[range.clone()].copy_from_slice(&before[range.clone()]);
        }
    }
}

/// Compares with both functions what lies at `one` and `other`.
fn compare(one: &Arena, other: &Arena, at: &Range<usize>, with: &Range<usize>) -> (i32, bool) {
    let (left, right) = (one.at(at), other.at(with));
    // SAFETY: both ranges lie in their arenas and are as long.
    let order = unsafe { tested_memcmp(left, right, at.len()) };
    // SAFETY: as above.
    let differs = unsafe { tested_bcmp(left, right, at.len()) } != 0;
    (order.signum(), differs)
}

#[test]
fn memcmp_and_bcmp_find_the_first_difference() {
    let (mut one, mut other) = (Arena::new(), Arena::new());
    for length in lengths() {
        for (at, with) in places(length).zip(places(length).skip(1).chain([0..length])) {
            one.fill(6);
            other.fill(7);
            let bytes = one.bytes()[at.clone()].to_vec();
            other.bytes()[with.clone()].copy_from_slice(&bytes);
            assert_eq!(compare(&one, &other, &at, &with), (0, false), "{at:?} and {with:?}");
            // One difference at a time, and behind it one that says the opposite.
            for position in (0..length).filter(|position| length <= 80 || position % 7 == length % 7) {
                for (left, right) in [(0, 1), (0x7f, 0x80), (0xff, 0), (0x80, 0x7f)] {
                    one.bytes()[at.start + position] = left;
                    other.bytes()[with.start + position] = right;
                    if position + 1 < length {
                        one.bytes()[at.start + position + 1] = right;
                        other.bytes()[with.start + position + 1] = left;
                    }
                    let expected = one.bytes()[at.clone()].cmp(&other.bytes()[with.clone()]) as i32;
                    let found = compare(&one, &other, &at, &with);
                    assert_eq!(found, (expected, true), "{at:?} and {with:?} at {position}");
                }
                for place in position..(position + 2).min(length) {
                    one.bytes()[at.start + place] = bytes[place];
                    other.bytes()[with.start + place] = bytes[place];
                }
            }
        }
    }
}
