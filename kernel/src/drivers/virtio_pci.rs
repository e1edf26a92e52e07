//! Registers of a virtio device on PCI (virtio specification, section 4.1.4) that its driver uses itself: where the device is told of
//! something, which costs the crate's transport three accesses instead of one, and which message it interrupts with.
#![expect(unsafe_code, reason = "device registers")]

use virtio_drivers::transport::pci::bus::{
    ConfigurationAccess as _, DeviceFunction, PCI_CAP_ID_VNDR, PciRoot,
};
use virtio_drivers::transport::pci::{VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_CAP_NOTIFY_CFG};

use super::msix::Messages;
use super::pci::Configuration;
use super::virtio::window;

/// Registers of the common configuration: offsets, and bytes of all.
const MSIX_CONFIG: u64 = 16;
const QUEUE_SELECT: u64 = 22;
const QUEUE_VECTOR: u64 = 26;
const QUEUE_NOTIFY_OFFSET: u64 = 30;
const COMMON_BYTES: u64 = 56;
/// No message.
const NO_VECTOR: u16 = 0xffff;

/// Where they are.
#[derive(Debug)]
pub struct PciRegisters {
    configuration: Configuration,
    messages: Option<Messages>,
    common: u64,
    /// Where queues are told of, bytes of that, and bytes from one number to the next.
    bells: (u64, u64, u64),
}

/// A place in the function's memory that a capability points to.
struct Place {
    address: u64,
    length: u64,
}

impl PciRegisters {
    /// Finds them. `None`: the device lacks some, or says that they are where there is nothing.
    pub(super) fn find(root: &mut PciRoot<Configuration>, function: DeviceFunction) -> Option<Self> {
        let configuration = Configuration::find()?;
        let (common, _) = capability(&configuration, root, function, VIRTIO_PCI_CAP_COMMON_CFG)?;
        let (bells, offset) = capability(&configuration, root, function, VIRTIO_PCI_CAP_NOTIFY_CFG)?;
        if common.length < COMMON_BYTES {
            return None;
        }
        let step = u64::from(configuration.read_word(function, offset.checked_add(16)?));
        let messages = Messages::find(&configuration, root, function);
        Some(Self {
            configuration,
            messages,
            common: common.address,
            bells: (bells.address, bells.length, step),
        })
    }

    fn read(&self, offset: u64) -> u16 {
        // SAFETY: `find` saw the common configuration mapped; reading these registers changes nothing.
        unsafe { ((self.common + offset) as *const u16).read_volatile() }
    }

    fn write(&self, offset: u64, value: u16) {
        // SAFETY: as above; the driver owns the device.
        unsafe { ((self.common + offset) as *mut u16).write_volatile(value) }
    }

    /// Where the device is told of queue `index`.
    pub(super) fn bell(&self, index: u16) -> Option<u64> {
        self.write(QUEUE_SELECT, index);
        let (address, length, step) = self.bells;
        let offset = u64::from(self.read(QUEUE_NOTIFY_OFFSET)) * step;
        (offset % 2 == 0 && offset + 2 <= length).then_some(address + offset)
    }

    /// Has the device send the first of `messages` when something happens in one of the first `each` queues, the second for the next ones and so on: at
    /// most [`PciRegisters::messages`]. False: it cannot.
    pub(super) fn interrupt_by(&mut self, messages: &[(u64, u32)], each: u16) -> bool {
        let Some(table) = self.messages else { return false };
        table.enable(&mut self.configuration, messages);
        self.write(MSIX_CONFIG, NO_VECTOR);
        (0..messages.len() as u16 * each).all(|queue| {
            self.write(QUEUE_SELECT, queue);
            self.write(QUEUE_VECTOR, queue / each);
            // What a device has no memory for, it does not take.
            self.read(QUEUE_VECTOR) == queue / each
        })
    }

    /// How many messages it has to interrupt by.
    pub(super) fn messages(&self) -> usize {
        self.messages.map_or(0, |messages| messages.count())
    }
}

/// The place that the first capability of type `kind` points to, and the capability's own offset.
fn capability(
    configuration: &Configuration,
    root: &mut PciRoot<Configuration>,
    function: DeviceFunction,
    kind: u8,
) -> Option<(Place, u8)> {
    let found = root.capabilities(function).find(|capability| {
        capability.id == PCI_CAP_ID_VNDR && (capability.private_header >> 8) as u8 == kind
    })?;
    let word = |offset: u8| Some(configuration.read_word(function, found.offset.checked_add(offset)?));
    let (bar, offset, length) = (word(4)? as u8, u64::from(word(8)?), u64::from(word(12)?));
    let (physical, size) = root.bar_info(function, bar).ok()??.memory_address_size()?;
    if offset + length > size {
        return None;
    }
    Some((Place { address: window(physical + offset, length)?, length }, found.offset))
}
