//! The loopback interface: packets that never leave the machine. Who sends some brings them to their sockets itself, when it holds no lock.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use sync::Lock;

use super::outlet::{Capabilities, Cut, Outlet};

/// Bytes of the largest packet: what the header of IPv4 can say.
const MTU: usize = 65_535;
/// Packets that wait at most: more are lost, as on any wire.
const MOST_PACKETS: usize = 1024;

/// The queue of packets.
#[derive(Debug)]
pub(super) struct Loopback {
    capabilities: Capabilities,
    queue: Lock<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    packets: VecDeque<Vec<u8>>,
    /// Somebody brings them to their sockets: one at a time, or they would overtake each other.
    is_served: bool,
}

impl Loopback {
    pub(super) fn new() -> Self {
        Self { capabilities: Capabilities::new(MTU).without_checksums(), queue: Lock::default() }
    }

    /// What its packets need.
    pub(super) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Its way out.
    pub(super) fn outlet(&self) -> Way<'_> {
        Way { loopback: self, packet: Vec::new() }
    }

    /// Hands all packets to `input`, those that come meanwhile too, unless somebody does already.
    pub(super) fn serve(&self, mut input: impl FnMut(&[u8])) {
        {
            let mut queue = self.queue.lock();
            if queue.is_served || queue.packets.is_empty() {
                return;
            }
            queue.is_served = true;
        }
        loop {
            let packet = {
                let mut queue = self.queue.lock();
                let packet = queue.packets.pop_front();
                queue.is_served = packet.is_some();
                packet
            };
            let Some(packet) = packet else { return };
            input(&packet);
        }
    }
}

/// The loopback interface's way out.
pub(super) struct Way<'a> {
    loopback: &'a Loopback,
    packet: Vec<u8>,
}

impl Outlet for Way<'_> {
    fn capabilities(&self) -> &Capabilities {
        &self.loopback.capabilities
    }

    fn has_room(&mut self) -> bool {
        self.loopback.queue.lock().packets.len() < MOST_PACKETS
    }

    fn buffer(&mut self, length: usize) -> &mut [u8] {
        self.packet = alloc::vec![0; length];
        &mut self.packet
    }

    fn send(&mut self, _cut: Cut) {
        let mut queue = self.loopback.queue.lock();
        if queue.packets.len() < MOST_PACKETS && queue.packets.try_reserve(1).is_ok() {
            queue.packets.push_back(core::mem::take(&mut self.packet));
        }
    }
}
