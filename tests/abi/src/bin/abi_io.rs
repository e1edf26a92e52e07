//! Open files: read, write, seek, duplicate, pipes, locks, copies.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use abi_tests::{Fd, Scratch, cases, check, errno, open};
use libc::{
    EAGAIN, EBADF, EFAULT, EINVAL, EISDIR, EPIPE, ESPIPE, EXDEV, O_APPEND, O_CREAT, O_RDONLY, O_RDWR,
    O_TRUNC, O_WRONLY,
};

cases! {
    read_write_and_position, bad_descriptors, wild_buffers, vectors, positioned, seek_rules, append_wins, sparse_files,
    truncate_and_grow, duplicates, close_range_closes, closed_by_another_thread,
    closed_while_used, pipes_carry, pipe_is_atomic, pipe_without_other_end, pipe_sizes,
    flags_by_fcntl, flock_excludes, open_file_locks, process_locks, sendfile_moves, copy_file_range_moves, fallocate_modes,
    ioctls, sync_family, advice, write_to_directory, large_transfer, reads_from_devices
}

fn write(fd: &Fd, bytes: &[u8]) -> Result<isize, i32> {
    // SAFETY: the buffer is a slice.
    check(unsafe { libc::write(fd.0, bytes.as_ptr().cast(), bytes.len()) })
}

fn read(fd: &Fd, count: usize) -> Result<Vec<u8>, i32> {
    let mut buffer = vec![0u8; count];
    // SAFETY: the buffer is a slice.
    let got = check(unsafe { libc::read(fd.0, buffer.as_mut_ptr().cast(), count) })?;
    buffer.truncate(got as usize);
    Ok(buffer)
}

fn seek(fd: &Fd, offset: i64, whence: i32) -> Result<i64, i32> {
    // SAFETY: plain numbers.
    check(unsafe { libc::lseek(fd.0, offset, whence) })
}

fn pipe(flags: i32) -> (Fd, Fd) {
    let mut fds = [0; 2];
    // SAFETY: room for two numbers.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), flags) }).expect("a pipe");
    (Fd(fds[0]), Fd(fds[1]))
}

fn fcntl(fd: &Fd, command: i32, argument: i32) -> Result<i32, i32> {
    // SAFETY: commands with a number.
    check(unsafe { libc::fcntl(fd.0, command, argument) })
}

// covers: read, write, open, close
fn read_write_and_position() {
    let scratch = Scratch::new("rw");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    assert_eq!(write(&fd, b"hello"), Ok(5));
    assert_eq!(read(&fd, 10), Ok(vec![]));
    assert_eq!(seek(&fd, 1, libc::SEEK_SET), Ok(1));
    assert_eq!(read(&fd, 3), Ok(b"ell".to_vec()));
    assert_eq!(seek(&fd, 0, libc::SEEK_CUR), Ok(4));
    assert_eq!(read(&fd, 0), Ok(vec![]));
}

fn bad_descriptors() {
    let scratch = Scratch::new("badfd");
    for fd in [-1, 9999] {
        assert_eq!(read(&Fd(fd), 1), Err(EBADF));
        assert_eq!(write(&Fd(fd), b"x"), Err(EBADF));
        assert_eq!(seek(&Fd(fd), 0, 99), Err(EBADF));
    }
    let reader = open(scratch.path("f"), O_RDONLY | O_CREAT).unwrap();
    assert_eq!(write(&reader, b"x"), Err(EBADF));
    let writer = open(scratch.path("f"), O_WRONLY).unwrap();
    assert_eq!(read(&writer, 1), Err(EBADF));
}

fn wild_buffers() {
    let scratch = Scratch::new("wild");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    write(&fd, &[7; 100]).unwrap();
    for address in [1usize, 0x1000, 0xffff_8000_0000_0000, 0x8000_0000_0000_0000, usize::MAX - 10] {
        seek(&fd, 0, libc::SEEK_SET).unwrap();
        // SAFETY: wild on purpose: the kernel answers EFAULT.
        assert_eq!(check(unsafe { libc::read(fd.0, address as *mut _, 50) }), Err(EFAULT), "{address:#x}");
        // SAFETY: as above.
        assert_eq!(check(unsafe { libc::write(fd.0, address as *const _, 50) }), Err(EFAULT), "{address:#x}");
    }
    assert_eq!(seek(&fd, 0, libc::SEEK_CUR), Ok(0));
    assert_eq!(seek(&fd, 0, libc::SEEK_END), Ok(100));
}

// covers: readv, writev, preadv, pwritev, preadv2, pwritev2
fn vectors() {
    let scratch = Scratch::new("vec");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    let parts: [&[u8]; 3] = [b"one", b"", b"two"];
    let iov =
        parts.map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() });
    // SAFETY: the vectors describe slices.
    unsafe {
        assert_eq!(libc::writev(fd.0, iov.as_ptr(), 3), 6);
        assert_eq!(libc::pwritev(fd.0, iov.as_ptr(), 3, 10), 6);
        let (mut a, mut b) = ([0u8; 4], [0u8; 4]);
        let into = [&mut a[..], &mut b[..]]
            .map(|part| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() });
        assert_eq!(libc::preadv(fd.0, into.as_ptr(), 2, 0), 8);
        assert_eq!((&a, &b), (b"onet", b"wo\0\0"));
        libc::lseek(fd.0, 0, libc::SEEK_SET);
        assert_eq!(libc::readv(fd.0, into.as_ptr(), 2), 8);
        assert_eq!(check(libc::readv(fd.0, into.as_ptr(), -1)), Err(EINVAL));
        assert_eq!(check(libc::readv(fd.0, into.as_ptr(), 1025)), Err(EINVAL));
        assert_eq!(
            check(libc::syscall(libc::SYS_preadv2, fd.0, into.as_ptr(), 2, 0, 0, 1 << 20)),
            Err(libc::EOPNOTSUPP)
        );
        assert_eq!(check(libc::syscall(libc::SYS_preadv2, fd.0, into.as_ptr(), 2, 0, 0, 0)), Ok(8));
        assert_eq!(check(libc::syscall(libc::SYS_pwritev2, fd.0, iov.as_ptr(), 3, -1i64, 0, 0)), Ok(6));
        assert_eq!(seek(&fd, 0, libc::SEEK_CUR), Ok(14));
    }
}

// covers: pread64, pwrite64
fn positioned() {
    let scratch = Scratch::new("pos");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    let mut buffer = [0u8; 8];
    // SAFETY: buffers are slices.
    unsafe {
        assert_eq!(libc::pwrite(fd.0, b"abc".as_ptr().cast(), 3, 5), 3);
        assert_eq!(libc::pread(fd.0, buffer.as_mut_ptr().cast(), 8, 3), 5);
        assert_eq!(&buffer[..5], b"\0\0abc");
        assert_eq!(check(libc::pread(fd.0, buffer.as_mut_ptr().cast(), 8, -1)), Err(EINVAL));
        assert_eq!(check(libc::pread(-1, buffer.as_mut_ptr().cast(), 8, -1)), Err(EINVAL));
        let (reader, _writer) = pipe(0);
        assert_eq!(check(libc::pread(reader.0, buffer.as_mut_ptr().cast(), 8, 0)), Err(ESPIPE));
    }
    assert_eq!(seek(&fd, 0, libc::SEEK_CUR), Ok(0));
}

// covers: lseek
fn seek_rules() {
    let scratch = Scratch::new("seek");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    assert_eq!(seek(&fd, -1, libc::SEEK_SET), Err(EINVAL));
    assert_eq!(seek(&fd, 0, 77), Err(EINVAL));
    assert_eq!(seek(&fd, 1 << 40, libc::SEEK_SET), Ok(1 << 40));
    assert_eq!(read(&fd, 1), Ok(vec![]));
    assert_eq!(seek(&fd, i64::MAX, libc::SEEK_CUR), Err(EINVAL));
    assert_eq!(seek(&pipe(0).0, 0, libc::SEEK_SET), Err(ESPIPE));
}

fn append_wins() {
    let scratch = Scratch::new("append");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT | O_APPEND).unwrap();
    write(&fd, b"12345").unwrap();
    seek(&fd, 0, libc::SEEK_SET).unwrap();
    write(&fd, b"6").unwrap();
    assert_eq!(seek(&fd, 0, libc::SEEK_CUR), Ok(6));
    // SAFETY: the buffer is a slice. On Linux pwrite with O_APPEND appends.
    assert_eq!(unsafe { libc::pwrite(fd.0, b"7".as_ptr().cast(), 1, 0) }, 1);
    assert_eq!(seek(&fd, 0, libc::SEEK_END), Ok(7));
    let again = open(scratch.path("f"), O_WRONLY | O_TRUNC).unwrap();
    assert_eq!(seek(&again, 0, libc::SEEK_END), Ok(0));
}

fn sparse_files() {
    let scratch = Scratch::new("sparse");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    seek(&fd, 1 << 20, libc::SEEK_SET).unwrap();
    write(&fd, b"x").unwrap();
    assert_eq!(seek(&fd, 0, libc::SEEK_DATA), Ok(1 << 20));
    assert_eq!(seek(&fd, 0, libc::SEEK_HOLE), Ok(0));
    assert_eq!(seek(&fd, 1 << 20, libc::SEEK_HOLE), Ok((1 << 20) + 1));
    assert_eq!(seek(&fd, (1 << 20) + 1, libc::SEEK_DATA), Err(libc::ENXIO));
    seek(&fd, 100, libc::SEEK_SET).unwrap();
    assert_eq!(read(&fd, 10), Ok(vec![0; 10]));
    // SAFETY: an all-zero stat is valid.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: room for a stat.
    unsafe { libc::fstat(fd.0, &mut stat) };
    assert!(stat.st_blocks * 512 < 1 << 20);
}

// covers: ftruncate, truncate
fn truncate_and_grow() {
    let scratch = Scratch::new("trunc");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    write(&fd, &[9; 5000]).unwrap();
    // SAFETY: plain numbers and C strings.
    unsafe {
        assert_eq!(libc::ftruncate(fd.0, 4100), 0);
        assert_eq!(libc::ftruncate(fd.0, 5000), 0);
        seek(&fd, 4090, libc::SEEK_SET).unwrap();
        assert_eq!(read(&fd, 20), Ok([[9; 10], [0; 10]].concat()));
        assert_eq!(check(libc::ftruncate(fd.0, -1)), Err(EINVAL));
        assert_eq!(libc::truncate(scratch.c("f").as_ptr(), 3), 0);
        assert_eq!(seek(&fd, 0, libc::SEEK_END), Ok(3));
        let reader = open(scratch.path("f"), O_RDONLY).unwrap();
        assert_eq!(check(libc::ftruncate(reader.0, 0)), Err(EINVAL));
        assert_eq!(check(libc::truncate(scratch.c("").as_ptr(), 0)), Err(EISDIR));
    }
}

// covers: dup, dup2, dup3
fn duplicates() {
    let scratch = Scratch::new("dup");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    write(&fd, b"abcdef").unwrap();
    // SAFETY: plain numbers.
    unsafe {
        let twin = Fd(libc::dup(fd.0));
        seek(&fd, 2, libc::SEEK_SET).unwrap();
        assert_eq!(read(&twin, 1), Ok(b"c".to_vec()));
        let high = Fd(libc::dup2(fd.0, 200));
        assert_eq!(high.0, 200);
        assert_eq!(libc::dup2(fd.0, fd.0), fd.0);
        assert_eq!(check(libc::dup3(fd.0, fd.0, 0)), Err(EINVAL));
        assert_eq!(check(libc::dup2(fd.0, -1)), Err(EBADF));
        assert_eq!(check(libc::dup2(9999, 5)), Err(EBADF));
        let third = Fd(libc::dup3(fd.0, 201, libc::O_CLOEXEC));
        assert_eq!(fcntl(&third, libc::F_GETFD, 0), Ok(libc::FD_CLOEXEC));
        assert_eq!(fcntl(&high, libc::F_GETFD, 0), Ok(0));
        let lowest = Fd(fcntl(&fd, libc::F_DUPFD, 150).unwrap());
        assert_eq!(lowest.0, 150);
        assert_eq!(fcntl(&fd, libc::F_DUPFD, -1), Err(EINVAL));
    }
}

// covers: close_range
fn close_range_closes() {
    // SAFETY: plain numbers; the descriptors are this case's own.
    unsafe {
        for fd in 300..305 {
            libc::dup2(1, fd);
        }
        assert_eq!(libc::syscall(libc::SYS_close_range, 301, 303, 0), 0);
        assert_eq!(check(libc::fcntl(302, libc::F_GETFD)), Err(EBADF));
        assert_eq!(libc::fcntl(304, libc::F_GETFD), 0);
        assert_eq!(libc::syscall(libc::SYS_close_range, 300, 304, libc::CLOSE_RANGE_CLOEXEC), 0);
        assert_eq!(libc::fcntl(304, libc::F_GETFD), libc::FD_CLOEXEC);
        assert_eq!(check(libc::syscall(libc::SYS_close_range, 5, 4, 0)), Err(EINVAL));
        assert_eq!(libc::syscall(libc::SYS_close_range, 300, 304, 0), 0);
        assert_eq!(check(libc::close(300)), Err(EBADF));
    }
}

/// Who reads from a file keeps it, whatever becomes of the descriptor.
fn closed_by_another_thread() {
    let (reader, writer) = pipe(0);
    let number = reader.0;
    let waiter = std::thread::spawn(move || {
        let got = read(&reader, 1);
        // Its number is no longer its own.
        std::mem::forget(reader);
        got
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    // SAFETY: plain number.
    assert_eq!(unsafe { libc::close(number) }, 0);
    assert_eq!(write(&writer, b"x"), Ok(1));
    assert_eq!(waiter.join().unwrap(), Ok(b"x".to_vec()));
    assert_eq!(write(&writer, b"y"), Err(EPIPE));
}

/// Threads open, use and close the same descriptors; the last one goes on alone.
fn closed_while_used() {
    const FIRST: i32 = 400;
    let null = open("/dev/null", O_WRONLY).unwrap();
    let number = null.0;
    // SAFETY: one byte that is there.
    let write_to = |fd: i32| check(unsafe { libc::write(fd, b"x".as_ptr().cast(), 1) });
    let work = move |worker: i32| {
        for turn in 0..1000 {
            let fd = FIRST + (worker + turn) % 3;
            // SAFETY: plain numbers; the descriptors are this case's own.
            unsafe { libc::dup2(number, fd) };
            assert!(matches!(write_to(fd), Ok(1) | Err(EBADF)));
            // SAFETY: as above.
            unsafe { libc::close(fd) };
        }
    };
    let workers: Vec<_> = (0..3).map(|worker| std::thread::spawn(move || work(worker))).collect();
    work(3);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert_eq!([FIRST, FIRST + 1, FIRST + 2].map(write_to), [Err(EBADF); 3]);
    assert_eq!(write_to(number), Ok(1));
}

// covers: pipe2, pipe
fn pipes_carry() {
    let (reader, writer) = pipe(0);
    let data: Vec<u8> = (0..1_000_000u32).map(|number| number as u8).collect();
    let expected = data.clone();
    let thread = std::thread::spawn(move || {
        let mut rest = &data[..];
        while !rest.is_empty() {
            rest = &rest[write(&writer, rest).unwrap() as usize..];
        }
    });
    let mut got = Vec::new();
    loop {
        let part = read(&reader, 10_000).unwrap();
        if part.is_empty() {
            break;
        }
        got.extend(part);
    }
    thread.join().unwrap();
    assert!(got == expected);
    let mut fds = [0; 2];
    // SAFETY: room for two numbers; then a wild pointer on purpose.
    unsafe {
        assert_eq!(libc::syscall(libc::SYS_pipe, fds.as_mut_ptr()), 0);
        drop((Fd(fds[0]), Fd(fds[1])));
        assert_eq!(check(libc::syscall(libc::SYS_pipe2, 1usize, 0)), Err(EFAULT));
    }
}

fn pipe_is_atomic() {
    let (reader, writer) = pipe(libc::O_NONBLOCK);
    assert_eq!(read(&reader, 1), Err(EAGAIN));
    while write(&writer, &[1; 4096]).is_ok() {}
    assert_eq!(errno(), EAGAIN);
    assert_eq!(read(&reader, 100).map(|bytes| bytes.len()), Ok(100));
    // 100 bytes of room: a write of up to PIPE_BUF is all or nothing.
    assert_eq!(write(&writer, &[2; 4096]), Err(EAGAIN));
}

fn pipe_without_other_end() {
    // SAFETY: ignoring a signal.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let (reader, writer) = pipe(0);
    write(&writer, b"last").unwrap();
    drop(writer);
    assert_eq!(read(&reader, 10), Ok(b"last".to_vec()));
    assert_eq!(read(&reader, 10), Ok(vec![]));
    let (reader, writer) = pipe(0);
    drop(reader);
    assert_eq!(write(&writer, b"x"), Err(EPIPE));
}

fn pipe_sizes() {
    let (reader, writer) = pipe(0);
    assert_eq!(fcntl(&writer, libc::F_GETPIPE_SZ, 0), Ok(65_536));
    assert_eq!(fcntl(&writer, libc::F_SETPIPE_SZ, 5000), Ok(8192));
    let mut count = 0i32;
    write(&writer, b"12345").unwrap();
    // SAFETY: room for a number.
    unsafe { libc::ioctl(reader.0, libc::FIONREAD, &mut count) };
    assert_eq!(count, 5);
    let scratch = Scratch::new("pipesz");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    assert_eq!(fcntl(&fd, libc::F_GETPIPE_SZ, 0), Err(EBADF));
}

// covers: fcntl
fn flags_by_fcntl() {
    let scratch = Scratch::new("fcntl");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT | O_APPEND).unwrap();
    let flags = fcntl(&fd, libc::F_GETFL, 0).unwrap();
    assert_eq!(flags & (libc::O_ACCMODE | O_APPEND | O_CREAT), O_RDWR | O_APPEND);
    assert_eq!(fcntl(&fd, libc::F_SETFL, libc::O_NONBLOCK), Ok(0));
    let flags = fcntl(&fd, libc::F_GETFL, 0).unwrap();
    assert_eq!(flags & (libc::O_ACCMODE | O_APPEND | libc::O_NONBLOCK), O_RDWR | libc::O_NONBLOCK);
    assert_eq!(fcntl(&fd, 12345, 0), Err(EINVAL));
    assert_eq!(fcntl(&Fd(-1), 12345, 0), Err(EBADF));
}

// covers: flock
fn flock_excludes() {
    let scratch = Scratch::new("flock");
    let first = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    let second = open(scratch.path("f"), O_RDWR).unwrap();
    // SAFETY: plain numbers.
    unsafe {
        assert_eq!(libc::flock(first.0, libc::LOCK_SH), 0);
        assert_eq!(libc::flock(second.0, libc::LOCK_SH | libc::LOCK_NB), 0);
        assert_eq!(check(libc::flock(first.0, libc::LOCK_EX | libc::LOCK_NB)), Err(EAGAIN));
        assert_eq!(libc::flock(second.0, libc::LOCK_UN), 0);
        assert_eq!(libc::flock(first.0, libc::LOCK_EX | libc::LOCK_NB), 0);
        assert_eq!(check(libc::flock(second.0, libc::LOCK_EX | libc::LOCK_NB)), Err(EAGAIN));
        assert_eq!(check(libc::flock(first.0, 77)), Err(EINVAL));
        let waiter = std::thread::spawn(move || {
            assert_eq!(libc::flock(second.0, libc::LOCK_EX), 0);
        });
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(first);
        waiter.join().unwrap();
    }
}

fn range(kind: i32, start: i64, length: i64) -> libc::flock {
    // SAFETY: an all-zero flock is valid.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as i16;
    lock.l_start = start;
    lock.l_len = length;
    lock
}

fn open_file_locks() {
    let scratch = Scratch::new("ofd");
    let first = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    let second = open(scratch.path("f"), O_RDWR).unwrap();
    // SAFETY: the structures live across the calls.
    let lock =
        |fd: &Fd, command: i32, lock: &mut libc::flock| check(unsafe { libc::fcntl(fd.0, command, lock) });
    assert_eq!(lock(&first, libc::F_OFD_SETLK, &mut range(libc::F_WRLCK, 10, 10)), Ok(0));
    assert_eq!(lock(&second, libc::F_OFD_SETLK, &mut range(libc::F_RDLCK, 15, 1)), Err(EAGAIN));
    assert_eq!(lock(&second, libc::F_OFD_SETLK, &mut range(libc::F_WRLCK, 20, 0)), Ok(0));
    let mut found = range(libc::F_WRLCK, 0, 0);
    assert_eq!(lock(&second, libc::F_OFD_GETLK, &mut found), Ok(0));
    assert_eq!(
        (i32::from(found.l_type), found.l_start, found.l_len, found.l_pid),
        (libc::F_WRLCK, 10, 10, -1)
    );
    assert_eq!(lock(&first, libc::F_OFD_SETLK, &mut range(libc::F_UNLCK, 12, 4)), Ok(0));
    assert_eq!(lock(&second, libc::F_OFD_SETLK, &mut range(libc::F_RDLCK, 12, 4)), Ok(0));
    assert_eq!(lock(&second, libc::F_OFD_SETLK, &mut range(libc::F_RDLCK, 11, 1)), Err(EAGAIN));
    drop(first);
    assert_eq!(lock(&second, libc::F_OFD_SETLK, &mut range(libc::F_WRLCK, 0, 0)), Ok(0));
}

fn process_locks() {
    let scratch = Scratch::new("posixlock");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    // SAFETY: the structures live across the calls.
    let lock = |command: i32, lock: &mut libc::flock| check(unsafe { libc::fcntl(fd.0, command, lock) });
    assert_eq!(lock(libc::F_SETLK, &mut range(libc::F_WRLCK, 0, 0)), Ok(0));
    assert_eq!(lock(libc::F_SETLKW, &mut range(libc::F_WRLCK, 5, 2)), Ok(0));
    let mut found = range(libc::F_WRLCK, 0, 0);
    assert_eq!(lock(libc::F_GETLK, &mut found), Ok(0));
    assert_eq!(i32::from(found.l_type), libc::F_UNLCK);
    assert_eq!(lock(libc::F_SETLK, &mut range(77, 0, 0)), Err(EINVAL));
    let reader = open(scratch.path("f"), O_RDONLY).unwrap();
    // SAFETY: as above.
    assert_eq!(
        check(unsafe { libc::fcntl(reader.0, libc::F_SETLK, &mut range(libc::F_WRLCK, 0, 0)) }),
        Err(EBADF)
    );
}

// covers: sendfile
fn sendfile_moves() {
    let scratch = Scratch::new("sendfile");
    let from = open(scratch.path("from"), O_RDWR | O_CREAT).unwrap();
    let to = open(scratch.path("to"), O_RDWR | O_CREAT).unwrap();
    write(&from, &[5; 100_000]).unwrap();
    seek(&from, 1000, libc::SEEK_SET).unwrap();
    // SAFETY: descriptors and an optional offset.
    unsafe {
        assert_eq!(libc::sendfile(to.0, from.0, std::ptr::null_mut(), 200_000), 99_000);
        assert_eq!(seek(&from, 0, libc::SEEK_CUR), Ok(100_000));
        let mut offset = 10;
        assert_eq!(libc::sendfile(to.0, from.0, &mut offset, 20), 20);
        assert_eq!((offset, seek(&from, 0, libc::SEEK_CUR)), (30, Ok(100_000)));
        assert_eq!(seek(&to, 0, libc::SEEK_CUR), Ok(99_020));
        let (reader, writer) = pipe(0);
        offset = 0;
        assert_eq!(libc::sendfile(writer.0, from.0, &mut offset, 10), 10);
        assert_eq!(read(&reader, 100), Ok(vec![5; 10]));
        assert_eq!(check(libc::sendfile(-1, from.0, &mut offset, 10)), Err(EBADF));
    }
}

// covers: copy_file_range
fn copy_file_range_moves() {
    let scratch = Scratch::new("cfr");
    let from = open(scratch.path("from"), O_RDWR | O_CREAT).unwrap();
    let to = open(scratch.path("to"), O_RDWR | O_CREAT).unwrap();
    write(&from, b"0123456789").unwrap();
    let (mut start, mut target) = (2i64, 1i64);
    // SAFETY: descriptors and offsets.
    unsafe {
        assert_eq!(libc::copy_file_range(from.0, &mut start, to.0, &mut target, 5, 0), 5);
        assert_eq!((start, target), (7, 6));
        assert_eq!(check(libc::copy_file_range(from.0, &mut start, to.0, &mut target, 5, 1)), Err(EINVAL));
        let (reader, _writer) = pipe(0);
        assert_eq!(
            check(libc::copy_file_range(reader.0, std::ptr::null_mut(), to.0, &mut target, 5, 0)),
            Err(EINVAL)
        );
    }
    assert_eq!(read(&to, 100), Ok(b"\x0023456".to_vec()));
}

// covers: fallocate
fn fallocate_modes() {
    let scratch = Scratch::new("falloc");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    // SAFETY: plain numbers.
    unsafe {
        assert_eq!(libc::fallocate(fd.0, 0, 0, 10_000), 0);
        assert_eq!(seek(&fd, 0, libc::SEEK_END), Ok(10_000));
        assert_eq!(libc::fallocate(fd.0, libc::FALLOC_FL_KEEP_SIZE, 0, 20_000), 0);
        assert_eq!(seek(&fd, 0, libc::SEEK_END), Ok(10_000));
        libc::pwrite(fd.0, [8u8; 10_000].as_ptr().cast(), 10_000, 0);
        assert_eq!(
            libc::fallocate(fd.0, libc::FALLOC_FL_KEEP_SIZE | libc::FALLOC_FL_PUNCH_HOLE, 100, 5000),
            0
        );
        let mut buffer = [1u8; 10_000];
        libc::pread(fd.0, buffer.as_mut_ptr().cast(), 10_000, 0);
        assert!(buffer[..100].iter().all(|&byte| byte == 8));
        assert!(buffer[100..5100].iter().all(|&byte| byte == 0));
        assert!(buffer[5100..].iter().all(|&byte| byte == 8));
        assert_eq!(check(libc::fallocate(fd.0, 0, -1, 10)), Err(EINVAL));
        assert_eq!(check(libc::fallocate(fd.0, 0, 0, 0)), Err(EINVAL));
        assert_eq!(check(libc::fallocate(fd.0, 0x1000, 0, 10)), Err(libc::EOPNOTSUPP));
        assert_eq!(check(libc::fallocate(pipe(0).1.0, 0, 0, 10)), Err(ESPIPE));
    }
}

// covers: ioctl
fn ioctls() {
    let scratch = Scratch::new("ioctl");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    write(&fd, b"12345").unwrap();
    seek(&fd, 2, libc::SEEK_SET).unwrap();
    let mut number = 0i32;
    // SAFETY: room for a number; structures of the request's size.
    unsafe {
        assert_eq!(libc::ioctl(fd.0, libc::FIONREAD, &mut number), 0);
        assert_eq!(number, 3);
        let mut settings: libc::termios = std::mem::zeroed();
        assert_eq!(check(libc::ioctl(fd.0, libc::TCGETS, &mut settings)), Err(libc::ENOTTY));
        assert_eq!(libc::isatty(fd.0), 0);
        let (reader, _writer) = pipe(0);
        number = 1;
        assert_eq!(libc::ioctl(reader.0, libc::FIONBIO, &number), 0);
        assert_eq!(read(&reader, 1), Err(EAGAIN));
        assert_eq!(libc::ioctl(reader.0, libc::FIOCLEX), 0);
        assert_eq!(fcntl(&reader, libc::F_GETFD, 0), Ok(libc::FD_CLOEXEC));
        assert_eq!(check(libc::ioctl(-1, libc::FIOCLEX)), Err(EBADF));
    }
}

// covers: fsync, fdatasync, sync, syncfs, sync_file_range
fn sync_family() {
    let scratch = Scratch::new("sync");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    // SAFETY: plain numbers.
    unsafe {
        assert_eq!((libc::fsync(fd.0), libc::fdatasync(fd.0), libc::syncfs(fd.0)), (0, 0, 0));
        assert_eq!(libc::sync_file_range(fd.0, 0, 0, 0), 0);
        assert_eq!(check(libc::fsync(pipe(0).0.0)), Err(EINVAL));
        assert_eq!(check(libc::fsync(-1)), Err(EBADF));
        assert_eq!(check(libc::sync_file_range(fd.0, -1, 0, 0)), Err(EINVAL));
    }
}

// covers: fadvise64
fn advice() {
    let scratch = Scratch::new("advice");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    // SAFETY: plain numbers; posix_fadvise answers the error number itself.
    unsafe {
        assert_eq!(libc::posix_fadvise(fd.0, 0, 0, libc::POSIX_FADV_SEQUENTIAL), 0);
        assert_eq!(libc::posix_fadvise(fd.0, 0, 0, 99), EINVAL);
        assert_eq!(libc::posix_fadvise(-1, 0, 0, 99), EBADF);
        assert_eq!(libc::posix_fadvise(pipe(0).0.0, 0, 0, 0), ESPIPE);
    }
}

fn write_to_directory() {
    let scratch = Scratch::new("dir");
    assert_eq!(open(scratch.root(), O_WRONLY).map(|_| ()), Err(EISDIR));
    let fd = open(scratch.root(), O_RDONLY).unwrap();
    assert_eq!(read(&fd, 10), Err(EISDIR));
    assert_ne!(EXDEV, EISDIR);
}

fn large_transfer() {
    let scratch = Scratch::new("large");
    let fd = open(scratch.path("f"), O_RDWR | O_CREAT).unwrap();
    let data: Vec<u8> = (0..3_000_001u32).map(|number| (number / 7) as u8).collect();
    assert_eq!(write(&fd, &data), Ok(3_000_001));
    seek(&fd, 0, libc::SEEK_SET).unwrap();
    // A fresh buffer: its pages come in during the call.
    assert!(read(&fd, 4_000_000) == Ok(data));
}

fn reads_from_devices() {
    assert_eq!(read(&open("/dev/null", O_RDWR).unwrap(), 10), Ok(vec![]));
    assert_eq!(write(&open("/dev/null", O_RDWR).unwrap(), &[1; 10]), Ok(10));
    assert_eq!(read(&open("/dev/zero", O_RDWR).unwrap(), 10_000), Ok(vec![0; 10_000]));
    assert_eq!(read(&open("/dev/full", O_RDWR).unwrap(), 10), Ok(vec![0; 10]));
    assert_eq!(write(&open("/dev/full", O_RDWR).unwrap(), &[1; 10]), Err(libc::ENOSPC));
    let random = read(&open("/dev/urandom", O_RDONLY).unwrap(), 64).unwrap();
    assert_ne!(random, read(&open("/dev/random", O_RDONLY).unwrap(), 64).unwrap());
}
