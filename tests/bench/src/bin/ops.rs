//! `ops`: what operations of std and of the system take, in guest instructions: `op NAME N` per line.
//!
//! The names are those of tests/bench/budgets.toml and docs/benchmarks.md. `op main` comes first: the counter when `main` began.
#![expect(unsafe_code, reason = "some of what is measured is C's or an instruction")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "a pair of calls is what is measured")]
#![expect(clippy::print_stdout, reason = "the report")]

use std::arch::asm;
use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::net::UnixStream;
use std::ptr::null_mut;
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use bench_programs::{BATCHES, calls, counter, measure, median, report};

const PAGE: usize = 4096;

fn main() {
    let start = counter();
    println!("op main {start}");
    bench_programs::set_up_bare_linux();
    processes();
    files();
    waiting();
    readiness();
    sockets();
    first_touch();
    heap();
    println!("done");
}

fn processes() {
    measure("getpid-direct", 1000, || {
        // SAFETY: getpid(2) cannot fail.
        black_box(unsafe { libc::getpid() });
    });
    measure("getpid-syscall", 1000, || {
        black_box(getpid_by_instruction());
    });
    measure("instant-now", 1000, || {
        black_box(Instant::now());
    });
    measure("yield-now", 1000, thread::yield_now);
}

/// getpid(2) through the `syscall` instruction.
fn getpid_by_instruction() -> i64 {
    let answer: i64;
    // SAFETY: getpid(2) takes nothing and cannot fail; the instruction clobbers rcx and r11.
    unsafe {
        asm!("syscall", inlateout("rax") libc::SYS_getpid => answer, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    answer
}

fn files() {
    const READS: u32 = 100;
    let mut null = OpenOptions::new().write(true).open("/dev/null").expect("/dev/null is there");
    measure("write-null", 1000, || {
        black_box(null.write(&[1]).expect("a byte is written"));
    });
    let path = "/bench-file";
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).open(path).expect("the root can be written");
    measure("write-tmpfs", 1000, || {
        black_box(file.write(&[1]).expect("a byte is written"));
    });
    file.rewind().expect("a file has a position");
    file.write_all(&vec![7; calls(READS) as usize * PAGE]).expect("there is room");
    file.rewind().expect("a file has a position");
    let mut page = vec![0; PAGE];
    measure("read-tmpfs-4k", READS, || {
        assert_eq!(file.read(&mut page).expect("the file can be read"), PAGE);
    });
    measure("open-close", 500, || {
        black_box(File::open(path).expect("the file is there"));
    });
}

fn waiting() {
    const ROUNDS: u32 = 500;
    measure("spawn-join", 50, || {
        thread::spawn(|| ()).join().expect("it does not panic");
    });
    let pair = Arc::new((Mutex::new(0_u32), Condvar::new()));
    let other = Arc::clone(&pair);
    let partner = thread::spawn(move || {
        for round in 0..calls(ROUNDS) {
            pass_on(&other, 2 * round + 1);
        }
    });
    let mut round = 0;
    measure("condvar-round-trip", ROUNDS, || {
        pass_on(&pair, round);
        round += 2;
    });
    partner.join().expect("it does not panic");

    let (to, from_here) = mpsc::channel();
    let (back, from_there) = mpsc::channel();
    let partner = thread::spawn(move || {
        for word in from_here {
            back.send(word).expect("somebody receives");
        }
    });
    measure("mpsc-round-trip", ROUNDS, || {
        to.send(1_u32).expect("somebody receives");
        black_box(from_there.recv().expect("somebody sends"));
    });
    drop(to);
    partner.join().expect("it does not panic");
}

/// What an event loop does, with very many files that do nothing.
fn readiness() {
    const FILES: u32 = 10_000;
    let limit = libc::rlimit { rlim_cur: 2 * u64::from(FILES), rlim_max: 2 * u64::from(FILES) };
    // SAFETY: the structure is whole.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0, "descriptors may be as many");
    // SAFETY: takes a number.
    let epoll = unsafe { libc::epoll_create1(0) };
    let mut event = libc::epoll_event { events: libc::EPOLLIN.cast_unsigned(), u64: 0 };
    let files: Vec<i32> = (0..FILES)
        .map(|_| {
            // SAFETY: takes two numbers.
            let file = unsafe { libc::eventfd(0, 0) };
            // SAFETY: the event is whole.
            assert_eq!(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, file, &mut event) }, 0);
            file
        })
        .collect();
    // SAFETY: there is room for one event.
    let mut ready = || unsafe { libc::epoll_wait(epoll, &mut event, 1, 0) };
    measure("epoll-wait-nothing", 1000, || assert_eq!(black_box(ready()), 0));
    let mut number = 1u64;
    let file = files[files.len() / 2];
    // SAFETY: the number is eight bytes.
    let count_up = |number: &u64| unsafe { libc::write(file, std::ptr::from_ref(number).cast(), 8) };
    // SAFETY: there is room for eight bytes.
    let take = |number: &mut u64| unsafe { libc::read(file, std::ptr::from_mut(number).cast(), 8) };
    measure("eventfd-write-read", 500, || {
        assert_eq!((count_up(&number), take(&mut number)), (8, 8));
    });
    ready();
    measure("epoll-wait-event", 500, || {
        count_up(&number);
        assert_eq!(black_box(ready()), 1);
        take(&mut number);
    });
    for file in files.into_iter().chain([epoll]) {
        // SAFETY: nobody else knows of it.
        unsafe { libc::close(file) };
    }
}

fn sockets() {
    const ROUNDS: u32 = 500;
    let (mut one, mut other) = UnixStream::pair().expect("there are sockets");
    let mut room = [0; 64];
    measure("unix-write-read", ROUNDS, || {
        assert_eq!(one.write(&[1; 64]).expect("there is room"), 64);
        assert_eq!(other.read(&mut room).expect("it was sent"), 64);
    });
    let partner = thread::spawn(move || {
        let mut byte = [0];
        while other.read(&mut byte).expect("the peer is there") > 0 {
            other.write_all(&byte).expect("there is room");
        }
    });
    let mut byte = [7];
    measure("unix-round-trip", ROUNDS, || {
        one.write_all(&byte).expect("there is room");
        one.read_exact(&mut byte).expect("it comes back");
    });
    drop(one);
    partner.join().expect("it does not panic");
}

/// Waits until the number is `turn`, then makes it the next. Two threads with even and odd turns alternate.
fn pass_on((number, changed): &(Mutex<u32>, Condvar), turn: u32) {
    let mut number = number.lock().expect("nobody panics");
    while *number != turn {
        number = changed.wait(number).expect("nobody panics");
    }
    *number += 1;
    changed.notify_one();
}

fn first_touch() {
    const PAGES: usize = 4096;
    let costs = std::array::from_fn(|_| {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory wherever there is room.
        let memory = unsafe { libc::mmap(null_mut(), PAGES * PAGE, protection, flags, -1, 0) };
        assert_ne!(memory, libc::MAP_FAILED, "there is memory");
        let start = counter();
        for page in 0..PAGES {
            // SAFETY: the page lies in the mapping.
            unsafe { memory.cast::<u8>().add(page * PAGE).write_volatile(1) };
        }
        let cost = counter() - start;
        // SAFETY: the mapping made above, which nothing points into.
        assert_eq!(unsafe { libc::munmap(memory, PAGES * PAGE) }, 0);
        cost
    });
    report("first-touch-4k", median(costs), PAGES as u64);
}

fn heap() {
    const SLOTS: usize = 256;
    const STEPS: u64 = 12;
    measure("malloc-free-64", 2000, || {
        // SAFETY: what was allocated is freed once.
        unsafe { libc::free(black_box(libc::malloc(64))) };
    });

    // Which object is replaced by one of which size: xorshift64, the same at every run, and no part of the figure.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let plan: Vec<(usize, usize)> = (0..5000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 20) as usize % SLOTS, 1 + (state >> 32) as usize % 2000)
        })
        .collect();
    let mut slots: [*mut c_void; SLOTS] = [null_mut(); SLOTS];
    let mut steps = plan.iter().cycle();
    measure("malloc-free-random", 5000, || {
        let &(slot, size) = steps.next().expect("a cycle has no end");
        // SAFETY: a slot holds null or what was allocated and not yet freed.
        slots[slot] = unsafe {
            libc::free(slots[slot]);
            libc::malloc(size)
        };
    });

    let mut costs = [0; BATCHES];
    for cost in &mut costs {
        let start = counter();
        for _ in 0..20 {
            grow(STEPS);
        }
        *cost = counter() - start;
    }
    report("realloc-step", median(costs), 20 * STEPS);
}

/// An object that doubles `steps` times from 16 bytes on, and is freed.
fn grow(steps: u64) {
    // SAFETY: each pointer is the last one `realloc` gave; it is freed once.
    unsafe {
        let mut object = black_box(libc::malloc(16));
        for step in 1..=steps {
            object = black_box(libc::realloc(object, 16 << step));
        }
        libc::free(object);
    }
}
