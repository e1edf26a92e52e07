//! Kernel stacks: 16 KiB each, with an unmapped guard below, in an area of their own.
//!
//! A stack that is given back stays mapped in a pool; taking one from the pool costs no page-table work and no shoot-down.

use alloc::vec::Vec;

use abi::errno::Errno;
use logic::mm::frames::{FRAME, For};
use sync::Lock;

use crate::arch::paging::Protection;

use super::{Memory, frames};

/// Where kernel stacks lie.
const AREA: u64 = 0xffff_a000_0000_0000;
/// Bytes of a stack.
pub const STACK_BYTES: u64 = 16 * 1024;
/// Bytes from one stack to the next; the lower part is the guard.
const SLOT_BYTES: u64 = 32 * 1024;

/// Stacks given back, and the first slot never used.
struct Pool {
    free: Vec<u64>,
    next: u64,
}

static POOL: Lock<Pool> = Lock::new(Pool { free: Vec::new(), next: 0 });

/// A kernel stack, mapped.
#[derive(Debug)]
pub struct KernelStack {
    slot: u64,
}

impl KernelStack {
    /// A stack from the pool, or a new one.
    ///
    /// # Errors
    /// `EAGAIN` when there is no memory for it (clone(2)).
    pub fn new(memory: &Memory) -> Result<Self, Errno> {
        let fresh = {
            let mut pool = POOL.lock();
            if let Some(slot) = pool.free.pop() {
                return Ok(Self { slot });
            }
            // Room to give every slot back without allocating.
            let slots = usize::try_from(pool.next + 1).map_err(|_| Errno::EAGAIN)?;
            pool.free.try_reserve(slots).map_err(|_| Errno::EAGAIN)?;
            pool.next += 1;
            pool.next - 1
        };
        let stack = Self { slot: fresh };
        let protection = Protection { write: true, ..Protection::default() };
        for page in 0..STACK_BYTES / FRAME {
            let mapped = frames::allocate(For::Program).is_some_and(|frame| {
                memory.map_kernel_page(stack.bottom() + page * FRAME, frame, protection).is_ok()
            });
            if !mapped {
                // The slot is lost with the pages it has: memory is gone, and the reserve is for what runs already.
                core::mem::forget(stack);
                return Err(Errno::EAGAIN);
            }
        }
        Ok(stack)
    }

    /// Lowest address.
    pub fn bottom(&self) -> u64 {
        self.top() - STACK_BYTES
    }

    /// One past the highest address.
    pub fn top(&self) -> u64 {
        AREA + (self.slot + 1) * SLOT_BYTES
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        POOL.lock().free.push(self.slot);
    }
}
