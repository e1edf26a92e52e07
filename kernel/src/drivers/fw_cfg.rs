//! QEMU's firmware configuration device (docs/specs/fw_cfg in QEMU): named blobs from the host, read when asked for.
//!
//! Ports 0x510 (selector) and 0x511 (data). Absent on other VMMs: the signature is missing then.
#![expect(unsafe_code, reason = "port I/O")]

use alloc::vec;
use alloc::vec::Vec;
use core::arch::asm;

use sync::Lock;

use crate::arch::port::outw;

const SELECTOR: u16 = 0x510;
const DATA: u16 = 0x511;
const KEY_SIGNATURE: u16 = 0;
const KEY_DIRECTORY: u16 = 0x19;
/// Bytes of a directory entry: size, selector, reserved, name.
const ENTRY_BYTES: usize = 64;
/// More entries than any host has.
const MOST_ENTRIES: u32 = 4096;

/// The device has one selector and one position for all.
static DEVICE: Lock<()> = Lock::new(());

/// A blob.
#[derive(Clone, Copy, Debug)]
pub struct File {
    key: u16,
    /// Bytes in it.
    pub size: u32,
}

fn select(key: u16) {
    // SAFETY: selecting an item changes only the device's position.
    unsafe { outw(SELECTOR, key) };
}

/// Reads on from the position of the selected item.
fn read(buffer: &mut [u8]) {
    // SAFETY: `rep insb` fills the buffer from the data port.
    unsafe {
        asm!("rep insb", in("dx") DATA, inout("rdi") buffer.as_mut_ptr() => _, inout("rcx") buffer.len() => _,
             options(nostack, preserves_flags));
    }
}

fn is_there() -> bool {
    let mut signature = [0; 4];
    select(KEY_SIGNATURE);
    read(&mut signature);
    signature == *b"QEMU"
}

/// The blob named `name`.
pub fn find(name: &str) -> Option<File> {
    let _guard = DEVICE.lock();
    if !is_there() {
        return None;
    }
    let mut count = [0; 4];
    select(KEY_DIRECTORY);
    read(&mut count);
    for _ in 0..u32::from_be_bytes(count).min(MOST_ENTRIES) {
        let mut entry = [0; ENTRY_BYTES];
        read(&mut entry);
        let [s0, s1, s2, s3, k0, k1, _, _, text @ ..] = entry;
        let length = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        if &text[..length] == name.as_bytes() {
            return Some(File { key: u16::from_be_bytes([k0, k1]), size: u32::from_be_bytes([s0, s1, s2, s3]) });
        }
    }
    None
}

/// All bytes of the blob named `name`; `None` when it is not there or does not fit into memory.
pub fn read_all(name: &str) -> Option<Vec<u8>> {
    let file = find(name)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(file.size as usize).ok()?;
    bytes.resize(file.size as usize, 0);
    let _guard = DEVICE.lock();
    select(file.key);
    read(&mut bytes);
    Some(bytes)
}

/// Fills `buffer` from byte `offset` of the blob on. The device has no seek: what lies before is read and dropped.
pub fn read_at(file: File, offset: u64, buffer: &mut [u8]) {
    const STEP: usize = 64 * 1024;
    let _guard = DEVICE.lock();
    select(file.key);
    let mut skipped = vec![0; STEP.min(offset as usize)];
    let mut left = offset as usize;
    while left > 0 {
        let step = left.min(STEP);
        read(&mut skipped[..step]);
        left -= step;
    }
    read(buffer);
}
