//! Rings as a connection in the kernel has them: their memory is used again when it ends, and what is let go, or lies outside of what is held,
//! does not keep its bytes, and must not be written. How many there are is counted: a connection that is over and keeps its rings is a leak.
#![expect(unsafe_code, reason = "rings are `'static` to the stack, and used again")]

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use abi::errno::Errno;
use logic::net::inet::rings::{Direction, LEAST_SHARE, RING, Rings, Span};

/// What lies in memory that is not a ring's.
const GARBAGE: u8 = 0xdb;

/// Bytes on both sides of what is held that are looked at: as much as one packet could bring.
const BESIDE: usize = 64 << 10;

/// The first byte of two rings, one behind the other.
type Pair = NonNull<u8>;

thread_local! {
    static SPARE: RefCell<Vec<Pair>> = const { RefCell::new(Vec::new()) };
    static IN_USE: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(RING) };
}

/// Of each ring so many bytes may be used from now on.
pub(crate) fn set_most(bytes: usize) {
    MOST.set(bytes);
}

/// How many pairs are in use.
pub(crate) fn in_use() -> usize {
    IN_USE.get()
}

/// The rings of one connection.
#[derive(Debug)]
struct Reused {
    pair: Pair,
    /// What is held of each: from where, how many bytes.
    held: [(usize, usize); 2],
}

// SAFETY: it is the only one that has the pair; nothing of it belongs to a thread. The list of spare ones is the thread's that drops it.
unsafe impl Send for Reused {}

/// Rings for a connection.
pub(crate) fn new() -> Result<Box<dyn Rings>, Errno> {
    let spare = SPARE.with_borrow_mut(Vec::pop);
    let pair = match spare {
        Some(pair) => pair,
        None => NonNull::from(&mut vec![GARBAGE; 2 * RING].leak()[0]),
    };
    IN_USE.set(IN_USE.get() + 1);
    Ok(Box::new(Reused { pair, held: [(0, 0); 2] }))
}

impl Reused {
    /// Ring `index`.
    fn ring(&self, index: usize) -> *mut u8 {
        self.pair.as_ptr().wrapping_add(index * RING)
    }

    /// Bytes `from..to` of ring `index`, counted on round its end, are nobody's.
    fn spoil(&self, index: usize, from: usize, to: usize) {
        for at in from..to {
            // SAFETY: `at` is in the ring; who has it as a slice does not look at it now, for the stack is in a call of ours.
            unsafe { self.ring(index).wrapping_add(at % RING).write(GARBAGE) };
        }
    }
}

impl Rings for Reused {
    fn bytes(&mut self) -> [&'static mut [u8]; 2] {
        // SAFETY: asked for once, and touched by nobody after this is dropped, as `Rings` promises; the memory is never freed.
        [0, 1].map(|index| unsafe { std::slice::from_raw_parts_mut(self.ring(index), RING) })
    }

    fn hold(&mut self, ring: Direction, span: Span) -> Result<(), Errno> {
        assert!(span.start < RING && span.known <= span.length && span.length <= RING, "{span:?}");
        if span.length > MOST.get().max(LEAST_SHARE) {
            return Err(Errno::ENOBUFS);
        }
        let index = usize::from(ring == Direction::Out);
        let (start, length) = self.held[index];
        // Both begin within one ring's length: what was held lies before the new part, around it, or behind it.
        let ahead = (span.start + RING - start) % RING;
        if length > 0 {
            self.spoil(index, start, start + ahead.min(length));
            if ahead + span.known < length {
                self.spoil(index, start + ahead + span.known, start + length);
            }
        }
        self.held[index] = (span.start, span.length);
        Ok(())
    }

    fn let_go(&mut self) {
        for index in 0..2 {
            let (start, length) = std::mem::take(&mut self.held[index]);
            self.spoil(index, start, start + length);
        }
    }

    fn share(&self) -> usize {
        MOST.get().max(LEAST_SHARE)
    }
}

impl Reused {
    /// Nothing was written beside what is held: in the kernel there is no memory, or that of other bytes.
    fn check(&self, index: usize) {
        let (start, length) = self.held[index];
        let beside = BESIDE.min(RING - length);
        for from in [start + length, start + RING - beside] {
            let from = from % RING;
            let first = beside.min(RING - from);
            for (from, count) in [(from, first), (0, beside - first)] {
                // SAFETY: the bytes lie in the ring, and nobody has it as a slice any more or looks at it now.
                let bytes = unsafe { std::slice::from_raw_parts(self.ring(index).wrapping_add(from), count) };
                let touched = bytes.iter().position(|byte| *byte != GARBAGE);
                assert!(
                    touched.is_none(),
                    "byte {from} + {touched:?} of ring {index} is written, held is {:?}",
                    self.held[index]
                );
            }
        }
    }
}

impl Drop for Reused {
    fn drop(&mut self) {
        (0..2).for_each(|index| self.check(index));
        self.let_go();
        IN_USE.set(IN_USE.get() - 1);
        SPARE.with_borrow_mut(|spare| spare.push(self.pair));
    }
}
