//! Physical memory as 4 KiB frames in 2 MiB chunks.
//!
//! A chunk has a bitmap of its free frames and is initialised when it is first needed, behind a watermark: start-up costs the same
//! with 16 MiB and with 16 GiB. Chunks with some free frames and chunks that are wholly free stand in two lists, so that one frame, and a
//! 2 MiB frame, cost O(1).
//!
//! The last [`Reserve`] frames are for the kernel's own objects: when the program has eaten the rest, the kernel still works.

use crate::boot::memmap::{Range, Ranges};

/// Bytes of a frame.
pub const FRAME: u64 = 4096;
/// Bytes of a chunk, and of a large frame.
pub const CHUNK: u64 = 2 << 20;
/// Frames in a chunk.
const FRAMES_PER_CHUNK: u32 = 512;
/// No chunk: the end of a list.
const NONE: u32 = u32::MAX;
/// Most RAM ranges.
pub const MOST_RANGES: usize = 64;

/// Who asks for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// The program's pages and files: may not touch the reserve.
    Program,
    /// The kernel's heap and page tables.
    Kernel,
}

/// One chunk's bookkeeping. Any bit pattern is a valid value: the table is used before it is written.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Chunk {
    /// A set bit is a free frame.
    free: [u64; 8],
    count: u32,
    next: u32,
    previous: u32,
    /// Frames of this chunk that are RAM.
    ram: u32,
}

/// The two lists a chunk can stand in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Partial,
    Whole,
}

/// All physical memory.
#[derive(Debug)]
pub struct Frames {
    chunks: &'static mut [Chunk],
    ram: Ranges<MOST_RANGES>,
    /// Chunks from here on have not been initialised.
    watermark: u32,
    partial: u32,
    whole: u32,
    free: u64,
    total: u64,
    reserve: u64,
}

/// Bytes that the chunk table needs for RAM that ends at `end`.
#[must_use]
pub fn table_bytes(end: u64) -> u64 {
    (end.div_ceil(CHUNK) * size_of::<Chunk>() as u64).next_multiple_of(FRAME)
}

impl Frames {
    /// All of `ram`, kept in `table` (one entry per chunk from address 0). `reserve` frames are the kernel's.
    #[must_use]
    pub fn new(ram: Ranges<MOST_RANGES>, table: &'static mut [Chunk], reserve: u64) -> Self {
        let total = ram.total() / FRAME;
        Self { chunks: table, ram, watermark: 0, partial: NONE, whole: NONE, free: total, total, reserve }
    }

    /// Free frames, and all frames.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        (self.free, self.total)
    }

    /// Frames that the program may still have.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.free.saturating_sub(self.reserve)
    }

    /// One frame: its physical address.
    pub fn allocate(&mut self, who: For) -> Option<u64> {
        if !self.may_take(1, who) {
            return None;
        }
        if self.partial == NONE {
            let chunk = if self.whole == NONE { self.fresh()? } else { self.whole };
            self.unlink(chunk);
            self.link(List::Partial, chunk);
        }
        let index = self.partial;
        let chunk = &mut self.chunks[index as usize];
        let word = chunk.free.iter().position(|&word| word != 0)?;
        let bit = chunk.free[word].trailing_zeros();
        chunk.free[word] &= !(1 << bit);
        chunk.count -= 1;
        if chunk.count == 0 {
            self.unlink_from(List::Partial, index);
        }
        self.free -= 1;
        Some(u64::from(index) * CHUNK + (word as u64 * 64 + u64::from(bit)) * FRAME)
    }

    /// A 2 MiB frame, aligned.
    pub fn allocate_large(&mut self, who: For) -> Option<u64> {
        self.allocate_contiguous(u64::from(FRAMES_PER_CHUNK), who)
    }

    /// `count` frames in a row, at most a chunk's; a run of 512 is aligned to 2 MiB.
    pub fn allocate_contiguous(&mut self, count: u64, who: For) -> Option<u64> {
        if count == 0 || count > u64::from(FRAMES_PER_CHUNK) || !self.may_take(count, who) {
            return None;
        }
        let index = self.chunk_with_run(count)?;
        let start = find_run(&self.chunks[index as usize].free, count)?;
        self.unlink(index);
        let chunk = &mut self.chunks[index as usize];
        for frame in start..start + count {
            chunk.free[(frame / 64) as usize] &= !(1 << (frame % 64));
        }
        chunk.count -= u32::try_from(count).ok()?;
        if chunk.count > 0 {
            self.link(List::Partial, index);
        }
        self.free -= count;
        Some(u64::from(index) * CHUNK + start * FRAME)
    }

    /// A chunk that has `count` free frames in a row: a partial one among the first few, a whole one, a fresh one.
    fn chunk_with_run(&mut self, count: u64) -> Option<u32> {
        const LOOK: usize = 8;
        let mut index = self.partial;
        for _ in 0..LOOK {
            if index == NONE {
                break;
            }
            let chunk = &self.chunks[index as usize];
            if u64::from(chunk.count) >= count && find_run(&chunk.free, count).is_some() {
                return Some(index);
            }
            index = chunk.next;
        }
        if self.whole != NONE {
            return Some(self.whole);
        }
        loop {
            let index = self.fresh()?;
            if find_run(&self.chunks[index as usize].free, count).is_some() {
                return Some(index);
            }
        }
    }

    /// Gives one frame back.
    pub fn free(&mut self, address: u64) {
        self.free_contiguous(address, 1);
    }

    /// Gives back `count` frames in a row from one allocation.
    #[expect(clippy::cast_possible_truncation, reason = "chunks of all RAM there can be, frames of a chunk")]
    pub fn free_contiguous(&mut self, address: u64, count: u64) {
        let index = (address / CHUNK) as u32;
        let start = address % CHUNK / FRAME;
        if self.chunks[index as usize].count > 0 {
            self.unlink(index);
        }
        let chunk = &mut self.chunks[index as usize];
        for frame in start..start + count {
            debug_assert_eq!(
                chunk.free[(frame / 64) as usize] >> (frame % 64) & 1,
                0,
                "a frame is freed once"
            );
            chunk.free[(frame / 64) as usize] |= 1 << (frame % 64);
        }
        chunk.count += count as u32;
        let list = if chunk.count == FRAMES_PER_CHUNK { List::Whole } else { List::Partial };
        self.link(list, index);
        self.free += count;
    }

    fn may_take(&self, count: u64, who: For) -> bool {
        match who {
            For::Kernel => self.free >= count,
            For::Program => self.available() >= count,
        }
    }

    /// Initialises the next chunk that has RAM and puts it into its list.
    fn fresh(&mut self) -> Option<u32> {
        while (self.watermark as usize) < self.chunks.len() {
            let index = self.watermark;
            self.watermark += 1;
            let base = u64::from(index) * CHUNK;
            let mut chunk = Chunk { free: [0; 8], count: 0, next: NONE, previous: NONE, ram: 0 };
            for &Range { start, end } in self.ram.as_slice() {
                let from = start.clamp(base, base + CHUNK) - base;
                let to = end.clamp(base, base + CHUNK) - base;
                for frame in from / FRAME..to / FRAME {
                    chunk.free[(frame / 64) as usize] |= 1 << (frame % 64);
                    chunk.count += 1;
                }
            }
            chunk.ram = chunk.count;
            self.chunks[index as usize] = chunk;
            if chunk.count > 0 {
                self.link(list_of(&chunk), index);
                return Some(index);
            }
        }
        None
    }

    fn head(&mut self, list: List) -> &mut u32 {
        match list {
            List::Partial => &mut self.partial,
            List::Whole => &mut self.whole,
        }
    }

    fn link(&mut self, list: List, index: u32) {
        let first = *self.head(list);
        let chunk = &mut self.chunks[index as usize];
        chunk.next = first;
        chunk.previous = NONE;
        if first != NONE {
            self.chunks[first as usize].previous = index;
        }
        *self.head(list) = index;
    }

    /// Takes a chunk out of whichever list it stands in.
    fn unlink(&mut self, index: u32) {
        let list = if self.whole == index || self.in_whole(index) { List::Whole } else { List::Partial };
        self.unlink_from(list, index);
    }

    fn in_whole(&self, index: u32) -> bool {
        self.chunks[index as usize].count == FRAMES_PER_CHUNK && self.partial != index
    }

    fn unlink_from(&mut self, list: List, index: u32) {
        let Chunk { next, previous, .. } = self.chunks[index as usize];
        if next != NONE {
            self.chunks[next as usize].previous = previous;
        }
        if previous == NONE {
            *self.head(list) = next;
        } else {
            self.chunks[previous as usize].next = next;
        }
    }
}

fn list_of(chunk: &Chunk) -> List {
    if chunk.count == FRAMES_PER_CHUNK { List::Whole } else { List::Partial }
}

/// First of `count` set bits in a row.
fn find_run(free: &[u64; 8], count: u64) -> Option<u64> {
    let mut run = 0;
    for (start, &word) in (0..).step_by(64).zip(free) {
        match word {
            0 => run = 0,
            // Runs over word borders are long ones: whole words.
            u64::MAX => {
                run += 64;
                if run >= count {
                    return Some(start + 64 - run);
                }
            }
            _ => {
                for bit in 0..64 {
                    run = if word >> bit & 1 == 1 { run + 1 } else { 0 };
                    if run == count {
                        return Some(start + bit + 1 - count);
                    }
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
