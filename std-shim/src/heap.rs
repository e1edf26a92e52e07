//! The program's heap: what malloc(3) is made of.
//!
//! | object | from | how it is known again |
//! |---|---|---|
//! | up to 4 KiB, aligned to 16 | per-CPU cache over slabs of 32 KiB (`slab`) | it lies in the slabs' addresses |
//! | up to 128 KiB | talc, in the arena's addresses | [`Header`] before it |
//! | larger | a mapping of its own, which remap moves without copying | [`Header`] before it |
//!
//! All of it is the program's memory: promised when it is mapped, found when it is touched. The fast path turns preemption off for a few
//! instructions; it runs on the program's stack, what maps memory on the kernel's.
#![expect(unsafe_code, reason = "an allocator")]

use core::cell::UnsafeCell;
use core::ptr;

use abi::errno::Errno;
use kernel::arch::cpu;
use kernel::kernel::Kernel;
use kernel::mm::map::{Discard, Place, Source as Backing};
use slab::{Batch, Cache, Central, List, Slab, class};
use sync::Lock;
use sync::hooks::{preempt_disable, preempt_enable};
use talc::base::Talc;
use talc::base::binning::{Binning, DefaultBinning};
use talc::source::Source;

use core::alloc::Layout;

use crate::door;

const PAGE: usize = 4096;
/// Bytes of a slab.
const SLAB: usize = 32 << 10;
/// Classes that slabs serve: objects up to 4 KiB.
const CLASSES: usize = 28;
const _: () = assert!(class::SIZES[CLASSES - 1] == 4096);
/// Larger objects have a mapping of their own.
const LARGEST_IN_ARENA: usize = 128 << 10;
/// Where slabs lie.
const SLABS: usize = 0x1000_0000_0000;
/// Where the arena lies.
const ARENA: usize = 0x2000_0000_0000;
/// Addresses of each of the two.
const ROOM: usize = 1 << 40;
/// Addresses are mapped in steps that grow from the first to the last.
const STEPS: (usize, usize) = (256 << 10, 4 << 20);

/// What stands before an object that is not a slab's.
#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    /// Bytes from the object's start that may be used.
    usable: usize,
    /// Bytes from where the allocation begins to the object; a bit of [`IS_MAPPED`].
    offset: usize,
}

/// In [`Header::offset`]: the object has a mapping of its own. (Offsets are multiples of 16.)
const IS_MAPPED: usize = 1;
const HEADER: usize = size_of::<Header>();

/// Addresses that are mapped step by step.
#[derive(Debug)]
struct Region {
    next: usize,
    end: usize,
    step: usize,
}

impl Region {
    const fn at(start: usize) -> Self {
        Self { next: start, end: start + ROOM, step: STEPS.0 }
    }

    /// Maps at least `least` more bytes; where they begin, and how many.
    fn grow(&mut self, least: usize) -> Result<(usize, usize), Errno> {
        let mut bytes = least.next_multiple_of(PAGE).max(self.step);
        if self.end - self.next < bytes {
            return Err(Errno::ENOMEM);
        }
        let start = self.next;
        if map(Place::FixedNoReplace(start as u64), bytes).is_err() {
            // A small machine may have room for less.
            bytes = least.next_multiple_of(SLAB);
            map(Place::FixedNoReplace(start as u64), bytes)?;
        } else {
            self.step = (self.step * 2).min(STEPS.1);
        }
        self.next += bytes;
        Ok((start, bytes))
    }
}

fn map(place: Place, bytes: usize) -> Result<usize, Errno> {
    let access = kernel::mm::map::READ_WRITE;
    let address = Kernel::get().memory.map(place, bytes as u64, access, Backing::Anonymous, true)?;
    Ok(address as usize)
}

/// Grows the arena.
#[derive(Debug)]
struct ArenaSource(Region);

// SAFETY: acquire touches talc only through its argument, and allocates nothing but addresses.
unsafe impl Source for ArenaSource {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let least = layout.size() + layout.align() + PAGE;
        let (start, bytes) = talc.source.0.grow(least).map_err(drop)?;
        // SAFETY: fresh memory of the program, given to talc for ever.
        unsafe { talc.claim(ptr::with_exposed_provenance_mut(start), bytes) }.map(drop).ok_or(())
    }
}

/// Slabs that nobody has.
struct Slabs {
    region: Region,
    /// Mapped and never used: from here to `region.next`.
    fresh: usize,
    /// Given back; their pages are gone.
    free: List,
}

/// A CPU's cache, used by that CPU alone, with preemption off.
struct CacheOfCpu(UnsafeCell<Cache>);

// SAFETY: as said above; `with_cache` is the only user.
unsafe impl Sync for CacheOfCpu {}

/// All zeros at first, so that it takes no room in the image.
static CACHES: [CacheOfCpu; cpu::MAX_CPUS] =
    [const { CacheOfCpu(UnsafeCell::new(Cache::new())) }; cpu::MAX_CPUS];

/// What stands behind the caches.
pub(crate) struct Heap {
    centrals: [Lock<Central<SLAB>>; CLASSES],
    slabs: Lock<Slabs>,
    arena: Lock<Talc<ArenaSource, DefaultBinning>>,
}

/// The one there is.
pub(crate) static HEAP: Heap = Heap {
    centrals: [const { Lock::new(Central::new()) }; CLASSES],
    slabs: Lock::new(Slabs { region: Region::at(SLABS), fresh: SLABS, free: List::new() }),
    arena: Lock::new(Talc::new(ArenaSource(Region::at(ARENA)))),
};

fn is_in_slab(object: *mut u8) -> bool {
    object.addr().wrapping_sub(SLABS) < ROOM
}

/// The class of a small object, `None` for what slabs do not serve.
#[inline]
fn small_class(size: usize) -> Option<usize> {
    class::of(size).filter(|&class| class < CLASSES)
}

impl Heap {
    /// Does `body` with this CPU's cache.
    #[inline]
    fn with_cache<R>(&self, body: impl FnOnce(&mut Cache) -> R) -> R {
        preempt_disable();
        // SAFETY: preemption is off and no interrupt handler comes here, so nobody else on this CPU uses it before `body` is done.
        let result = body(unsafe { &mut *CACHES[cpu::id() % cpu::MAX_CPUS].0.get() });
        preempt_enable();
        result
    }

    /// A small object of `size` bytes, aligned to 16, if this CPU has one; else null.
    #[inline]
    pub(crate) fn at_hand(&self, size: usize) -> *mut u8 {
        match small_class(size) {
            Some(class) => self.with_cache(|cache| cache.pop(class)),
            None => ptr::null_mut(),
        }
    }

    /// An object of `size` bytes, aligned to `align`, a power of two; null when there is no memory.
    pub(crate) fn allocate(&self, size: usize, align: usize) -> *mut u8 {
        let object = if align <= class::GRAIN { self.at_hand(size) } else { ptr::null_mut() };
        if object.is_null() { allocate_slowly(size, align) } else { object }
    }

    /// Whether a fresh object of this size is zeros already.
    pub(crate) fn is_born_zero(size: usize) -> bool {
        size > LARGEST_IN_ARENA
    }

    /// Takes an object back.
    ///
    /// # Safety
    /// It came from this heap and is not used any more, or is null.
    #[inline]
    pub(crate) unsafe fn free(&self, object: *mut u8) {
        if !is_in_slab(object) {
            // SAFETY: as the caller promises.
            return unsafe { self.free_with_header(object) };
        }
        // SAFETY: it lies in a slab, as its address says.
        let class = unsafe { Central::<SLAB>::class_of(object) };
        // SAFETY: as the caller promises.
        let is_full = self.with_cache(|cache| unsafe { cache.push(class, object) });
        if is_full {
            flush(class);
        }
    }

    /// Bytes of an object that may be used (malloc_usable_size(3)).
    ///
    /// # Safety
    /// It came from this heap.
    pub(crate) unsafe fn usable(&self, object: *mut u8) -> usize {
        if is_in_slab(object) {
            // SAFETY: it lies in a slab.
            class::size(unsafe { Central::<SLAB>::class_of(object) })
        } else {
            // SAFETY: other objects have a header.
            unsafe { header(object) }.usable
        }
    }

    /// Gives an object another size where it is, or by moving its pages; null when it must be copied.
    ///
    /// # Safety
    /// It came from this heap.
    pub(crate) unsafe fn resize(&self, object: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        let usable = unsafe { self.usable(object) };
        if is_in_slab(object) {
            // Not below half: memory that is not used any more should be seen to be.
            return if size <= usable && size * 2 >= usable { object } else { ptr::null_mut() };
        }
        // SAFETY: objects outside slabs have a header.
        let Header { offset, .. } = unsafe { header(object) };
        let start = object.wrapping_byte_sub(offset & !IS_MAPPED);
        if offset & IS_MAPPED != 0 {
            if size <= LARGEST_IN_ARENA {
                return ptr::null_mut();
            }
            let answer = door::enter(
                remap_inside,
                [
                    start.addr() as u64,
                    (offset + usable) as u64 & !1,
                    (offset & !IS_MAPPED) as u64 + size as u64,
                    0,
                    0,
                ],
            );
            let Ok(moved) = usize::try_from(answer) else { return ptr::null_mut() };
            let length = (offset & !IS_MAPPED).saturating_add(size).next_multiple_of(PAGE);
            let object = ptr::with_exposed_provenance_mut::<u8>(moved + (offset & !IS_MAPPED));
            // SAFETY: the mapping is that long now, and the object lies in it.
            unsafe { set_header(object, Header { usable: length - (offset & !IS_MAPPED), offset }) };
            return object;
        }
        if size > LARGEST_IN_ARENA || small_class(size).is_some() {
            return ptr::null_mut();
        }
        let Ok(layout) = Layout::from_size_align(offset + usable, class::GRAIN) else {
            return ptr::null_mut();
        };
        let size = size.next_multiple_of(class::GRAIN);
        // SAFETY: allocated with this layout.
        if unsafe { self.arena.lock().try_realloc_in_place(start, layout, offset + size) } {
            // SAFETY: the object is that long now.
            unsafe { set_header(object, Header { usable: size, offset }) };
            object
        } else {
            ptr::null_mut()
        }
    }

    /// Takes an object that is not a slab's back; null is none.
    ///
    /// # Safety
    /// The object has a header and is not used any more.
    #[cold]
    #[inline(never)]
    unsafe fn free_with_header(&self, object: *mut u8) {
        if object.is_null() {
            return;
        }
        // SAFETY: as the caller promises.
        let Header { usable, offset } = unsafe { header(object) };
        let start = object.wrapping_byte_sub(offset & !IS_MAPPED);
        let bytes = (offset & !IS_MAPPED) + usable;
        if offset & IS_MAPPED != 0 {
            door::enter(unmap_inside, [start.addr() as u64, bytes as u64, 0, 0, 0]);
        } else if let Ok(layout) = Layout::from_size_align(bytes, class::GRAIN) {
            // SAFETY: allocated from the arena; talc looks at the size alone.
            unsafe { self.arena.lock().deallocate(start, layout) };
        }
    }

    /// Brings a batch of objects into the cache; answers one of them.
    fn refill(&self, class: usize) -> *mut u8 {
        loop {
            let batch = self.centrals[class].lock().take();
            match batch {
                Batch::Used(mut list) => {
                    let first = list.pop();
                    loop {
                        let object = list.pop();
                        if object.is_null() {
                            return first;
                        }
                        // SAFETY: a free object of this class.
                        self.with_cache(|cache| unsafe { cache.push(class, object) });
                    }
                }
                Batch::Fresh(first, count) => {
                    // Linked before they go into the cache: their pages may have to be found.
                    let mut list = List::new();
                    for index in (1..count as usize).rev() {
                        // SAFETY: objects in a row, as the central list says.
                        unsafe { list.push(first.wrapping_add(index * class::size(class))) };
                    }
                    self.with_cache(|cache| cache.append(class, list));
                    return first;
                }
                Batch::Empty => {
                    let Ok(slab) = self.new_slab(class) else { return ptr::null_mut() };
                    self.centrals[class].lock().adopt(slab);
                }
            }
        }
    }

    fn new_slab(&self, class: usize) -> Result<Slab, Errno> {
        let at = {
            let mut slabs = self.slabs.lock();
            let free = slabs.free.pop();
            if free.is_null() {
                if slabs.fresh == slabs.region.next {
                    slabs.region.grow(SLAB)?;
                }
                slabs.fresh += SLAB;
                ptr::with_exposed_provenance_mut(slabs.fresh - SLAB)
            } else {
                free
            }
        };
        // SAFETY: a slab that nobody has, aligned as all of them are.
        Ok(unsafe { Central::<SLAB>::make(at, class) })
    }

    /// Moves a batch of free objects out of the cache, and slabs that are free as a whole back.
    fn flush(&self, class: usize) {
        let mut surplus = self.with_cache(|cache| cache.take(class));
        loop {
            // SAFETY: objects of this class.
            let slab = unsafe { self.centrals[class].lock().give(&mut surplus) };
            let Some(slab) = slab else { return };
            let at = slab.address();
            // The first page stays: it holds the list of free slabs. The pages are given back; the addresses stay promised.
            let _ =
                Kernel::get().memory.discard((at.addr() + PAGE) as u64, (SLAB - PAGE) as u64, Discard::All);
            // SAFETY: all its objects are free, and nobody has the slab.
            unsafe { self.slabs.lock().free.push(at) };
        }
    }

    fn allocate_with_header(&self, size: usize, align: usize) -> *mut u8 {
        let offset = align.max(HEADER);
        let sizes = size
            .max(1)
            .checked_next_multiple_of(class::GRAIN)
            .and_then(|size| Some((size, size.checked_add(offset)?)));
        let Some((size, total)) = sizes else { return ptr::null_mut() };
        if total > LARGEST_IN_ARENA {
            return map_object(total, align).unwrap_or(ptr::null_mut());
        }
        let Ok(layout) = Layout::from_size_align(total, align.max(class::GRAIN)) else {
            return ptr::null_mut();
        };
        // SAFETY: the layout is not empty.
        let Some(start) = (unsafe { self.arena.lock().allocate(layout) }) else { return ptr::null_mut() };
        let object = start.as_ptr().wrapping_byte_add(offset);
        // SAFETY: the object lies `offset` bytes into the allocation.
        unsafe { set_header(object, Header { usable: size, offset }) };
        object
    }
}

/// An object with a mapping of its own.
fn map_object(total: usize, align: usize) -> Result<*mut u8, Errno> {
    let spare = if align > PAGE { align } else { 0 };
    let length = total.checked_add(spare + PAGE - 1).filter(|&length| length < ROOM).ok_or(Errno::ENOMEM)?
        & !(PAGE - 1);
    let start = map(Place::Hint(0), length)?;
    let at = (start + HEADER).next_multiple_of(align.max(class::GRAIN));
    let object = ptr::with_exposed_provenance_mut::<u8>(at);
    let header = Header { usable: start + length - at, offset: (at - start) | IS_MAPPED };
    // SAFETY: the mapping begins at least a header before the object.
    unsafe { set_header(object, header) };
    Ok(object)
}

/// # Safety
/// The object is not a slab's.
unsafe fn header(object: *mut u8) -> Header {
    // SAFETY: such objects have a header before them.
    unsafe { object.wrapping_byte_sub(HEADER).cast::<Header>().read() }
}

/// # Safety
/// The bytes before the object belong to its allocation.
unsafe fn set_header(object: *mut u8, header: Header) {
    // SAFETY: as the caller promises; objects are aligned to 16.
    unsafe { object.wrapping_byte_sub(HEADER).cast::<Header>().write(header) };
}

/// An object that no cache has at hand; null when there is no memory.
#[cold]
#[inline(never)]
fn allocate_slowly(size: usize, align: usize) -> *mut u8 {
    extern "C" fn inside(size: u64, align: u64, _: u64, _: u64, _: u64) -> i64 {
        let (size, align) = (size as usize, align as usize);
        let object = match small_class(size).filter(|_| align <= class::GRAIN) {
            Some(class) => HEAP.refill(class),
            None => HEAP.allocate_with_header(size, align),
        };
        object.expose_provenance() as i64
    }
    let address = door::enter(inside, [size as u64, align as u64, 0, 0, 0]);
    ptr::with_exposed_provenance_mut(address.cast_unsigned() as usize)
}

#[cold]
#[inline(never)]
fn flush(class: usize) {
    extern "C" fn inside(class: u64, _: u64, _: u64, _: u64, _: u64) -> i64 {
        HEAP.flush(class as usize);
        0
    }
    door::enter(inside, [class as u64, 0, 0, 0, 0]);
}

extern "C" fn unmap_inside(start: u64, bytes: u64, _: u64, _: u64, _: u64) -> i64 {
    // The mapping is there: it was made by `map_object`.
    let _ = Kernel::get().memory.unmap(start, bytes);
    0
}

/// Gives a mapping another length; its address, or minus one.
extern "C" fn remap_inside(start: u64, old: u64, new: u64, _: u64, _: u64) -> i64 {
    let Some(new) = new.checked_next_multiple_of(PAGE as u64).filter(|&new| new < ROOM as u64) else {
        return -1;
    };
    let moved = Kernel::get().memory.remap(start, old, new, true, None);
    moved.ok().and_then(|address| i64::try_from(address).ok()).unwrap_or(-1)
}
