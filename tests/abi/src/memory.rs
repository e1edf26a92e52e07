//! Mapped memory, for the cases about it: the calls with their errors as numbers, and what bytes can be touched.

use libc::{MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, O_RDONLY, PROT_READ, PROT_WRITE};

use crate::{check, errno, open};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// To read and write.
pub const RW: i32 = PROT_READ | PROT_WRITE;
/// Memory of one's own.
pub const ANONYMOUS: i32 = MAP_PRIVATE | MAP_ANONYMOUS;

/// mmap(2).
pub fn map(
    address: usize,
    length: usize,
    prot: i32,
    flags: i32,
    fd: i32,
    offset: i64,
) -> Result<*mut u8, i32> {
    // SAFETY: fixed places are this case's own.
    let at = unsafe { libc::mmap(address as *mut _, length, prot, flags, fd, offset) };
    if at == MAP_FAILED { Err(errno()) } else { Ok(at.cast()) }
}

/// Fresh memory to read and write.
pub fn anonymous(pages: usize) -> *mut u8 {
    map(0, pages * PAGE, RW, ANONYMOUS, -1, 0).unwrap()
}

/// munmap(2).
pub fn unmap(at: *mut u8, length: usize) -> Result<i32, i32> {
    // SAFETY: the case's own memory, or a refusal.
    check(unsafe { libc::munmap(at.cast(), length) })
}

/// Writes a byte of the case's.
pub fn set(at: *mut u8, value: u8) {
    // SAFETY: the case mapped it writable.
    unsafe { at.write_volatile(value) };
}

/// Reads a byte of the case's.
pub fn get(at: *mut u8) -> u8 {
    // SAFETY: the case mapped it readable.
    unsafe { at.read_volatile() }
}

/// Whether the kernel can read the byte: a wild read is EFAULT there, not a signal.
pub fn is_readable(at: *mut u8) -> bool {
    let mut fds = [0; 2];
    // SAFETY: room for two numbers; the pipe takes one byte.
    unsafe {
        libc::pipe(fds.as_mut_ptr());
        let answer = libc::write(fds[1], at.cast(), 1);
        libc::close(fds[0]);
        libc::close(fds[1]);
        answer == 1
    }
}

/// Whether the kernel can write the byte (it writes a zero there).
pub fn is_writable(at: *mut u8) -> bool {
    let zero = open("/dev/zero", O_RDONLY).unwrap();
    // SAFETY: refused where it is not writable.
    unsafe { libc::read(zero.0, at.cast(), 1) == 1 }
}

/// mprotect(2).
pub fn protect(at: *mut u8, length: usize, prot: i32) -> Result<i32, i32> {
    // SAFETY: the case's own memory, or a refusal.
    check(unsafe { libc::mprotect(at.cast(), length, prot) })
}

/// mremap(2).
pub fn remap(at: *mut u8, old: usize, new: usize, flags: i32, to: usize) -> Result<*mut u8, i32> {
    // SAFETY: the case's own memory, or a refusal.
    let at = unsafe { libc::mremap(at.cast(), old, new, flags, to) };
    if at == MAP_FAILED { Err(errno()) } else { Ok(at.cast()) }
}
