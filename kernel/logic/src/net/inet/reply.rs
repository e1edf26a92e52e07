//! The way back for what a packet is answered with at once, which few are: it is looked for only then.

use alloc::vec::Vec;

use super::outlet::{Capabilities, Cut, Outlet};
use super::packet::Ends;
use super::stack::Stack;

/// The way to who sent a packet.
pub(super) struct Reply<'a> {
    stack: &'a Stack,
    ends: Ends,
    /// What the way can do that the packet came by.
    capabilities: &'a Capabilities,
    packet: Vec<u8>,
}

impl<'a> Reply<'a> {
    /// The way to the second of `ends`, a packet of whose came by one that does what `capabilities` say.
    pub(super) fn new(stack: &'a Stack, ends: Ends, capabilities: &'a Capabilities) -> Self {
        Self { stack, ends, capabilities, packet: Vec::new() }
    }
}

impl Outlet for Reply<'_> {
    fn capabilities(&self) -> &Capabilities {
        self.capabilities
    }

    fn has_room(&mut self) -> bool {
        true
    }

    fn buffer(&mut self, length: usize) -> &mut [u8] {
        self.packet.resize(length, 0);
        &mut self.packet
    }

    fn send(&mut self, cut: Cut) {
        self.stack.outlet(&self.ends, |outlet| {
            outlet.buffer(self.packet.len()).copy_from_slice(&self.packet);
            outlet.send(cut);
        });
    }
}
