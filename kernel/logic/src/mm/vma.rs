//! The map of the program's memory: which addresses are mapped, how, and from what. Pages and page tables are not here.
//!
//! Areas are disjoint, page-aligned and joined where they can be. Linux's rules for each edge (mmap(2), munmap(2), mprotect(2)); every change
//! answers which areas it took away, so that the caller can take their pages.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use abi::errno::Errno;

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Most areas of a process (`vm.max_map_count`).
pub const MOST_AREAS: usize = 65_530;

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
}

impl<B> Area<B> {
    /// Pages in the area.
    #[must_use]
    pub fn pages(&self) -> u64 {
        (self.end - self.start) / PAGE
    }
}

/// All areas.
#[derive(Debug)]
pub struct Areas<B> {
    /// By start address.
    areas: BTreeMap<u64, Area<B>>,
    /// Addresses that mappings may have.
    low: u64,
    high: u64,
}

impl<B: Backing> Areas<B> {
    /// An empty map over addresses from `low` up to `high`.
    #[must_use]
    pub const fn new(low: u64, high: u64) -> Self {
        Self { areas: BTreeMap::new(), low, high }
    }

    /// The area that holds `address`.
    #[must_use]
    pub fn find(&self, address: u64) -> Option<&Area<B>> {
        self.areas.range(..=address).next_back().map(|(_, area)| area).filter(|area| address < area.end)
    }

    /// All areas in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &Area<B>> {
        self.areas.values()
    }

    /// Areas that overlap `start..end`, ascending.
    pub fn overlapping(&self, start: u64, end: u64) -> impl Iterator<Item = &Area<B>> {
        let first = self.find(start).map_or(start, |area| area.start);
        self.areas.range(first..end).map(|(_, area)| area)
    }

    /// Whether every address of `start..end` is mapped.
    #[must_use]
    pub fn covers(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        for area in self.overlapping(start, end) {
            if area.start > at {
                return false;
            }
            at = area.end;
        }
        at >= end
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
    pub fn find_gap(&self, length: u64, align: u64) -> Option<u64> {
        let mut ceiling = self.high;
        for area in self.areas.values().rev() {
            if let Some(start) = fit(area.end.max(self.low), ceiling, length, align) {
                return Some(start);
            }
            ceiling = area.start;
        }
        fit(self.low, ceiling, length, align)
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
        let start = area.start;
        self.areas.insert(start, area);
        self.join(start);
        Ok(())
    }

    /// Joins the area at `start` with the next and the previous one where they are alike.
    fn join(&mut self, start: u64) {
        let Some(area) = self.areas.get(&start) else { return };
        if let Some(next) = self.areas.get(&area.end)
            && alike(area, next)
        {
            let (cut, end) = (next.start, next.end);
            self.areas.remove(&cut);
            if let Some(area) = self.areas.get_mut(&start) {
                area.end = end;
            }
        }
        let Some(area) = self.areas.get(&start) else { return };
        if let Some((&before, previous)) = self.areas.range(..start).next_back()
            && previous.end == start
            && alike(previous, area)
        {
            let end = area.end;
            self.areas.remove(&start);
            if let Some(previous) = self.areas.get_mut(&before) {
                previous.end = end;
            }
        }
    }

    /// Cuts the area that holds `address` in two there, so that an area begins at `address`.
    fn split(&mut self, address: u64) {
        let Some(area) = self.find(address) else { return };
        if area.start == address {
            return;
        }
        let start = area.start;
        let upper = Area { start: address, backing: area.backing.advanced(address - start), ..area.clone() };
        self.areas.insert(address, upper);
        if let Some(lower) = self.areas.get_mut(&start) {
            lower.end = address;
        }
    }

    /// Takes everything in `start..end` out; answers the areas (cut to the range) that were there.
    ///
    /// # Errors
    /// `ENOMEM` when cutting an area in two would make too many.
    pub fn remove(&mut self, start: u64, end: u64) -> Result<Vec<Area<B>>, Errno> {
        let splits = self.find(start).is_some_and(|area| area.start < start && area.end > end);
        if splits && self.areas.len() >= MOST_AREAS {
            return Err(Errno::ENOMEM);
        }
        self.split(start);
        self.split(end);
        let keys: Vec<u64> = self.areas.range(start..end).map(|(&key, _)| key).collect();
        Ok(keys.into_iter().filter_map(|key| self.areas.remove(&key)).collect())
    }

    /// Changes the access of everything mapped in `start..end`.
    ///
    /// # Errors
    /// `ENOMEM` when part of the range is not mapped (nothing is changed then), or there would be too many areas.
    pub fn protect(&mut self, start: u64, end: u64, access: Access) -> Result<(), Errno> {
        if !self.covers(start, end) || self.areas.len() + 2 > MOST_AREAS {
            return Err(Errno::ENOMEM);
        }
        self.split(start);
        self.split(end);
        let keys: Vec<u64> = self.areas.range(start..end).map(|(&key, _)| key).collect();
        for key in &keys {
            if let Some(area) = self.areas.get_mut(key) {
                area.access = access;
            }
        }
        for key in keys {
            self.join(key);
        }
        Ok(())
    }

    /// Makes the area that ends at `end` longer by `bytes`, if nothing is in the way.
    #[must_use]
    pub fn grow(&mut self, end: u64, bytes: u64) -> bool {
        let new_end = end + bytes;
        if !self.in_bounds(end, new_end) || !self.is_free(end, new_end) {
            return false;
        }
        let Some(start) = self.find(end - 1).filter(|area| area.end == end).map(|area| area.start) else {
            return false;
        };
        if let Some(area) = self.areas.get_mut(&start) {
            area.end = new_end;
        }
        self.join(start);
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
        self.areas.is_empty()
    }
}

fn alike<B: Backing>(lower: &Area<B>, upper: &Area<B>) -> bool {
    lower.access == upper.access
        && lower.charged == upper.charged
        && lower.backing.continues(lower.end - lower.start, &upper.backing)
}

/// The highest aligned start of `length` bytes within `floor..ceiling`.
fn fit(floor: u64, ceiling: u64, length: u64, align: u64) -> Option<u64> {
    let start = ceiling.checked_sub(length)? / align * align;
    (start >= floor).then_some(start)
}

#[cfg(test)]
mod tests;
