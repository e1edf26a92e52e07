//! The kernel's heap: small objects from per-CPU caches over one-frame slabs, the rest from talc over frames. Page-aligned whole pages are
//! frames themselves, so a `Box` of a page can be mapped.
//!
//! The heap may use the reserve that the program cannot (`logic::mm::frames`). An allocation that fails answers null.
#![expect(unsafe_code, reason = "a global allocator is unsafe by its trait")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

use logic::mm::frames::{FRAME, For};
use slab::{Batch, Cache, Central, List, class};
use sync::IrqLock;
use sync::hooks::{irq_restore, irq_save};
use talc::base::Talc;
use talc::base::binning::{Binning, DefaultBinning};
use talc::source::Source;

use crate::arch::cpu;
use crate::arch::paging::{direct, physical_of_direct};

use super::frames;

/// Frames claimed at a time.
const STEP_FRAMES: u64 = 16;
/// What talc needs beside the allocation itself, in bytes, rounded up generously.
const OVERHEAD: usize = 4096;
/// Most frames in a row.
const MOST_FRAMES: u64 = 512;

/// Grows talc's heap from frames.
#[derive(Debug)]
struct FrameSource;

// SAFETY: acquire touches talc only through its argument, and allocates nothing but frames.
unsafe impl Source for FrameSource {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let bytes = layout
            .size()
            .checked_add(layout.align())
            .and_then(|bytes| bytes.checked_add(OVERHEAD))
            .ok_or(())?;
        let wanted = (bytes as u64).div_ceil(FRAME).max(STEP_FRAMES);
        let least = (bytes as u64).div_ceil(FRAME);
        if least > MOST_FRAMES {
            return Err(());
        }
        let (frame, count) = frames::allocate_contiguous(wanted, For::Kernel)
            .map(|frame| (frame, wanted))
            .or_else(|| frames::allocate_contiguous(least, For::Kernel).map(|frame| (frame, least)))
            .ok_or(())?;
        // SAFETY: fresh frames in a row, mapped by the direct map, given to talc for ever.
        unsafe { talc.claim(direct(frame) as *mut u8, (count * FRAME) as usize) }.map(|_| ()).ok_or(())
    }
}

/// Bytes of a slab: a frame.
const SLAB: usize = FRAME as usize;
/// Objects up to this size come from slabs.
const SMALL: usize = 512;
/// Classes of those.
const CLASSES: usize = 16;
const _: () = assert!(class::SIZES[CLASSES - 1] as usize == SMALL);

/// A CPU's cache, used by that CPU alone, with interrupts off.
struct CacheOfCpu(UnsafeCell<Cache>);

// SAFETY: as said above; `with_cache` is the only user.
unsafe impl Sync for CacheOfCpu {}

/// The allocator of the kernel.
struct Heap {
    talc: IrqLock<Talc<FrameSource, DefaultBinning>>,
    caches: [CacheOfCpu; cpu::MAX_CPUS],
    centrals: [IrqLock<Central<SLAB>>; CLASSES],
}

impl Heap {
    const fn new() -> Self {
        Self {
            talc: IrqLock::new(Talc::new(FrameSource)),
            caches: [const { CacheOfCpu(UnsafeCell::new(Cache::new())) }; cpu::MAX_CPUS],
            centrals: [const { IrqLock::new(Central::new()) }; CLASSES],
        }
    }

    /// Does `body` with this CPU's cache.
    #[inline]
    fn with_cache<R>(&self, body: impl FnOnce(&mut Cache) -> R) -> R {
        let enabled = irq_save();
        // SAFETY: interrupts are off, so nothing else on this CPU uses it before `body` is done, and `body` does not come back here.
        let result = body(unsafe { &mut *self.caches[cpu::id() % cpu::MAX_CPUS].0.get() });
        irq_restore(enabled);
        result
    }

    /// A small object, null when there is no memory.
    fn small(&self, class: usize) -> *mut u8 {
        let object = self.with_cache(|cache| cache.pop(class));
        if object.is_null() { self.refill(class) } else { object }
    }

    /// Brings a batch of objects into the cache; answers one of them.
    #[cold]
    fn refill(&self, class: usize) -> *mut u8 {
        loop {
            let batch = self.centrals[class].lock().take();
            match batch {
                Batch::Used(mut list) => {
                    let first = list.pop();
                    // SAFETY: free objects of this class, from the central list.
                    self.with_cache(|cache| while unsafe { push_from(&mut list, cache, class) } {});
                    return first;
                }
                Batch::Fresh(first, count) => {
                    let size = class::size(class);
                    self.with_cache(|cache| {
                        for index in (1..count as usize).rev() {
                            // SAFETY: objects in a row, as the central list says.
                            unsafe { cache.push(class, first.wrapping_add(index * size)) };
                        }
                    });
                    return first;
                }
                Batch::Empty => {
                    let Some(frame) = frames::allocate(For::Kernel) else {
                        return ptr::null_mut();
                    };
                    // SAFETY: a fresh frame, which is aligned to its size.
                    let slab = unsafe { Central::<SLAB>::make(direct(frame) as *mut u8, class) };
                    self.centrals[class].lock().adopt(slab);
                }
            }
        }
    }

    /// Takes a small object back.
    ///
    /// # Safety
    /// It came from `small(class)`.
    unsafe fn give_small(&self, object: *mut u8, class: usize) {
        let surplus = self.with_cache(|cache| {
            // SAFETY: as the caller promises.
            unsafe { cache.push(class, object) }.then(|| cache.take(class))
        });
        let Some(mut surplus) = surplus else { return };
        loop {
            // SAFETY: objects of this class.
            let slab = unsafe { self.centrals[class].lock().give(&mut surplus) };
            let Some(slab) = slab else { return };
            frames::free(physical_of_direct(slab.address() as u64));
        }
    }
}

/// Moves one object; false when there was none.
///
/// # Safety
/// The list holds free objects of `class`.
unsafe fn push_from(list: &mut List, cache: &mut Cache, class: usize) -> bool {
    let object = list.pop();
    if !object.is_null() {
        // SAFETY: as the caller promises.
        unsafe { cache.push(class, object) };
    }
    !object.is_null()
}

/// The class of a layout that slabs serve.
#[inline]
fn small_class(layout: Layout) -> Option<usize> {
    if layout.align() > class::GRAIN || layout.size() > SMALL { None } else { class::of(layout.size()) }
}

/// Whether an allocation is whole pages: those are frames.
fn is_pages(layout: Layout) -> bool {
    layout.align() as u64 == FRAME && (layout.size() as u64).is_multiple_of(FRAME) && layout.size() > 0
}

// SAFETY: slabs and talc give disjoint memory that satisfies the layout; so do frames, which are page-aligned.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(class) = small_class(layout) {
            return self.small(class);
        }
        if is_pages(layout) {
            let frame = frames::allocate_contiguous(layout.size() as u64 / FRAME, For::Kernel);
            return frame.map_or(ptr::null_mut(), |frame| direct(frame) as *mut u8);
        }
        // SAFETY: GlobalAlloc's caller gives a layout that is not empty.
        let found = unsafe { self.talc.lock().allocate(layout) };
        found.map_or(ptr::null_mut(), ptr::NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if let Some(class) = small_class(layout) {
            // SAFETY: GlobalAlloc's caller gives back what alloc gave for this layout.
            unsafe { self.give_small(pointer, class) };
            return;
        }
        if is_pages(layout) {
            frames::free_contiguous(physical_of_direct(pointer as u64), layout.size() as u64 / FRAME);
            return;
        }
        // SAFETY: GlobalAlloc's caller gives back what alloc gave for this layout.
        unsafe { self.talc.lock().deallocate(pointer, layout) };
    }
}

#[cfg_attr(target_os = "none", global_allocator)]
#[cfg_attr(not(target_os = "none"), expect(dead_code, reason = "the host has its own allocator"))]
static HEAP: Heap = Heap::new();
