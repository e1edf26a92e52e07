//! Interrupts by message (PCI Local Bus Specification 3.0, section 6.8.2): what a function writes where, to interrupt.
#![expect(unsafe_code, reason = "device registers")]

use virtio_drivers::transport::pci::bus::{ConfigurationAccess as _, DeviceFunction, PciRoot};

use super::pci::Configuration;
use super::virtio::window;

/// The capability's number.
const CAPABILITY: u8 = 0x11;
/// In the message control word: on; nothing is sent.
const ENABLE: u32 = 1 << 31;
const MASK_ALL: u32 = 1 << 30;

/// The first entry of a function's table.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    function: DeviceFunction,
    capability: u8,
    entry: u64,
}

impl Messages {
    /// The table of `function`, whose memory is mapped.
    pub fn find(
        configuration: &Configuration,
        root: &mut PciRoot<Configuration>,
        function: DeviceFunction,
    ) -> Option<Self> {
        const ENTRY: u64 = 16;
        let capability = root.capabilities(function).find(|capability| capability.id == CAPABILITY)?.offset;
        let place = configuration.read_word(function, capability.checked_add(4)?);
        let bar = root.bar_info(function, (place & 7) as u8).ok()??;
        let (physical, size) = bar.memory_address_size()?;
        let offset = u64::from(place & !7);
        if offset.checked_add(ENTRY)? > size {
            return None;
        }
        Some(Self { function, capability, entry: window(physical + offset, ENTRY)? })
    }

    /// Has the function write `data` to `address` for its first message.
    pub fn enable(&self, configuration: &mut Configuration, (address, data): (u64, u32)) {
        let words = [address as u32, (address >> 32) as u32, data, 0];
        for (index, word) in words.into_iter().enumerate() {
            let at = self.entry + 4 * index as u64;
            // SAFETY: the entry lies in the function's memory, which `find` saw mapped, and nobody else writes to it.
            unsafe { (at as *mut u32).write_volatile(word) };
        }
        let control = configuration.read_word(self.function, self.capability);
        configuration.write_word(self.function, self.capability, (control | ENABLE) & !MASK_ALL);
    }
}
