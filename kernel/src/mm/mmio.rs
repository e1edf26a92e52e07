//! Device registers: mapped uncached in an area of the high half, for ever.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::errno::Errno;
use logic::mm::frames::FRAME;

use crate::arch::paging::Protection;

use super::Memory;

/// Where device registers are mapped.
const AREA: u64 = 0xffff_b000_0000_0000;

static NEXT: AtomicU64 = AtomicU64::new(AREA);

/// Maps `length` bytes of device registers at physical address `physical`; answers their virtual address.
///
/// # Errors
/// `ENOMEM` when there is no memory for page tables.
pub fn map(memory: &Memory, physical: u64, length: u64) -> Result<u64, Errno> {
    let offset = physical % FRAME;
    let pages = (offset + length).div_ceil(FRAME);
    let at = NEXT.fetch_add(pages * FRAME, Ordering::Relaxed);
    let protection = Protection { write: true, device: true, global: true, ..Protection::default() };
    for page in 0..pages {
        memory.map_kernel_page(at + page * FRAME, physical - offset + page * FRAME, protection)?;
    }
    Ok(at + offset)
}
