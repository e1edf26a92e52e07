//! Names and attributes: open, stat, mkdir, rename, link, unlink, chmod, chown, directory reading.
#![expect(unsafe_code, reason = "C functions are what is tested")]

use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use abi_tests::{Fd, Scratch, c, call, cases, check, open};
use libc::{
    AT_FDCWD, AT_REMOVEDIR, EBADF, EBUSY, EEXIST, EFAULT, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT,
    ENOTDIR, ENOTEMPTY, ENXIO, EPERM, ERANGE, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY,
    O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY,
};

cases! {
    open_flags, paths_resolve, too_long, symlink_loops, trailing_slashes, links_count, renames, rename_flags,
    rename_refuses, directories, remove_rules, unlinked_but_open, symbolic_links, read_dir_complete, read_dir_under_changes, working_directory, unnamed_files, o_path, memory_files, fifos, mknod_kinds,
    wild_paths, old_names, at_paths
}

// covers: openat, open, creat
fn open_flags() {
    let s = Scratch::new("open");
    assert_eq!(open(s.path("none"), O_RDONLY).map(|_| ()), Err(ENOENT));
    drop(open(s.path("f"), O_WRONLY | O_CREAT | O_EXCL).unwrap());
    assert_eq!(open(s.path("f"), O_WRONLY | O_CREAT | O_EXCL).map(|_| ()), Err(EEXIST));
    assert_eq!(open(s.path("f"), O_RDONLY | O_DIRECTORY).map(|_| ()), Err(ENOTDIR));
    assert_eq!(open(s.path("f/x"), O_RDONLY).map(|_| ()), Err(ENOTDIR));
    assert_eq!(open(s.root(), O_RDWR).map(|_| ()), Err(EISDIR));
    assert_eq!(open(s.root(), O_RDONLY | O_CREAT).map(|_| ()), Err(EISDIR));
    fs::write(s.path("f"), "text").unwrap();
    drop(open(s.path("f"), O_WRONLY | O_TRUNC).unwrap());
    assert_eq!(fs::metadata(s.path("f")).unwrap().len(), 0);
    symlink("f", s.path("l")).unwrap();
    assert_eq!(open(s.path("l"), O_RDONLY | O_NOFOLLOW).map(|_| ()), Err(ELOOP));
    symlink("made", s.path("dangling")).unwrap();
    drop(open(s.path("dangling"), O_WRONLY | O_CREAT).unwrap());
    assert!(s.path("made").exists());
    symlink("never", s.path("dangling2")).unwrap();
    assert_eq!(open(s.path("dangling2"), O_WRONLY | O_CREAT | O_EXCL).map(|_| ()), Err(EEXIST));
    // SAFETY: the path is a C string.
    let fd = Fd(unsafe { libc::creat(s.c("g").as_ptr(), 0o600) });
    assert!(fd.0 >= 0);
}

fn paths_resolve() {
    let s = Scratch::new("paths");
    fs::create_dir_all(s.path("a/b")).unwrap();
    fs::write(s.path("a/f"), "x").unwrap();
    for path in ["a/f", "a/./f", "a/b/../f", "a//f", "./a/b/../../a/f"] {
        assert!(fs::read(s.path(path)).is_ok(), "{path}");
    }
    assert_eq!(open(s.path("a/none/../f"), O_RDONLY).map(|_| ()), Err(ENOENT));
    assert_eq!(open("", O_RDONLY).map(|_| ()), Err(ENOENT));
    assert!(Path::new("/../..").exists());
}

fn too_long() {
    let s = Scratch::new("long");
    let name = "n".repeat(255);
    drop(open(s.path(&name), O_WRONLY | O_CREAT).unwrap());
    assert_eq!(open(s.path(&"n".repeat(256)), O_WRONLY | O_CREAT).map(|_| ()), Err(ENAMETOOLONG));
    assert_eq!(open("/".repeat(4096), O_RDONLY).map(|_| ()), Err(ENAMETOOLONG));
    assert_eq!(open("/".repeat(4095), O_RDONLY).map(|_| ()), Ok(()));
}

fn symlink_loops() {
    let s = Scratch::new("loops");
    symlink("two", s.path("one")).unwrap();
    symlink("one", s.path("two")).unwrap();
    assert_eq!(open(s.path("one"), O_RDONLY).map(|_| ()), Err(ELOOP));
    fs::write(s.path("l0"), "x").unwrap();
    for number in 1..=41 {
        symlink(format!("l{}", number - 1), s.path(&format!("l{number}"))).unwrap();
    }
    assert_eq!(open(s.path("l40"), O_RDONLY).map(|_| ()), Ok(()));
    assert_eq!(open(s.path("l41"), O_RDONLY).map(|_| ()), Err(ELOOP));
}

fn trailing_slashes() {
    let s = Scratch::new("slash");
    fs::write(s.path("f"), "x").unwrap();
    symlink("d", s.path("l")).unwrap();
    // SAFETY: paths are C strings.
    unsafe {
        assert_eq!(libc::mkdir(s.c("d/").as_ptr(), 0o755), 0);
        assert_eq!(check(libc::unlink(s.c("f/").as_ptr())), Err(ENOTDIR));
        assert_eq!(check(libc::open(s.c("f/").as_ptr(), O_RDONLY)), Err(ENOTDIR));
        assert_eq!(check(libc::open(s.c("new/").as_ptr(), O_WRONLY | O_CREAT, 0o644)), Err(EISDIR));
        assert_eq!(check(libc::rmdir(s.c("l/").as_ptr())), Err(ENOTDIR));
        assert_eq!(check(libc::symlink(c"x".as_ptr(), s.c("new/").as_ptr())), Err(ENOENT));
        assert_eq!(check(libc::rename(s.c("f").as_ptr(), s.c("g/").as_ptr())), Err(ENOTDIR));
        assert_eq!(libc::rename(s.c("d/").as_ptr(), s.c("e/").as_ptr()), 0);
    }
}

// covers: link, linkat
fn links_count() {
    let s = Scratch::new("links");
    fs::write(s.path("f"), "x").unwrap();
    fs::hard_link(s.path("f"), s.path("g")).unwrap();
    assert_eq!(fs::metadata(s.path("f")).unwrap().nlink(), 2);
    assert_eq!(fs::metadata(s.root()).unwrap().nlink(), 2);
    fs::create_dir(s.path("d")).unwrap();
    assert_eq!(fs::metadata(s.root()).unwrap().nlink(), 3);
    // SAFETY: paths are C strings.
    unsafe {
        assert_eq!(check(libc::link(s.c("f").as_ptr(), s.c("g").as_ptr())), Err(EEXIST));
        assert_eq!(check(libc::link(s.c("d").as_ptr(), s.c("e").as_ptr())), Err(EPERM));
        assert_eq!(check(libc::link(s.c("none").as_ptr(), s.c("e").as_ptr())), Err(ENOENT));
        symlink("f", s.path("l")).unwrap();
        assert_eq!(libc::linkat(AT_FDCWD, s.c("l").as_ptr(), AT_FDCWD, s.c("l2").as_ptr(), 0), 0);
        assert!(s.path("l2").is_symlink());
        assert_eq!(
            libc::linkat(AT_FDCWD, s.c("l").as_ptr(), AT_FDCWD, s.c("f2").as_ptr(), libc::AT_SYMLINK_FOLLOW),
            0
        );
        assert!(!s.path("f2").is_symlink());
        assert_eq!(
            check(libc::linkat(AT_FDCWD, s.c("l").as_ptr(), AT_FDCWD, s.c("z").as_ptr(), 1)),
            Err(EINVAL)
        );
    }
    fs::remove_file(s.path("f")).unwrap();
    assert_eq!(fs::metadata(s.path("g")).unwrap().nlink(), 2);
}

// covers: rename, renameat, renameat2
fn renames() {
    let s = Scratch::new("rename");
    fs::write(s.path("a"), "A").unwrap();
    fs::write(s.path("b"), "B").unwrap();
    fs::rename(s.path("a"), s.path("b")).unwrap();
    assert_eq!(fs::read(s.path("b")).unwrap(), b"A");
    assert!(!s.path("a").exists());
    fs::create_dir_all(s.path("d/e")).unwrap();
    fs::create_dir(s.path("empty")).unwrap();
    fs::rename(s.path("d"), s.path("empty")).unwrap();
    assert!(s.path("empty/e").is_dir());
    fs::rename(s.path("b"), s.path("empty/e/b")).unwrap();
    assert_eq!(fs::read(s.path("empty/e/b")).unwrap(), b"A");
    fs::hard_link(s.path("empty/e/b"), s.path("twin")).unwrap();
    fs::rename(s.path("twin"), s.path("empty/e/b")).unwrap();
    assert!(s.path("twin").exists(), "two names of one file: nothing happens");
    // SAFETY: paths are C strings.
    unsafe {
        assert_eq!(libc::renameat(AT_FDCWD, s.c("twin").as_ptr(), AT_FDCWD, s.c("t2").as_ptr()), 0);
        assert_eq!(libc::syscall(libc::SYS_rename, s.c("t2").as_ptr(), s.c("t3").as_ptr()), 0);
    }
}

fn renameat2(s: &Scratch, old: &str, new: &str, flags: u32) -> Result<i64, i32> {
    let (old, new) = (s.c(old), s.c(new));
    // SAFETY: paths are C strings.
    check(unsafe {
        libc::syscall(libc::SYS_renameat2, AT_FDCWD, old.as_ptr(), AT_FDCWD, new.as_ptr(), flags)
    })
}

fn rename_flags() {
    let s = Scratch::new("rename2");
    fs::write(s.path("a"), "A").unwrap();
    fs::create_dir(s.path("d")).unwrap();
    fs::write(s.path("d/f"), "F").unwrap();
    assert_eq!(renameat2(&s, "a", "d", libc::RENAME_NOREPLACE), Err(EEXIST));
    assert_eq!(renameat2(&s, "a", "b", libc::RENAME_NOREPLACE), Ok(0));
    assert_eq!(renameat2(&s, "b", "d", libc::RENAME_EXCHANGE), Ok(0));
    assert_eq!(fs::read(s.path("b/f")).unwrap(), b"F");
    assert_eq!(fs::read(s.path("d")).unwrap(), b"A");
    assert_eq!(renameat2(&s, "b", "none", libc::RENAME_EXCHANGE), Err(ENOENT));
    assert_eq!(renameat2(&s, "b", "d", libc::RENAME_EXCHANGE | libc::RENAME_NOREPLACE), Err(EINVAL));
    assert_eq!(renameat2(&s, "b", "d", 1 << 20), Err(EINVAL));
}

fn rename_refuses() {
    let s = Scratch::new("rename3");
    fs::create_dir_all(s.path("d/e")).unwrap();
    fs::write(s.path("f"), "x").unwrap();
    assert_eq!(renameat2(&s, "d", "d/e/x", 0), Err(EINVAL));
    assert_eq!(renameat2(&s, "d/e", "d", 0), Err(ENOTEMPTY));
    assert_eq!(renameat2(&s, "d", "f", 0), Err(ENOTDIR));
    assert_eq!(renameat2(&s, "f", "d", 0), Err(EISDIR));
    assert_eq!(renameat2(&s, "none", "f", 0), Err(ENOENT));
    assert_eq!(renameat2(&s, "d/.", "x", 0), Err(EBUSY));
    assert_eq!(renameat2(&s, "d/e/..", "x", 0), Err(EBUSY));
    fs::create_dir(s.path("full")).unwrap();
    fs::write(s.path("full/f"), "x").unwrap();
    assert_eq!(renameat2(&s, "d", "full", 0), Err(ENOTEMPTY));
}

// covers: mkdir, mkdirat
fn directories() {
    let s = Scratch::new("mkdir");
    // SAFETY: paths are C strings.
    unsafe {
        assert_eq!(libc::mkdir(s.c("d").as_ptr(), 0o777), 0);
        assert_eq!(check(libc::mkdir(s.c("d").as_ptr(), 0o777)), Err(EEXIST));
        assert_eq!(check(libc::mkdir(s.c("x/y").as_ptr(), 0o777)), Err(ENOENT));
        assert_eq!(check(libc::mkdir(c"/".as_ptr(), 0o777)), Err(EEXIST));
        assert_eq!(check(libc::mkdir(s.c("d/.").as_ptr(), 0o777)), Err(EEXIST));
        let fd = open(s.root(), O_RDONLY).unwrap();
        assert_eq!(libc::mkdirat(fd.0, c"e".as_ptr(), 0o700), 0);
    }
    assert_eq!(fs::metadata(s.path("d")).unwrap().mode() & 0o777, 0o755);
    assert_eq!(fs::metadata(s.path("e")).unwrap().mode() & 0o777, 0o700);
}

// covers: unlink, unlinkat, rmdir
fn remove_rules() {
    let s = Scratch::new("remove");
    fs::create_dir_all(s.path("d/e")).unwrap();
    fs::write(s.path("f"), "x").unwrap();
    // SAFETY: paths are C strings.
    unsafe {
        assert_eq!(check(libc::unlink(s.c("d").as_ptr())), Err(EISDIR));
        assert_eq!(check(libc::rmdir(s.c("f").as_ptr())), Err(ENOTDIR));
        assert_eq!(check(libc::rmdir(s.c("d").as_ptr())), Err(ENOTEMPTY));
        assert_eq!(check(libc::rmdir(s.c("d/e/.").as_ptr())), Err(EINVAL));
        assert_eq!(check(libc::rmdir(s.c("d/e/..").as_ptr())), Err(ENOTEMPTY));
        assert_eq!(check(libc::rmdir(c"/".as_ptr())), Err(EBUSY));
        assert_eq!(check(libc::unlink(s.c("none").as_ptr())), Err(ENOENT));
        assert_eq!(libc::unlinkat(AT_FDCWD, s.c("d/e").as_ptr(), AT_REMOVEDIR), 0);
        assert_eq!(check(libc::unlinkat(AT_FDCWD, s.c("f").as_ptr(), 1)), Err(EINVAL));
        assert_eq!(libc::unlinkat(AT_FDCWD, s.c("f").as_ptr(), 0), 0);
        assert_eq!(libc::rmdir(s.c("d").as_ptr()), 0);
    }
}

fn unlinked_but_open() {
    let s = Scratch::new("unlinked");
    let fd = open(s.path("f"), O_RDWR | O_CREAT).unwrap();
    fs::remove_file(s.path("f")).unwrap();
    // SAFETY: slices and an all-zero stat.
    unsafe {
        assert_eq!(libc::pwrite(fd.0, b"alive".as_ptr().cast(), 5, 0), 5);
        let mut stat: libc::stat = std::mem::zeroed();
        libc::fstat(fd.0, &mut stat);
        assert_eq!((stat.st_nlink, stat.st_size), (0, 5));
    }
    let link = fs::read_link(format!("/proc/self/fd/{}", fd.0)).unwrap();
    assert!(link.to_string_lossy().ends_with("(deleted)"), "{link:?}");
    let directory = open(s.root(), O_RDONLY).unwrap();
    fs::create_dir(s.path("d")).unwrap();
    let gone = open(s.path("d"), O_RDONLY).unwrap();
    fs::remove_dir(s.path("d")).unwrap();
    // SAFETY: the path is a C string.
    assert_eq!(check(unsafe { libc::openat(gone.0, c"x".as_ptr(), O_WRONLY | O_CREAT, 0o644) }), Err(ENOENT));
    drop(directory);
}

// covers: symlink, symlinkat, readlink, readlinkat
fn symbolic_links() {
    let s = Scratch::new("symlink");
    let mut buffer = [0u8; 4];
    // SAFETY: paths are C strings, the buffer is a slice.
    unsafe {
        assert_eq!(libc::symlink(c"target".as_ptr(), s.c("l").as_ptr()), 0);
        assert_eq!(check(libc::symlink(c"x".as_ptr(), s.c("l").as_ptr())), Err(EEXIST));
        assert_eq!(check(libc::symlink(c"".as_ptr(), s.c("e").as_ptr())), Err(ENOENT));
        assert_eq!(libc::readlink(s.c("l").as_ptr(), buffer.as_mut_ptr().cast(), 4), 4);
        assert_eq!(&buffer, b"targ");
        // By number: musl's function takes a size of 0.
        assert_eq!(call(libc::SYS_readlink, [s.c("l").as_ptr() as usize, 0, 0, 0, 0, 0]), Err(EINVAL));
        assert_eq!(check(libc::readlink(s.c("").as_ptr(), buffer.as_mut_ptr().cast(), 4)), Err(EINVAL));
        assert_eq!(check(libc::readlink(s.c("none").as_ptr(), buffer.as_mut_ptr().cast(), 4)), Err(ENOENT));
        assert_eq!(libc::symlinkat(c"t".as_ptr(), AT_FDCWD, s.c("m").as_ptr()), 0);
        assert_eq!(libc::readlinkat(AT_FDCWD, s.c("m").as_ptr(), buffer.as_mut_ptr().cast(), 4), 1);
        let link = Fd(libc::open(s.c("m").as_ptr(), O_PATH | O_NOFOLLOW));
        assert_eq!(libc::readlinkat(link.0, c"".as_ptr(), buffer.as_mut_ptr().cast(), 4), 1);
    }
}

// covers: getdents64
fn read_dir_complete() {
    let s = Scratch::new("dir");
    for number in 0..500 {
        fs::write(s.path(&format!("file-{number}")), "").unwrap();
    }
    let mut names: Vec<_> = fs::read_dir(s.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 500);
    let fd = open(s.root(), O_RDONLY).unwrap();
    let mut buffer = [0u8; 4096];
    // SAFETY: the buffer is a slice.
    unsafe {
        assert_eq!(check(libc::syscall(libc::SYS_getdents64, fd.0, buffer.as_mut_ptr(), 10)), Err(EINVAL));
        let length = libc::syscall(libc::SYS_getdents64, fd.0, buffer.as_mut_ptr(), 4096);
        assert!(length > 0 && length % 8 == 0);
        let file = open(s.path("file-1"), O_RDONLY).unwrap();
        assert_eq!(
            check(libc::syscall(libc::SYS_getdents64, file.0, buffer.as_mut_ptr(), 4096)),
            Err(ENOTDIR)
        );
    }
    let name = CStr::from_bytes_until_nul(&buffer[19..]).unwrap();
    assert!(!name.is_empty());
}

fn read_dir_under_changes() {
    let s = Scratch::new("dirchange");
    for number in 0..300 {
        fs::write(s.path(&format!("stay-{number}")), "").unwrap();
        fs::write(s.path(&format!("go-{number}")), "").unwrap();
    }
    let mut seen = Vec::new();
    for (count, entry) in fs::read_dir(s.root()).unwrap().enumerate() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(number) = name.strip_prefix("go-") {
            let _ = fs::remove_file(s.path(&format!("go-{number}")));
        }
        if count < 100 {
            fs::write(s.path(&format!("new-{count}")), "").unwrap();
        }
        seen.push(name);
    }
    let stays = seen.iter().filter(|name| name.starts_with("stay-")).count();
    assert_eq!(stays, 300, "none missed, none twice");
    let total = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), total);
}

// covers: getcwd, chdir, fchdir
fn working_directory() {
    let s = Scratch::new("cwd");
    fs::create_dir(s.path("d")).unwrap();
    let before = open(".", O_RDONLY).unwrap();
    // SAFETY: paths are C strings, buffers are slices.
    unsafe {
        assert_eq!(libc::chdir(s.c("d").as_ptr()), 0);
        assert_eq!(std::env::current_dir().unwrap(), s.path("d").canonicalize().unwrap());
        fs::rename(s.path("d"), s.path("moved")).unwrap();
        assert_eq!(std::env::current_dir().unwrap(), s.path("moved").canonicalize().unwrap());
        let mut small = [0u8; 2];
        assert_eq!(call(libc::SYS_getcwd, [small.as_mut_ptr() as usize, 2, 0, 0, 0, 0]), Err(ERANGE));
        fs::remove_dir(s.path("moved")).unwrap();
        assert!(std::env::current_dir().is_err());
        assert_eq!(libc::fchdir(before.0), 0);
        assert_eq!(check(libc::chdir(s.c("none").as_ptr())), Err(ENOENT));
        fs::write(s.path("f"), "").unwrap();
        assert_eq!(check(libc::chdir(s.c("f").as_ptr())), Err(ENOTDIR));
    }
}

fn unnamed_files() {
    let s = Scratch::new("tmpfile");
    let fd = open(s.root(), O_TMPFILE | O_RDWR).unwrap();
    assert_eq!(fs::read_dir(s.root()).unwrap().count(), 0);
    // SAFETY: a slice.
    assert_eq!(unsafe { libc::write(fd.0, b"x".as_ptr().cast(), 1) }, 1);
    assert_eq!(open(s.root(), O_TMPFILE).map(|_| ()), Err(EINVAL));
}

fn o_path() {
    let s = Scratch::new("opath");
    fs::write(s.path("f"), "x").unwrap();
    let fd = open(s.path("f"), O_PATH).unwrap();
    let mut byte = 0u8;
    // SAFETY: room for a byte; an all-zero stat.
    unsafe {
        assert_eq!(check(libc::read(fd.0, (&raw mut byte).cast(), 1)), Err(EBADF));
        let mut stat: libc::stat = std::mem::zeroed();
        assert_eq!(libc::fstat(fd.0, &mut stat), 0);
        assert_eq!(check(libc::ioctl(fd.0, libc::FIONREAD, &mut byte)), Err(EBADF));
    }
    assert_eq!(fs::read(format!("/proc/self/fd/{}", fd.0)).unwrap(), b"x");
}

// covers: memfd_create
fn memory_files() {
    // SAFETY: C strings and plain numbers.
    unsafe {
        let fd = Fd(libc::memfd_create(c"mine".as_ptr(), libc::MFD_ALLOW_SEALING));
        assert_eq!(libc::write(fd.0, b"12345".as_ptr().cast(), 5), 5);
        assert_eq!(libc::fcntl(fd.0, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW), 0);
        assert_eq!(libc::fcntl(fd.0, libc::F_GET_SEALS), libc::F_SEAL_SHRINK | libc::F_SEAL_GROW);
        assert_eq!(check(libc::ftruncate(fd.0, 2)), Err(EPERM));
        assert_eq!(check(libc::ftruncate(fd.0, 20)), Err(EPERM));
        assert_eq!(libc::fcntl(fd.0, libc::F_ADD_SEALS, libc::F_SEAL_WRITE | libc::F_SEAL_SEAL), 0);
        assert_eq!(check(libc::pwrite(fd.0, b"x".as_ptr().cast(), 1, 0)), Err(EPERM));
        assert_eq!(check(libc::fcntl(fd.0, libc::F_ADD_SEALS, libc::F_SEAL_WRITE)), Err(EPERM));
        let link = fs::read_link(format!("/proc/self/fd/{}", fd.0)).unwrap();
        assert_eq!(link.to_str(), Some("/memfd:mine (deleted)"));
        assert_eq!(check(libc::memfd_create(c"x".as_ptr(), 1 << 20)), Err(EINVAL));
        let plain = Fd(libc::memfd_create(c"x".as_ptr(), 0));
        assert_eq!(check(libc::fcntl(plain.0, libc::F_ADD_SEALS, libc::F_SEAL_GROW)), Err(EPERM));
    }
}

fn fifos() {
    let s = Scratch::new("fifo");
    // SAFETY: C strings.
    unsafe { assert_eq!(libc::mkfifo(s.c("p").as_ptr(), 0o600), 0) };
    assert_eq!(open(s.path("p"), O_WRONLY | libc::O_NONBLOCK).map(|_| ()), Err(ENXIO));
    let path = s.path("p");
    let writer = std::thread::spawn(move || fs::write(path, "through").unwrap());
    assert_eq!(fs::read(s.path("p")).unwrap(), b"through");
    writer.join().unwrap();
}

// covers: mknod, mknodat
fn mknod_kinds() {
    let s = Scratch::new("mknod");
    // SAFETY: C strings and plain numbers.
    unsafe {
        assert_eq!(libc::mknod(s.c("f").as_ptr(), libc::S_IFREG | 0o644, 0), 0);
        assert_eq!(libc::mknodat(AT_FDCWD, s.c("p").as_ptr(), libc::S_IFIFO | 0o644, 0), 0);
        assert_eq!(check(libc::mknod(s.c("f").as_ptr(), 0, 0)), Err(EEXIST));
        assert_eq!(check(libc::mknod(s.c("d").as_ptr(), libc::S_IFDIR | 0o644, 0)), Err(EPERM));
    }
    assert!(fs::metadata(s.path("f")).unwrap().is_file());
}

fn wild_paths() {
    for number in [
        libc::SYS_open,
        libc::SYS_stat,
        libc::SYS_mkdir,
        libc::SYS_unlink,
        libc::SYS_chdir,
        libc::SYS_readlink,
    ] {
        for address in [0usize, 1, 0xffff_8000_0000_0000, 0x8000_0000_0000_0000] {
            assert_eq!(call(number, [address, address, 1, 0, 0, 0]), Err(EFAULT), "{number} {address:#x}");
        }
    }
    let s = Scratch::new("wildstat");
    let path = s.c("");
    assert_eq!(call(libc::SYS_stat, [path.as_ptr() as usize, 1, 0, 0, 0, 0]), Err(EFAULT));
    assert_eq!(call(libc::SYS_getcwd, [1, 4096, 0, 0, 0, 0]), Err(EFAULT));
}

fn old_names() {
    let s = Scratch::new("old");
    let (d, f, l) = (s.c("d"), s.c("f"), s.c("l"));
    let at = |path: &CStr| path.as_ptr() as usize;
    assert_eq!(call(libc::SYS_mkdir, [at(&d), 0o755, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_symlink, [at(&d), at(&l), 0, 0, 0, 0]), Ok(0));
    let fd = call(libc::SYS_creat, [at(&f), 0o644, 0, 0, 0, 0]).unwrap();
    assert_eq!(call(libc::SYS_close, [fd as usize, 0, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_chown, [at(&f), 1, 1, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_access, [at(&f), 4, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_unlink, [at(&f), 0, 0, 0, 0, 0]), Ok(0));
    assert_eq!(call(libc::SYS_rmdir, [at(&d), 0, 0, 0, 0, 0]), Ok(0));
}

fn at_paths() {
    let s = Scratch::new("at");
    fs::write(s.path("f"), "x").unwrap();
    let directory = open(s.root(), O_RDONLY).unwrap();
    let file = open(s.path("f"), O_RDONLY).unwrap();
    // SAFETY: paths are C strings.
    unsafe {
        assert!(Fd(libc::openat(directory.0, c"f".as_ptr(), O_RDONLY)).0 >= 0);
        assert_eq!(check(libc::openat(file.0, c"f".as_ptr(), O_RDONLY)), Err(ENOTDIR));
        assert_eq!(check(libc::openat(-7, c"f".as_ptr(), O_RDONLY)), Err(EBADF));
        assert!(Fd(libc::openat(-7, c(s.path("f")).as_ptr(), O_RDONLY)).0 >= 0);
    }
}
