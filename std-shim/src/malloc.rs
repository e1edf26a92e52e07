//! `malloc` and relatives: malloc(3), aligned_alloc(3), malloc_usable_size(3). The heap is `crate::heap`.
#![expect(unsafe_code, reason = "the symbols are the interface")]

use core::ffi::{c_int, c_void};
use core::ptr;

use abi::errno::Errno;
use slab::class;

use crate::errno;
use crate::heap::{HEAP, Heap};

/// A C answer: null sets `errno`.
#[inline]
fn answer(object: *mut u8) -> *mut c_void {
    if object.is_null() {
        errno::failed(-i64::from(Errno::ENOMEM.raw()));
    }
    object.cast()
}

/// malloc(3)
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    let object = HEAP.at_hand(size);
    if object.is_null() { malloc_slowly(size) } else { object.cast() }
}

#[cold]
#[inline(never)]
fn malloc_slowly(size: usize) -> *mut c_void {
    answer(HEAP.allocate(size, class::GRAIN))
}

/// calloc(3)
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else { return answer(ptr::null_mut()) };
    let object = HEAP.allocate(bytes, class::GRAIN);
    if !object.is_null() && !Heap::is_born_zero(bytes) {
        // SAFETY: the object is that long.
        unsafe { object.write_bytes(0, bytes) };
    }
    answer(object)
}

/// free(3)
#[unsafe(no_mangle)]
pub extern "C" fn free(object: *mut c_void) {
    // SAFETY: C's promise: it came from malloc and is not used any more, or is null.
    unsafe { HEAP.free(object.cast()) };
}

/// realloc(3)
#[unsafe(no_mangle)]
pub extern "C" fn realloc(object: *mut c_void, size: usize) -> *mut c_void {
    let old: *mut u8 = object.cast();
    if old.is_null() {
        return malloc(size);
    }
    // SAFETY: C's promise: it came from malloc.
    let resized = unsafe { HEAP.resize(old, size) };
    if !resized.is_null() {
        return resized.cast();
    }
    let new = HEAP.allocate(size, class::GRAIN);
    if !new.is_null() {
        // SAFETY: C's promise, as above.
        let usable = unsafe { HEAP.usable(old) };
        // SAFETY: both are that long, and not the same.
        unsafe { ptr::copy_nonoverlapping(old, new, usable.min(size)) };
        // SAFETY: C's promise: the old one is not used any more.
        unsafe { HEAP.free(old) };
    }
    answer(new)
}

/// aligned_alloc(3)
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    if !align.is_power_of_two() {
        errno::failed(-i64::from(Errno::EINVAL.raw()));
        return ptr::null_mut();
    }
    answer(HEAP.allocate(size, align))
}

/// memalign(3)
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    aligned_alloc(align, size)
}

/// posix_memalign(3)
#[unsafe(no_mangle)]
pub extern "C" fn posix_memalign(to: *mut *mut c_void, align: usize, size: usize) -> c_int {
    if !align.is_power_of_two() || align < size_of::<usize>() {
        return Errno::EINVAL.raw();
    }
    let object = HEAP.allocate(size, align);
    if object.is_null() {
        return Errno::ENOMEM.raw();
    }
    // SAFETY: C's promise: there is room for a pointer.
    unsafe { to.write(object.cast()) };
    0
}

/// malloc_usable_size(3)
#[unsafe(no_mangle)]
pub extern "C" fn malloc_usable_size(object: *mut c_void) -> usize {
    if object.is_null() {
        return 0;
    }
    // SAFETY: C's promise: it came from malloc.
    unsafe { HEAP.usable(object.cast()) }
}
