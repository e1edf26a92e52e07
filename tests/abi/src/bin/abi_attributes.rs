//! Attributes: stat, statx, chmod, chown, times, access, umask, statfs.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use abi_tests::{Fd, Scratch, call, cases, check, open};
use libc::{
    AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, EACCES, EBADF, EINVAL, ENOENT, ENOTDIR, O_CREAT, O_PATH,
    O_RDONLY, O_WRONLY,
};

cases! { stats, permissions, owners, times, access_checks, statfs_answers, statx_answers, umask_masks }

// covers: stat, lstat, fstat, newfstatat
fn stats() {
    let s = Scratch::new("stat");
    fs::write(s.path("f"), vec![0; 5000]).unwrap();
    symlink("f", s.path("l")).unwrap();
    // SAFETY: all-zero stats are valid, and there is room for them.
    unsafe {
        let (mut a, mut b, mut l): (libc::stat, libc::stat, libc::stat) = std::mem::zeroed();
        assert_eq!(libc::syscall(libc::SYS_stat, s.c("l").as_ptr(), &mut a), 0);
        let fd = open(s.path("f"), O_RDONLY).unwrap();
        assert_eq!(libc::fstat(fd.0, &mut b), 0);
        assert_eq!(
            (a.st_ino, a.st_dev, a.st_size, a.st_mode),
            (b.st_ino, b.st_dev, 5000, libc::S_IFREG | 0o644)
        );
        assert_eq!(libc::syscall(libc::SYS_lstat, s.c("l").as_ptr(), &mut l), 0);
        assert_eq!((l.st_size, l.st_mode), (1, libc::S_IFLNK | 0o777));
        assert_eq!(libc::fstatat(AT_FDCWD, s.c("l").as_ptr(), &mut l, AT_SYMLINK_NOFOLLOW), 0);
        assert_eq!(libc::fstatat(fd.0, c"".as_ptr(), &mut l, AT_EMPTY_PATH), 0);
        assert_eq!(l.st_ino, b.st_ino);
        assert_eq!(check(libc::fstatat(fd.0, c"".as_ptr(), &mut l, 0)), Err(ENOENT));
        assert_eq!(check(libc::fstatat(fd.0, c"x".as_ptr(), &mut l, 0)), Err(ENOTDIR));
        assert_eq!(check(libc::fstatat(-5, c"x".as_ptr(), &mut l, 0)), Err(EBADF));
        assert_eq!(check(libc::fstatat(AT_FDCWD, c"x".as_ptr(), &mut l, 0x40_0000)), Err(EINVAL));
        assert_eq!(libc::stat(c"/dev/null".as_ptr(), &mut l), 0);
        assert_eq!((l.st_mode & libc::S_IFMT, l.st_rdev), (libc::S_IFCHR, libc::makedev(1, 3)));
    }
}

// covers: chmod, fchmod, fchmodat, fchmodat2
fn permissions() {
    let s = Scratch::new("chmod");
    fs::write(s.path("f"), "x").unwrap();
    fs::set_permissions(s.path("f"), fs::Permissions::from_mode(0o4711)).unwrap();
    assert_eq!(fs::metadata(s.path("f")).unwrap().mode() & 0o7777, 0o4711);
    let fd = open(s.path("f"), O_RDONLY).unwrap();
    // SAFETY: plain numbers and C strings.
    unsafe {
        assert_eq!(libc::fchmod(fd.0, 0o600), 0);
        assert_eq!(fs::metadata(s.path("f")).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(libc::syscall(libc::SYS_fchmodat, AT_FDCWD, s.c("f").as_ptr(), 0o640), 0);
        assert_eq!(libc::syscall(libc::SYS_chmod, s.c("f").as_ptr(), 0o644), 0);
        assert_eq!(check(libc::chmod(s.c("none").as_ptr(), 0o644)), Err(ENOENT));
        let path = Fd(libc::open(s.c("f").as_ptr(), O_PATH));
        // By number: musl's function goes on through /proc.
        assert_eq!(call(libc::SYS_fchmod, [path.0 as usize, 0o600, 0, 0, 0, 0]), Err(EBADF));
    }
}

// covers: chown, lchown, fchown, fchownat
fn owners() {
    let s = Scratch::new("chown");
    fs::write(s.path("f"), "x").unwrap();
    symlink("f", s.path("l")).unwrap();
    let fd = open(s.path("f"), O_RDONLY).unwrap();
    let owner = |name: &str| fs::symlink_metadata(s.path(name)).map(|m| (m.uid(), m.gid())).unwrap();
    // SAFETY: plain numbers and C strings.
    unsafe {
        assert_eq!(libc::chown(s.c("l").as_ptr(), 1, 2), 0);
        assert_eq!((owner("f"), owner("l")), ((1, 2), (0, 0)));
        assert_eq!(libc::lchown(s.c("l").as_ptr(), 3, u32::MAX), 0);
        assert_eq!(owner("l"), (3, 0));
        assert_eq!(libc::fchown(fd.0, u32::MAX, 9), 0);
        assert_eq!(owner("f"), (1, 9));
        assert_eq!(libc::fchownat(AT_FDCWD, s.c("l").as_ptr(), 5, 5, AT_SYMLINK_NOFOLLOW), 0);
        assert_eq!(owner("l"), (5, 5));
        fs::set_permissions(s.path("f"), fs::Permissions::from_mode(0o6755)).unwrap();
        assert_eq!(libc::fchown(fd.0, 0, 0), 0);
        assert_eq!(fs::metadata(s.path("f")).unwrap().mode() & 0o7777, 0o755);
    }
}

// covers: utimensat
fn times() {
    let s = Scratch::new("times");
    fs::write(s.path("f"), "x").unwrap();
    let set = |a: (i64, i64), m: (i64, i64)| {
        let times = [a, m].map(|(tv_sec, tv_nsec)| libc::timespec { tv_sec, tv_nsec });
        // SAFETY: two times and a C string.
        check(unsafe { libc::utimensat(AT_FDCWD, s.c("f").as_ptr(), times.as_ptr(), 0) })
    };
    assert_eq!(set((100, 5), (-200, 999_999_999)), Ok(0));
    let stat = fs::metadata(s.path("f")).unwrap();
    assert_eq!(
        (stat.atime(), stat.atime_nsec(), stat.mtime(), stat.mtime_nsec()),
        (100, 5, -200, 999_999_999)
    );
    assert_eq!(set((0, libc::UTIME_OMIT), (300, 0)), Ok(0));
    let stat = fs::metadata(s.path("f")).unwrap();
    assert_eq!((stat.atime(), stat.mtime()), (100, 300));
    assert_eq!(set((0, libc::UTIME_NOW), (0, libc::UTIME_OMIT)), Ok(0));
    assert!(fs::metadata(s.path("f")).unwrap().atime() > 1_700_000_000);
    assert_eq!(set((0, 1_000_000_000), (0, 0)), Err(EINVAL));
    let before = fs::metadata(s.path("f")).unwrap().mtime();
    fs::write(s.path("f"), "y").unwrap();
    assert!(fs::metadata(s.path("f")).unwrap().mtime() > before);
    let fd = open(s.path("f"), O_RDONLY).unwrap();
    // SAFETY: null times mean now.
    assert_eq!(unsafe { libc::futimens(fd.0, std::ptr::null()) }, 0);
}

// covers: access, faccessat, faccessat2
fn access_checks() {
    let s = Scratch::new("access");
    fs::write(s.path("f"), "x").unwrap();
    // SAFETY: paths are C strings.
    unsafe {
        assert_eq!(libc::access(s.c("f").as_ptr(), libc::R_OK | libc::W_OK), 0);
        assert_eq!(check(libc::access(s.c("f").as_ptr(), libc::X_OK)), Err(EACCES));
        assert_eq!(check(libc::access(s.c("none").as_ptr(), libc::F_OK)), Err(ENOENT));
        assert_eq!(check(libc::access(s.c("f").as_ptr(), 64)), Err(EINVAL));
        assert_eq!(libc::syscall(libc::SYS_faccessat, AT_FDCWD, s.c("f").as_ptr(), libc::R_OK), 0);
        assert_eq!(
            libc::syscall(libc::SYS_faccessat2, AT_FDCWD, s.c("f").as_ptr(), libc::R_OK, libc::AT_EACCESS),
            0
        );
    }
}

// covers: statfs, fstatfs
fn statfs_answers() {
    let s = Scratch::new("statfs");
    // SAFETY: all-zero structures are valid.
    unsafe {
        let mut answer: libc::statfs = std::mem::zeroed();
        assert_eq!(libc::statfs(s.c("").as_ptr(), &mut answer), 0);
        assert!(answer.f_bsize > 0 && answer.f_blocks > 0 && answer.f_namelen == 255);
        let fd = open("/proc", O_RDONLY).unwrap();
        assert_eq!(libc::fstatfs(fd.0, &mut answer), 0);
        assert_eq!(answer.f_type, 0x9fa0);
        assert_eq!(check(libc::statfs(s.c("none").as_ptr(), &mut answer)), Err(ENOENT));
    }
}

// covers: statx
fn statx_answers() {
    let s = Scratch::new("statx");
    fs::write(s.path("f"), "12345").unwrap();
    // SAFETY: an all-zero structure is valid.
    unsafe {
        let mut answer: libc::statx = std::mem::zeroed();
        // By number: older musl has no function for it.
        let ask = |mask: u32, answer: &mut libc::statx| {
            check(libc::syscall(libc::SYS_statx, AT_FDCWD, s.c("f").as_ptr(), 0, mask, answer))
        };
        assert_eq!(ask(libc::STATX_ALL, &mut answer), Ok(0));
        assert_eq!(
            (answer.stx_size, u32::from(answer.stx_mode), answer.stx_nlink),
            (5, libc::S_IFREG | 0o644, 1)
        );
        assert_ne!(answer.stx_mask & libc::STATX_BTIME, 0);
        assert!(answer.stx_btime.tv_sec > 1_700_000_000);
        assert_eq!(ask(libc::STATX__RESERVED as u32, &mut answer), Err(EINVAL));
    }
}

// covers: umask
fn umask_masks() {
    let s = Scratch::new("umask");
    // SAFETY: plain numbers.
    let before = unsafe { libc::umask(0o077) };
    drop(open(s.path("f"), O_WRONLY | O_CREAT).unwrap());
    // SAFETY: plain numbers.
    assert_eq!(unsafe { libc::umask(before) }, 0o077);
    assert_eq!(fs::metadata(s.path("f")).unwrap().mode() & 0o777, 0o600);
}
