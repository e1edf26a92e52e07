//! The physical frames of this machine: `logic::mm::frames` behind the one lock, and frames as memory through the direct map.
#![expect(unsafe_code, reason = "a frame becomes memory through the direct map")]

use core::sync::atomic::{AtomicU64, Ordering};

use logic::mm::frames::{FRAME, For, Frames};
use sync::IrqLock;

use crate::arch::bulk;
use crate::arch::paging::direct;

static FRAMES: IrqLock<Option<Frames>> = IrqLock::new(None);

/// Free frames, for who only wants to know about how many there are.
static FREE: AtomicU64 = AtomicU64::new(0);

/// Bytes of a large page.
pub(super) const LARGE: u64 = 2 << 20;
/// Most frames that are kept for the kernel.
pub const MOST_RESERVE: u64 = 1024;

/// How many frames are kept for the kernel on a machine that has `all`: a 64th.
pub fn reserve(all: u64) -> u64 {
    (all / 64).clamp(64, MOST_RESERVE)
}

/// Does `step` with the machine's frames.
fn with<R>(step: impl FnOnce(&mut Frames) -> R) -> Option<R> {
    let mut frames = FRAMES.lock();
    let frames = frames.as_mut()?;
    let answer = step(frames);
    FREE.store(frames.usage().0, Ordering::Relaxed);
    Some(answer)
}

/// Installs the machine's frames, once.
pub(super) fn install(frames: Frames) {
    *FRAMES.lock() = Some(frames);
    with(|_| ());
}

/// One frame, with whatever was in it.
pub fn allocate(who: For) -> Option<u64> {
    with(|frames| frames.allocate(who))?
}

/// One frame of zeros.
pub fn allocate_zeroed(who: For) -> Option<u64> {
    let frame = allocate(who)?;
    zero(frame, FRAME);
    Some(frame)
}

/// A 2 MiB frame of zeros, if there is one and the program may still have four times as much.
pub fn allocate_large_zeroed() -> Option<u64> {
    const PLENTY: u64 = 4 * 512;
    let take = |frames: &mut Frames| {
        if frames.available() < PLENTY { None } else { frames.allocate_large(For::Program) }
    };
    let frame = with(take)??;
    zero(frame, 512 * FRAME);
    Some(frame)
}

/// `count` frames in a row (at most 512).
pub fn allocate_contiguous(count: u64, who: For) -> Option<u64> {
    with(|frames| frames.allocate_contiguous(count, who))?
}

/// Gives a frame back. Nothing maps it any more.
pub fn free(frame: u64) {
    free_contiguous(frame, 1);
}

/// Gives back frames that were allocated in a row.
pub fn free_contiguous(frame: u64, count: u64) {
    with(|frames| frames.free_contiguous(frame, count));
}

/// Free frames and all frames.
pub fn usage() -> (u64, u64) {
    FRAMES.lock().as_ref().map_or((0, 0), Frames::usage)
}

/// Free frames a moment ago.
pub fn free_count() -> u64 {
    FREE.load(Ordering::Relaxed)
}

/// Frames the program may still have.
pub fn available() -> u64 {
    FRAMES.lock().as_ref().map_or(0, Frames::available)
}

/// Fills `bytes` from physical address `frame` on, which the caller has allocated, with zeros.
pub fn zero(frame: u64, bytes: u64) {
    // SAFETY: the frames were just allocated: nobody else uses them; the direct map covers them.
    unsafe { bulk::zero_pages(direct(frame), bytes) };
}

/// The bytes of a frame that the caller owns.
pub(super) fn bytes_of(frame: &mut OwnedFrame) -> &mut [u8; FRAME as usize] {
    // SAFETY: the frame is owned exclusively through `frame`, and the direct map covers it.
    unsafe { &mut *(direct(frame.0) as *mut [u8; FRAME as usize]) }
}

/// A frame that nothing maps yet; given back unless it is handed on.
#[derive(Debug)]
pub struct OwnedFrame(u64);

impl OwnedFrame {
    /// A frame of zeros for the program.
    pub fn zeroed() -> Option<Self> {
        allocate_zeroed(For::Program).map(Self)
    }

    /// Its physical address.
    pub fn physical(&self) -> u64 {
        self.0
    }

    /// Somebody else gives it back from now on.
    pub fn hand_on(self) {
        core::mem::forget(self);
    }

    /// The frame's bytes.
    pub fn bytes(&mut self) -> &mut [u8; FRAME as usize] {
        bytes_of(self)
    }
}

impl Drop for OwnedFrame {
    fn drop(&mut self) {
        free(self.0);
    }
}
