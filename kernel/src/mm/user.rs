//! Program memory as system calls see it: a claim (`UserPtr`) that is checked when it is used, never before.
//!
//! Every access goes through the copy routines of `arch::user_copy`: a page that is missing is brought in, a wild pointer is
//! `EFAULT`. The kernel's own data lies in the same address space, so its ranges are refused by address.
#![expect(unsafe_code, reason = "calls the checked copy routines")]

use alloc::vec::Vec;
use core::ops::Range;

use abi::errno::Errno;
use abi::reg::UserPtr;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::arch::user_copy;
use crate::image;

/// One past the highest address a program can have memory at.
pub const USER_END: u64 = 0x7fff_ffff_f000;

/// Checks that `length` bytes from `address` can be the program's at all.
///
/// # Errors
/// `EFAULT`.
#[inline]
pub fn check(address: u64, length: usize) -> Result<(), Errno> {
    let end = address.checked_add(length as u64).filter(|&end| end <= USER_END).ok_or(Errno::EFAULT)?;
    let touches = |range: Range<u64>| address < range.end && end > range.start;
    let [data, bss] = image::kernel_data();
    if (touches(data) || touches(bss)) && length > 0 { Err(Errno::EFAULT) } else { Ok(()) }
}

/// Fills `buffer` from the program.
///
/// # Errors
/// `EFAULT`; part of the buffer may have been filled.
pub fn read_bytes(from: UserPtr<u8>, buffer: &mut [u8]) -> Result<(), Errno> {
    check(from.addr() as u64, buffer.len())?;
    // SAFETY: the kernel's side is a whole slice.
    let missed =
        unsafe { user_copy::copy(buffer.as_mut_ptr() as u64, from.addr() as u64, buffer.len() as u64) };
    if missed == 0 { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Copies `bytes` to the program.
///
/// # Errors
/// `EFAULT`; some of the bytes may have been written.
pub fn write_bytes(to: UserPtr<u8>, bytes: &[u8]) -> Result<(), Errno> {
    check(to.addr() as u64, bytes.len())?;
    // SAFETY: the kernel's side is a whole slice.
    let missed = unsafe { user_copy::copy(to.addr() as u64, bytes.as_ptr() as u64, bytes.len() as u64) };
    if missed == 0 { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Copies a `T` from the program.
///
/// # Errors
/// `EFAULT`.
pub fn read_struct<T: FromBytes + IntoBytes>(from: UserPtr<T>) -> Result<T, Errno> {
    let mut value = T::new_zeroed();
    read_bytes(from.cast(), value.as_mut_bytes())?;
    Ok(value)
}

/// Copies a `T` to the program.
///
/// # Errors
/// `EFAULT`.
pub fn write_struct<T: IntoBytes + Immutable>(to: UserPtr<T>, value: &T) -> Result<(), Errno> {
    write_bytes(to.cast(), value.as_bytes())
}

/// Where in `bytes` the first zero is; a word at a time.
fn zero_in(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = bytes.as_chunks();
    for (index, &word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(word);
        // The lowest bit set is right: nothing was borrowed below it.
        let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if zeros != 0 {
            return Some(index * 8 + (zeros.trailing_zeros() / 8) as usize);
        }
    }
    Some(words.len() * 8 + rest.iter().position(|&byte| byte == 0)?)
}

/// The zero-terminated string at `from` without its zero, if it ends within `room` and within its page.
///
/// # Errors
/// `EFAULT`.
pub fn read_short_string(from: UserPtr<u8>, room: &mut [u8]) -> Result<Option<&[u8]>, Errno> {
    let most = room.len().min(4096 - from.addr() % 4096);
    let room = &mut room[..most];
    read_bytes(from, room)?;
    Ok(zero_in(room).map(|end| &room[..end]))
}

/// The zero-terminated string at `from` without its zero, cut after `most` bytes.
///
/// # Errors
/// `EFAULT`.
pub fn read_c_string(from: UserPtr<u8>, most: usize) -> Result<Vec<u8>, Errno> {
    const STEP: usize = 32;
    let mut string = Vec::with_capacity(2 * STEP);
    while string.len() < most {
        let done = string.len();
        let at = from.byte_offset(done)?;
        // Never beyond the page: what follows the string need not be mapped.
        let to_page_end = 4096 - at.addr() % 4096;
        string.resize(done + STEP.min(most - done).min(to_page_end), 0);
        read_bytes(at, &mut string[done..])?;
        if let Some(end) = zero_in(&string[done..]) {
            string.truncate(done + end);
            break;
        }
    }
    Ok(string)
}

/// Atomically loads a futex word.
///
/// # Errors
/// `EFAULT`; `EINVAL` for a misaligned address.
#[inline]
pub fn load_u32(from: UserPtr<u32>) -> Result<u32, Errno> {
    if !from.addr().is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    check(from.addr() as u64, 4)?;
    user_copy::load(from.addr() as u64).ok_or(Errno::EFAULT)
}

/// Atomically replaces `old` by `new`; answers what was there before.
///
/// # Errors
/// `EFAULT`; `EINVAL` for a misaligned address.
pub fn compare_exchange_u32(at: UserPtr<u32>, old: u32, new: u32) -> Result<u32, Errno> {
    if !at.addr().is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    check(at.addr() as u64, 4)?;
    user_copy::compare_exchange(at.addr() as u64, old, new).ok_or(Errno::EFAULT)
}
