//! The map of the program's memory: which addresses are mapped, how, and from what. Pages and page tables are not here.
//!
//! Areas are disjoint, page-aligned and joined where they can be. Linux's rules for each edge (mmap(2), munmap(2), mprotect(2)); every change
//! answers which areas it took away, so that the caller can take their pages.

mod sequence;

use abi::errno::Errno;

use sequence::{Place, Sequence};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Most areas of a process (`vm.max_map_count`): what Linux distributions raise theirs to. A thread of std has four.
pub const MOST_AREAS: usize = 1 << 20;

/// What stands behind an area.
pub trait Backing: Clone {
    /// The same, starting `bytes` further in: for the upper half of an area that is split.
    #[must_use]
    fn advanced(&self, bytes: u64) -> Self;
    /// Whether an area backed by `self` goes on seamlessly in one backed by `next` that begins `bytes` further in.
    fn continues(&self, bytes: u64, next: &Self) -> bool;
}

/// How an area may be used, as plain bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// May be read.
    pub read: bool,
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub execute: bool,
}

/// One mapped area.
#[derive(Clone, Debug)]
pub struct Area<B> {
    /// First address.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// How it may be used.
    pub access: Access,
    /// What it shows.
    pub backing: B,
    /// Its pages count against the commitment limit.
    pub charged: bool,
    /// Its pages are not to be taken away behind the program's back (mlock(2)).
    pub locked: bool,
    /// Where it may have pages.
    pub touched: Touched,
}

/// The part of an area that was touched since it was mapped: all its pages lie there, so nobody needs to look for them elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    start: u64,
    end: u64,
}

impl Touched {
    /// Nothing.
    pub const NOTHING: Self = Self { start: 0, end: 0 };

    /// `start..end`.
    #[must_use]
    pub const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// First address and one past the last within `start..end`; `None`: nothing was touched there.
    #[must_use]
    pub fn within(self, start: u64, end: u64) -> Option<(u64, u64)> {
        let (start, end) = (self.start.max(start), self.end.min(end));
        (start < end).then_some((start, end))
    }

    /// `start..end` was touched too.
    pub fn add(&mut self, start: u64, end: u64) {
        *self = if self.start < self.end {
            Self { start: self.start.min(start), end: self.end.max(end) }
        } else {
            Self { start, end }
        };
    }
}

impl<B> Area<B> {
    /// Pages in the area.
    #[must_use]
    pub fn pages(&self) -> u64 {
        (self.end - self.start) / PAGE
    }

    /// The part of `start..end` in this area where it may have pages.
    #[must_use]
    pub fn touched_within(&self, start: u64, end: u64) -> Option<(u64, u64)> {
        self.touched.within(self.start.max(start), self.end.min(end))
    }

    /// Whether one page may lie on both sides of `address`: all of that is this area, and touched.
    #[must_use]
    #[inline]
    pub fn is_touched_across(&self, address: u64) -> bool {
        let is_across = |start, end| start < address && address < end;
        is_across(self.touched.start, self.touched.end) && is_across(self.start, self.end)
    }

    /// Takes over what was touched of `other`, which becomes part of it.
    fn take_touched(&mut self, other: Option<(u64, u64)>) {
        // Cut to the own bounds first: what lies beyond was another area's.
        self.touched = self
            .touched_within(0, u64::MAX)
            .map_or(Touched::NOTHING, |(start, end)| Touched::new(start, end));
        if let Some((start, end)) = other {
            self.touched.add(start, end);
        }
    }
}

impl<B: Backing> Area<B> {
    /// Has it end at `address`, which lies within it; answers the rest.
    fn cut(&mut self, address: u64) -> Self {
        let rest = Self { start: address, backing: self.backing.advanced(address - self.start), ..*self };
        self.end = address;
        rest
    }
}

/// All areas.
#[derive(Debug)]
pub struct Areas<B> {
    areas: Sequence<B>,
    /// Addresses that mappings may have.
    low: u64,
    high: u64,
}

impl<B: Backing> Areas<B> {
    /// An empty map over addresses from `low` up to `high`.
    #[must_use]
    pub const fn new(low: u64, high: u64) -> Self {
        Self { areas: Sequence::new(), low, high }
    }

    /// The area that holds `address`.
    #[must_use]
    pub fn find(&self, address: u64) -> Option<&Area<B>> {
        self.areas.get(self.areas.seek(address)).filter(|area| area.start <= address)
    }

    /// The area that holds `address`, to note what is touched of it.
    #[must_use]
    pub fn touch(&mut self, address: u64) -> Option<&mut Area<B>> {
        let at = self.areas.seek(address);
        self.areas.get_mut(at).filter(|area| area.start <= address)
    }

    /// All areas in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &Area<B>> {
        self.overlapping(0, u64::MAX)
    }

    /// Areas that overlap `start..end`, ascending.
    pub fn overlapping(&self, start: u64, end: u64) -> impl Iterator<Item = &Area<B>> {
        self.areas.iter_from(self.areas.seek(start)).take_while(move |area| area.start < end)
    }

    /// Whether every address of `start..end` is mapped.
    #[must_use]
    pub fn covers(&self, start: u64, end: u64) -> bool {
        self.covers_from(self.areas.seek(start), start, end)
    }

    /// The same, where `place` is the first area that ends behind `start`.
    fn covers_from(&self, place: Place, start: u64, end: u64) -> bool {
        self.mapped_to(place, start, end) >= end
    }

    /// Where the first hole in `start..end` is, or something behind; `place` is the first area that ends behind `start`.
    fn mapped_to(&self, place: Place, start: u64, end: u64) -> u64 {
        let mut at = start;
        for area in self.areas.iter_from(place).take_while(|area| area.start < end) {
            if area.start > at {
                break;
            }
            at = area.end;
        }
        at
    }

    /// Whether `start..end` lies in the map's addresses.
    #[must_use]
    pub fn in_bounds(&self, start: u64, end: u64) -> bool {
        start >= self.low && end <= self.high && start <= end
    }

    /// Whether nothing of `start..end` is mapped.
    #[must_use]
    pub fn is_free(&self, start: u64, end: u64) -> bool {
        self.overlapping(start, end).next().is_none()
    }

    /// The highest gap of `length` bytes below the top, aligned to `align`, as Linux searches from the top down.
    #[must_use]
    pub fn find_gap(&mut self, length: u64, align: u64) -> Option<u64> {
        let low = self.low;
        self.areas.find_gap(length, self.high, |floor, ceiling| fit(floor.max(low), ceiling, length, align))
    }

    /// Adds an area where nothing is mapped, joining it with its neighbours where they are alike.
    ///
    /// # Errors
    /// `ENOMEM` when there are too many areas.
    pub fn insert(&mut self, area: Area<B>) -> Result<(), Errno> {
        debug_assert!(self.is_free(area.start, area.end) && area.start < area.end);
        if self.areas.len() >= MOST_AREAS {
            return Err(Errno::ENOMEM);
        }
        let next = self.areas.seek(area.start);
        if let Some(previous) = self.areas.previous(next)
            && let Some(lower) = self.areas.get_mut(previous)
            && goes_on(lower, &area)
        {
            lower.take_touched(area.touched_within(0, u64::MAX));
            lower.end = area.end;
            self.join(next);
        } else if let Some(upper) = self.areas.get_mut(next)
            && goes_on(&area, upper)
        {
            upper.take_touched(area.touched_within(0, u64::MAX));
            upper.start = area.start;
            upper.backing = area.backing;
        } else {
            self.areas.insert(next, area);
        }
        Ok(())
    }

    /// Makes one area of the one at `upper` and the one before it if they are alike; answers where that is then.
    fn join(&mut self, upper: Place) -> Option<Place> {
        let (_, other) = self.areas.pair(upper).filter(|(one, other)| goes_on(one, other))?;
        let (end, touched) = (other.end, other.touched_within(0, u64::MAX));
        let lower = self.areas.previous(upper)?;
        let area = self.areas.get_mut(lower)?;
        area.take_touched(touched);
        area.end = end;
        let next = self.areas.remove_to(upper, end, |_| ());
        self.areas.note_gap(next);
        Some(lower)
    }

    /// Cuts the area at `at` in two at `address`, if that lies within it. Answers where the first area from `address` on is.
    #[inline]
    fn split(&mut self, at: Place, address: u64) -> Place {
        match self.areas.get(at) {
            Some(area) if area.start < address => self.split_within(at, address),
            _ => at,
        }
    }

    fn split_within(&mut self, at: Place, address: u64) -> Place {
        let Some(area) = self.areas.get_mut(at) else { return at };
        let upper = area.cut(address);
        let next = self.areas.next(at);
        self.areas.insert(next, upper)
    }

    /// Cuts the area at `at` in two where `end` lies within it. Answers where the lower part is.
    fn split_off(&mut self, at: Place, end: u64) -> Place {
        let upper = self.split_within(at, end);
        self.areas.previous(upper).unwrap_or(upper)
    }

    /// Takes everything in `start..end` out, and calls `visit` with the areas (cut to the range) that were there, ascending. Answers where
    /// the gap that is there now begins and ends.
    ///
    /// # Errors
    /// `ENOMEM` when cutting an area in two would make too many.
    pub fn remove(
        &mut self,
        start: u64,
        end: u64,
        mut visit: impl FnMut(&Area<B>),
    ) -> Result<(u64, u64), Errno> {
        let at = self.areas.seek(start);
        let splits = self.areas.get(at).is_some_and(|area| area.start < start && area.end > end);
        if splits && self.areas.len() >= MOST_AREAS {
            return Err(Errno::ENOMEM);
        }
        let at = self.split(at, start);
        let at = self.areas.remove_to(at, end, &mut visit);
        if let Some(area) = self.areas.get_mut(at).filter(|area| area.start < end) {
            let rest = area.cut(end);
            visit(area);
            *area = rest;
        }
        let (floor, ceiling) = self.areas.note_gap(at);
        Ok((floor.max(self.low), ceiling.min(self.high)))
    }

    /// Changes the access of everything mapped in `start..end`. Answers the part of it that has all its pages.
    ///
    /// # Errors
    /// `ENOMEM` when part of the range is not mapped (nothing is changed then), or there would be too many areas.
    pub fn protect(&mut self, start: u64, end: u64, access: Access) -> Result<Option<(u64, u64)>, Errno> {
        let at = self.areas.seek(start);
        if !self.covers_from(at, start, end) || self.areas.len() + 2 > MOST_AREAS {
            return Err(Errno::ENOMEM);
        }
        let mut touched = Touched::NOTHING;
        self.alter(at, start, end, |area| {
            area.access = access;
            if let Some((start, end)) = area.touched_within(start, end) {
                touched.add(start, end);
            }
        });
        Ok(touched.within(start, end))
    }

    /// Locks or unlocks `start..end`.
    ///
    /// # Errors
    /// `ENOMEM` when part of the range is not mapped (what lies before the first hole is changed, as on Linux), or there would be too many areas (nothing is).
    pub fn lock(&mut self, start: u64, end: u64, locked: bool) -> Result<(), Errno> {
        if self.areas.len() + 2 > MOST_AREAS {
            return Err(Errno::ENOMEM);
        }
        let at = self.areas.seek(start);
        let mapped_to = self.mapped_to(at, start, end);
        self.alter(at, start, end.min(mapped_to), |area| area.locked = locked);
        if mapped_to >= end { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Calls `change` for everything in `start..end`, cut to it, from the area at `at` on, and joins what is alike then.
    fn alter(&mut self, at: Place, start: u64, end: u64, mut change: impl FnMut(&mut Area<B>)) {
        let mut at = self.split(at, start);
        while let Some(area) = self.areas.get(at).filter(|area| area.start < end) {
            if area.end > end {
                at = self.split_off(at, end);
            }
            let Some(area) = self.areas.get_mut(at) else { break };
            change(area);
            let joined = self.join(at).unwrap_or(at);
            at = self.areas.next(joined);
        }
        self.join(at);
    }

    /// Makes the area that ends at `end` longer by `bytes`, if nothing is in the way.
    #[must_use]
    pub fn grow(&mut self, end: u64, bytes: u64) -> bool {
        let new_end = end + bytes;
        if !self.in_bounds(end, new_end) || !self.is_free(end, new_end) {
            return false;
        }
        let at = self.areas.seek(end - 1);
        let Some(area) = self.areas.get_mut(at).filter(|area| area.end == end) else { return false };
        area.take_touched(None);
        area.end = new_end;
        let next = self.areas.next(at);
        self.join(next);
        true
    }

    /// How many areas there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.areas.len()
    }

    /// Whether nothing is mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether `upper` begins where `lower` ends and is more of the same.
fn goes_on<B: Backing>(lower: &Area<B>, upper: &Area<B>) -> bool {
    lower.end == upper.start
        && lower.access == upper.access
        && lower.charged == upper.charged
        && lower.locked == upper.locked
        && lower.backing.continues(lower.end - lower.start, &upper.backing)
}

/// The highest aligned start of `length` bytes within `floor..ceiling`.
fn fit(floor: u64, ceiling: u64, length: u64, align: u64) -> Option<u64> {
    let start = ceiling.checked_sub(length)? / align * align;
    (start >= floor).then_some(start)
}

#[cfg(test)]
mod tests;
