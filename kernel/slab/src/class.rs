//! Size classes: multiples of 16 up to 128, then four to each doubling: at most a fifth of an object is lost.

/// Sizes are multiples of this, and objects are aligned to it.
pub const GRAIN: usize = 16;
/// The largest size any class has.
pub const LARGEST: usize = 8192;
/// Number of classes up to [`LARGEST`].
pub const COUNT: usize = 32;

/// Size of each class in bytes.
pub const SIZES: [u16; COUNT] = sizes();
/// Class of each number of grains.
const BY_GRAINS: [u8; LARGEST / GRAIN + 1] = by_grains();

const BATCHES: [u8; COUNT] = batches();

const fn batches() -> [u8; COUNT] {
    let mut batches = [0; COUNT];
    let mut class = 0;
    while class < COUNT {
        let fit = 2048 / SIZES[class];
        batches[class] = if fit < 2 {
            2
        } else if fit > 32 {
            32
        } else {
            fit as u8
        };
        class += 1;
    }
    batches
}

const fn sizes() -> [u16; COUNT] {
    let mut sizes = [0; COUNT];
    let mut class = 0;
    let mut size = GRAIN;
    while class < COUNT {
        sizes[class] = size as u16;
        class += 1;
        let mut step = GRAIN;
        while step * 8 <= size {
            step *= 2;
        }
        size += step;
    }
    sizes
}

const fn by_grains() -> [u8; LARGEST / GRAIN + 1] {
    let mut classes = [0; LARGEST / GRAIN + 1];
    let mut grains = 1;
    let mut class = 0;
    while grains < classes.len() {
        if (SIZES[class] as usize) < grains * GRAIN {
            class += 1;
        }
        classes[grains] = class as u8;
        grains += 1;
    }
    classes
}

/// The class of objects of at least `size` bytes; `None` above [`LARGEST`].
#[inline]
#[must_use]
pub fn of(size: usize) -> Option<usize> {
    if size > LARGEST {
        None
    } else {
        Some(usize::from(BY_GRAINS[(size + (GRAIN - 1)) >> GRAIN.trailing_zeros()]))
    }
}

/// Bytes of an object of `class`.
#[inline]
#[must_use]
pub fn size(class: usize) -> usize {
    usize::from(SIZES[class])
}

/// Objects moved between a cache and the central lists at a time: about 2 KiB of them, at least 2, at most 32.
#[inline]
#[must_use]
pub fn batch(class: usize) -> u32 {
    u32::from(BATCHES[class])
}
