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

/// Slots that are kept with their frames, for the next connections.
const WARM: usize = 64;
/// A slot that is kept so has no more frames than this in a ring, and all of them one of so many parts of the machine's memory.
const WARM_FRAMES: usize = 4;
const WARM_PARTS: u64 = 512;

/// Slots given back, with their frames and without, and the number of the first one never used.
#[derive(Debug)]
struct Slots {
    warm: Vec<Slot>,
    cold: Vec<u64>,
    next: u64,
}

static SLOTS: Lock<Slots> = Lock::new(Slots { warm: Vec::new(), cold: Vec::new(), next: 0 });
/// Frames of all rings.
static HELD: AtomicU64 = AtomicU64::new(0);

/// Addresses for two rings, and their frames.
#[derive(Debug)]
struct Slot {
    number: u64,
    rings: [Repeated; 2],
}

/// A slot in use.
#[derive(Debug)]
struct Pair {
    memory: &'static Memory,
    /// Frames that all rings may have.
    most: u64,
    slot: Slot,
}

/// The rings of a connection.
///
/// # Errors
/// `ENOBUFS` when there is no memory but the kernel's own.
pub fn open(memory: &'static Memory) -> Result<Box<dyn Rings>, Errno> {
    if frames::available() == 0 {
        return Err(Errno::ENOBUFS);
    }
    let slot = SLOTS.lock().take()?;
    Ok(Box::new(Pair { memory, most: frames::usage().1 / PARTS, slot }))
}

impl Slots {
    fn take(&mut self) -> Result<Slot, Errno> {
        if let Some(slot) = self.warm.pop() {
            return Ok(slot);
        }
        if let Some(number) = self.cold.pop() {
            return Ok(Slot::new(number));
        }
        // Room to give every slot back without allocating.
        let count = usize::try_from(self.next + 1).map_err(|_| Errno::ENOBUFS)?;
        self.cold.try_reserve(count).map_err(|_| Errno::ENOBUFS)?;
        self.warm.try_reserve(WARM).map_err(|_| Errno::ENOBUFS)?;
        self.next += 1;
        Ok(Slot::new(self.next - 1))
    }

    /// Keeps `slot` with its frames, if it has some and there is room; else it comes back.
    fn keep(&mut self, slot: Slot, all_frames: u64) -> Option<Slot> {
        let is_small = slot.rings.iter().all(|ring| ring.frames().len() <= WARM_FRAMES);
        let most = all_frames / WARM_PARTS / (2 * WARM_FRAMES as u64);
        let has_room = self.warm.len() < WARM && (self.warm.len() as u64) < most;
        if is_small && has_room && slot.has_frames() {
            self.warm.push(slot);
            return None;
        }
        Some(slot)
    }
}

impl Slot {
    fn new(number: u64) -> Self {
        Self { number, rings: [Repeated::new(PAGES), Repeated::new(PAGES)] }
    }

    fn has_frames(&self) -> bool {
        self.rings.iter().any(|ring| !ring.frames().is_empty())
    }

    /// Where the two rings begin.
    fn bases(&self) -> [u64; 2] {
        let base = AREA + self.number * SLOT_BYTES;
        [base, base + RING as u64]
    }

    /// Gives its frames back, and the table that maps them. May wait for other CPUs.
    fn cool(&mut self, memory: &Memory) {
        let rings = self.rings.iter().zip(self.bases());
        let mapped = rings.flat_map(|(ring, base)| ring.mapped().map(move |page| base + page as u64 * FRAME));
        memory.forget_kernel_table(self.bases()[0], mapped);
        for frame in self.rings.iter_mut().flat_map(Repeated::take) {
            frames::free(frame);
            HELD.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The pages of `length` bytes from `start` on.
fn pages(start: usize, length: usize) -> Run {
    Run::of_bytes(start, length, FRAME as usize, PAGES)
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
        let base = self.slot.bases()[ring as usize];
        let ring = &mut self.slot.rings[ring as usize];
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
        if !ring.frames().is_empty() {
            let address = |page: usize| base + page as u64 * FRAME;
            let others = ring.others(used).map(|range| (address(range.start), address(range.end)));
            self.memory.forget_kernel_areas(others.into_iter());
        }
        ring.grow(used, more);
        Ok(())
    }
}

impl Rings for Pair {
    fn bytes(&mut self) -> [&'static mut [u8]; 2] {
        self.slot.bases().map(|base| {
            // SAFETY: the slot's addresses are nobody else's until this is dropped, and nobody touches a byte afterwards, or one that has no memory:
            // who asks promises that.
            unsafe { slice::from_raw_parts_mut(base as *mut u8, RING) }
        })
    }

    fn hold(&mut self, ring: Direction, span: Span) -> Result<(), Errno> {
        let whole = pages(span.start, span.length);
        if whole.count == 1 && self.slot.rings[ring as usize].is_mapped(whole.first) {
            return Ok(());
        }
        let missing = self.slot.rings[ring as usize].missing(whole.count);
        if missing > 0 {
            self.grow(ring, pages(span.start, span.known), missing)?;
        }
        let base = self.slot.bases()[ring as usize];
        let ring = &mut self.slot.rings[ring as usize];
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
        self.slot.cool(self.memory);
    }

    fn share(&self) -> usize {
        let bytes = self.left() / SHARES * FRAME;
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(LEAST_SHARE, RING)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let slot = core::mem::replace(&mut self.slot, Slot::new(u64::MAX));
        let refused = SLOTS.lock().keep(slot, self.most * PARTS);
        if let Some(mut slot) = refused {
            if slot.has_frames() {
                slot.cool(self.memory);
            }
            // `open` made room for it.
            SLOTS.lock().cold.push(slot.number);
        }
    }
}
