//! Areas in ascending order, in chunks: to find one is two short searches, to add or take one moves at most one chunk's areas.
//!
//! Each chunk also knows how wide the gaps below its areas are at most, so that a gap is found without looking at areas that are
//! packed. The bound may be too wide, never too narrow; a search that looked in vain makes it right again.

use alloc::vec::Vec;
use core::cell::Cell;

use super::Area;

/// Most areas of a chunk.
const MOST: usize = 64;

/// Where an area is: its chunk and its index there. One past the last area is the chunk after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    chunk: usize,
    index: usize,
}

#[derive(Debug)]
struct Chunk<B> {
    /// Never empty.
    areas: Vec<Area<B>>,
    /// No gap right below one of the areas is wider.
    widest: u64,
}

/// The areas.
#[derive(Debug)]
pub(super) struct Sequence<B> {
    chunks: Vec<Chunk<B>>,
    len: usize,
    /// What the last search found. Calls on the same area come one after the other, so the next one begins there; it is only a guess.
    found: Cell<Place>,
}

impl<B> Sequence<B> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0, found: Cell::new(Place { chunk: 0, index: 0 }) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first area that ends behind `address`.
    pub(super) fn seek(&self, address: u64) -> Place {
        let guess = self.found.get();
        let is_there = self.get(guess).is_some_and(|area| {
            address < area.end && (address >= area.start || address >= self.end_below(guess))
        });
        if is_there { guess } else { self.search(address) }
    }

    #[inline(never)]
    fn search(&self, address: u64) -> Place {
        let ends_before = |area: &Area<B>| area.end <= address;
        let chunk = self.chunks.partition_point(|chunk| chunk.areas.last().is_none_or(ends_before));
        let index = self.chunks.get(chunk).map_or(0, |chunk| chunk.areas.partition_point(ends_before));
        self.found.set(Place { chunk, index });
        Place { chunk, index }
    }

    /// Where the area before the one at `at` ends; 0 if there is none.
    fn end_below(&self, at: Place) -> u64 {
        let (chunk, index) = match at.index.checked_sub(1) {
            Some(index) => (self.chunks.get(at.chunk), index),
            None => {
                let before = at.chunk.checked_sub(1).and_then(|chunk| self.chunks.get(chunk));
                (before, before.map_or(0, |chunk| chunk.areas.len() - 1))
            }
        };
        chunk.and_then(|chunk| chunk.areas.get(index)).map_or(0, |area| area.end)
    }

    pub(super) fn get(&self, at: Place) -> Option<&Area<B>> {
        self.chunks.get(at.chunk)?.areas.get(at.index)
    }

    /// The area at `at`, to be changed. Where it begins and ends stays between its neighbours; [`Sequence::note_gap`] is told of
    /// gaps that become wider.
    pub(super) fn get_mut(&mut self, at: Place) -> Option<&mut Area<B>> {
        self.chunks.get_mut(at.chunk)?.areas.get_mut(at.index)
    }

    pub(super) fn next(&self, at: Place) -> Place {
        let in_chunk = self.chunks.get(at.chunk).map_or(0, |chunk| chunk.areas.len());
        if at.index + 1 < in_chunk {
            Place { index: at.index + 1, ..at }
        } else {
            Place { chunk: at.chunk + 1, index: 0 }
        }
    }

    pub(super) fn previous(&self, at: Place) -> Option<Place> {
        if at.index > 0 {
            return Some(Place { index: at.index - 1, ..at });
        }
        let chunk = at.chunk.checked_sub(1)?;
        Some(Place { chunk, index: self.chunks.get(chunk)?.areas.len() - 1 })
    }

    /// The area before the one at `at`, and that one.
    pub(super) fn pair(&self, at: Place) -> Option<(&Area<B>, &Area<B>)> {
        let areas = &self.chunks.get(at.chunk)?.areas;
        let lower = match at.index.checked_sub(1) {
            Some(index) => areas.get(index),
            None => self.chunks.get(at.chunk.checked_sub(1)?)?.areas.last(),
        };
        Some((lower?, areas.get(at.index)?))
    }

    /// All from `at` on.
    pub(super) fn iter_from(&self, at: Place) -> impl Iterator<Item = &Area<B>> {
        let mut chunks = self.chunks.get(at.chunk..).unwrap_or_default().iter();
        let first = chunks.next().and_then(|chunk| chunk.areas.get(at.index..));
        let mut areas = first.unwrap_or_default().iter();
        core::iter::from_fn(move || {
            areas.next().or_else(|| {
                areas = chunks.next()?.areas.iter();
                areas.next()
            })
        })
    }

    /// Adds `area` before the one at `before`; answers where it is.
    pub(super) fn insert(&mut self, before: Place, area: Area<B>) -> Place {
        // At a chunk's beginning it may as well go to the end of the one before: areas that come one after the other fill chunks.
        let mut at = match self.previous(before) {
            Some(last) if before.index == 0 => Place { index: last.index + 1, ..last },
            _ => before,
        };
        if self.chunks.is_empty() {
            self.chunks.push(Chunk { areas: Vec::with_capacity(MOST), widest: u64::MAX });
        }
        if self.chunks[at.chunk].areas.len() == MOST {
            at = self.split(at);
        }
        self.chunks[at.chunk].areas.insert(at.index, area);
        self.len += 1;
        if at != before {
            // The bound of its new chunk may not be that of the gap it was put in.
            self.note_gap(at);
        }
        at
    }

    /// Makes two chunks of a full one; answers where `at` is now.
    fn split(&mut self, at: Place) -> Place {
        let chunk = &mut self.chunks[at.chunk];
        // What goes to one of the ends goes on there: the other chunk stays full.
        let cut = match at.index {
            0 => 0,
            MOST => MOST,
            _ => MOST / 2,
        };
        let mut areas = Vec::with_capacity(MOST);
        areas.extend(chunk.areas.drain(cut..));
        let upper = Chunk { areas, widest: chunk.widest };
        self.chunks.insert(at.chunk + 1, upper);
        if at.index <= cut && cut < MOST { at } else { Place { chunk: at.chunk + 1, index: at.index - cut } }
    }

    /// Shows `visit` the areas from `at` on that end at `end` or before, and takes them out. Answers where the first one after them is now;
    /// [`Sequence::note_gap`] is to be told.
    pub(super) fn remove_to(&mut self, at: Place, end: u64, mut visit: impl FnMut(&Area<B>)) -> Place {
        let mut at = at;
        while let Some(chunk) = self.chunks.get_mut(at.chunk) {
            let first = at.index;
            let gone =
                chunk.areas[first..].iter().take_while(|area| area.end <= end).inspect(|area| visit(area));
            let last = first + gone.count();
            chunk.areas.drain(first..last);
            self.len -= last - first;
            if first < chunk.areas.len() {
                break;
            }
            if chunk.areas.is_empty() {
                self.chunks.remove(at.chunk);
            } else {
                at = Place { chunk: at.chunk + 1, index: 0 };
            }
        }
        at
    }

    /// The gap below the area at `at` may have become wider. Answers where it begins and ends: at 0 and [`u64::MAX`] where no area is.
    pub(super) fn note_gap(&mut self, at: Place) -> (u64, u64) {
        let below = self.end_below(at);
        let Some(chunk) = self.chunks.get_mut(at.chunk) else { return (below, u64::MAX) };
        let Some(area) = chunk.areas.get(at.index) else { return (below, u64::MAX) };
        chunk.widest = chunk.widest.max(area.start - below);
        (below, area.start)
    }

    /// Calls `visit` with the gaps of at least `length` bytes, from the top down, until it answers. The topmost ends at `high`, the
    /// lowest begins at 0.
    pub(super) fn find_gap<R>(
        &mut self,
        length: u64,
        high: u64,
        mut visit: impl FnMut(u64, u64) -> Option<R>,
    ) -> Option<R> {
        let end_of =
            |chunk: Option<&Chunk<B>>| chunk.and_then(|chunk| chunk.areas.last()).map_or(0, |area| area.end);
        if let Some(found) = visit(end_of(self.chunks.last()), high) {
            return Some(found);
        }
        for number in (0..self.chunks.len()).rev() {
            if self.chunks[number].widest < length {
                continue;
            }
            let below = end_of(number.checked_sub(1).and_then(|before| self.chunks.get(before)));
            let chunk = &mut self.chunks[number];
            let mut widest = 0;
            for index in (0..chunk.areas.len()).rev() {
                let floor = if index > 0 { chunk.areas[index - 1].end } else { below };
                let ceiling = chunk.areas[index].start;
                widest = widest.max(ceiling - floor);
                if ceiling - floor >= length
                    && let Some(found) = visit(floor, ceiling)
                {
                    // What is put there is put before this one.
                    self.found.set(Place { chunk: number, index });
                    return Some(found);
                }
            }
            chunk.widest = widest;
        }
        None
    }
}

#[cfg(test)]
mod tests;
