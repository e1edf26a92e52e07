//! What happens when something runs out: the documented error, nothing accepted is lost, and all of it can be used again afterwards.
//!
//! Limits are set low here, so that Linux runs out too. What only a guest with little memory can show is in `tests/fault`.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use abi_tests::{Fd, Scratch, c, call, cases, check, errno, handle, open};
use libc::{
    EAGAIN, EEXIST, EFBIG, EINVAL, ELOOP, EMFILE, ENAMETOOLONG, ENOMEM, O_CREAT, O_NONBLOCK, O_RDONLY,
    O_RDWR, O_TRUNC, O_WRONLY,
};

cases! {
    descriptors, refused_open_changes_nothing, pipes_fill, file_size_limit, long_names, chains_of_links, posix_timers,
    queued_signals, file_locks, counts_too_large, areas, address_space, malloc_large, malloc_small, futex_waiters
}

/// Has the soft limit on `resource` be `limit` until it is dropped.
struct Limit {
    resource: i32,
    before: libc::rlimit,
}

impl Limit {
    fn new(resource: i32, limit: u64) -> Self {
        let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: both are valid limits. Linux's C libraries do not agree about the type of `resource`.
        unsafe {
            assert_eq!(libc::getrlimit(resource as _, &mut before), 0);
            let lower = libc::rlimit { rlim_cur: limit.min(before.rlim_max), ..before };
            assert_eq!(libc::setrlimit(resource as _, &lower), 0);
        }
        Self { resource, before }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // SAFETY: a valid limit.
        assert_eq!(unsafe { libc::setrlimit(self.resource as _, &self.before) }, 0);
    }
}

fn write(fd: &Fd, bytes: &[u8]) -> Result<usize, i32> {
    // SAFETY: the buffer is a slice.
    check(unsafe { libc::write(fd.0, bytes.as_ptr().cast(), bytes.len()) }).map(|count| count as usize)
}

fn read(fd: &Fd, count: usize) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0u8; count];
    // SAFETY: the buffer is a slice.
    let got = check(unsafe { libc::read(fd.0, buffer.as_mut_ptr().cast(), count) })?;
    buffer.truncate(got as usize);
    Ok(buffer)
}

fn pipe(flags: i32) -> Result<(Fd, Fd), i32> {
    let mut fds = [0; 2];
    // SAFETY: room for two numbers.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), flags) })?;
    Ok((Fd(fds[0]), Fd(fds[1])))
}

/// All that `next` gives until it is an error, and that error.
fn until_error<T>(mut next: impl FnMut() -> Result<T, i32>) -> (Vec<T>, i32) {
    let mut taken = Vec::new();
    loop {
        match next() {
            Ok(one) => taken.push(one),
            Err(errno) => return (taken, errno),
        }
    }
}

// covers: openat, pipe2, dup, dup2, dup3, fcntl, memfd_create, close
fn descriptors() {
    const LIMIT: u64 = 64;
    let _limit = Limit::new(libc::RLIMIT_NOFILE as i32, LIMIT);
    let mut counts = Vec::new();
    for _ in 0..3 {
        let (mut fds, error) = until_error(|| open("/dev/null", O_RDWR));
        assert_eq!((error, fds.last().map(|fd| fd.0)), (EMFILE, Some(LIMIT as i32 - 1)));
        let first = fds[0].0;
        let makers: [(&str, fn(i32) -> i32); 4] = [
            // SAFETY: duplicates a descriptor.
            ("dup", |fd| unsafe { libc::dup(fd) }),
            // SAFETY: as above.
            ("F_DUPFD", |fd| unsafe { libc::fcntl(fd, libc::F_DUPFD, 0) }),
            // SAFETY: as above.
            ("F_DUPFD_CLOEXEC", |fd| unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) }),
            // SAFETY: a C string.
            ("memfd_create", |_| unsafe { libc::memfd_create(c"m".as_ptr(), 0) }),
        ];
        for (name, make) in makers {
            assert_eq!(check(make(first)), Err(EMFILE), "{name}");
        }
        // What the system has of these says so too.
        let others = [
            (libc::SYS_socket, [libc::AF_UNIX as usize, libc::SOCK_STREAM as usize, 0, 0, 0, 0]),
            (libc::SYS_eventfd2, [0; 6]),
            (libc::SYS_epoll_create1, [0; 6]),
            (libc::SYS_timerfd_create, [0; 6]),
        ];
        for (number, words) in others {
            let answer = call(number, words);
            let is_there = ![Err(libc::ENOSYS), Err(libc::EAFNOSUPPORT)].contains(&answer);
            assert!(!is_there || answer == Err(EMFILE), "system call {number}: {answer:?}");
        }
        assert!(std::fs::read_dir("/").is_err_and(|error| error.raw_os_error() == Some(EMFILE)));
        assert_eq!(pipe(0).map(drop), Err(EMFILE));
        // A number that is in use can still be given another meaning; one above the limit cannot be had.
        // SAFETY: both are the case's own.
        unsafe {
            assert_eq!(check(libc::dup2(first, fds[1].0)), Ok(fds[1].0));
            assert_eq!(check(libc::dup2(first, LIMIT as i32)), Err(libc::EBADF));
            assert_eq!(check(libc::dup3(first, LIMIT as i32, 0)), Err(libc::EBADF));
            assert_eq!(check(libc::fcntl(first, libc::F_DUPFD, LIMIT as i32)), Err(EINVAL));
        }
        // One is free: a pipe needs two, and takes none.
        let gone = fds.swap_remove(5).0;
        assert_eq!(pipe(0).map(drop), Err(EMFILE));
        let again = open("/dev/null", O_RDWR).unwrap();
        assert_eq!(again.0, gone);
        assert_eq!(write(&fds[3], b"still works"), Ok(11));
        counts.push(fds.len());
    }
    assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "{counts:?}");
}

fn refused_open_changes_nothing() {
    let scratch = Scratch::new("refused-open");
    std::fs::write(scratch.path("old"), b"contents").unwrap();
    {
        let _limit = Limit::new(libc::RLIMIT_NOFILE as i32, 40);
        let (_fds, error) = until_error(|| open("/dev/null", O_RDONLY));
        assert_eq!(error, EMFILE);
        assert_eq!(open(scratch.path("new"), O_CREAT | O_WRONLY).map(drop), Err(EMFILE));
        assert_eq!(open(scratch.path("old"), O_TRUNC | O_WRONLY).map(drop), Err(EMFILE));
    }
    assert!(!scratch.path("new").exists());
    assert_eq!(std::fs::read(scratch.path("old")).unwrap(), b"contents");
}

// covers: write, read, poll
fn pipes_fill() {
    let (reader, writer) = pipe(O_NONBLOCK).unwrap();
    // SAFETY: a command without an argument.
    let size = check(unsafe { libc::fcntl(writer.0, libc::F_GETPIPE_SZ) }).unwrap() as usize;
    let mut entry = libc::pollfd { fd: writer.0, events: libc::POLLOUT, revents: 0 };
    for round in 0..3u8 {
        let mut written = Vec::new();
        let error = loop {
            let chunk: Vec<u8> =
                (0..4096u32).map(|at| (at + written.len() as u32 / 7) as u8 ^ round).collect();
            match write(&writer, &chunk) {
                Ok(count) => written.extend_from_slice(&chunk[..count]),
                Err(error) => break error,
            }
        };
        assert_eq!((error, written.len()), (EAGAIN, size));
        assert_eq!(write(&writer, b"x"), Err(EAGAIN));
        // SAFETY: one entry.
        assert_eq!(unsafe { libc::poll(&mut entry, 1, 0) }, 0);
        let (parts, error) = until_error(|| read(&reader, 1000));
        assert_eq!(error, EAGAIN);
        assert!(parts.concat() == written, "what was accepted comes out");
        // SAFETY: one entry.
        assert_eq!(unsafe { libc::poll(&mut entry, 1, 0) }, 1);
    }
}

// covers: write, ftruncate, fallocate, setrlimit
fn file_size_limit() {
    let scratch = Scratch::new("file-size");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    static SIGNALS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
        SIGNALS.fetch_add(1, Ordering::SeqCst);
    }
    SIGNALS.store(0, Ordering::SeqCst);
    handle(libc::SIGXFSZ, 0, count);
    let block = [7_u8; 8192];
    {
        let _limit = Limit::new(libc::RLIMIT_FSIZE as i32, 10_000);
        assert_eq!(write(&fd, &block), Ok(8192));
        assert_eq!(write(&fd, &block), Ok(10_000 - 8192));
        assert_eq!(write(&fd, &block), Err(EFBIG));
        // SAFETY: plain numbers.
        unsafe {
            assert_eq!(check(libc::ftruncate(fd.0, 10_001)), Err(EFBIG));
            assert_eq!(check(libc::fallocate(fd.0, 0, 0, 10_001)), Err(EFBIG));
            assert_eq!(check(libc::pwrite(fd.0, block.as_ptr().cast(), 1, 10_000)), Err(EFBIG));
        }
        // Each of them was told by a signal, the short write was not.
        assert_eq!(SIGNALS.load(Ordering::SeqCst), 4);
    }
    assert_eq!(write(&fd, &block), Ok(8192));
    let contents = std::fs::read(scratch.path("f")).unwrap();
    assert!(contents.len() == 18_192 && contents.iter().all(|&byte| byte == 7));
}

// covers: open, mkdir, rename, link, symlink, unlink, stat, truncate, chdir
fn long_names() {
    let scratch = Scratch::new("long-names");
    let fits = "n".repeat(255);
    let (old, good, bad) = (scratch.c("old"), scratch.c(&fits), scratch.c(&format!("{fits}n")));
    std::fs::write(scratch.path("old"), b"x").unwrap();
    // 4095 bytes of a path that is there, and one more.
    let root = scratch.root().to_str().unwrap();
    let longest = format!("{root}{}old", "/".repeat(4095 - root.len() - 3));
    let (whole, over) = (c(&longest), c(format!("/{longest}")));
    let nothing = Err(ENAMETOOLONG);
    // SAFETY: all are C strings.
    unsafe {
        let mut stat = std::mem::zeroed();
        assert_eq!(check(libc::stat(whole.as_ptr(), &mut stat)), Ok(0));
        assert_eq!(check(libc::rename(old.as_ptr(), good.as_ptr())), Ok(0));
        assert_eq!(check(libc::rename(good.as_ptr(), old.as_ptr())), Ok(0));
        for path in [&bad, &over] {
            let path = path.as_ptr();
            assert_eq!(check(libc::open(path, O_CREAT | O_WRONLY, 0o600)), nothing);
            assert_eq!(check(libc::mkdir(path, 0o700)), nothing);
            assert_eq!(check(libc::rename(old.as_ptr(), path)), nothing);
            assert_eq!(check(libc::link(old.as_ptr(), path)), nothing);
            assert_eq!(check(libc::symlink(old.as_ptr(), path)), nothing);
            assert_eq!(check(libc::unlink(path)), nothing);
            assert_eq!(check(libc::stat(path, &mut stat)), nothing);
            assert_eq!(check(libc::truncate(path, 0)), nothing);
            assert_eq!(check(libc::chdir(path)), nothing);
        }
        // A link may hold the longest path, and no longer one.
        let link = scratch.c("link");
        assert_eq!(check(libc::symlink(over.as_ptr(), link.as_ptr())), nothing);
        assert_eq!(check(libc::symlink(whole.as_ptr(), link.as_ptr())), Ok(0));
        assert_eq!(check(libc::stat(link.as_ptr(), &mut stat)), Ok(0));
        assert_eq!(check(libc::symlink(whole.as_ptr(), link.as_ptr())), Err(EEXIST));
    }
    assert_eq!(std::fs::read(scratch.path("old")).unwrap(), b"x");
    assert_eq!(std::fs::read_dir(scratch.root()).unwrap().count(), 2, "nothing was left behind");
}

// covers: symlink, open, stat, chdir, rename
fn chains_of_links() {
    const MOST: usize = 40;
    let scratch = Scratch::new("chains");
    std::fs::write(scratch.path("l0"), b"end").unwrap();
    for index in 1..=MOST + 1 {
        std::os::unix::fs::symlink(format!("l{}", index - 1), scratch.path(&format!("l{index}"))).unwrap();
    }
    assert_eq!(std::fs::read(scratch.path(&format!("l{MOST}"))).unwrap(), b"end");
    assert_eq!(open(scratch.path(&format!("l{}", MOST + 1)), O_RDONLY).map(drop), Err(ELOOP));
    std::os::unix::fs::symlink("b", scratch.path("a")).unwrap();
    std::os::unix::fs::symlink("a", scratch.path("b")).unwrap();
    let (a, inside) = (scratch.c("a"), scratch.c("a/x"));
    // SAFETY: C strings, and room for the attributes.
    unsafe {
        let mut stat = std::mem::zeroed();
        assert_eq!(check(libc::open(a.as_ptr(), O_CREAT | O_RDWR, 0o600)), Err(ELOOP));
        assert_eq!(check(libc::stat(a.as_ptr(), &mut stat)), Err(ELOOP));
        assert_eq!(check(libc::chdir(a.as_ptr())), Err(ELOOP));
        assert_eq!(check(libc::mkdir(inside.as_ptr(), 0o700)), Err(ELOOP));
        assert_eq!(check(libc::rename(inside.as_ptr(), a.as_ptr())), Err(ELOOP));
        assert_eq!(check(libc::unlink(inside.as_ptr())), Err(ELOOP));
        assert_eq!(check(libc::lstat(a.as_ptr(), &mut stat)), Ok(0));
        assert_eq!(check(libc::unlink(a.as_ptr())), Ok(0));
        // The chain has an end again: nothing is there.
        assert_eq!(check(libc::stat(scratch.c("b").as_ptr(), &mut stat)), Err(libc::ENOENT));
    }
}

fn new_timer() -> Result<i32, i32> {
    let mut id = -1_i32;
    let clock = libc::CLOCK_MONOTONIC as usize;
    call(libc::SYS_timer_create, [clock, 0, (&raw mut id) as usize, 0, 0, 0]).map(|_| id)
}

// covers: timer_create, timer_delete
fn posix_timers() {
    const MOST: usize = 60;
    let _limit = Limit::new(libc::RLIMIT_SIGPENDING as i32, MOST as u64);
    let mut counts = Vec::new();
    for _ in 0..3 {
        let (ids, error) = until_error(new_timer);
        assert_eq!(error, EAGAIN);
        counts.push(ids.len());
        for id in ids {
            assert_eq!(call(libc::SYS_timer_delete, [id as usize, 0, 0, 0, 0, 0]), Ok(0));
        }
    }
    // Elsewhere on Linux the same user may have some.
    assert!(counts.iter().all(|&count| count > 0 && count <= MOST), "{counts:?}");
}

// covers: rt_sigqueueinfo, rt_sigtimedwait, kill
fn queued_signals() {
    const MOST: usize = 50;
    let signal = libc::SIGRTMIN() + 4;
    let _limit = Limit::new(libc::RLIMIT_SIGPENDING as i32, MOST as u64);
    // SAFETY: valid sets, and signals to this process, which blocks them.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::sigaddset(&mut set, libc::SIGUSR2);
        assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()), 0);
        for _ in 0..3 {
            let mut next = 0;
            let (sent, error) = until_error(|| {
                let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(next) };
                check(libc::sigqueue(libc::getpid(), signal, value))?;
                next += 1;
                Ok(next - 1)
            });
            assert_eq!(error, EAGAIN);
            assert!(!sent.is_empty() && sent.len() <= MOST, "{} were queued", sent.len());
            // A classic signal needs no room; kill(2) knows no EAGAIN.
            assert_eq!(libc::kill(libc::getpid(), libc::SIGUSR2), 0);
            assert_eq!(libc::kill(libc::getpid(), signal), 0);
            let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let (taken, error) = until_error(|| {
                let mut info: libc::siginfo_t = std::mem::zeroed();
                check(libc::sigtimedwait(&set, &mut info, &zero)).map(|signal| (signal, info))
            });
            assert_eq!(error, EAGAIN);
            assert_eq!(taken.iter().filter(|(taken, _)| *taken == libc::SIGUSR2).count(), 1);
            let queued = taken.iter().filter(|(_, info)| info.si_code == libc::SI_QUEUE);
            let values: Vec<usize> = queued.map(|(_, info)| info.si_value().sival_ptr.addr()).collect();
            assert_eq!(values, sent, "each that was accepted, in order");
        }
        assert_eq!(libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut()), 0);
    }
}

// covers: fcntl, flock
fn file_locks() {
    const MANY: i64 = 2000;
    let scratch = Scratch::new("many-locks");
    let (one, other) =
        (open(scratch.path("f"), O_RDWR | O_CREAT).unwrap(), open(scratch.path("f"), O_RDWR).unwrap());
    let lock = |fd: &Fd, kind: i32, at: i64| {
        // SAFETY: an all-zero flock is valid.
        let mut range: libc::flock = unsafe { std::mem::zeroed() };
        (range.l_type, range.l_start, range.l_len) = (kind as i16, at, 1);
        // SAFETY: a command with a flock.
        check(unsafe { libc::fcntl(fd.0, libc::F_OFD_SETLK, &range) })
    };
    // Every second byte: none can be joined with its neighbour.
    for index in 0..MANY {
        assert_eq!(lock(&one, libc::F_WRLCK, 2 * index), Ok(0));
    }
    for index in 0..MANY {
        assert_eq!(lock(&other, libc::F_RDLCK, 2 * index), Err(EAGAIN));
    }
    assert_eq!(lock(&other, libc::F_WRLCK, 1), Ok(0));
    drop(one);
    for index in 0..MANY {
        assert_eq!(lock(&other, libc::F_WRLCK, 2 * index), Ok(0));
    }
}

// covers: poll, ppoll, select, readv, writev, preadv, pwritev, sched_getaffinity, getdents64
fn counts_too_large() {
    let (reader, writer) = pipe(0).unwrap();
    let (from, to) = (reader.0 as usize, writer.0 as usize);
    let byte = 1_u8;
    let part = libc::iovec { iov_base: (&raw const byte).cast_mut().cast(), iov_len: 1 };
    let parts = vec![part; 1025];
    let at = parts.as_ptr() as usize;
    for (number, fd) in [(libc::SYS_writev, to), (libc::SYS_readv, from)] {
        assert_eq!(call(number, [fd, at, 1025, 0, 0, 0]), Err(EINVAL));
        assert_eq!(call(number, [fd, at, 1024, 0, 0, 0]), Ok(1024));
    }
    let entry = libc::pollfd { fd: reader.0, events: 0, revents: 0 };
    let entries = [entry; 65];
    let at = entries.as_ptr() as usize;
    {
        let _limit = Limit::new(libc::RLIMIT_NOFILE as i32, 64);
        assert_eq!(call(libc::SYS_poll, [at, 64, 0, 0, 0, 0]), Ok(0));
        assert_eq!(call(libc::SYS_poll, [at, 65, 0, 0, 0, 0]), Err(EINVAL));
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let words = [at, 65, (&raw const now) as usize, 0, 8, 0];
        assert_eq!(call(libc::SYS_ppoll, words), Err(EINVAL));
    }
    assert_eq!(call(libc::SYS_poll, [at, 65, 0, 0, 0, 0]), Ok(0));
    let root = open("/", O_RDONLY).unwrap();
    let mut room = [0_u64; 64];
    let at = room.as_mut_ptr() as usize;
    assert_eq!(call(libc::SYS_getdents64, [root.0 as usize, at, 8, 0, 0, 0]), Err(EINVAL));
    assert!(call(libc::SYS_getdents64, [root.0 as usize, at, 512, 0, 0, 0]).is_ok_and(|count| count > 0));
}

fn map(length: usize) -> Result<usize, i32> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err(errno()) } else { Ok(at.addr()) }
}

fn unmap(at: usize, length: usize) {
    assert_eq!(call(libc::SYS_munmap, [at, length, 0, 0, 0, 0]), Ok(0));
}

const PAGE: usize = 4096;

// covers: mmap, mprotect, munmap
fn areas() {
    let most: usize =
        std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().expect("a number");
    let length = (most + 2) * 2 * PAGE;
    // Twenty times as many as on Linux: once is enough then.
    let rounds = if most < 100_000 { 2 } else { 1 };
    for _ in 0..rounds {
        let start = map(length).unwrap();
        let protect = |page: usize| {
            let words = [start + page * PAGE, PAGE, libc::PROT_READ as usize, 0, 0, 0];
            call(libc::SYS_mprotect, words)
        };
        let mut page = 1;
        let error = loop {
            // Each makes two areas more.
            if let Err(error) = protect(page) {
                break error;
            }
            page += 2;
        };
        assert_eq!(error, ENOMEM);
        assert!(page > 100 && page <= most + 2, "{page} of {most}");
        // What was done stays: the last page that was made readable is, and holds zero.
        // SAFETY: readable since mprotect said so.
        assert_eq!(unsafe { ((start + (page - 2) * PAGE) as *const u8).read_volatile() }, 0);
        unmap(start, length);
    }
    for at in (0..100).map(|_| map(PAGE).unwrap()) {
        unmap(at, PAGE);
    }
}

fn address_space() {
    const BLOCK: usize = 1 << 40;
    let mut counts = Vec::new();
    for _ in 0..3 {
        let (blocks, error) = until_error(|| map(BLOCK));
        assert_eq!(error, ENOMEM);
        counts.push(blocks.len());
        for at in blocks {
            unmap(at, BLOCK);
        }
    }
    assert!(counts[0] > 0 && counts.iter().all(|&count| count == counts[0]), "{counts:?}");
}

/// Bytes of address space that Linux lets the process have more from now on; the guest's memory is a limit of its own.
fn address_limit() -> Limit {
    let mapped = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = mapped.split(' ').next().unwrap().parse().unwrap();
    Limit::new(libc::RLIMIT_AS as i32, pages * PAGE as u64 + (256 << 20))
}

/// Allocates and fills blocks of `size` bytes until there is none, chained, and frees them; answers how many there were.
fn drain_heap(size: usize) -> usize {
    let (mut last, mut count) = (std::ptr::null_mut::<usize>(), 0_usize);
    // SAFETY: each block is as large as asked for, and its first word is the address of the one before it.
    unsafe {
        let mut block: *mut usize = libc::malloc(size).cast();
        while !block.is_null() {
            std::ptr::write_bytes(block.cast::<u8>(), 0xa5, size);
            *block = last.expose_provenance();
            (last, count) = (block, count + 1);
            block = libc::malloc(size).cast();
        }
        let error = errno();
        while !last.is_null() {
            if size > 8 {
                assert_eq!(*last.cast::<u8>().add(size - 1), 0xa5, "what was accepted stays");
            }
            let before = std::ptr::with_exposed_provenance_mut(*last);
            libc::free(last.cast());
            last = before;
        }
        assert_eq!(error, ENOMEM);
    }
    count
}

fn malloc_again_and_again(size: usize) {
    let limit = address_limit();
    let counts: Vec<usize> = (0..3).map(|_| drain_heap(size)).collect();
    drop(limit);
    assert!(counts[0] > 0 && counts[2] >= counts[0] - counts[0] / 10, "{counts:?}");
}

fn malloc_large() {
    malloc_again_and_again(1 << 20);
}

fn malloc_small() {
    malloc_again_and_again(200);
}

// covers: futex
fn futex_waiters() {
    const MANY: u32 = 1000;
    static WORD: AtomicU32 = AtomicU32::new(0);
    static OTHER: AtomicU32 = AtomicU32::new(0);
    static ENDED: AtomicU32 = AtomicU32::new(0);
    let futex = |word: &AtomicU32, op: i32, words: [usize; 4]| {
        let [a, b, c, d] = words;
        call(libc::SYS_futex, [word.as_ptr() as usize, op as usize, a, b, c, d])
    };
    WORD.store(0, Ordering::SeqCst);
    ENDED.store(0, Ordering::SeqCst);
    let body = move || {
        while WORD.load(Ordering::SeqCst) == 0 {
            if futex(&WORD, libc::FUTEX_WAIT, [0; 4]) == Ok(0) {
                break;
            }
        }
        ENDED.fetch_add(1, Ordering::SeqCst);
    };
    let spawn = || std::thread::Builder::new().stack_size(32 << 10).spawn(body).unwrap();
    let threads: Vec<_> = (0..MANY).map(|_| spawn()).collect();
    // A requeue answers how many it moved: as long as that is not all, some have not come yet.
    let start = Instant::now();
    let mut moved = 0;
    while moved < i64::from(MANY) && start.elapsed() < Duration::from_secs(20) {
        let words = [0, i32::MAX as usize, OTHER.as_ptr() as usize, 0];
        moved += futex(&WORD, libc::FUTEX_REQUEUE, words).unwrap();
        std::thread::yield_now();
    }
    assert_eq!((moved, ENDED.load(Ordering::SeqCst)), (i64::from(MANY), 0));
    assert_eq!(futex(&WORD, libc::FUTEX_WAKE, [i32::MAX as usize, 0, 0, 0]), Ok(0));
    let ended = |count: u32| {
        while ENDED.load(Ordering::SeqCst) < count && start.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(ENDED.load(Ordering::SeqCst), count);
    };
    // So many as are asked for, and no more.
    assert_eq!(futex(&OTHER, libc::FUTEX_WAKE, [10, 0, 0, 0]), Ok(10));
    ended(10);
    assert_eq!(futex(&OTHER, libc::FUTEX_WAKE, [i32::MAX as usize, 0, 0, 0]), Ok(i64::from(MANY) - 10));
    ended(MANY);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
