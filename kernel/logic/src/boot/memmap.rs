//! The firmware's memory map → the RAM we may use: sorted, disjoint, page-aligned, without what is reserved.
//!
//! Runs before there is a heap: ranges live in a fixed array.

/// Bytes of a page.
const PAGE: u64 = 4096;

/// A half-open range of physical addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Range {
    /// Bytes in the range.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// At most `N` disjoint ranges in ascending order.
#[derive(Clone, Debug)]
pub struct Ranges<const N: usize> {
    ranges: [Range; N],
    count: usize,
}

impl<const N: usize> Default for Ranges<N> {
    fn default() -> Self {
        Self { ranges: [Range { start: 0, end: 0 }; N], count: 0 }
    }
}

impl<const N: usize> Ranges<N> {
    /// The ranges.
    #[must_use]
    pub fn as_slice(&self) -> &[Range] {
        &self.ranges[..self.count]
    }

    /// Bytes in all ranges.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.as_slice().iter().map(|range| range.len()).sum()
    }

    /// Adds `range`, joining what it touches. A range that finds no room is left out: RAM we then do not use.
    pub fn add(&mut self, range: Range) {
        if range.is_empty() {
            return;
        }
        let mut joined = range;
        let mut kept = 0;
        for index in 0..self.count {
            let old = self.ranges[index];
            if old.end < joined.start || old.start > joined.end {
                self.ranges[kept] = old;
                kept += 1;
            } else {
                joined = Range { start: joined.start.min(old.start), end: joined.end.max(old.end) };
            }
        }
        self.count = kept;
        self.insert(joined);
    }

    fn insert(&mut self, range: Range) {
        if self.count == N {
            return;
        }
        let at = self.as_slice().iter().position(|old| old.start > range.start).unwrap_or(self.count);
        self.ranges.copy_within(at..self.count, at + 1);
        self.ranges[at] = range;
        self.count += 1;
    }

    /// Takes `hole` out.
    pub fn remove(&mut self, hole: Range) {
        if hole.is_empty() {
            return;
        }
        let before = core::mem::take(self);
        for &range in before.as_slice() {
            self.insert_if_any(Range { start: range.start, end: range.end.min(hole.start) });
            self.insert_if_any(Range { start: range.start.max(hole.end), end: range.end });
        }
    }

    fn insert_if_any(&mut self, range: Range) {
        if !range.is_empty() {
            self.insert(range);
        }
    }
}

/// The usable RAM of a firmware map: all usable ranges without any reserved one, shrunk to whole pages.
///
/// `regions` come in any order, may overlap and may be empty; where usable and reserved overlap, reserved wins.
pub fn usable<const N: usize>(
    regions: impl Iterator<Item = (Range, bool)> + Clone,
    reserved: &[Range],
) -> Ranges<N> {
    let mut ranges = Ranges::default();
    for (range, _) in regions.clone().filter(|&(_, usable)| usable) {
        // One that begins in the last page of the address space has no whole page.
        if let Some(start) = range.start.checked_next_multiple_of(PAGE) {
            ranges.add(Range { start, end: range.end & !(PAGE - 1) });
        }
    }
    let firmware = regions.filter(|&(_, usable)| !usable).map(|(range, _)| range);
    for range in firmware.chain(reserved.iter().copied()) {
        if range.is_empty() {
            continue;
        }
        let end = range.end.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
        ranges.remove(Range { start: range.start & !(PAGE - 1), end });
    }
    ranges
}

#[cfg(test)]
mod tests;
