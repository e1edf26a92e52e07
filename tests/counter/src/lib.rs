//! A QEMU plugin that counts the instructions a guest executes: `-plugin libcounter.so,count=FILE`.
//!
//! The count is the first eight bytes of the file, in memory that QEMU shares with whoever reads the file. A CPU that waits executes nothing, so
//! what a guest does for a peer outside is counted without what passes in between: neither the guest's own counter nor `-icount` can tell the
//! two apart. The interface is QEMU's plugin interface of version 1 (QEMU 4.2 to 8.2); later ones refuse it with a message. The names are
//! those of QEMU's `qemu-plugin.h`. Counted is one CPU: several would step on each other.
#![expect(unsafe_code, reason = "the interface is C")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

/// What this was written for.
// SAFETY: QEMU has no such symbol of its own, and reads it before it calls anything.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = 1;

/// `QEMU_PLUGIN_INLINE_ADD_U64`, the only one there is.
const ADD: c_int = 0;

unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: u64, translated: extern "C" fn(u64, *mut c_void));
    fn qemu_plugin_tb_n_insns(block: *mut c_void) -> usize;
    fn qemu_plugin_tb_get_insn(block: *mut c_void, index: usize) -> *mut c_void;
    fn qemu_plugin_register_vcpu_insn_exec_inline(
        instruction: *mut c_void,
        operation: c_int,
        place: *mut c_void,
        number: u64,
    );
}

static COUNT: OnceLock<&AtomicU64> = OnceLock::new();

/// QEMU's first call. Anything but 0 ends QEMU.
///
/// # Safety
///
/// `words` are `count` C strings.
// SAFETY: QEMU looks the name up in this library only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: u64,
    _info: *const c_void,
    count: c_int,
    words: *const *const c_char,
) -> c_int {
    let word = if count == 1 {
        // SAFETY: there is one.
        let word = unsafe { *words };
        // SAFETY: it is a C string.
        unsafe { CStr::from_ptr(word) }.to_bytes().strip_prefix(b"count=")
    } else {
        None
    };
    let Some(file) = word else {
        eprintln!("counter: expected count=FILE");
        return 1;
    };
    match shared(OsStr::from_bytes(file)) {
        Ok(count) => COUNT.get_or_init(|| count),
        Err(error) => {
            eprintln!("counter: {}: {error}", String::from_utf8_lossy(file));
            return 1;
        }
    };
    // SAFETY: the function is what it is registered for.
    unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
    0
}

/// Eight bytes of a new file, for good.
fn shared(name: &OsStr) -> io::Result<&'static AtomicU64> {
    const LENGTH: usize = size_of::<AtomicU64>();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(name)?;
    file.set_len(LENGTH as u64)?;
    let (protection, sharing) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: new memory, wherever there is room.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), LENGTH, protection, sharing, file.as_raw_fd(), 0) };
    if place == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is page-aligned, never undone, and touched as an atomic number only.
    Ok(unsafe { &*place.cast::<AtomicU64>() })
}

/// QEMU translated a block: each of its instructions counts itself from now on.
extern "C" fn translated(_id: u64, block: *mut c_void) {
    let Some(count) = COUNT.get() else { return };
    let place = count.as_ptr().cast();
    // SAFETY: the block is QEMU's, during this call.
    for index in 0..unsafe { qemu_plugin_tb_n_insns(block) } {
        // SAFETY: the block has as many.
        let instruction = unsafe { qemu_plugin_tb_get_insn(block, index) };
        // SAFETY: the place stays.
        unsafe { qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD, place, 1) };
    }
}
