//! Shared maps of files: mmap(2) with MAP_SHARED, and what truncate(2), fallocate(2), seals and madvise(2) do to them.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::ffi::{c_int, c_void};
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use abi_tests::memory::{ANONYMOUS, PAGE, RW, get, is_readable, map, protect, remap, set, unmap};
use abi_tests::{Fd, Scratch, call, cases, check, handle, open};
use libc::{
    EACCES, EBUSY, EFAULT, EINVAL, ENODEV, ENOMEM, EPERM, F_ADD_SEALS, F_SEAL_FUTURE_WRITE, F_SEAL_WRITE,
    MADV_FREE, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_REMOVE, MAP_FIXED, MAP_PRIVATE, MAP_SHARED,
    MFD_ALLOW_SEALING, MREMAP_MAYMOVE, O_RDONLY, O_RDWR, PROT_NONE, PROT_READ, PROT_WRITE, SA_RESTART,
};

cases! {
    file_and_map_are_one, two_maps_are_one, private_maps_do_not_write, behind_the_end, sigbus_has_an_address, cut_and_grown,
    holes, what_may_be_written, seals_and_maps, the_file_lives_while_mapped, moved_and_grown, parts_go, advice, devices,
    maps_tells, atomics_across_maps, cut_while_used
}

/// A fresh file of `pages` pages.
fn file(scratch: &Scratch, pages: u64) -> File {
    let path = scratch.path("file");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).unwrap();
    file.set_len(pages * PAGE as u64).unwrap();
    file
}

fn share(file: &File, pages: usize) -> *mut u8 {
    map(0, pages * PAGE, RW, MAP_SHARED, file.as_raw_fd(), 0).unwrap()
}

fn byte(file: &File, at: usize) -> u8 {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    byte[0]
}

fn advise(at: *mut u8, length: usize, advice: i32) -> Result<i32, i32> {
    // SAFETY: the case's own memory, or a refusal.
    check(unsafe { libc::madvise(at.cast(), length, advice) })
}

// covers: mmap
fn file_and_map_are_one() {
    let scratch = Scratch::new("one");
    let file = file(&scratch, 2);
    file.write_all_at(b"before", 0).unwrap();
    let at = share(&file, 2);
    assert_eq!(get(at), b'b');
    set(at, b'B');
    set(at.wrapping_add(PAGE + 1), 9);
    assert_eq!((byte(&file, 0), byte(&file, PAGE + 1)), (b'B', 9));
    file.write_all_at(b"after", 0).unwrap();
    assert_eq!(get(at), b'a');
    assert_eq!(fs::read(scratch.path("file")).unwrap()[..6], *b"aftere");
    // SAFETY: the case's own memory.
    assert_eq!(check(unsafe { libc::msync(at.cast(), 2 * PAGE, libc::MS_SYNC) }), Ok(0));
    unmap(at, 2 * PAGE).unwrap();
    assert_eq!(byte(&file, PAGE + 1), 9, "it stays when the map goes");
}

fn two_maps_are_one() {
    let scratch = Scratch::new("two");
    let file = file(&scratch, 3);
    let reader = open(scratch.path("file"), O_RDONLY).unwrap();
    let one = share(&file, 3);
    let other = map(0, PAGE, PROT_READ, MAP_SHARED, reader.0, 2 * PAGE as i64).unwrap();
    set(one.wrapping_add(2 * PAGE), 1);
    assert_eq!(get(other), 1);
    set(one.wrapping_add(2 * PAGE), 2);
    assert_eq!(get(other), 2);
    unmap(one, 3 * PAGE).unwrap();
    assert_eq!(get(other), 2);
    unmap(other, PAGE).unwrap();
}

fn private_maps_do_not_write() {
    let scratch = Scratch::new("private");
    let file = file(&scratch, 1);
    let (mine, shared) = (map(0, PAGE, RW, MAP_PRIVATE, file.as_raw_fd(), 0).unwrap(), share(&file, 1));
    set(mine, 7);
    assert_eq!((get(shared), byte(&file, 0)), (0, 0));
    set(shared, 8);
    assert_eq!(get(mine), 7);
    unmap(mine, PAGE).unwrap();
    unmap(shared, PAGE).unwrap();
}

fn behind_the_end() {
    let scratch = Scratch::new("end");
    let file = file(&scratch, 0);
    let at = share(&file, 2);
    assert!(!is_readable(at), "an empty file");
    file.set_len(10).unwrap();
    set(at.wrapping_add(9), 1);
    set(at.wrapping_add(10), 2);
    assert!(!is_readable(at.wrapping_add(PAGE)));
    assert_eq!(fs::read(scratch.path("file")).unwrap().len(), 10, "a map does not make a file longer");
    file.set_len(2 * PAGE as u64).unwrap();
    assert_eq!(get(at.wrapping_add(9)), 1);
    assert!(is_readable(at.wrapping_add(PAGE)));
    unmap(at, 2 * PAGE).unwrap();
}

static BUS_AT: AtomicUsize = AtomicUsize::new(0);
static BUS_CODE: AtomicUsize = AtomicUsize::new(0);

/// Notes where it was, and puts memory there so that the program goes on.
extern "C" fn on_bus(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel passes a siginfo of a fault, which has an address.
    let (at, code) = unsafe { ((*info).si_addr() as usize, (*info).si_code) };
    BUS_AT.store(at, Ordering::Relaxed);
    BUS_CODE.store(code as usize, Ordering::Relaxed);
    let page = at & !(PAGE - 1);
    // SAFETY: the page is the case's own.
    unsafe { libc::mmap(page as *mut _, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0) };
}

fn sigbus_has_an_address() {
    let scratch = Scratch::new("bus");
    let file = file(&scratch, 1);
    let at = share(&file, 3);
    handle(libc::SIGBUS, SA_RESTART, on_bus);
    set(at.wrapping_add(PAGE + 5), 3);
    assert_eq!(BUS_AT.load(Ordering::Relaxed), at as usize + PAGE + 5);
    assert_eq!(BUS_CODE.load(Ordering::Relaxed), 2, "BUS_ADRERR");
    assert_eq!(get(at.wrapping_add(PAGE + 5)), 3);
    // SAFETY: back to how it was.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    unmap(at, 3 * PAGE).unwrap();
}

// covers: ftruncate
fn cut_and_grown() {
    let scratch = Scratch::new("cut");
    let file = file(&scratch, 3);
    let at = share(&file, 3);
    (0..3).for_each(|page| set(at.wrapping_add(page * PAGE + 100), 5));
    file.set_len(PAGE as u64 + 50).unwrap();
    assert!(is_readable(at.wrapping_add(PAGE + 100)) && !is_readable(at.wrapping_add(2 * PAGE)));
    assert_eq!(get(at.wrapping_add(PAGE + 100)), 0, "cleared behind the end");
    file.set_len(3 * PAGE as u64).unwrap();
    assert_eq!((get(at.wrapping_add(100)), get(at.wrapping_add(2 * PAGE + 100))), (5, 0));
    set(at.wrapping_add(2 * PAGE), 6);
    assert_eq!(byte(&file, 2 * PAGE), 6);
    unmap(at, 3 * PAGE).unwrap();
}

// covers: fallocate
fn holes() {
    let scratch = Scratch::new("holes");
    let file = file(&scratch, 3);
    let at = share(&file, 3);
    (0..3).for_each(|page| set(at.wrapping_add(page * PAGE), 5));
    let hole = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: only numbers are passed.
    check(unsafe { libc::fallocate(file.as_raw_fd(), hole, PAGE as i64, PAGE as i64) }).unwrap();
    assert_eq!([0, 1, 2].map(|page| get(at.wrapping_add(page * PAGE))), [5, 0, 5]);
    set(at.wrapping_add(PAGE), 6);
    assert_eq!(byte(&file, PAGE), 6);
    assert_eq!(advise(at.wrapping_add(2 * PAGE), PAGE, MADV_REMOVE), Ok(0));
    assert_eq!((byte(&file, 2 * PAGE), get(at.wrapping_add(2 * PAGE))), (0, 0));
    unmap(at, 3 * PAGE).unwrap();
}

fn what_may_be_written() {
    let scratch = Scratch::new("may");
    let _ = file(&scratch, 1);
    let (reader, writer) =
        (open(scratch.path("file"), O_RDONLY).unwrap(), open(scratch.path("file"), libc::O_WRONLY).unwrap());
    assert_eq!(map(0, PAGE, RW, MAP_SHARED, reader.0, 0), Err(EACCES));
    assert_eq!(map(0, PAGE, RW, MAP_SHARED, writer.0, 0), Err(EACCES));
    let shown = map(0, PAGE, PROT_READ, MAP_SHARED, reader.0, 0).unwrap();
    assert_eq!(protect(shown, PAGE, RW), Err(EACCES));
    assert_eq!(advise(shown, PAGE, MADV_REMOVE), Err(EACCES));
    assert_eq!(protect(shown, PAGE, PROT_NONE), Ok(0));
    assert_eq!(protect(shown, PAGE, PROT_READ), Ok(0));
    let both = open(scratch.path("file"), O_RDWR).unwrap();
    let later = map(0, PAGE, PROT_READ, MAP_SHARED, both.0, 0).unwrap();
    assert_eq!(get(later), 0);
    protect(later, PAGE, RW).unwrap();
    set(later, 4);
    assert_eq!(get(shown), 4);
    unmap(shown, PAGE).unwrap();
    unmap(later, PAGE).unwrap();
}

// covers: memfd_create
fn memory_file(pages: usize) -> Fd {
    // SAFETY: the name is a C string.
    let fd = Fd(check(unsafe { libc::memfd_create(c"m".as_ptr(), MFD_ALLOW_SEALING) }).unwrap());
    // SAFETY: only numbers are passed.
    check(unsafe { libc::ftruncate(fd.0, (pages * PAGE) as i64) }).unwrap();
    fd
}

fn seals_and_maps() {
    let fd = memory_file(4);
    // SAFETY: only numbers are passed.
    let seal = |seal: i32| check(unsafe { libc::fcntl(fd.0, F_ADD_SEALS, seal) });
    let at = map(0, 4 * PAGE, RW, MAP_SHARED, fd.0, 0).unwrap();
    assert_eq!(seal(F_SEAL_WRITE), Err(EBUSY));
    assert_eq!(seal(F_SEAL_FUTURE_WRITE), Ok(0));
    set(at, 1);
    assert_eq!(map(0, PAGE, RW, MAP_SHARED, fd.0, 0), Err(EPERM));
    let shown = map(0, PAGE, PROT_READ, MAP_SHARED, fd.0, 0).unwrap();
    assert_eq!((get(shown), protect(shown, PAGE, RW)), (1, Err(EACCES)));
    unmap(at, 4 * PAGE).unwrap();
    assert_eq!(seal(F_SEAL_WRITE), Ok(0));
    let mine = map(0, PAGE, RW, MAP_PRIVATE, fd.0, 0).unwrap();
    set(mine, 2);
    assert_eq!(get(shown), 1);
    unmap(mine, PAGE).unwrap();
    unmap(shown, PAGE).unwrap();
}

fn the_file_lives_while_mapped() {
    let scratch = Scratch::new("lives");
    let file = file(&scratch, 1);
    let at = share(&file, 1);
    set(at, 3);
    drop(file);
    fs::remove_file(scratch.path("file")).unwrap();
    assert_eq!(get(at), 3);
    set(at.wrapping_add(1), 4);
    unmap(at, PAGE).unwrap();
}

// covers: mremap
fn moved_and_grown() {
    let scratch = Scratch::new("moved");
    let file = file(&scratch, 4);
    let at = map(0, PAGE, RW, MAP_SHARED, file.as_raw_fd(), PAGE as i64).unwrap();
    set(at, 1);
    let grown = remap(at, PAGE, 3 * PAGE, MREMAP_MAYMOVE, 0).unwrap();
    set(grown.wrapping_add(2 * PAGE), 2);
    assert_eq!((byte(&file, PAGE), byte(&file, 3 * PAGE)), (1, 2));
    let shrunk = remap(grown, 3 * PAGE, PAGE, 0, 0).unwrap();
    set(shrunk, 3);
    assert_eq!(byte(&file, PAGE), 3);
    file.set_len(PAGE as u64).unwrap();
    assert!(!is_readable(shrunk), "found where it moved to");
    unmap(shrunk, PAGE).unwrap();
}

// covers: munmap
fn parts_go() {
    let scratch = Scratch::new("parts");
    let file = file(&scratch, 4);
    let at = share(&file, 4);
    (0..4).for_each(|page| set(at.wrapping_add(page * PAGE), page as u8 + 1));
    unmap(at.wrapping_add(PAGE), 2 * PAGE).unwrap();
    assert_eq!((get(at), get(at.wrapping_add(3 * PAGE))), (1, 4));
    assert_eq!((byte(&file, PAGE), byte(&file, 2 * PAGE)), (2, 3));
    map(at as usize + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file.as_raw_fd(), PAGE as i64).unwrap();
    assert_eq!(get(at.wrapping_add(PAGE)), 2);
    unmap(at, 4 * PAGE).unwrap();
}

// covers: madvise
fn advice() {
    let scratch = Scratch::new("advice");
    let file = file(&scratch, 2);
    let at = share(&file, 3);
    set(at, 5);
    assert_eq!(advise(at, PAGE, libc::MADV_DONTNEED), Ok(0));
    assert_eq!(get(at), 5, "it is the file's");
    assert_eq!(advise(at, PAGE, MADV_FREE), Err(EINVAL));
    assert_eq!(advise(at, 2 * PAGE, MADV_POPULATE_WRITE), Ok(0));
    assert_eq!(advise(at, 3 * PAGE, MADV_POPULATE_READ), Err(EFAULT), "behind the end");
    let reader = open(scratch.path("file"), O_RDONLY).unwrap();
    let shown = map(0, PAGE, PROT_READ, MAP_SHARED, reader.0, 0).unwrap();
    assert_eq!(advise(shown, PAGE, MADV_POPULATE_READ), Ok(0));
    assert_eq!(advise(shown, PAGE, MADV_POPULATE_WRITE), Err(EINVAL));
    unmap(shown, PAGE).unwrap();
    let mine = map(0, 2 * PAGE, RW, ANONYMOUS, -1, 0).unwrap();
    assert_eq!(advise(mine, 2 * PAGE, MADV_POPULATE_WRITE), Ok(0));
    assert_eq!(advise(mine, PAGE, MADV_REMOVE), Err(EINVAL));
    unmap(mine.wrapping_add(PAGE), PAGE).unwrap();
    assert_eq!(advise(mine, 2 * PAGE, MADV_POPULATE_READ), Err(ENOMEM));
    unmap(mine, PAGE).unwrap();
    unmap(at, 3 * PAGE).unwrap();
}

fn devices() {
    let zero = open("/dev/zero", O_RDWR).unwrap();
    for sharing in [MAP_SHARED, MAP_PRIVATE] {
        let at = map(0, PAGE, RW, sharing, zero.0, 0).unwrap();
        assert_eq!(get(at), 0);
        set(at, 1);
        unmap(at, PAGE).unwrap();
    }
    let null = open("/dev/null", O_RDWR).unwrap();
    assert_eq!(map(0, PAGE, PROT_READ, MAP_PRIVATE, null.0, 0), Err(ENODEV));
    let maps = open("/proc/self/maps", O_RDONLY).unwrap();
    assert_eq!(map(0, PAGE, PROT_READ, MAP_PRIVATE, maps.0, 0), Err(ENODEV));
}

fn maps_tells() {
    let scratch = Scratch::new("tells");
    let file = file(&scratch, 1);
    let at = share(&file, 1);
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let start = format!("{:08x}-", at as usize);
    let line = maps.lines().find(|line| line.starts_with(&start)).unwrap();
    assert!(line.contains("rw-s") && line.ends_with("/file"), "{line}");
    unmap(at, PAGE).unwrap();
}

fn atomics_across_maps() {
    const ROUNDS: u64 = 20_000;
    let fd = memory_file(1);
    let maps = [0; 2].map(|_| map(0, PAGE, RW, MAP_SHARED, fd.0, 0).unwrap() as usize);
    thread::scope(|scope| {
        for at in maps {
            // SAFETY: the map is aligned and lives until the threads are joined.
            scope.spawn(move || unsafe {
                (0..ROUNDS).for_each(|_| {
                    (*(at as *const AtomicU64)).fetch_add(1, Ordering::Relaxed);
                });
            });
        }
    });
    // SAFETY: as above.
    let sum = unsafe { ptr::read_volatile(maps[0] as *const u64) };
    assert_eq!(sum, 2 * ROUNDS);
    for at in maps {
        unmap(at as *mut u8, PAGE).unwrap();
    }
}

/// One thread cuts and grows the file while others use it through a map: every use succeeds or is `EFAULT`, and nothing else is touched.
fn cut_while_used() {
    const PAGES: usize = 4;
    let fd = memory_file(PAGES);
    let at = map(0, PAGES * PAGE, RW, MAP_SHARED, fd.0, 0).unwrap() as usize;
    let done = AtomicBool::new(false);
    let (read, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let zero = open("/dev/zero", O_RDONLY).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut page = 0;
                while !done.load(Ordering::Relaxed) {
                    page = (page + 1) % PAGES;
                    let words = [zero.0 as usize, at + page * PAGE, PAGE, 0, 0, 0];
                    match call(libc::SYS_read, words) {
                        Ok(count) => {
                            assert!((1..=PAGE).contains(&(count as usize)), "{count}");
                            read.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(errno) => {
                            assert_eq!(errno, EFAULT);
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        for _ in 0..1000 {
            for pages in [0, PAGES] {
                // SAFETY: only numbers are passed.
                check(unsafe { libc::ftruncate(fd.0, (pages * PAGE) as i64) }).unwrap();
                thread::yield_now();
            }
        }
        while read.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    let other = map(0, PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0).unwrap();
    assert_eq!(get(other), 0);
    unmap(other, PAGE).unwrap();
    unmap(at as *mut u8, PAGES * PAGE).unwrap();
}
