//! malloc(3) and relatives: every size, alignment and thread; memory is disjoint, keeps its content, and goes back.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::mpsc;

use abi_tests::{cases, errno};

cases! { sizes, grows_and_shrinks, alignments, refusals, zeroed, disjoint, threads, freed_elsewhere, memory_goes_back }

/// Fills `size` bytes with a pattern that depends on `seed`.
fn fill(at: *mut c_void, size: usize, seed: usize) {
    for offset in (0..size).step_by(61).chain(size.checked_sub(1)) {
        // SAFETY: inside the object.
        unsafe { at.cast::<u8>().add(offset).write_volatile((offset ^ seed) as u8) };
    }
}

fn check(at: *mut c_void, size: usize, seed: usize) {
    for offset in (0..size).step_by(61) {
        // SAFETY: inside the object.
        let byte = unsafe { at.cast::<u8>().add(offset).read_volatile() };
        let is_last = offset + 1 == size;
        assert!(byte == (offset ^ seed) as u8 || is_last, "byte {offset} of {size} changed");
    }
}

fn sizes() {
    for size in (0..700).chain((700..300_000).step_by(977)).chain([1 << 20, 5 << 20]) {
        // SAFETY: freed once.
        unsafe {
            let at = libc::malloc(size);
            assert!(!at.is_null() && at.addr() % 16 == 0);
            assert!(libc::malloc_usable_size(at) >= size);
            fill(at, size, size);
            check(at, size, size);
            libc::free(at);
        }
    }
    // SAFETY: null is none.
    unsafe { libc::free(std::ptr::null_mut()) };
}

fn grows_and_shrinks() {
    let mut size = 1_usize;
    // SAFETY: realloc takes its own.
    unsafe {
        let mut at = libc::realloc(std::ptr::null_mut(), size);
        fill(at, size, 5);
        while size < 6 << 20 {
            let larger = size + size / 3 + 7;
            at = libc::realloc(at, larger);
            assert!(!at.is_null());
            check(at, size, 5);
            size = larger;
            fill(at, size, 5);
        }
        while size > 20 {
            size /= 2;
            at = libc::realloc(at, size);
            check(at, size, 5);
            fill(at, size, 5);
        }
        libc::free(at);
    }
}

fn alignments() {
    for align in (3..=21).map(|shift| 1_usize << shift) {
        for size in [1, 100, 5000, 70_000, 300_000] {
            // SAFETY: freed once.
            unsafe {
                let mut at = std::ptr::null_mut();
                assert_eq!(libc::posix_memalign(&mut at, align, size), 0);
                assert_eq!(at.addr() % align, 0, "{size} at {align}");
                fill(at, size, align);
                let bigger = libc::realloc(at, size + 10_000);
                check(bigger, size, align);
                libc::free(bigger);
                let at = libc::aligned_alloc(align, size.next_multiple_of(align));
                assert_eq!(at.addr() % align, 0);
                libc::free(at);
            }
        }
    }
}

fn refusals() {
    // SAFETY: what is refused is null.
    unsafe {
        for size in [usize::MAX, usize::MAX / 2, 1 << 46] {
            assert!(libc::malloc(std::hint::black_box(size)).is_null());
            assert_eq!(errno(), libc::ENOMEM);
        }
        assert!(libc::calloc(usize::MAX / 2, 4).is_null());
        let at = libc::malloc(100);
        fill(at, 100, 1);
        assert!(libc::realloc(at, std::hint::black_box(usize::MAX / 2)).is_null());
        check(at, 100, 1);
        libc::free(at);
        let mut none = std::ptr::null_mut();
        assert_eq!(libc::posix_memalign(&mut none, 24, 8), libc::EINVAL);
    }
}

fn zeroed() {
    for size in [16, 333, 4096, 9000, 100_000, 400_000] {
        // SAFETY: freed once, inside the object.
        unsafe {
            let dirty = libc::malloc(size);
            dirty.write_bytes(0xff, size);
            libc::free(dirty);
            let at = libc::calloc(size / 16 + 1, 16);
            let bytes = std::slice::from_raw_parts(at.cast::<u8>(), size);
            assert!(bytes.iter().all(|&byte| byte == 0));
            libc::free(at);
        }
    }
}

/// A generator that is the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    /// Mostly small, sometimes large.
    fn size(&mut self) -> usize {
        let most = [64, 512, 4096, 40_000, 200_000][self.below(20).saturating_sub(15)];
        1 + self.below(most)
    }
}

fn disjoint() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut live: BTreeMap<usize, (*mut c_void, usize)> = BTreeMap::new();
    for _ in 0..6000 {
        if live.len() < 800 && random.below(3) > 0 {
            let size = random.size();
            // SAFETY: freed below.
            let at = unsafe { libc::malloc(size) };
            if let Some((start, (_, length))) = live.range(..=at.addr()).next_back() {
                assert!(start + length <= at.addr());
            }
            if let Some((next, _)) = live.range(at.addr()..).next() {
                assert!(at.addr() + size <= *next);
            }
            fill(at, size, at.addr());
            live.insert(at.addr(), (at, size));
        } else if !live.is_empty() {
            let index = random.below(live.len());
            let address = *live.keys().nth(index).unwrap();
            let (at, size) = live.remove(&address).unwrap();
            check(at, size, address);
            // SAFETY: allocated above.
            unsafe { libc::free(at) };
        }
    }
    for (address, (at, size)) in live {
        check(at, size, address);
        // SAFETY: allocated above.
        unsafe { libc::free(at) };
    }
}

fn threads() {
    std::thread::scope(|scope| {
        for seed in 1..=6_u64 {
            scope.spawn(move || {
                let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let mut live: Vec<Vec<u8>> = Vec::new();
                for round in 0..4000 {
                    let mut fresh = vec![seed as u8; random.size()];
                    fresh.extend_from_slice(&[seed as u8; 40]);
                    live.push(fresh);
                    if live.len() > 60 {
                        let gone = live.swap_remove(random.below(60));
                        assert!(gone.iter().all(|&byte| byte == seed as u8), "round {round}");
                    }
                }
            });
        }
    });
}

/// What one thread makes another one frees, all the time.
fn freed_elsewhere() {
    let (send, receive) = mpsc::sync_channel::<Vec<u8>>(64);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for (count, bytes) in receive.iter().enumerate() {
                assert!(bytes.iter().all(|&byte| byte == count as u8));
            }
        });
        for count in 0..20_000_usize {
            send.send(vec![count as u8; 1 + count % 300]).unwrap();
        }
        drop(send);
    });
}

fn resident_pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

fn memory_goes_back() {
    for size in [500, 3000, 1 << 20] {
        let before = resident_pages();
        let objects: Vec<Vec<u8>> = (0..(24 << 20) / size).map(|_| vec![1; size]).collect();
        assert!(resident_pages() > before + 4000);
        drop(objects);
        let after = resident_pages();
        // The 3 KiB ones are of no use to this test where an allocator keeps what it has once had.
        assert!(!abi_tests::is_caracal() || after < before + 1500, "{before} pages before, {after} after");
    }
}
