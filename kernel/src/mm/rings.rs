//! Memory for the rings of connections: addresses for whole ones, and frames for what is in use (`logic::mm::repeated`).
#![expect(unsafe_code, reason = "addresses become slices")]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::slice;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::errno::Errno;
use logic::mm::frames::{FRAME, For};
use logic::mm::repeated::{Repeated, Run};
use logic::net::inet::rings::{Direction, LEAST_SHARE, RING, Rings, Span};
use sync::Lock;

use crate::arch::paging::Protection;

use super::{Memory, frames};

/// Where rings lie.
const AREA: u64 = 0xffff_9000_0000_0000;
/// Bytes of a slot: two rings, which is what one table of pages maps.
const SLOT_BYTES: u64 = 2 * RING as u64;
/// Pages of a ring.
const PAGES: usize = RING / FRAME as usize;
/// All rings together have one of so many parts of the machine's memory at most.
const PARTS: u64 = 4;
/// A ring may have one of so many parts of what all of them may still have.
const SHARES: u64 = 8;

/// Slots given back, and the first one never used.
#[derive(Debug)]
struct Slots {
    free: Vec<u64>,
    next: u64,
}

static SLOTS: Lock<Slots> = Lock::new(Slots { free: Vec::new(), next: 0 });
/// Frames of all rings.
static HELD: AtomicU64 = AtomicU64::new(0);

/// Two rings.
#[derive(Debug)]
struct Pair {
    memory: &'static Memory,
    slot: u64,
    /// Frames that all rings may have.
    most: u64,
    rings: [Repeated; 2],
}

/// The rings of a connection.
///
/// # Errors
/// `ENOBUFS`.
pub fn open(memory: &'static Memory) -> Result<Box<dyn Rings>, Errno> {
    let mut slots = SLOTS.lock();
    let slot = match slots.free.pop() {
        Some(slot) => slot,
        None => {
            // Room to give every slot back without allocating.
            let count = usize::try_from(slots.next + 1).map_err(|_| Errno::ENOBUFS)?;
            slots.free.try_reserve(count).map_err(|_| Errno::ENOBUFS)?;
            slots.next += 1;
            slots.next - 1
        }
    };
    let most = frames::usage().1 / PARTS;
    Ok(Box::new(Pair { memory, slot, most, rings: [Repeated::new(PAGES), Repeated::new(PAGES)] }))
}

/// The pages of `length` bytes from `start` on.
fn pages(start: usize, length: usize) -> Run {
    Run::of_bytes(start, length, FRAME as usize, PAGES)
}

/// Where the two rings of `slot` begin.
fn bases(slot: u64) -> [u64; 2] {
    let base = AREA + slot * SLOT_BYTES;
    [base, base + RING as u64]
}

impl Pair {
    /// Frames that all rings may still have.
    fn left(&self) -> u64 {
        self.most.saturating_sub(HELD.load(Ordering::Relaxed))
    }

    /// Gives a ring `missing` more frames.
    fn grow(&mut self, ring: Direction, used: Run, missing: usize) -> Result<(), Errno> {
        if missing as u64 > self.left() {
            return Err(Errno::ENOBUFS);
        }
        let base = bases(self.slot)[ring as usize];
        let ring = &mut self.rings[ring as usize];
        let mut more = Vec::new();
        more.try_reserve_exact(missing + ring.frames().len()).map_err(|_| Errno::ENOBUFS)?;
        for _ in 0..missing {
            let Some(frame) = frames::allocate(For::Program) else {
                more.into_iter().for_each(frames::free);
                return Err(Errno::ENOBUFS);
            };
            more.push(frame);
        }
        HELD.fetch_add(missing as u64, Ordering::Relaxed);
        let address = |page: usize| base + page as u64 * FRAME;
        let others = ring.others(used).map(|range| (address(range.start), address(range.end)));
        self.memory.forget_kernel_areas(others.into_iter());
        ring.grow(used, more);
        Ok(())
    }
}

impl Rings for Pair {
    fn bytes(&mut self) -> [&'static mut [u8]; 2] {
        bases(self.slot).map(|base| {
            // SAFETY: the slot's addresses are nobody else's until this is dropped, and nobody touches a byte afterwards, or one that has no memory:
            // who asks promises that.
            unsafe { slice::from_raw_parts_mut(base as *mut u8, RING) }
        })
    }

    fn hold(&mut self, ring: Direction, span: Span) -> Result<(), Errno> {
        let whole = pages(span.start, span.length);
        if whole.count == 1 && self.rings[ring as usize].is_mapped(whole.first) {
            return Ok(());
        }
        let missing = self.rings[ring as usize].missing(whole.count);
        if missing > 0 {
            self.grow(ring, pages(span.start, span.known), missing)?;
        }
        let base = bases(self.slot)[ring as usize];
        let ring = &mut self.rings[ring as usize];
        let protection = Protection { write: true, ..Protection::default() };
        for page in ring.run(pages(span.start + span.known, span.length - span.known)) {
            if let Some(frame) = ring.unmapped(page) {
                self.memory
                    .map_kernel_page(base + page as u64 * FRAME, frame, protection)
                    .map_err(|_| Errno::ENOBUFS)?;
                ring.set_mapped(page);
            }
        }
        Ok(())
    }

    fn let_go(&mut self) {
        let [base, _] = bases(self.slot);
        self.memory.forget_kernel_areas([(base, base + SLOT_BYTES)].into_iter());
        for frame in self.rings.iter_mut().flat_map(Repeated::take) {
            frames::free(frame);
            HELD.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn share(&self) -> usize {
        let bytes = self.left() / SHARES * FRAME;
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(LEAST_SHARE, RING)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if self.rings.iter().any(|ring| !ring.frames().is_empty()) {
            self.let_go();
        }
        // `open` made room for it.
        SLOTS.lock().free.push(self.slot);
    }
}
