//! Areas in ascending order, in chunks: to find one is two short searches, to add or take one moves at most one chunk's areas.
//!
//! Each chunk also knows how wide the gaps below its areas are at most, so that a gap is found without looking at areas that are
//! packed. The bound may be too wide, never too narrow; a search that looked in vain makes it right again.

use alloc::vec::Vec;

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
}

impl<B> Sequence<B> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first area that ends behind `address`.
    pub(super) fn seek(&self, address: u64) -> Place {
        let ends_before = |area: &Area<B>| area.end <= address;
        let chunk = self.chunks.partition_point(|chunk| chunk.areas.last().is_none_or(ends_before));
        let index = self.chunks.get(chunk).map_or(0, |chunk| chunk.areas.partition_point(ends_before));
        Place { chunk, index }
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

    /// All from `at` on.
    pub(super) fn iter_from(&self, at: Place) -> impl Iterator<Item = &Area<B>> {
        let mut at = at;
        core::iter::from_fn(move || {
            let area = self.get(at)?;
            at = self.next(at);
            Some(area)
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
            self.chunks.push(Chunk { areas: Vec::with_capacity(MOST), widest: 0 });
        }
        if self.chunks[at.chunk].areas.len() == MOST {
            at = self.split(at);
        }
        self.chunks[at.chunk].areas.insert(at.index, area);
        self.len += 1;
        self.note_gap(at);
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

    /// Takes the area at `at` out; answers where the one after it is now.
    pub(super) fn remove(&mut self, at: Place) -> (Area<B>, Place) {
        let chunk = &mut self.chunks[at.chunk];
        let area = chunk.areas.remove(at.index);
        self.len -= 1;
        let next = if at.index < chunk.areas.len() {
            at
        } else {
            let emptied = chunk.areas.is_empty();
            if emptied {
                self.chunks.remove(at.chunk);
            }
            Place { chunk: at.chunk + usize::from(!emptied), index: 0 }
        };
        self.note_gap(next);
        (area, next)
    }

    /// The gap below the area at `at` may have become wider.
    pub(super) fn note_gap(&mut self, at: Place) {
        let below = self.previous(at).and_then(|previous| self.get(previous)).map_or(0, |area| area.end);
        let Some(chunk) = self.chunks.get_mut(at.chunk) else { return };
        if let Some(area) = chunk.areas.get(at.index) {
            chunk.widest = chunk.widest.max(area.start - below);
        }
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
