//! QEMU's firmware configuration device (docs/specs/fw_cfg in QEMU): named blobs from the host, read when asked for.
//!
//! Ports 0x510 (selector) and 0x511 (data). Absent on other VMMs: the signature is missing then.
#![expect(unsafe_code, reason = "port I/O")]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::arch::asm;

use abi::errno::Errno;
use sync::Lock;

use crate::arch::paging::physical_of_direct;
use crate::arch::port::{outl, outw};

const SELECTOR: u16 = 0x510;
const DATA: u16 = 0x511;
const DMA: u16 = 0x514;
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
    let mut count = [0; size_of::<u32>()];
    select(KEY_DIRECTORY);
    read(&mut count);
    let entries = u32::from_be_bytes(count).min(MOST_ENTRIES) as usize;
    let mut directory = zeroed(entries * ENTRY_BYTES)?;
    fetch(KEY_DIRECTORY, size_of_val(&count) as u32, &mut directory).ok()?;
    directory.as_chunks::<ENTRY_BYTES>().0.iter().find_map(|entry| {
        let [s0, s1, s2, s3, k0, k1, _, _, text @ ..] = entry;
        let length = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        (text[..length] == *name.as_bytes()).then(|| File {
            key: u16::from_be_bytes([*k0, *k1]),
            size: u32::from_be_bytes([*s0, *s1, *s2, *s3]),
        })
    })
}

/// All bytes of the blob named `name`; `None` when it is not there or does not fit into memory.
pub fn read_all(name: &str) -> Option<Vec<u8>> {
    let file = find(name)?;
    let mut bytes = zeroed(file.size as usize)?;
    read_at(file, 0, &mut bytes).ok()?;
    Some(bytes)
}

fn zeroed(bytes: usize) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes).ok()?;
    buffer.resize(bytes, 0);
    Some(buffer)
}

/// A DMA request (QEMU docs/specs/fw_cfg: FWCfgDmaAccess), big-endian.
#[repr(C, align(16))]
struct DmaAccess {
    control: u32,
    length: u32,
    address: u64,
}

/// Bits of `DmaAccess::control`.
mod control {
    pub(super) const ERROR: u32 = 1;
    pub(super) const READ: u32 = 2;
    pub(super) const SKIP: u32 = 4;
    pub(super) const SELECT: u32 = 8;
}

fn has_dma() -> bool {
    const KEY_FEATURES: u16 = 1;
    const DMA: u32 = 2;
    let mut features = [0; 4];
    select(KEY_FEATURES);
    read(&mut features);
    u32::from_le_bytes(features) & DMA != 0
}

/// One DMA request: the device works while the port is written.
fn transfer(command: u32, length: u32, address: u64) -> bool {
    let access =
        Box::new(DmaAccess { control: command.to_be(), length: length.to_be(), address: address.to_be() });
    let physical = physical_of_direct(&raw const *access as u64);
    // SAFETY: the high half of the request's physical address, big-endian.
    unsafe { outl(DMA, ((physical >> 32) as u32).to_be()) };
    // SAFETY: the low half starts the transfer into the buffer that the caller owns.
    unsafe { outl(DMA + 4, (physical as u32).to_be()) };
    // SAFETY: the device has written the result back before the port write ended.
    let result = unsafe { (&raw const access.control).read_volatile() };
    u32::from_be(result) & control::ERROR == 0
}

/// Fills `buffer`, which lies on the kernel's heap or in a frame, from byte `offset` of the blob on.
///
/// # Errors
/// `EIO` when the device refuses.
pub fn read_at(file: File, offset: u32, buffer: &mut [u8]) -> Result<(), Errno> {
    let _guard = DEVICE.lock();
    fetch(file.key, offset, buffer)
}

/// Fills `buffer` from byte `offset` of the item `key` on: at once if the device can write to memory, else a byte at a time, which takes a
/// device access each.
fn fetch(key: u16, offset: u32, buffer: &mut [u8]) -> Result<(), Errno> {
    let length = u32::try_from(buffer.len()).map_err(|_| Errno::EIO)?;
    // What is empty lies nowhere that the device could write to.
    if length > 0 && has_dma() {
        let address = physical_of_direct(buffer.as_mut_ptr() as u64);
        let skipped = transfer(u32::from(key) << 16 | control::SELECT | control::SKIP, offset, 0);
        let good = skipped && transfer(control::READ, length, address);
        return if good { Ok(()) } else { Err(Errno::EIO) };
    }
    // Without it there is no seek: what lies before is read and dropped.
    select(key);
    for _ in 0..offset {
        read(&mut [0]);
    }
    read(buffer);
    Ok(())
}
