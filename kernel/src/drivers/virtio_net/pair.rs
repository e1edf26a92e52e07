//! A pair of queues: one for frames that come in, one for frames that go out, and who looks after them.
//!
//! The device is told of frames at once, unless more are likely to follow: while frames are taken in, and while other threads wait for this CPU that
//! have just been woken. Then who takes frames in tells it, after those threads.
#![expect(unsafe_code, reason = "device registers")]

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;

use logic::net::inet::device::{Frame, Received};
use sync::{IrqLock, Lock};

use super::super::virtio::{Registers, Transport};
use super::super::virtqueue::{Corrupt, Queue};
use super::receiving::Receiving;
use super::sending::Sending;
use super::{Format, mmio};

/// Buffers of a queue.
const QUEUE_SIZE: u16 = 128;

/// Who looks after a pair, while it sleeps.
#[derive(Debug, Default)]
pub(super) struct Waiting(IrqLock<Option<Waker>>);

impl Waiting {
    /// Wakes it: at the device's interrupt, for one.
    pub(super) fn wake(&self) {
        let waker = self.0.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Where the device is told of a queue.
#[derive(Clone, Copy, Debug)]
enum Bell {
    Pci(u64, u16),
    Mmio(u64, u16),
}

impl Bell {
    /// That of queue `index`.
    fn of(index: u16, registers: &Registers) -> Option<Self> {
        match registers {
            Registers::Pci(registers) => registers.bell(index).map(|address| Self::Pci(address, index)),
            Registers::Mmio { address, .. } => Some(Self::Mmio(address + mmio::NOTIFY, index)),
        }
    }

    fn ring(self) {
        match self {
            // SAFETY: the register is mapped for ever, and is for writing this number to it.
            Self::Pci(address, queue) => unsafe { (address as *mut u16).write_volatile(queue) },
            // SAFETY: as above.
            Self::Mmio(address, queue) => unsafe { (address as *mut u32).write_volatile(queue.into()) },
        }
    }
}

/// A pair of queues.
#[derive(Debug)]
pub(super) struct Pair {
    receiving: Lock<Receiving>,
    sending: Lock<Sending>,
    /// Where the device is told of them.
    received: Bell,
    sent: Bell,
    waiting: Arc<Waiting>,
}

impl Pair {
    /// Sets pair `number` of a device up. `None`: it has no such queues, or there is no memory for them.
    pub(super) fn open(
        number: u16,
        (transport, registers): (&mut Transport, &Registers),
        format: Format,
        has_event_index: bool,
        waiting: &Arc<Waiting>,
    ) -> Option<Self> {
        let (receive, send) = (2 * number, 2 * number + 1);
        let mut queue = |index| Queue::new(transport, index, QUEUE_SIZE, has_event_index);
        let receiving = Receiving::new(queue(receive)?, format)?;
        Some(Self {
            receiving: Lock::new(receiving),
            sending: Lock::new(Sending::new(queue(send)?, format)),
            received: Bell::of(receive, registers)?,
            sent: Bell::of(send, registers)?,
            waiting: Arc::clone(waiting),
        })
    }

    /// The device may write into its buffers from now on.
    pub(super) fn begin(&self) {
        if self.receiving.lock().queue.publish() {
            self.received.ring();
        }
    }

    /// Whether it takes another long packet, in pieces.
    pub(super) fn has_room(&self) -> bool {
        self.sending.lock().has_room()
    }

    /// A buffer that was used, if there is one.
    pub(super) fn buffer(&self) -> Option<Vec<u8>> {
        self.sending.lock().spare_buffer()
    }

    /// Tells the device of frames, if it is to be told.
    fn tell(&self, sending: &mut Sending) {
        if core::mem::take(&mut sending.is_untold) {
            self.sent.ring();
        }
    }

    /// Tells it, or has who takes frames in do so soon.
    fn tell_soon(&self, sending: &mut Sending, others_wait: fn() -> bool) {
        if !sending.is_untold {
            return;
        }
        if !sending.is_full() && others_wait() {
            self.waiting.wake();
        } else {
            self.tell(sending);
        }
    }

    /// Sends frames, as far as there is room.
    pub(super) fn send(&self, frames: &mut [Frame], others_wait: fn() -> bool) -> Result<(), Corrupt> {
        let mut sending = self.sending.lock();
        for frame in frames {
            sending.add(core::mem::take(frame))?;
        }
        // Who takes frames in shows them to the device, all at once.
        if sending.takes_in {
            return Ok(());
        }
        let pushed = sending.push();
        self.tell_soon(&mut sending, others_wait);
        pushed
    }

    /// As `Device::receive`.
    pub(super) fn receive(
        &self,
        waker: &Waker,
        each: &mut dyn FnMut(Received<'_>),
        then: &mut dyn FnMut(),
    ) -> Result<bool, Corrupt> {
        let mut receiving = self.receiving.lock();
        *self.waiting.0.lock() = None;
        self.sending.lock().takes_in = true;
        let taken = receiving.take_batch(each);
        then();
        if receiving.queue.publish() {
            self.received.ring();
        }
        // Before the last look at what is to be sent, so that who comes later wakes it.
        *self.waiting.0.lock() = Some(waker.clone());
        let pushed = {
            let mut sending = self.sending.lock();
            sending.takes_in = false;
            let pushed = sending.push();
            self.tell(&mut sending);
            pushed
        };
        let more = taken?;
        pushed?;
        Ok(more || receiving.queue.want_interrupt())
    }
}
