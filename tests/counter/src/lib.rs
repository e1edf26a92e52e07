//! A QEMU plugin that counts the instructions a guest executes: `-plugin libcounter.so,count=FILE`.
//!
//! The count is the first eight bytes of the file, in memory that QEMU shares with whoever reads the file. A CPU that waits executes nothing, so
//! what a guest does for a peer outside is counted without what passes in between: neither the guest's own counter nor `-icount` can tell the
//! two apart. With `blocks=FILE` each block counts for itself too, and whoever wants to know where the instructions went makes the second eight bytes of
//! the first file 1: they are 0 when the second file holds a line for each block: its address in the guest, how often it was begun, its instructions. The interface is QEMU's plugin interface of version 1 (QEMU 4.2 to 8.2); later ones refuse it with a message. The names are
//! those of QEMU's `qemu-plugin.h`. Counted is one CPU: several would step on each other.
#![expect(unsafe_code, reason = "the interface is C")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// What this was written for.
// SAFETY: QEMU has no such symbol of its own, and reads it before it calls anything.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = 1;

/// `QEMU_PLUGIN_INLINE_ADD_U64`, the only one there is.
const ADD: c_int = 0;

unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: u64, translated: extern "C" fn(u64, *mut c_void));
    fn qemu_plugin_tb_n_insns(block: *mut c_void) -> usize;
    fn qemu_plugin_tb_vaddr(block: *mut c_void) -> u64;
    fn qemu_plugin_register_vcpu_tb_exec_inline(
        block: *mut c_void,
        operation: c_int,
        place: *mut c_void,
        number: u64,
    );
    fn qemu_plugin_tb_get_insn(block: *mut c_void, index: usize) -> *mut c_void;
    fn qemu_plugin_register_vcpu_insn_exec_inline(
        instruction: *mut c_void,
        operation: c_int,
        place: *mut c_void,
        number: u64,
    );
}

/// What is shared with the reader.
#[repr(C)]
struct Shared {
    /// Instructions so far.
    count: AtomicU64,
    /// Not 0: the blocks are wanted.
    wants: AtomicU64,
}

/// A block as it was translated. One that is translated again stands here twice.
struct Block {
    address: u64,
    instructions: usize,
    times: AtomicU64,
}

static SHARED: OnceLock<&Shared> = OnceLock::new();
/// `None`: nobody wants them.
static BLOCKS: Mutex<Option<Vec<&Block>>> = Mutex::new(None);
/// How often it is looked whether they are wanted.
const LOOK_EVERY: Duration = Duration::from_millis(5);

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
    let words = (0..usize::try_from(count).unwrap_or(0)).map(|index| {
        // SAFETY: there are as many.
        let word = unsafe { words.add(index) };
        // SAFETY: as above.
        let word = unsafe { *word };
        // SAFETY: each is a C string.
        unsafe { CStr::from_ptr(word) }.to_bytes()
    });
    let (mut counts, mut blocks) = (None, None);
    for word in words {
        let (name, file) = word.split_at(word.iter().position(|&byte| byte == b'=').unwrap_or(0));
        let file = PathBuf::from(OsStr::from_bytes(file.strip_prefix(b"=").unwrap_or(file)));
        match name {
            b"count" => counts = Some(file),
            b"blocks" => blocks = Some(file),
            _ => counts = None,
        }
    }
    let Some(file) = counts else {
        eprintln!("counter: expected count=FILE, and blocks=FILE perhaps");
        return 1;
    };
    let shared = match share(&file) {
        Ok(shared) => *SHARED.get_or_init(|| shared),
        Err(error) => {
            eprintln!("counter: {}: {error}", file.display());
            return 1;
        }
    };
    if let Some(file) = blocks {
        *BLOCKS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
        thread::spawn(move || tell(shared, &file));
    }
    // SAFETY: the function is what it is registered for.
    unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
    0
}

/// A new file's bytes, for good.
fn share(name: &Path) -> io::Result<&'static Shared> {
    const LENGTH: usize = size_of::<Shared>();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(name)?;
    file.set_len(LENGTH as u64)?;
    let (protection, sharing) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: new memory, wherever there is room.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), LENGTH, protection, sharing, file.as_raw_fd(), 0) };
    if place == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is page-aligned, never undone, and touched as atomic numbers only.
    Ok(unsafe { &*place.cast::<Shared>() })
}

/// Writes the blocks down whenever somebody wants them.
fn tell(shared: &Shared, file: &Path) {
    loop {
        thread::sleep(LOOK_EVERY);
        if shared.wants.load(Ordering::Acquire) == 0 {
            continue;
        }
        let mut text = String::new();
        for block in BLOCKS.lock().unwrap_or_else(PoisonError::into_inner).iter().flatten() {
            let times = block.times.load(Ordering::Relaxed);
            let _ = writeln!(text, "{:x} {times} {}", block.address, block.instructions);
        }
        if let Err(error) = fs::write(file, text) {
            eprintln!("counter: {}: {error}", file.display());
        }
        shared.wants.store(0, Ordering::Release);
    }
}

/// QEMU translated a block: each of its instructions counts itself from now on.
extern "C" fn translated(_id: u64, block: *mut c_void) {
    let Some(shared) = SHARED.get() else { return };
    let place = shared.count.as_ptr().cast();
    // SAFETY: the block is QEMU's, during this call.
    let instructions = unsafe { qemu_plugin_tb_n_insns(block) };
    for index in 0..instructions {
        // SAFETY: the block has as many.
        let instruction = unsafe { qemu_plugin_tb_get_insn(block, index) };
        // SAFETY: the place stays.
        unsafe { qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD, place, 1) };
    }
    if let Some(blocks) = &mut *BLOCKS.lock().unwrap_or_else(PoisonError::into_inner) {
        // SAFETY: as above.
        let address = unsafe { qemu_plugin_tb_vaddr(block) };
        let kept: &Block = Box::leak(Box::new(Block { address, instructions, times: AtomicU64::new(0) }));
        blocks.push(kept);
        // SAFETY: the place stays: the block is never given back.
        unsafe { qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, kept.times.as_ptr().cast(), 1) };
    }
}
