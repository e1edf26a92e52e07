//! Devices: found, set up, handed on. Disks get their rooms here when their issue comes.

pub mod acpi;
pub mod fw_cfg;
pub mod kvmclock;
pub mod msix;
pub mod pci;
pub mod power_button;
pub mod reference;
pub mod rtc;
pub mod serial;
pub mod virtio;
pub mod virtio_net;
pub mod virtio_pci;
pub mod virtio_rng;
pub mod virtqueue;

use crate::arch::apic;
use crate::mm::{Memory, mmio};

/// Maps the interrupt controllers that the firmware names and turns this CPU's on.
pub fn install_interrupt_controllers(firmware: &acpi::Firmware, memory: &Memory) {
    const PAGE: u64 = 4096;
    let local = mmio::map(memory, apic::local_physical_base(), PAGE).unwrap_or(0);
    let io = firmware.io_apic.and_then(|physical| mmio::map(memory, physical, PAGE).ok()).unwrap_or(0);
    #[expect(unsafe_code, reason = "the apic driver trusts these addresses")]
    // SAFETY: both map the device pages, uncached, for ever; 0 stands for an I/O APIC that is not there.
    unsafe {
        apic::set_bases(local, io);
    }
    apic::install();
}
