//! The slabs of one size class.

use core::ptr;

use super::class;
use super::list::List;

/// What stands at the beginning of a slab. Slabs with free objects are linked.
#[derive(Debug)]
#[repr(C, align(64))]
struct Header {
    next: *mut Header,
    previous: *mut Header,
    /// Objects that were given back.
    free: List,
    /// Where the objects begin that nobody had yet, as an offset from the slab's start.
    fresh: u32,
    /// Objects that are out.
    out: u32,
    class: u32,
    is_linked: bool,
}

/// A slab that belongs to nobody: all its objects are free.
#[derive(Debug)]
pub struct Slab(*mut u8);

impl Slab {
    /// Its address.
    #[must_use]
    pub fn address(&self) -> *mut u8 {
        self.0
    }
}

/// Objects that are handed out together.
#[derive(Debug)]
pub enum Batch {
    /// Objects that were used before.
    Used(List),
    /// `count` objects in a row that nobody touched yet, the first one's address first.
    Fresh(*mut u8, u32),
    /// There is none: a slab is needed.
    Empty,
}

/// The slabs of one class that have free objects. The owner sees to it that one CPU at a time uses it.
#[derive(Debug)]
pub struct Central<const SLAB: usize> {
    first: *mut Header,
    /// Empty slabs that are there. One is kept, so that one object that comes and goes does not make and unmake slabs; there are more when
    /// several CPUs found none at the same time.
    spares: u32,
}

// SAFETY: the slabs belong to the central list, whichever CPU uses it.
unsafe impl<const SLAB: usize> Send for Central<SLAB> {}

impl<const SLAB: usize> Default for Central<SLAB> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SLAB: usize> Central<SLAB> {
    /// No slabs.
    #[must_use]
    pub const fn new() -> Self {
        Self { first: ptr::null_mut(), spares: 0 }
    }

    fn header_of(object: *mut u8) -> *mut Header {
        object.map_addr(|address| address & !(SLAB - 1)).cast()
    }

    /// The class of an object, from its slab.
    ///
    /// # Safety
    /// The object came out of a slab of this size.
    #[inline]
    #[must_use]
    pub unsafe fn class_of(object: *mut u8) -> usize {
        // SAFETY: the slab has a header at its start, which is there as long as one of its objects is out.
        unsafe { (*Self::header_of(object)).class as usize }
    }

    /// Makes a slab of `class` at `at`; it may be handed to [`Central::adopt`].
    ///
    /// # Safety
    /// `SLAB` bytes there, aligned to `SLAB`, are writable and nobody else's.
    #[must_use]
    pub unsafe fn make(at: *mut u8, class: usize) -> Slab {
        let header = Header {
            next: ptr::null_mut(),
            previous: ptr::null_mut(),
            free: List::new(),
            fresh: size_of::<Header>() as u32,
            out: 0,
            class: class as u32,
            is_linked: false,
        };
        // SAFETY: as the caller promises.
        unsafe { at.cast::<Header>().write(header) };
        Slab(at)
    }

    /// Takes a slab in.
    pub fn adopt(&mut self, slab: Slab) {
        self.spares += 1;
        // SAFETY: `make` put the header there; the slab is given to us.
        unsafe { self.link(slab.0.cast()) };
    }

    /// # Safety
    /// `header` is a slab of this class that is not linked.
    unsafe fn link(&mut self, header: *mut Header) {
        // SAFETY: as the caller promises.
        let slab = unsafe { &mut *header };
        slab.next = self.first;
        slab.previous = ptr::null_mut();
        slab.is_linked = true;
        // SAFETY: linked slabs are ours; it is not this one.
        if let Some(first) = unsafe { self.first.as_mut() } {
            first.previous = header;
        }
        self.first = header;
    }

    /// # Safety
    /// `header` is a slab of this class that is linked.
    unsafe fn unlink(&mut self, header: *mut Header) {
        // SAFETY: as the caller promises.
        let slab = unsafe { &mut *header };
        let (next, previous) = (slab.next, slab.previous);
        slab.is_linked = false;
        // SAFETY: its neighbours are linked, so they are ours.
        match unsafe { previous.as_mut() } {
            Some(previous) => previous.next = next,
            None => self.first = next,
        }
        // SAFETY: as above.
        if let Some(next) = unsafe { next.as_mut() } {
            next.previous = previous;
        }
    }

    /// Hands out a batch of objects.
    pub fn take(&mut self) -> Batch {
        let header = self.first;
        if header.is_null() {
            return Batch::Empty;
        }
        // SAFETY: linked slabs are ours, and nobody else has a reference into the header.
        let slab = unsafe { &mut *header };
        let (class, size) = (slab.class as usize, class::size(slab.class as usize));
        if slab.out == 0 {
            self.spares -= 1;
        }
        let batch = if slab.free.is_empty() {
            let left = (SLAB - slab.fresh as usize) / size;
            let count = class::batch(class).min(left as u32);
            let start = header.cast::<u8>().wrapping_add(slab.fresh as usize);
            slab.fresh += count * size as u32;
            slab.out += count;
            Batch::Fresh(start, count)
        } else {
            let used = slab.free.split(class::batch(class));
            slab.out += used.len();
            Batch::Used(used)
        };
        if slab.free.is_empty() && SLAB - (slab.fresh as usize) < size {
            // SAFETY: it is linked; a full slab comes back with its first free object.
            unsafe { self.unlink(header) };
        }
        batch
    }

    /// Takes objects back. A slab that has all of its own again, and is not the spare one, is answered: it is to be given back.
    ///
    /// # Safety
    /// The objects came from slabs of this class.
    pub unsafe fn give(&mut self, objects: &mut List) -> Option<Slab> {
        loop {
            let object = objects.pop();
            if object.is_null() {
                return None;
            }
            let header = Self::header_of(object);
            // SAFETY: the object's slab is of this class, so its header is ours.
            let slab = unsafe { &mut *header };
            // SAFETY: the object is free and its slab's.
            unsafe { slab.free.push(object) };
            slab.out -= 1;
            let (is_empty, is_linked) = (slab.out == 0, slab.is_linked);
            if !is_linked {
                // SAFETY: as just seen.
                unsafe { self.link(header) };
            }
            if is_empty && self.spares == 0 {
                self.spares = 1;
                continue;
            }
            if is_empty {
                // SAFETY: it is linked, perhaps since a moment ago.
                unsafe { self.unlink(header) };
                return Some(Slab(header.cast()));
            }
        }
    }
}
