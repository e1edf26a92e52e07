//! Kernel stacks: 12 KiB each, with an unmapped guard below, in an area of their own. The deepest use seen in all tests is 7.7 KiB, of
//! the main thread while it starts the program; interrupts and a switch in one come on top.
//!
//! A stack that is given back stays mapped in a pool; taking one from the pool costs no page-table work and no shoot-down. When
//! many threads have ended, most of the pool's pages are given back ([`trim`]).

use alloc::vec::Vec;

use abi::errno::Errno;
use logic::mm::frames::{FRAME, For};
use sync::IrqLock;

use crate::arch::paging::Protection;

use super::{Memory, frames};

/// Where kernel stacks lie.
const AREA: u64 = 0xffff_a000_0000_0000;
/// Bytes of a stack.
pub const STACK_BYTES: u64 = 12 * 1024;
/// Bytes from one stack to the next; the lower part is the guard.
const SLOT_BYTES: u64 = 32 * 1024;

/// When the pool has twice as many stacks, it gives the pages of so many back.
const KEPT: usize = 256;

/// Stacks given back, slots whose pages were given back too, and the first slot never used.
struct Pool {
    free: Vec<u64>,
    empty: Vec<u64>,
    next: u64,
}

/// An interrupt may be the last to let go of a thread: of a timer that was to wake it.
static POOL: IrqLock<Pool> = IrqLock::new(Pool { free: Vec::new(), empty: Vec::new(), next: 0 });

/// One past the highest address of the stack in `slot`.
const fn top(slot: u64) -> u64 {
    AREA + (slot + 1) * SLOT_BYTES
}

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
            let Pool { free, empty, next } = &mut *pool;
            for list in [&mut *free, &mut *empty] {
                list.try_reserve(slots - list.len()).map_err(|_| Errno::EAGAIN)?;
            }
            empty.pop().unwrap_or_else(|| {
                *next += 1;
                *next - 1
            })
        };
        Self::fill(fresh, memory)
    }

    /// Gives an empty slot its pages.
    fn fill(slot: u64, memory: &Memory) -> Result<Self, Errno> {
        let bottom = top(slot) - STACK_BYTES;
        let protection = Protection { write: true, ..Protection::default() };
        let mut mapped = 0;
        while mapped < STACK_BYTES
            && let Some(frame) = frames::allocate(For::Program)
        {
            if memory.map_kernel_page(bottom + mapped, frame, protection).is_err() {
                frames::free(frame);
                break;
            }
            mapped += FRAME;
        }
        if mapped == STACK_BYTES {
            return Ok(Self { slot });
        }
        memory.unmap_kernel_areas(core::iter::once((bottom, bottom + mapped)));
        // `new` made room for it.
        POOL.lock().empty.push(slot);
        Err(Errno::EAGAIN)
    }

    /// Lowest address.
    pub fn bottom(&self) -> u64 {
        self.top() - STACK_BYTES
    }

    /// One past the highest address.
    pub fn top(&self) -> u64 {
        top(self.slot)
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        POOL.lock().free.push(self.slot);
    }
}

/// Gives the pages of stacks back that were needed once and are not now. May wait for other CPUs.
pub fn trim(memory: &Memory) {
    loop {
        let gone: Vec<u64> = {
            let mut pool = POOL.lock();
            // Between the two marks threads come and go without page-table work.
            if pool.free.len() < 2 * KEPT {
                return;
            }
            pool.free.drain(..KEPT).collect()
        };
        memory.unmap_kernel_areas(gone.iter().map(|&slot| (top(slot) - STACK_BYTES, top(slot))));
        POOL.lock().empty.extend_from_slice(&gone);
    }
}
