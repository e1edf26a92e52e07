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

/// Bytes of an entry of the table.
const ENTRY: u64 = 16;

/// A function's table.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    function: DeviceFunction,
    capability: u8,
    entries: u64,
    count: u16,
}

impl Messages {
    /// The table of `function`, whose memory is mapped.
    pub fn find(
        configuration: &Configuration,
        root: &mut PciRoot<Configuration>,
        function: DeviceFunction,
    ) -> Option<Self> {
        let capability = root.capabilities(function).find(|capability| capability.id == CAPABILITY)?.offset;
        // One less stands there (section 6.8.2.3).
        let count = (configuration.read_word(function, capability) >> 16 & 0x7ff) as u16 + 1;
        let bytes = ENTRY * u64::from(count);
        let place = configuration.read_word(function, capability.checked_add(4)?);
        let bar = root.bar_info(function, (place & 7) as u8).ok()??;
        let (physical, size) = bar.memory_address_size()?;
        let offset = u64::from(place & !7);
        if offset.checked_add(bytes)? > size {
            return None;
        }
        Some(Self { function, capability, entries: window(physical + offset, bytes)?, count })
    }

    /// How many messages it has.
    pub fn count(&self) -> usize {
        self.count.into()
    }

    /// Has the function write these data to these addresses for its first messages.
    pub fn enable(&self, configuration: &mut Configuration, messages: &[(u64, u32)]) {
        let entries = (0..u64::from(self.count)).zip(messages);
        let words = entries.flat_map(|(entry, &(address, data))| {
            let words = [address as u32, (address >> 32) as u32, data, 0];
            (0..).zip(words).map(move |(index, word)| (ENTRY * entry + 4 * index, word))
        });
        for (offset, word) in words {
            // SAFETY: the entry lies in the function's memory, which `find` saw mapped, and nobody else writes to it.
            unsafe { ((self.entries + offset) as *mut u32).write_volatile(word) };
        }
        let control = configuration.read_word(self.function, self.capability);
        configuration.write_word(self.function, self.capability, (control | ENABLE) & !MASK_ALL);
    }
}
