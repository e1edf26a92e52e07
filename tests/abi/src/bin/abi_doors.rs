//! The two doors give the same results: C's function (direct) and the `syscall` instruction; and the instruction keeps registers.
#![expect(unsafe_code, reason = "C functions and the instruction are what is tested")]

use std::arch::asm;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use abi_tests::{Scratch, c, cases, errno, open, raw};
use libc::{O_CREAT, O_RDWR};

cases! { same_answers, same_readiness, same_errors, same_effects, numbers_come_whole, registers_survive, vectors_survive_switches, red_zone_survives, files_of_proc, files_of_sys_and_etc }

/// C's answer in the kernel's terms: the value, or minus the error number.
fn through_c(answer: i64) -> i64 {
    if answer == -1 { -i64::from(errno()) } else { answer }
}

fn same_answers() {
    // SAFETY: calls without pointers.
    unsafe {
        assert_eq!(i64::from(libc::getpid()), raw(libc::SYS_getpid, [0; 6]));
        assert_eq!(libc::syscall(libc::SYS_gettid), raw(libc::SYS_gettid, [0; 6]));
        assert_eq!(i64::from(libc::sched_yield()), raw(libc::SYS_sched_yield, [0; 6]));
        let (mut direct, mut by_instruction) =
            (std::mem::zeroed::<libc::timespec>(), std::mem::zeroed::<libc::timespec>());
        for _ in 0..100 {
            assert_eq!(libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut direct), 0);
            assert_eq!(raw(libc::SYS_clock_gettime, [1, &raw mut by_instruction as usize, 0, 0, 0, 0]), 0);
            assert!((by_instruction.tv_sec, by_instruction.tv_nsec) >= (direct.tv_sec, direct.tv_nsec));
        }
    }
}

/// Readiness asked for by C's functions and by the instruction.
fn same_readiness() {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 7 };
    let mut entry = libc::pollfd { fd: -1, events: libc::POLLIN, revents: 0 };
    let mut number = 0;
    // SAFETY: numbers, and structures that are whole.
    unsafe {
        let (epoll, counter) = (libc::epoll_create1(0), libc::eventfd(0, libc::EFD_NONBLOCK));
        entry.fd = counter;
        let [epfd, fd] = [epoll, counter].map(|fd| fd as usize);
        let (events, entries) = (&raw mut event as usize, &raw mut entry as usize);
        let wait = |epoll| i64::from(libc::epoll_wait(epoll, events as *mut _, 1, 0));
        let poll = || i64::from(libc::poll(entries as *mut _, 1, 0));
        assert_eq!(libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, counter, &mut event), 0);
        let add = [epfd, libc::EPOLL_CTL_ADD as usize, fd, events, 0, 0];
        assert_eq!(raw(libc::SYS_epoll_ctl, add), -i64::from(libc::EEXIST));
        for ready in [0, 1] {
            assert_eq!((wait(epoll), raw(libc::SYS_epoll_wait, [epfd, events, 1, 0, 0, 0])), (ready, ready));
            assert_eq!((poll(), raw(libc::SYS_poll, [entries, 1, 0, 0, 0, 0])), (ready, ready));
            assert_eq!(libc::eventfd_write(counter, 5), 0);
        }
        assert_eq!((libc::eventfd_read(counter, &mut number), number), (0, 10));
        assert_eq!((libc::eventfd_read(counter, &mut number), errno()), (-1, libc::EAGAIN));
        assert_eq!(through_c(wait(9999)), raw(libc::SYS_epoll_wait, [9999, events, 1, 0, 0, 0]));
        assert_eq!(through_c(wait(counter)), raw(libc::SYS_epoll_wait, [fd, events, 1, 0, 0, 0]));
        let time = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        assert_eq!(libc::ppoll(&mut entry, 1, &time, std::ptr::null()), 0);
        libc::close(epoll);
        libc::close(counter);
    }
}

fn same_errors() {
    let mut byte = 0u8;
    let at = (&raw mut byte).cast();
    // SAFETY: refused calls.
    unsafe {
        for fd in [-1, 9999] {
            assert_eq!(
                through_c(libc::read(fd, at, 1) as i64),
                raw(libc::SYS_read, [fd as usize, at as usize, 1, 0, 0, 0])
            );
            assert_eq!(
                through_c(libc::write(fd, at, 1) as i64),
                raw(libc::SYS_write, [fd as usize, at as usize, 1, 0, 0, 0])
            );
            assert_eq!(
                through_c(libc::pread(fd, at, 1, -1) as i64),
                raw(libc::SYS_pread64, [fd as usize, at as usize, 1, usize::MAX, 0, 0])
            );
        }
        let zero = open("/dev/zero", O_RDWR).unwrap();
        let fd = zero.0 as usize;
        assert_eq!(
            through_c(libc::read(zero.0, 8 as *mut _, 1) as i64),
            raw(libc::SYS_read, [fd, 8, 1, 0, 0, 0])
        );
        assert_eq!(
            through_c(libc::readv(zero.0, 8 as *const _, 1) as i64),
            raw(libc::SYS_readv, [fd, 8, 1, 0, 0, 0])
        );
        assert_eq!(
            through_c(i64::from(libc::clock_gettime(99, 8 as *mut _))),
            raw(libc::SYS_clock_gettime, [99, 8, 0, 0, 0, 0])
        );
        assert_eq!(
            through_c(libc::syscall(libc::SYS_futex, 8, 0, 0, 0)),
            raw(libc::SYS_futex, [8, 0, 0, 0, 0, 0])
        );
        assert_eq!(through_c(libc::syscall(9999)), raw(9999, [0; 6]));
    }
}

fn same_effects() {
    let scratch = Scratch::new("doors");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    let number = fd.0 as usize;
    // SAFETY: slices.
    unsafe {
        assert_eq!(libc::write(fd.0, b"one".as_ptr().cast(), 3), 3);
        assert_eq!(raw(libc::SYS_write, [number, b"two".as_ptr() as usize, 3, 0, 0, 0]), 3);
        assert_eq!(libc::pwrite(fd.0, b"X".as_ptr().cast(), 1, 0), 1);
        assert_eq!(raw(libc::SYS_pwrite64, [number, b"Y".as_ptr() as usize, 1, 1, 0, 0]), 1);
        let (mut a, mut b) = ([0u8; 6], [0u8; 6]);
        assert_eq!(libc::pread(fd.0, a.as_mut_ptr().cast(), 6, 0), 6);
        assert_eq!(raw(libc::SYS_pread64, [number, b.as_mut_ptr() as usize, 6, 0, 0, 0]), 6);
        assert_eq!((&a, &b), (b"XYetwo", b"XYetwo"));
        let iov = libc::iovec { iov_base: a.as_mut_ptr().cast(), iov_len: 6 };
        assert_eq!(libc::lseek(fd.0, 0, 0), 0);
        assert_eq!(libc::readv(fd.0, &iov, 1), 6);
        assert_eq!(raw(libc::SYS_lseek, [number, 0, 0, 0, 0, 0]), 0);
        assert_eq!(raw(libc::SYS_readv, [number, &raw const iov as usize, 1, 0, 0, 0]), 6);
        assert_eq!(raw(libc::SYS_access, [c(scratch.path("f")).as_ptr() as usize, 0, 0, 0, 0, 0]), 0);
    }
}

/// A number that the kernel writes is never seen in part: musl's lock of its threads is the word that a thread's end clears.
fn numbers_come_whole() {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(b"12345").expect("it has room");
    let (number, done) = (AtomicI32::new(-1), AtomicBool::new(false));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let seen = number.load(Ordering::Relaxed);
                assert!(matches!(seen, -1 | 5), "{seen:#x}");
            }
        });
        for _ in 0..100_000 {
            number.store(-1, Ordering::Relaxed);
            // SAFETY: room for a number.
            unsafe { libc::ioctl(reader.as_raw_fd(), libc::FIONREAD, number.as_ptr()) };
        }
        done.store(true, Ordering::Relaxed);
        watcher.join().expect("only whole numbers are seen");
    });
}

/// Loads every register from `block`, makes the call whose number is the last word, stores every register into the block's second half.
///
/// Block: rbx rbp rdi rsi rdx r8 r9 r10 r12 r13 r14 r15, number, then the same twelve as they are afterwards.
#[unsafe(naked)]
extern "C" fn call_with_registers(_block: &mut [u64; 25]) {
    std::arch::naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 8]",
        "mov rsi, [rdi + 24]",
        "mov rdx, [rdi + 32]",
        "mov r8, [rdi + 40]",
        "mov r9, [rdi + 48]",
        "mov r10, [rdi + 56]",
        "mov r12, [rdi + 64]",
        "mov r13, [rdi + 72]",
        "mov r14, [rdi + 80]",
        "mov r15, [rdi + 88]",
        "mov rax, [rdi + 96]",
        "mov rdi, [rdi + 16]",
        "syscall",
        "pop rax",
        "mov [rax + 104], rbx",
        "mov [rax + 112], rbp",
        "mov [rax + 120], rdi",
        "mov [rax + 128], rsi",
        "mov [rax + 136], rdx",
        "mov [rax + 144], r8",
        "mov [rax + 152], r9",
        "mov [rax + 160], r10",
        "mov [rax + 168], r12",
        "mov [rax + 176], r13",
        "mov [rax + 184], r14",
        "mov [rax + 192], r15",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

fn registers_survive() {
    for number in [libc::SYS_getpid, libc::SYS_sched_yield, libc::SYS_gettid, 9999] {
        let mut block = [0u64; 25];
        for (index, word) in block.iter_mut().enumerate().take(12) {
            *word = 0x1111_1111_1111 * (index as u64 + 1);
        }
        block[12] = number as u64;
        call_with_registers(&mut block);
        assert_eq!(block[..12], block[13..]);
    }
}

fn vectors_survive_switches() {
    // Each thread keeps its own pattern in every xmm register across yields, by the instruction, while others do the same.
    let threads: Vec<_> = (1..=6u64)
        .map(|pattern| {
            thread::spawn(move || {
                for _ in 0..300 {
                    let (mut low, mut high) = (0u64, 0u64);
                    // SAFETY: xmm registers and what the instruction clobbers are named.
                    unsafe {
                        asm!(
                            "movq xmm0, {pattern}", "movq xmm15, {pattern}",
                            "mov eax, 24", "syscall",
                            "movq {low}, xmm0", "movq {high}, xmm15",
                            pattern = in(reg) pattern, low = out(reg) low, high = out(reg) high,
                            out("rax") _, out("rcx") _, out("r11") _, out("xmm0") _, out("xmm15") _,
                        );
                    }
                    assert_eq!((low, high), (pattern, pattern));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn red_zone_survives() {
    let mut found = 0u64;
    // SAFETY: uses the 128 bytes below the stack pointer, which leaf code owns.
    unsafe {
        asm!(
            "mov qword ptr [rsp - 8], 123456", "mov qword ptr [rsp - 128], 654321",
            "mov eax, 24", "syscall",
            "mov rax, [rsp - 8]", "sub rax, 123456", "mov rcx, [rsp - 128]", "sub rcx, 654321", "or rax, rcx",
            out("rax") found, out("rcx") _, out("r11") _,
        );
    }
    assert_eq!(found, 0);
}

fn files_of_proc() {
    for path in [
        "/proc/self/exe",
        "/proc/self/maps",
        "/proc/self/status",
        "/proc/self/stat",
        "/proc/self/cmdline",
        "/proc/self/comm",
        "/proc/self/cgroup",
        "/proc/self/limits",
        "/proc/self/mountinfo",
        "/proc/thread-self/status",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/uptime",
        "/proc/loadavg",
        "/proc/version",
        "/proc/filesystems",
        "/proc/mounts",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/random/uuid",
        "/proc/sys/vm/overcommit_memory",
    ] {
        let mut start = [0u8; 1];
        let mut file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(std::io::Read::read(&mut file, &mut start).unwrap(), 1, "{path}");
    }
    let random = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/random/{name}")).unwrap();
    assert_eq!(random("boot_id"), random("boot_id"));
    assert_ne!(random("uuid"), random("uuid"));
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let here = files_of_proc as *const () as usize;
    let holds = |line: &str| {
        let (start, rest) = line.split_once('-')?;
        let (end, rest) = rest.split_once(' ')?;
        let within =
            usize::from_str_radix(start, 16).ok()? <= here && here < usize::from_str_radix(end, 16).ok()?;
        (within && rest.as_bytes()[2] == b'x').then_some(())
    };
    assert!(maps.lines().any(|line| holds(line).is_some()), "{maps}");
    let exe = std::env::current_exe().unwrap();
    assert!(std::fs::read(exe).unwrap().starts_with(b"\x7fELF"));
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(entries >= 4);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    assert!(
        status.lines().any(|line| line.starts_with("VmRSS:"))
            && status.lines().any(|line| line.starts_with("Threads:"))
    );
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap();
    assert!(memory.starts_with("MemTotal:") && memory.contains("MemAvailable:"));
}

fn files_of_sys_and_etc() {
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap();
    assert!(online.starts_with('0'));
    for path in ["/etc/passwd", "/etc/group", "/etc/hosts"] {
        assert!(!std::fs::read(path).unwrap().is_empty(), "{path}");
    }
    assert!(std::fs::metadata("/tmp").unwrap().is_dir());
    for link in ["/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"] {
        assert!(std::fs::symlink_metadata(link).unwrap().is_symlink(), "{link}");
    }
}
