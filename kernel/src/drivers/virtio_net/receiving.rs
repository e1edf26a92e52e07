//! The receiving side of a pair of queues: buffers of a page that the device writes frames into, one or several for each.
#![expect(unsafe_code, reason = "the device writes buffers while the driver looks away")]

use alloc::vec::Vec;
use core::slice;

use logic::mm::frames::{FRAME, For};
use logic::net::inet::device::Received;

use super::super::virtqueue::{Corrupt, Queue};
use super::{ETHERNET, Format, NEEDS_CHECKSUM};
use crate::arch::paging::physical_of_direct;
use crate::mm::{direct_address, frames};

/// Bytes of a buffer: a page.
pub(super) const BUFFER: usize = 4096;
/// Bytes of the longest frame.
const LONGEST: usize = 65_535 + ETHERNET;
/// Frames taken in at a time.
const BATCH: usize = 64;

/// In a header's flags: the checksum is right.
const IS_CHECKED: u8 = 2;

/// What comes in.
#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) queue: Queue,
    format: Format,
    /// All buffers, one behind the other.
    buffers: u64,
    /// A frame from several buffers.
    whole: Vec<u8>,
}

/// Buffers that lie one behind the other with a part of a frame in them: all full but the last. The device gives them back in the order they were
/// offered, so most frames are one run, and need not be put together.
#[derive(Clone, Copy)]
struct Run {
    first: u16,
    count: u16,
    bytes: usize,
}

impl Run {
    fn of(number: u16, bytes: &[u8]) -> Self {
        Self { first: number, count: 1, bytes: bytes.len() }
    }

    /// Takes one more buffer in, if it lies behind.
    fn goes_on_with(&mut self, number: u16, bytes: &[u8]) -> bool {
        let is_next = number == self.first + self.count && self.bytes == usize::from(self.count) * BUFFER;
        if is_next {
            self.count += 1;
            self.bytes += bytes.len();
        }
        is_next
    }
}

impl Receiving {
    /// All buffers are offered. `None`: there is no memory for them.
    pub(super) fn new(queue: Queue, format: Format) -> Option<Self> {
        let bytes = u64::from(queue.size()) * BUFFER as u64;
        let physical = frames::allocate_contiguous(bytes.div_ceil(FRAME), For::Kernel)?;
        frames::zero(physical, bytes.next_multiple_of(FRAME));
        let size = queue.size();
        let mut receiving = Self { queue, format, buffers: direct_address(physical), whole: Vec::new() };
        (0..size).for_each(|number| receiving.offer(number));
        Some(receiving)
    }

    fn at(&self, number: u16) -> u64 {
        self.buffers + u64::from(number) * BUFFER as u64
    }

    fn offer(&mut self, number: u16) {
        let physical = physical_of_direct(self.at(number));
        self.queue.offer(number, (physical, BUFFER as u32), true);
    }

    fn offer_run(&mut self, run: Run) {
        (run.first..run.first + run.count).for_each(|number| self.offer(number));
    }

    /// What the device has written into buffer `number`, which it has given back.
    fn bytes(&self, number: u16, length: u32) -> &'static [u8] {
        self.run(Run { first: number, count: 1, bytes: (length as usize).min(BUFFER) })
    }

    /// What it has written into the buffers of `run`.
    fn run(&self, run: Run) -> &'static [u8] {
        // SAFETY: the queue hands out numbers below its size, once for each time they were offered; the buffers stay for ever, and these are
        // not offered again before their bytes have been looked at.
        unsafe { slice::from_raw_parts(self.at(run.first) as *const u8, run.bytes) }
    }

    /// Takes in frames; false when there are no more.
    pub(super) fn take_batch(&mut self, each: &mut dyn FnMut(Received<'_>)) -> Result<bool, Corrupt> {
        for _ in 0..BATCH {
            if !self.take_in(each)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes in one frame. False: there is none.
    fn take_in(&mut self, each: &mut dyn FnMut(Received<'_>)) -> Result<bool, Corrupt> {
        let Some((first, length)) = self.queue.take()? else { return Ok(false) };
        let Format { header, is_merged, says_checked } = self.format;
        let bytes = self.bytes(first, length);
        let Some((head, frame)) = bytes.split_at_checked(header) else {
            self.offer(first);
            return Ok(true);
        };
        let count = if is_merged { u16::from_le_bytes([head[10], head[11]]) } else { 1 };
        let is_checked = says_checked && head[0] & (NEEDS_CHECKSUM | IS_CHECKED) != 0;
        if count == 1 {
            each(Received { bytes: frame, is_checked });
            self.offer(first);
            return Ok(true);
        }
        let mut whole = core::mem::take(&mut self.whole);
        whole.clear();
        let (mut run, mut room) = (Run::of(first, bytes), (LONGEST + header).checked_sub(bytes.len()));
        // They come all at once.
        for _ in 1..count {
            let (number, length) = self.queue.take()?.ok_or(Corrupt)?;
            let bytes = self.bytes(number, length);
            room = room.and_then(|room| room.checked_sub(bytes.len()));
            if room.is_none() {
                return Err(Corrupt);
            }
            if !run.goes_on_with(number, bytes) {
                whole.extend_from_slice(self.run(run));
                self.offer_run(run);
                run = Run::of(number, bytes);
            }
        }
        let rest = self.run(run);
        if whole.is_empty() && count > 0 {
            each(Received { bytes: &rest[header..], is_checked });
        } else if count > 0 {
            whole.extend_from_slice(rest);
            each(Received { bytes: &whole[header..], is_checked });
        }
        self.offer_run(run);
        self.whole = whole;
        Ok(true)
    }
}
