//! The entropy device (virtio specification, section 5.4): random bytes from the host.
#![expect(unsafe_code, reason = "the device writes a buffer while the driver looks away")]

use alloc::boxed::Box;

use logic::boot::cmdline::MmioDevice;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::{DeviceType, Transport as _};

use crate::mm::Memory;

use super::virtio::{self, Machine, Transport};

/// Bytes asked for at a time.
pub const BYTES: usize = 32;
/// A host that has not answered after this many nanoseconds is not asked again.
const PATIENCE_NS: u64 = 1_000_000_000;
const QUEUE: u16 = 0;
const QUEUE_SIZE: usize = 8;

/// The device. It is never taken down: its buffer stays its own until it has answered.
pub struct EntropyDevice {
    transport: Transport,
    queue: VirtQueue<Machine, QUEUE_SIZE>,
    buffer: &'static mut [u8; BYTES],
}

impl core::fmt::Debug for EntropyDevice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("EntropyDevice")
    }
}

impl EntropyDevice {
    /// Finds the machine's entropy device and sets it up. `devices`: those that are not on PCI.
    pub fn find(devices: &[MmioDevice], memory: &Memory) -> Option<Self> {
        let mut transport = virtio::find(DeviceType::EntropySource, devices, memory)?;
        // Feature bits: none of its own, and of the common ones version 1 where it is offered.
        transport.begin_init(virtio_drivers::device::common::Feature::VERSION_1);
        let queue = VirtQueue::new(&mut transport, QUEUE, false, false)
            .inspect_err(|error| log::warn!("virtio entropy device: {error}"))
            .ok()?;
        transport.finish_init();
        Some(Self { transport, queue, buffer: Box::leak(Box::new([0; BYTES])) })
    }

    /// Random bytes from the host, which may give fewer than it is asked for; `now` tells nanoseconds.
    ///
    /// `None`: it did not answer, and must not be asked again.
    pub fn read(&mut self, now: fn() -> u64) -> Option<[u8; BYTES]> {
        self.buffer.fill(0);
        // SAFETY: the buffer is the device's until the token comes back; if it does not, nobody uses it again.
        let token = unsafe { self.queue.add(&[], &mut [&mut *self.buffer]) }.ok()?;
        self.transport.notify(QUEUE);
        let start = now();
        while !self.queue.can_pop() {
            if now() - start > PATIENCE_NS {
                log::warn!("virtio entropy device: no answer");
                return None;
            }
            core::hint::spin_loop();
        }
        // SAFETY: the same buffer as above.
        let length = unsafe { self.queue.pop_used(token, &[], &mut [&mut *self.buffer]) }.ok()?;
        (length > 0).then_some(*self.buffer)
    }
}
