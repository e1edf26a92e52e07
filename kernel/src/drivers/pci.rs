//! PCI: configuration space through the two ports of the first mechanism (PCI Local Bus Specification 3.0, section 3.2.2.3.2), and what is
//! on the buses. Memory behind base address registers is where the firmware put it.
#![expect(unsafe_code, reason = "port I/O")]

use alloc::vec::Vec;

use sync::Lock;
use virtio_drivers::transport::pci::bus::{
    ConfigurationAccess, DeviceFunction, DeviceFunctionInfo, HeaderType, PciRoot,
};

use crate::arch::port::{inl, outl};

const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
const ENABLE: u32 = 1 << 31;
/// Register of a bridge with the numbers of the buses it joins.
const BUS_NUMBERS: u8 = 0x18;

/// One address register for all.
static PORTS: Lock<()> = Lock::new(());

/// Configuration space, 256 bytes of each function.
#[derive(Debug)]
pub struct Configuration(());

impl Configuration {
    /// `None` on machines without PCI.
    pub fn find() -> Option<Self> {
        let _guard = PORTS.lock();
        // SAFETY: writing the address selects a register of the host bridge and does nothing else.
        unsafe { outl(ADDRESS, ENABLE) };
        // SAFETY: reading it back does nothing.
        let answer = unsafe { inl(ADDRESS) };
        (answer == ENABLE).then_some(Self(()))
    }
}

/// Selects the register at byte `offset`.
fn select(function: DeviceFunction, offset: u8) {
    let DeviceFunction { bus, device, function } = function;
    let place = u32::from(bus) << 16 | u32::from(device) << 11 | u32::from(function) << 8;
    // SAFETY: this selects a register and does nothing else.
    unsafe { outl(ADDRESS, ENABLE | place | u32::from(offset & 0xfc)) };
}

impl ConfigurationAccess for Configuration {
    fn read_word(&self, function: DeviceFunction, offset: u8) -> u32 {
        let _guard = PORTS.lock();
        select(function, offset);
        // SAFETY: registers of configuration space can be read.
        unsafe { inl(DATA) }
    }

    fn write_word(&mut self, function: DeviceFunction, offset: u8, data: u32) {
        let _guard = PORTS.lock();
        select(function, offset);
        // SAFETY: drivers write command and base address registers of their own device.
        unsafe { outl(DATA, data) };
    }

    unsafe fn unsafe_clone(&self) -> Self {
        Self(())
    }
}

/// All functions on all buses that bridges lead to.
pub fn functions(root: &PciRoot<Configuration>) -> Vec<(DeviceFunction, DeviceFunctionInfo)> {
    let (mut found, mut buses, mut at) = (Vec::new(), [0u8].to_vec(), 0);
    while let Some(&bus) = buses.get(at) {
        for (function, info) in root.enumerate_bus(bus) {
            if info.header_type == HeaderType::PciPciBridge {
                let secondary = (Configuration(()).read_word(function, BUS_NUMBERS) >> 8) as u8;
                // Each bus once, whatever the bridges say.
                if !buses.contains(&secondary) {
                    buses.push(secondary);
                }
            }
            found.push((function, info));
        }
        at += 1;
    }
    found
}
