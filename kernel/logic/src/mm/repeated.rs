//! A ring of pages in which a few frames repeat: with k frames, a power of two, page p is frame p mod k. What is in use at a time, k pages in a row at most,
//! has frames of its own wherever in the ring it lies, and moves on without a change of the frames.

use alloc::vec::Vec;
use core::iter;

/// Most pages of a ring.
pub const MOST_PAGES: usize = 256;

/// Pages of a ring in a row, round its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first one.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// Which frames a ring has, and which of its pages are mapped.
#[derive(Debug)]
pub struct Repeated {
    pages: usize,
    frames: Vec<u64>,
    mapped: [u64; MOST_PAGES / 64],
}

impl Run {
    /// The pages of `length` bytes from `start` on, in a ring of `pages` pages of `page_bytes`.
    pub fn of_bytes(start: usize, length: usize, page_bytes: usize, pages: usize) -> Self {
        let first = start / page_bytes;
        let end = (start + length).div_ceil(page_bytes);
        Self { first, count: if length == 0 { 0 } else { (end - first).min(pages) } }
    }
}

impl Repeated {
    /// A ring of `pages` pages, a power of two up to [`MOST_PAGES`], without a frame.
    pub fn new(pages: usize) -> Self {
        Self { pages, frames: Vec::new(), mapped: [0; MOST_PAGES / 64] }
    }

    /// Frames it has.
    pub fn frames(&self) -> &[u64] {
        &self.frames
    }

    /// How many more frames it needs before `count` pages in a row have their own.
    pub fn missing(&self, count: usize) -> usize {
        if count <= self.frames.len() { 0 } else { count.next_power_of_two() - self.frames.len() }
    }

    /// Takes as many more frames as [`Repeated::missing`] says, in `more`, which has room for those that are there too. The pages of `used` keep theirs, and no
    /// other page is mapped from now on.
    pub fn grow(&mut self, used: Run, mut more: Vec<u64>) {
        let old = self.frames.len();
        let count = old + more.len();
        more.extend_from_slice(&self.frames);
        self.mapped = [0; MOST_PAGES / 64];
        for page in self.run(used) {
            let frame = self.frames[page % old];
            if let Some(at) = more.iter().position(|&other| other == frame) {
                more.swap(page % count, at);
            }
            self.set_mapped(page);
        }
        self.frames = more;
    }

    /// The pages of `run`.
    pub fn run(&self, run: Run) -> impl Iterator<Item = usize> + use<> {
        let pages = self.pages;
        iter::successors(Some(run.first % pages), move |page| Some((page + 1) % pages)).take(run.count)
    }

    /// The pages that are not of `run`, as one range or two.
    pub fn others(&self, run: Run) -> [core::ops::Range<usize>; 2] {
        let end = run.first + run.count;
        if end <= self.pages { [0..run.first, end..self.pages] } else { [end - self.pages..run.first, 0..0] }
    }

    /// Whether `page` is mapped.
    pub fn is_mapped(&self, page: usize) -> bool {
        self.mapped[page / 64] & 1 << (page % 64) != 0
    }

    /// The pages that are mapped.
    pub fn mapped(&self) -> impl Iterator<Item = usize> {
        let without_lowest = |bits: u64| bits & bits.wrapping_sub(1);
        self.mapped.iter().enumerate().flat_map(move |(word, &bits)| {
            iter::successors(Some(bits), move |&bits| Some(without_lowest(bits)))
                .take_while(|&bits| bits != 0)
                .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }

    /// The frame that `page` must be mapped to; `None` when it is.
    pub fn unmapped(&self, page: usize) -> Option<u64> {
        if self.is_mapped(page) { None } else { Some(self.frames[page % self.frames.len()]) }
    }

    /// `page` is mapped now.
    pub fn set_mapped(&mut self, page: usize) {
        self.mapped[page / 64] |= 1 << (page % 64);
    }

    /// Takes its frames; no page is mapped any more.
    pub fn take(&mut self) -> Vec<u64> {
        self.mapped = [0; MOST_PAGES / 64];
        core::mem::take(&mut self.frames)
    }
}

#[cfg(test)]
mod tests;
