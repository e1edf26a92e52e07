//! Memory: mmap, munmap, mprotect, mremap, madvise, brk and their relatives.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use abi_tests::memory::{
    ANONYMOUS, PAGE, RW, anonymous, get, is_readable, is_writable, map, protect, remap, set, unmap,
};
use abi_tests::{Scratch, call, cases, check, open};
use libc::{
    EACCES, EBADF, EEXIST, EINVAL, ENODEV, ENOMEM, MADV_DONTNEED, MAP_ANONYMOUS, MAP_FIXED,
    MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_POPULATE, MAP_PRIVATE, MAP_SHARED, MREMAP_FIXED, MREMAP_MAYMOVE,
    O_CREAT, O_RDONLY, O_RDWR, O_WRONLY, PROT_EXEC, PROT_NONE, PROT_READ,
};

cases! {
    anonymous_is_zero, lengths_and_flags, fixed_places, partial_unmap, protect_parts, files_private, file_refusals, file_tail,
    remap_grows, remap_moves, advice_gives_back, too_much, reservations, break_moves, executable_memory, wild_strings_at_holes,
    synced, locked, all_locked, many_areas, unmapped_is_efault, barriers, large_memory_comes_and_goes,
    addresses_used_again_by_other_threads, a_cpu_that_idled_sees_the_change
}

// covers: mmap, munmap
fn anonymous_is_zero() {
    let at = anonymous(10);
    assert!((0..10 * PAGE).step_by(512).all(|offset| get(at.wrapping_add(offset)) == 0));
    set(at, 7);
    assert_eq!(unmap(at, 10 * PAGE), Ok(0));
    let again = map(at as usize, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0).unwrap();
    assert_eq!(get(again), 0);
    assert_eq!(unmap(again, PAGE), Ok(0));
    assert_eq!(unmap(again, PAGE), Ok(0), "nothing there is no error");
}

fn lengths_and_flags() {
    assert_eq!(map(0, 0, RW, ANONYMOUS, -1, 0), Err(EINVAL));
    assert_eq!(map(0, PAGE, RW, MAP_ANONYMOUS, -1, 0), Err(EINVAL));
    assert_eq!(map(0, 2 << 20, RW, ANONYMOUS | libc::MAP_HUGETLB, -1, 0), Err(ENOMEM), "an empty pool");
    assert_eq!(map(0, PAGE, RW, ANONYMOUS, -1, 100), Err(EINVAL));
    assert_eq!(map(0, usize::MAX - 100, RW, ANONYMOUS, -1, 0), Err(ENOMEM));
    assert_eq!(map(0, PAGE, RW, MAP_PRIVATE, -1, 0), Err(EBADF));
    let at = map(0, 1, RW, ANONYMOUS, -1, 0).unwrap();
    set(at.wrapping_add(PAGE - 1), 1);
    assert_eq!(unmap(at, 1), Ok(0));
    assert_eq!(unmap(at.wrapping_add(1), PAGE), Err(EINVAL));
    assert_eq!(unmap(at, 0), Err(EINVAL));
    let populated = map(0, 8 * PAGE, RW, ANONYMOUS | MAP_POPULATE, -1, 0).unwrap();
    assert_eq!(get(populated), 0);
    unmap(populated, 8 * PAGE).unwrap();
}

fn fixed_places() {
    let at = anonymous(4);
    set(at, 1);
    set(at.wrapping_add(PAGE), 2);
    let middle = at.wrapping_add(PAGE);
    assert_eq!(map(middle as usize, PAGE, RW, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), Err(EEXIST));
    assert_eq!(map(middle as usize, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0), Ok(middle));
    assert_eq!((get(at), get(middle)), (1, 0));
    assert_eq!(map(at as usize + 1, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0), Err(EINVAL));
    let hint = map(middle as usize, PAGE, RW, ANONYMOUS, -1, 0).unwrap();
    assert_ne!(hint, middle, "a hint does not replace");
    unmap(hint, PAGE).unwrap();
    unmap(at, 4 * PAGE).unwrap();
    assert_eq!(map(at as usize, PAGE, RW, ANONYMOUS, -1, 0), Ok(at), "a free hint is taken");
    unmap(at, PAGE).unwrap();
}

fn partial_unmap() {
    let at = anonymous(5);
    (0..5).for_each(|page| set(at.wrapping_add(page * PAGE), page as u8 + 1));
    unmap(at.wrapping_add(PAGE), 2 * PAGE).unwrap();
    assert_eq!((get(at), get(at.wrapping_add(3 * PAGE))), (1, 4));
    assert!(
        is_readable(at) && !is_readable(at.wrapping_add(PAGE)) && !is_readable(at.wrapping_add(2 * PAGE))
    );
    unmap(at, 5 * PAGE).unwrap();
}

// covers: mprotect
fn protect_parts() {
    let at = anonymous(4);
    set(at.wrapping_add(PAGE), 9);
    protect(at.wrapping_add(PAGE), PAGE, PROT_READ).unwrap();
    assert!(is_readable(at.wrapping_add(PAGE)) && !is_writable(at.wrapping_add(PAGE)) && is_writable(at));
    protect(at, 4 * PAGE, PROT_NONE).unwrap();
    assert!(!is_readable(at) && !is_readable(at.wrapping_add(3 * PAGE)));
    protect(at, 4 * PAGE, RW).unwrap();
    assert_eq!(get(at.wrapping_add(PAGE)), 9, "contents survive");
    // By number: musl's function rounds the address down.
    assert_eq!(call(libc::SYS_mprotect, [at as usize + 1, PAGE, RW as usize, 0, 0, 0]), Err(EINVAL));
    assert_eq!(protect(at, PAGE, 1 << 20), Err(EINVAL));
    unmap(at.wrapping_add(PAGE), PAGE).unwrap();
    assert_eq!(protect(at, 4 * PAGE, PROT_READ), Err(ENOMEM), "a hole");
    unmap(at, 4 * PAGE).unwrap();
}

fn files_private() {
    let scratch = Scratch::new("mmap");
    std::fs::write(scratch.path("f"), [[1u8; PAGE], [2; PAGE], [3; PAGE]].concat()).unwrap();
    let fd = open(scratch.path("f"), O_RDONLY).unwrap();
    let at = map(0, 2 * PAGE, RW, MAP_PRIVATE, fd.0, PAGE as i64).unwrap();
    drop(fd);
    assert_eq!((get(at), get(at.wrapping_add(PAGE))), (2, 3));
    set(at, 77);
    assert_eq!(std::fs::read(scratch.path("f")).unwrap()[PAGE], 2, "private");
    unmap(at, 2 * PAGE).unwrap();
    let fd = open(scratch.path("f"), O_RDONLY).unwrap();
    let at = map(0, 3 * PAGE, PROT_READ, MAP_SHARED, fd.0, 0).unwrap();
    assert_eq!((get(at), get(at.wrapping_add(2 * PAGE))), (1, 3));
    unmap(at, 3 * PAGE).unwrap();
}

fn file_refusals() {
    let scratch = Scratch::new("mmapbad");
    let writer = open(scratch.path("f"), O_WRONLY | O_CREAT).unwrap();
    assert_eq!(map(0, PAGE, PROT_READ, MAP_PRIVATE, writer.0, 0), Err(EACCES));
    let reader = open(scratch.path("f"), O_RDONLY).unwrap();
    assert_eq!(map(0, PAGE, RW, MAP_SHARED, reader.0, 0), Err(EACCES));
    let directory = open(scratch.root(), O_RDONLY).unwrap();
    assert_eq!(map(0, PAGE, PROT_READ, MAP_PRIVATE, directory.0, 0), Err(ENODEV));
}

fn file_tail() {
    let scratch = Scratch::new("mmaptail");
    std::fs::write(scratch.path("f"), [5u8; 100]).unwrap();
    let fd = open(scratch.path("f"), O_RDWR).unwrap();
    let at = map(0, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd.0, 0).unwrap();
    assert_eq!((get(at.wrapping_add(99)), get(at.wrapping_add(100))), (5, 0));
    assert!(!is_readable(at.wrapping_add(PAGE)), "behind the last page");
    unmap(at, 2 * PAGE).unwrap();
}

// covers: mremap
fn remap_grows() {
    let at = anonymous(2);
    set(at, 1);
    set(at.wrapping_add(PAGE), 2);
    let moved = remap(at, 2 * PAGE, 100 * PAGE, MREMAP_MAYMOVE, 0).unwrap();
    assert_eq!((get(moved), get(moved.wrapping_add(PAGE)), get(moved.wrapping_add(99 * PAGE))), (1, 2, 0));
    let shrunk = remap(moved, 100 * PAGE, PAGE, 0, 0).unwrap();
    assert_eq!((shrunk, get(shrunk)), (moved, 1));
    assert!(!is_readable(moved.wrapping_add(PAGE)));
    assert_eq!(remap(shrunk, PAGE, 0, 0, 0), Err(EINVAL));
    assert_eq!(remap(shrunk.wrapping_add(1), PAGE, PAGE, 0, 0), Err(EINVAL));
    assert_eq!(remap(shrunk, PAGE, PAGE, 1 << 20, 0), Err(EINVAL));
    unmap(shrunk, PAGE).unwrap();
    assert_eq!(remap(shrunk, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0), Err(libc::EFAULT));
}

fn remap_moves() {
    let (at, target) = (anonymous(2), anonymous(4));
    set(at, 42);
    assert_eq!(remap(at, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target as usize), Ok(target));
    assert_eq!(get(target), 42);
    assert!(!is_readable(at));
    assert_eq!(remap(target, PAGE, PAGE, MREMAP_FIXED, at as usize), Err(EINVAL));
    unmap(target, 4 * PAGE).unwrap();
}

// covers: madvise
fn advice_gives_back() {
    let at = anonymous(4);
    set(at, 5);
    // SAFETY: the case's own memory.
    let advise = |offset: usize, length: usize, advice: i32| {
        check(unsafe { libc::madvise(at.wrapping_add(offset).cast(), length, advice) })
    };
    assert_eq!(advise(0, PAGE, libc::MADV_WILLNEED), Ok(0));
    assert_eq!(get(at), 5);
    assert_eq!(advise(0, 4 * PAGE, MADV_DONTNEED), Ok(0));
    assert_eq!(get(at), 0, "zeros again");
    assert_eq!(advise(0, PAGE, 9999), Err(EINVAL));
    assert_eq!(advise(1, PAGE, MADV_DONTNEED), Err(EINVAL));
    unmap(at.wrapping_add(PAGE), PAGE).unwrap();
    assert_eq!(advise(0, 4 * PAGE, MADV_DONTNEED), Err(ENOMEM), "a hole");
    unmap(at, 4 * PAGE).unwrap();
}

fn too_much() {
    assert_eq!(map(0, 1 << 46, RW, ANONYMOUS, -1, 0).map(|_| ()), Err(ENOMEM));
    let mut vector: Vec<u8> = Vec::new();
    assert!(vector.try_reserve(1 << 46).is_err());
    assert!(vector.try_reserve(1 << 20).is_ok());
}

fn reservations() {
    let gibibytes = 64usize << 30;
    let at = map(0, gibibytes, PROT_NONE, ANONYMOUS | MAP_NORESERVE, -1, 0).unwrap();
    let inside = at.wrapping_add(33 << 30);
    protect(inside, 2 * PAGE, RW).unwrap();
    set(inside, 3);
    assert_eq!((get(inside), is_readable(at)), (3, false));
    unmap(at, gibibytes).unwrap();
}

// covers: brk
fn break_moves() {
    let now = call(libc::SYS_brk, [0; 6]).unwrap() as usize;
    let up = call(libc::SYS_brk, [now + 10 * PAGE, 0, 0, 0, 0, 0]).unwrap() as usize;
    assert_eq!(up, now + 10 * PAGE);
    let last = (up - 1) as *mut u8;
    set(last, 1);
    assert_eq!(call(libc::SYS_brk, [now, 0, 0, 0, 0, 0]).unwrap() as usize, now);
    assert!(!is_readable(last));
    assert_eq!(
        call(libc::SYS_brk, [usize::MAX / 2, 0, 0, 0, 0, 0]).unwrap() as usize,
        now,
        "too much changes nothing"
    );
}

fn executable_memory() {
    let at = anonymous(1);
    // mov eax, 42; ret
    for (offset, byte) in [0xb8, 42, 0, 0, 0, 0xc3].into_iter().enumerate() {
        set(at.wrapping_add(offset), byte);
    }
    protect(at, PAGE, PROT_READ | PROT_EXEC).unwrap();
    // SAFETY: the page holds a function.
    let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(at) };
    assert_eq!(function(), 42);
    unmap(at, PAGE).unwrap();
}

fn wild_strings_at_holes() {
    let at = anonymous(2);
    unmap(at.wrapping_add(PAGE), PAGE).unwrap();
    let last = at.wrapping_add(PAGE - 2);
    set(last, b'/');
    // A path that ends right at the hole, and one that would go on in it.
    assert!(call(libc::SYS_access, [last as usize, 0, 0, 0, 0, 0]).is_ok());
    set(last.wrapping_add(1), b'x');
    assert_eq!(call(libc::SYS_access, [last as usize, 0, 0, 0, 0, 0]), Err(libc::EFAULT));
    unmap(at, PAGE).unwrap();
}

// covers: msync
fn synced() {
    let at = anonymous(2);
    // SAFETY: the case's own memory, or a refusal.
    let sync = |flags: i32| check(unsafe { libc::msync(at.cast(), PAGE, flags) });
    assert_eq!(sync(libc::MS_SYNC), Ok(0));
    assert_eq!(sync(libc::MS_SYNC | libc::MS_ASYNC), Err(EINVAL));
    unmap(at, 2 * PAGE).unwrap();
    assert_eq!(sync(libc::MS_SYNC), Err(ENOMEM));
}

/// Locked pages, as `/proc/self/status` tells.
fn locked_pages() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / (PAGE / 1024)
}

// covers: mlock, mlock2, munlock
fn locked() {
    let at = anonymous(8);
    let part = |page: usize| at.wrapping_add(page * PAGE);
    // SAFETY: the case's own memory, or a refusal.
    let lock = |page: usize, pages: usize| check(unsafe { libc::mlock(part(page).cast(), pages * PAGE) });
    // SAFETY: as above.
    let unlock = |page: usize, pages: usize| check(unsafe { libc::munlock(part(page).cast(), pages * PAGE) });
    // SAFETY: as above.
    let advise = |page: usize, advice: i32| check(unsafe { libc::madvise(part(page).cast(), PAGE, advice) });
    assert_eq!((lock(0, 2), locked_pages()), (Ok(0), 2));
    set(part(0), 1);
    assert_eq!(
        (advise(0, MADV_DONTNEED), advise(0, libc::MADV_FREE), get(part(0))),
        (Err(EINVAL), Err(EINVAL), 1)
    );
    assert_eq!(advise(4, MADV_DONTNEED), Ok(0));
    assert_eq!((unlock(0, 1), locked_pages()), (Ok(0), 1));
    unmap(part(1), PAGE).unwrap();
    assert_eq!(locked_pages(), 0);
    assert_eq!((lock(0, 3), locked_pages()), (Err(ENOMEM), 1), "up to the hole");
    assert_eq!((unlock(0, 8), locked_pages()), (Err(ENOMEM), 0));
    protect(part(0), PAGE, PROT_NONE).unwrap();
    assert_eq!((lock(0, 1), unlock(0, 1)), (Err(ENOMEM), Ok(0)), "cannot be brought in");
    let lock2 = |flags: usize| call(libc::SYS_mlock2, [part(2) as usize, PAGE, flags, 0, 0, 0]);
    assert_eq!((lock2(1), lock2(2), locked_pages()), (Ok(0), Err(EINVAL), 1));
    unmap(at, 8 * PAGE).unwrap();
    // SAFETY: a refusal.
    assert_eq!(check(unsafe { libc::mlock((usize::MAX - PAGE) as *const _, 1 << 20) }), Err(EINVAL));
    let locked = map(0, 4 * PAGE, RW, ANONYMOUS | libc::MAP_LOCKED, -1, 0).unwrap();
    let grown = remap(locked, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE, 0).unwrap();
    assert_eq!(locked_pages(), 8);
    unmap(grown, 8 * PAGE).unwrap();
}

// covers: mlockall, munlockall
fn all_locked() {
    // SAFETY: only numbers are passed.
    let lock_all = |flags: i32| check(unsafe { libc::mlockall(flags) });
    assert_eq!([0, 4, 8].map(lock_all), [Err(EINVAL); 3]);
    assert_eq!(lock_all(libc::MCL_FUTURE), Ok(0));
    let before = locked_pages();
    let at = anonymous(4);
    assert_eq!(locked_pages(), before + 4);
    // SAFETY: changes what is told only.
    assert_eq!(check(unsafe { libc::munlockall() }), Ok(0));
    let later = anonymous(4);
    assert_eq!(locked_pages(), 0);
    assert_eq!((lock_all(libc::MCL_CURRENT | libc::MCL_ONFAULT), locked_pages() >= 8), (Ok(0), true));
    // SAFETY: as above.
    assert_eq!(check(unsafe { libc::munlockall() }), Ok(0));
    assert_eq!(locked_pages(), 0);
    unmap(at, 4 * PAGE).unwrap();
    unmap(later, 4 * PAGE).unwrap();
}

fn many_areas() {
    let at = anonymous(2000);
    for page in (0..2000).step_by(2) {
        protect(at.wrapping_add(page * PAGE), PAGE, PROT_READ).unwrap();
    }
    for page in (1..2000).step_by(2) {
        set(at.wrapping_add(page * PAGE), 1);
    }
    unmap(at, 2000 * PAGE).unwrap();
    assert!(!is_readable(at.wrapping_add(999 * PAGE)));
}

fn unmapped_is_efault() {
    let at = anonymous(3);
    protect(at.wrapping_add(PAGE), PAGE, PROT_NONE).unwrap();
    let zero = open("/dev/zero", O_RDONLY).unwrap();
    // SAFETY: the kernel finds the hole.
    unsafe {
        let got = libc::read(zero.0, at.cast(), 3 * PAGE);
        assert!(got == -1 && abi_tests::errno() == libc::EFAULT || got == PAGE as isize, "{got}");
    }
    unmap(at, 3 * PAGE).unwrap();
}

// covers: membarrier
fn barriers() {
    let commands = call(libc::SYS_membarrier, [0; 6]).unwrap();
    assert_ne!(commands & 1, 0);
    assert_eq!(call(libc::SYS_membarrier, [1, 0, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_membarrier, [0, 99, 0, 0, 0, 0]), Err(EINVAL));
}

fn large_memory_comes_and_goes() {
    for round in 0..40u8 {
        let pages = 32 << 20 >> 12;
        let at = anonymous(pages);
        for page in 0..pages {
            set(at.wrapping_add(page * PAGE), round);
        }
        assert_eq!(get(at.wrapping_add((pages - 1) * PAGE)), round);
        unmap(at, pages * PAGE).unwrap();
    }
}

/// An address given back by one thread and got by another at once means the new memory on every CPU, never the old.
fn addresses_used_again_by_other_threads() {
    std::thread::scope(|scope| {
        for thread in 1..=6_u8 {
            scope.spawn(move || {
                for round in 0..400_usize {
                    let pages = 1 + round % 3;
                    let at = anonymous(pages);
                    for page in 0..pages {
                        let byte = at.wrapping_add(page * PAGE);
                        assert_eq!(get(byte), 0, "fresh memory");
                        set(byte, thread);
                    }
                    if round % 8 == 0 {
                        std::thread::yield_now();
                    }
                    for page in 0..pages {
                        assert_eq!(get(at.wrapping_add(page * PAGE)), thread, "written by this thread");
                    }
                    unmap(at, pages * PAGE).unwrap();
                }
            });
        }
    });
}

/// A thread that slept on its CPU sees the page that was moved to an address meanwhile, not the one that it read there before.
fn a_cpu_that_idled_sees_the_change() {
    let (at, other, spare) = (anonymous(1), anonymous(1), anonymous(1));
    set(at, 0);
    set(other, 1);
    let address = at as usize;
    let (ask, asked) = std::sync::mpsc::channel();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for expected in asked {
                tell.send((get(address as *mut u8), expected)).unwrap();
            }
        });
        for round in 0..100_u8 {
            ask.send(round % 2).unwrap();
            let (found, expected) = told.recv().unwrap();
            assert_eq!(found, expected, "round {round}");
            if round % 4 < 2 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            for (from, to) in [(at, spare), (other, at), (spare, other)] {
                assert_eq!(remap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to as usize), Ok(to));
            }
        }
        drop(ask);
    });
    unmap(at, PAGE).unwrap();
    unmap(other, PAGE).unwrap();
}
