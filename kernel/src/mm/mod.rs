//! Memory: frames, the kernel's heap and stacks, the one address space, and the program's memory as system calls see it.
//!
//! The address space is drawn in docs/memory-map.md.

pub mod frames;
mod gone;
mod heap;
mod init;
pub mod map;
pub mod mmio;
mod page_fault;
mod resident;
pub mod rings;
mod source;
mod space;
pub mod stack;
pub mod user;

pub use crate::arch::paging::direct as direct_address;
pub use init::init;
pub use map::Memory;

use crate::arch::user_copy;
use crate::image;

/// What becomes of a page fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultAction {
    /// The page is there now: go on.
    Handled,
    /// A checked copy hit a wild pointer: go on at this address.
    Fixup(u64),
    /// The page belongs to the program, but there is no memory for it.
    OutOfMemory,
    /// The page lies behind the end of its file.
    BusError,
    /// Nothing is mapped there, or not for this access.
    Segv,
}

/// Bits of a page fault's error code (SDM volume 3, section 4.7).
mod error_code {
    pub(super) const WRITE: u64 = 1 << 1;
    pub(super) const FETCH: u64 = 1 << 4;
}

/// Resolves the page fault at `address`: brings the page in, or says what it means. May read files; called with no lock held.
pub fn on_page_fault(address: u64, error: u64, rip: u64) -> FaultAction {
    let action = match Memory::try_get() {
        Some(memory) if address < user::USER_END => {
            let write = error & error_code::WRITE != 0;
            memory.fault(address, write, error & error_code::FETCH != 0)
        }
        _ => FaultAction::Segv,
    };
    match (action, fixup(rip)) {
        (FaultAction::Handled, _) => action,
        (_, Some(rip)) => FaultAction::Fixup(rip),
        _ => action,
    }
}

/// Where a checked copy goes on after a fault at `rip`.
pub fn fixup(rip: u64) -> Option<u64> {
    user_copy::fixup(rip)
}

/// Whether `rip` is the kernel's code.
pub fn is_kernel_text(rip: u64) -> bool {
    image::kernel_text().contains(&rip)
}
