//! A split virtqueue (virtio specification, section 2.7) of buffers that are one descriptor each, and both sides' wishes about being told.
//!
//! The crate's own queue cannot put interrupts off when event indices are negotiated, and compares those as if they did not wrap
//! (docs/decisions/0020). Nothing the device writes is believed: an entry that makes no sense ends the queue's use.
#![expect(unsafe_code, reason = "memory that a device reads and writes")]

use alloc::vec::Vec;
use core::sync::atomic::{Ordering, fence};

use logic::mm::frames::{FRAME, For};
use virtio_drivers::transport::Transport as _;

use crate::mm::{direct_address, frames};

use super::virtio::Transport;

/// Bytes of a descriptor, of an entry of the used ring, and of what is in front of a ring.
const DESCRIPTOR: u64 = 16;
const USED: u64 = 8;
const HEAD: u64 = 4;
/// The device may write.
const WRITABLE: u16 = 2;
/// In a ring's flags: its reader need not be told.
const QUIET: u16 = 1;

/// The device has put something into the used ring that cannot be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// A queue. It stays for ever.
#[derive(Debug)]
pub struct Queue {
    size: u16,
    /// Addresses in the direct map.
    descriptors: u64,
    available: u64,
    used: u64,
    has_event_index: bool,
    /// Buffers offered, and how many of those the device can see.
    offered: u16,
    published: u16,
    /// Entries of the used ring taken.
    taken: u16,
    /// Which buffers are the device's.
    is_away: Vec<bool>,
}

impl Queue {
    /// Sets queue `index` of a device up with at most `most` buffers. `None`: the device has no such queue, or there is no memory.
    pub fn new(transport: &mut Transport, index: u16, most: u16, has_event_index: bool) -> Option<Self> {
        let offered = u16::try_from(transport.max_queue_size(index)).unwrap_or(u16::MAX).min(most);
        let size = 1_u16 << offered.checked_ilog2()?;
        // The layout of the first version, which later ones accept: the used ring begins on a page of its own.
        let available = DESCRIPTOR * u64::from(size);
        let used = (available + HEAD + 2 * (u64::from(size) + 1)).next_multiple_of(FRAME);
        let bytes = (used + HEAD + USED * u64::from(size) + 2).next_multiple_of(FRAME);
        let physical = frames::allocate_contiguous(bytes / FRAME, For::Kernel)?;
        frames::zero(physical, bytes);
        transport.queue_set(index, size.into(), physical, physical + available, physical + used);
        let at = direct_address(physical);
        let queue = Self {
            size,
            descriptors: at,
            available: at + available,
            used: at + used,
            has_event_index,
            offered: 0,
            published: 0,
            taken: 0,
            is_away: alloc::vec![false; usize::from(size)],
        };
        queue.want_no_interrupts();
        Some(queue)
    }

    /// How many buffers it holds.
    pub fn size(&self) -> u16 {
        self.size
    }

    fn read(at: u64) -> u16 {
        // SAFETY: all addresses are in the queue's own memory, which stays for ever; the device may change it, so it is volatile.
        unsafe { (at as *const u16).read_volatile() }
    }

    fn write(at: u64, value: u16) {
        // SAFETY: as in `read`.
        unsafe { (at as *mut u16).write_volatile(value) }
    }

    fn read_long(at: u64) -> u32 {
        // SAFETY: as in `read`.
        unsafe { (at as *const u32).read_volatile() }
    }

    /// Offers buffer `number`: `length` bytes at physical address `physical`, which are the device's until [`Queue::take`] gives it back. It
    /// sees them at [`Queue::publish`].
    pub fn offer(&mut self, number: u16, (physical, length): (u64, u32), is_writable: bool) {
        let at = self.descriptors + DESCRIPTOR * u64::from(number);
        // SAFETY: as in `read`; the device does not look at this descriptor now.
        unsafe { (at as *mut u64).write_volatile(physical) };
        // SAFETY: as above.
        unsafe { ((at + 8) as *mut u32).write_volatile(length) };
        Self::write(at + 12, if is_writable { WRITABLE } else { 0 });
        let slot = self.offered & (self.size - 1);
        Self::write(self.available + HEAD + 2 * u64::from(slot), number);
        self.is_away[usize::from(number)] = true;
        self.offered = self.offered.wrapping_add(1);
    }

    /// Shows the device what was offered. True: it wants to be told.
    pub fn publish(&mut self) -> bool {
        if self.offered == self.published {
            return false;
        }
        fence(Ordering::Release);
        Self::write(self.available + 2, self.offered);
        // What the device wants is looked at after it can see this.
        fence(Ordering::SeqCst);
        let fresh = self.offered.wrapping_sub(self.published);
        self.published = self.offered;
        if !self.has_event_index {
            return Self::read(self.used) & QUIET == 0;
        }
        let event = Self::read(self.used + HEAD + USED * u64::from(self.size));
        self.offered.wrapping_sub(event).wrapping_sub(1) < fresh
    }

    fn has_more(&self) -> bool {
        Self::read(self.used + 2) != self.taken
    }

    /// Takes a buffer that the device is done with: its number, and bytes that were written.
    ///
    /// # Errors
    /// [`Corrupt`]; then the queue must not be used any more.
    pub fn take(&mut self) -> Result<Option<(u16, u32)>, Corrupt> {
        let waiting = Self::read(self.used + 2).wrapping_sub(self.taken);
        if waiting == 0 {
            return Ok(None);
        }
        fence(Ordering::Acquire);
        let at = self.used + HEAD + USED * u64::from(self.taken & (self.size - 1));
        let number = u16::try_from(Self::read_long(at)).map_err(|_| Corrupt)?;
        let is_away = self.is_away.get_mut(usize::from(number)).filter(|is_away| **is_away);
        let is_away = is_away.filter(|_| waiting <= self.size).ok_or(Corrupt)?;
        *is_away = false;
        self.taken = self.taken.wrapping_add(1);
        Ok(Some((number, Self::read_long(at + 4))))
    }

    /// Has the device interrupt when it is done with the next buffer. True: it is already.
    pub fn want_interrupt(&self) -> bool {
        Self::write(self.available, 0);
        if self.has_event_index {
            Self::write(self.event(), self.taken);
        }
        fence(Ordering::SeqCst);
        self.has_more()
    }

    /// Asks the device not to interrupt.
    pub fn want_no_interrupts(&self) {
        if self.has_event_index {
            // As far away as it can be.
            Self::write(self.event(), self.taken.wrapping_sub(1));
        } else {
            Self::write(self.available, QUIET);
        }
    }

    fn event(&self) -> u64 {
        self.available + HEAD + 2 * u64::from(self.size)
    }
}
