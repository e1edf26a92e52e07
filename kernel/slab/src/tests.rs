//! Classes, and objects that come and go: disjoint, aligned, kept whole, and given back to the last slab.

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::vec::Vec;

use super::{Batch, Cache, Central, List, class};

const SLAB: usize = 16384;

fn layout() -> Layout {
    Layout::from_size_align(SLAB, SLAB).unwrap()
}

#[test]
fn classes_fit_and_waste_little() {
    assert_eq!(class::size(class::COUNT - 1), class::LARGEST);
    for size in 1..=class::LARGEST {
        let class = class::of(size).unwrap();
        assert!(class::size(class) >= size);
        assert!(class == 0 || class::size(class - 1) < size, "{size} would fit a smaller class");
        assert!(size <= 64 || class::size(class) * 4 <= size * 5 + 64, "{size} wastes too much");
    }
    assert_eq!(class::of(class::LARGEST + 1), None);
    assert_eq!(class::of(usize::MAX), None);
    assert_eq!(class::of(0), Some(0));
}

/// What an allocator does with the two halves.
struct Heap {
    caches: [Cache; 2],
    centrals: Vec<Central<SLAB>>,
    slabs: usize,
}

impl Heap {
    fn new() -> Self {
        let centrals = (0..class::COUNT).map(|_| Central::new()).collect();
        Self { caches: [Cache::new(), Cache::new()], centrals, slabs: 0 }
    }

    fn take(&mut self, cpu: usize, class: usize) -> *mut u8 {
        loop {
            let object = self.caches[cpu].pop(class);
            if !object.is_null() {
                return object;
            }
            match self.centrals[class].take() {
                Batch::Used(mut list) => while self.refill(cpu, class, list.pop()) {},
                Batch::Fresh(start, count) => {
                    for index in 0..count as usize {
                        self.refill(cpu, class, start.wrapping_add(index * class::size(class)));
                    }
                }
                Batch::Empty => {
                    self.slabs += 1;
                    // SAFETY: the layout is not empty; the memory is a slab's.
                    let slab = unsafe { Central::<SLAB>::make(alloc(layout()), class) };
                    self.centrals[class].adopt(slab);
                }
            }
        }
    }

    fn refill(&mut self, cpu: usize, class: usize, object: *mut u8) -> bool {
        if object.is_null() {
            return false;
        }
        // SAFETY: the central list has just handed it out.
        unsafe { self.caches[cpu].push(class, object) };
        true
    }

    fn give(&mut self, cpu: usize, object: *mut u8) {
        // SAFETY: the object came from `take`.
        let class = unsafe { Central::<SLAB>::class_of(object) };
        // SAFETY: as above, and nobody uses it any more.
        if unsafe { self.caches[cpu].push(class, object) } {
            let list = self.caches[cpu].take(class);
            self.give_back(class, list);
        }
    }

    fn give_back(&mut self, class: usize, mut list: List) {
        loop {
            // SAFETY: the objects came from this class.
            let Some(slab) = (unsafe { self.centrals[class].give(&mut list) }) else { return };
            self.slabs -= 1;
            // SAFETY: made by `alloc` with this layout; all its objects are free.
            unsafe { dealloc(slab.address(), layout()) };
        }
    }
}

#[test]
fn objects_are_disjoint_and_slabs_go_back() {
    let mut heap = Heap::new();
    let mut live: BTreeMap<usize, (*mut u8, usize, u8)> = BTreeMap::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for step in 0..40_000_u32 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let cpu = (state >> 60) as usize & 1;
        if live.len() < 2000 && state & 3 != 0 {
            let size = 1 + (state >> 20) as usize % 3000;
            let class = class::of(size).unwrap();
            let object = heap.take(cpu, class);
            assert_eq!(object.addr() % class::GRAIN, 0);
            let size = class::size(class);
            if let Some((before, &(_, length, _))) = live.range(..=object.addr()).next_back() {
                assert!(before + length <= object.addr(), "overlaps the object before");
            }
            if let Some((after, _)) = live.range(object.addr()..).next() {
                assert!(object.addr() + size <= *after, "overlaps the object after");
            }
            // SAFETY: the object is ours, `size` bytes long.
            unsafe { object.write_bytes(step as u8, size) };
            live.insert(object.addr(), (object, size, step as u8));
        } else if let Some((&address, _)) = live.iter().nth((state >> 30) as usize % live.len().max(1)) {
            let (object, size, mark) = live.remove(&address).unwrap();
            // SAFETY: the object is still ours.
            let bytes = unsafe { std::slice::from_raw_parts(object, size) };
            assert!(bytes.iter().all(|&byte| byte == mark), "somebody wrote into it");
            heap.give(cpu, object);
        }
    }
    for (object, ..) in live.into_values() {
        heap.give(0, object);
    }
    for class in 0..class::COUNT {
        for cpu in 0..2 {
            loop {
                let list = heap.caches[cpu].take(class);
                if list.is_empty() {
                    break;
                }
                heap.give_back(class, list);
            }
        }
    }
    assert!(heap.slabs <= class::COUNT, "one spare slab a class at most, not {}", heap.slabs);
}
