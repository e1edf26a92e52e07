//! Stacks of threads that come one after the other: fresh each time, with a guard below, whatever was there before.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::thread;

use abi_tests::memory::{PAGE, is_readable, is_writable};
use abi_tests::{cases, check};

cases! { thread_locals_begin_anew, guards_stay_guards, guards_of_other_sizes, deep_stacks, many_at_once, memory_of_a_joined_thread }

/// Bytes of a thread-local without an initial value: it must be zeros in every thread.
const LOCAL: usize = 3000;

thread_local! {
    static ZEROS: Cell<[u8; LOCAL]> = const { Cell::new([0; LOCAL]) };
}

fn thread_locals_begin_anew() {
    for round in 0..200_u8 {
        let was_zero = thread::spawn(move || {
            let was_zero = ZEROS.get() == [0; LOCAL];
            ZEROS.set([round | 1; LOCAL]);
            was_zero
        });
        assert!(was_zero.join().unwrap(), "round {round}");
    }
}

/// First address of the calling thread's stack above its guard, and one past its last, as pthread_getattr_np(3) tells.
fn own_stack() -> (usize, usize) {
    let (mut low, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the attributes are filled before they are read.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        assert_eq!(libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes), 0);
        assert_eq!(libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut size), 0);
        libc::pthread_attr_destroy(&raw mut attributes);
    }
    (low as usize, low as usize + size)
}

fn guards_stay_guards() {
    for _ in 0..20 {
        thread::spawn(|| {
            let low = own_stack().0;
            assert!(!is_readable((low - 1) as *mut u8), "the guard");
            assert!(is_writable(low as *mut u8), "the stack's last byte");
        })
        .join()
        .unwrap();
    }
}

extern "C" fn look_at_guard(guard: *mut c_void) -> *mut c_void {
    let (low, guard) = (own_stack().0, guard as usize);
    let good = (1..=guard / PAGE).all(|page| !is_readable((low - page * PAGE) as *mut u8))
        && is_writable(low as *mut u8);
    usize::from(good) as *mut c_void
}

/// Guard and stack together are always as much: the same memory may serve, never with the wrong guard.
fn guards_of_other_sizes() {
    const WHOLE: usize = 64 * PAGE;
    for guard_pages in [1, 2, 8, 1, 3, 8, 2] {
        let guard = guard_pages * PAGE;
        // SAFETY: the attributes live until the thread is created; it is joined.
        let good = unsafe {
            let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
            libc::pthread_attr_init(&raw mut attributes);
            check(libc::pthread_attr_setguardsize(&raw mut attributes, guard)).unwrap();
            check(libc::pthread_attr_setstacksize(&raw mut attributes, WHOLE - guard)).unwrap();
            let (mut thread, mut answer) = (std::mem::zeroed(), ptr::null_mut());
            let created = libc::pthread_create(
                &raw mut thread,
                &raw const attributes,
                look_at_guard,
                guard as *mut c_void,
            );
            assert_eq!(created, 0);
            assert_eq!(libc::pthread_join(thread, &raw mut answer), 0);
            libc::pthread_attr_destroy(&raw mut attributes);
            answer as usize
        };
        assert_eq!(good, 1, "a guard of {guard_pages} pages");
    }
}

/// Writes to every page of a large frame.
fn use_stack(depth: usize) -> usize {
    let frame = std::hint::black_box([depth as u8; 16 * 1024]);
    let below = if depth > 0 { use_stack(depth - 1) } else { 0 };
    below + usize::from(frame[depth])
}

fn deep_stacks() {
    let expected: usize = (0..=40).sum();
    for _ in 0..10 {
        assert_eq!(thread::spawn(|| use_stack(40)).join().unwrap(), expected);
        assert_eq!(thread::spawn(|| use_stack(1)).join().unwrap(), 1);
    }
}

fn many_at_once() {
    for round in 0..5_usize {
        let threads: Vec<_> =
            (0..100).map(|number| thread::spawn(move || use_stack(number % 8) + round)).collect();
        for (number, thread) in threads.into_iter().enumerate() {
            let depth = number % 8;
            assert_eq!(thread.join().unwrap(), depth * (depth + 1) / 2 + round);
        }
    }
}

/// Deep stacks are given back: a thousand of them, one after the other, take no more memory than a few.
fn memory_of_a_joined_thread() {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let run = || assert!(thread::spawn(|| use_stack(30)).join().is_ok());
    (0..3).for_each(|_| run());
    let before = resident();
    (0..100).for_each(|_| run());
    assert!(resident() < before + 512, "pages: {before} before, {} after", resident());
}
