//! Which pages a file has, by number: those from its start on in an array, as with most files, and those far behind in a map.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Page;

/// A page has an allocation of its own.
pub(super) type Held = Box<[Page; 1]>;

/// How many places of the array may come to stand empty at once, besides as many as there are.
const MOST_EMPTY: usize = 16;

/// Pages by number.
#[derive(Debug, Default)]
pub(super) struct PageTable {
    /// The first pages; `None` is a hole.
    near: Vec<Option<Held>>,
    /// Those behind.
    far: BTreeMap<u64, Held>,
    count: usize,
}

/// A place in the array. A file has no more pages than addresses.
fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl PageTable {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Page `index`.
    #[inline]
    pub(super) fn get(&self, index: u64) -> Option<&Page> {
        match self.near.get(place(index)) {
            Some(page) => page.as_deref().map(|[page]| page),
            None => self.far.get(&index).map(|page| &page[0]),
        }
    }

    /// Page `index`, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, index: u64) -> Option<&mut Page> {
        match self.near.get_mut(place(index)) {
            Some(page) => page.as_deref_mut().map(|[page]| page),
            None => self.far.get_mut(&index).map(|page| &mut page[0]),
        }
    }

    /// Puts a page in as number `index`, which is a hole.
    pub(super) fn insert(&mut self, index: u64, page: Held) -> &mut Page {
        self.count += 1;
        if self.reach(place(index)) {
            return &mut self.near[place(index)].insert(page)[0];
        }
        &mut self.far.entry(index).insert_entry(page).into_mut()[0]
    }

    /// Makes the array long enough for place `index`, unless too much of it would stand empty or there is no memory.
    fn reach(&mut self, index: usize) -> bool {
        let length = self.near.len();
        if index < length {
            return true;
        }
        if index - length > length + MOST_EMPTY || self.near.try_reserve(index + 1 - length).is_err() {
            return false;
        }
        self.near.resize_with(index + 1, || None);
        if !self.far.is_empty() {
            let behind = self.far.split_off(&(index as u64));
            for (index, page) in core::mem::replace(&mut self.far, behind) {
                self.near[place(index)] = Some(page);
            }
        }
        true
    }

    /// Makes page `index` a hole.
    pub(super) fn remove(&mut self, index: u64) {
        let removed = match self.near.get_mut(place(index)) {
            Some(page) => page.take(),
            None => self.far.remove(&index),
        };
        self.count -= usize::from(removed.is_some());
    }

    /// Drops the pages from `index` on.
    pub(super) fn cut(&mut self, index: u64) {
        let near = self.near.len().min(place(index));
        let dropped = self.far.split_off(&index).len() + self.near.drain(near..).flatten().count();
        self.count -= dropped;
    }

    /// The number of the first page from `index` on.
    pub(super) fn next(&self, index: u64) -> Option<u64> {
        let rest = self.near.get(place(index)..).unwrap_or_default();
        match rest.iter().position(Option::is_some) {
            Some(distance) => Some(index + distance as u64),
            None => self.far.range(index..).next().map(|(&found, _)| found),
        }
    }
}

#[cfg(test)]
mod tests;
