//! The kernel's heap: talc over frames. Page-aligned whole pages are frames themselves, so a `Box` of a page can be mapped.
//!
//! The heap may use the reserve that the program cannot (`logic::mm::frames`). An allocation that fails answers null.
#![expect(unsafe_code, reason = "a global allocator is unsafe by its trait")]

use core::alloc::{GlobalAlloc, Layout};

use logic::mm::frames::{FRAME, For};
use sync::IrqLock;
use talc::base::Talc;
use talc::base::binning::{Binning, DefaultBinning};
use talc::source::Source;

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

/// The allocator of the kernel.
#[derive(Debug)]
struct Heap {
    talc: IrqLock<Talc<FrameSource, DefaultBinning>>,
}

impl Heap {
    const fn new() -> Self {
        Self { talc: IrqLock::new(Talc::new(FrameSource)) }
    }
}

/// Whether an allocation is whole pages: those are frames.
fn is_pages(layout: Layout) -> bool {
    layout.align() as u64 == FRAME && (layout.size() as u64).is_multiple_of(FRAME) && layout.size() > 0
}

// SAFETY: talc gives disjoint memory that satisfies the layout; so do frames, which are page-aligned.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_pages(layout) {
            let frame = frames::allocate_contiguous(layout.size() as u64 / FRAME, For::Kernel);
            return frame.map_or(core::ptr::null_mut(), |frame| direct(frame) as *mut u8);
        }
        // SAFETY: GlobalAlloc's caller gives a layout that is not empty.
        let found = unsafe { self.talc.lock().allocate(layout) };
        found.map_or(core::ptr::null_mut(), core::ptr::NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
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
