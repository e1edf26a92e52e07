//! The control queue (virtio specification, section 5.1.6.5): how many pairs of queues the device is to use.

use alloc::boxed::Box;

use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport as _;

use super::super::virtio::{Machine, Transport};

/// `VIRTIO_NET_CTRL_MQ`, `VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET`, and the answer to what was done.
const PAIRS: [u8; 2] = [4, 0];
const OK: u8 = 0;
/// How long the device may take to answer.
const PATIENCE_NS: u64 = 1_000_000_000;

/// The queue. It stays for ever: a device may answer late.
pub(super) struct Control {
    index: u16,
    queue: VirtQueue<Machine, 2>,
}

impl core::fmt::Debug for Control {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Control").field("index", &self.index).finish_non_exhaustive()
    }
}

impl Control {
    /// Sets queue `index` of a device up.
    pub(super) fn open(transport: &mut Transport, index: u16, has_event_index: bool) -> Option<Self> {
        let queue = VirtQueue::new(transport, index, false, has_event_index)
            .inspect_err(|error| log::warn!("virtio network device: {error}"))
            .ok()?;
        Some(Self { index, queue })
    }

    /// Has the device use so many pairs; `now` tells nanoseconds. False: it goes on with the first one.
    #[expect(unsafe_code, reason = "the device writes its answer while the driver looks away")]
    pub(super) fn use_pairs(&mut self, transport: &mut Transport, count: u16, now: fn() -> u64) -> bool {
        let [low, high] = count.to_le_bytes();
        let command: &'static [u8; 4] = Box::leak(Box::new([PAIRS[0], PAIRS[1], low, high]));
        let answer: &'static mut [u8; 1] = Box::leak(Box::new([!OK]));
        // SAFETY: both are the device's until the token comes back; if it does not, nobody uses them again.
        let added = unsafe { self.queue.add(&[command], &mut [&mut *answer]) };
        let Ok(token) = added else { return false };
        transport.notify(self.index);
        let start = now();
        while !self.queue.can_pop() {
            if now() - start > PATIENCE_NS {
                return false;
            }
            core::hint::spin_loop();
        }
        // SAFETY: the same buffers as above.
        let popped = unsafe { self.queue.pop_used(token, &[command], &mut [&mut *answer]) };
        popped.is_ok() && *answer == [OK]
    }
}
