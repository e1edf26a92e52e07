//! Virtio devices: where they are (PCI, modern and transitional; registers in memory, both versions), and what the `virtio-drivers` crate
//! needs of a machine.
#![expect(unsafe_code, reason = "device memory and physical addresses are promises to the driver crate")]

use alloc::vec::Vec;
use core::ptr::NonNull;

use logic::boot::cmdline::MmioDevice;
use logic::mm::frames::{FRAME, For};
use sync::Lock;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};
use virtio_drivers::transport::pci::bus::{Command, DeviceFunction, PciRoot};
use virtio_drivers::transport::pci::{PciTransport, virtio_device_type};
use virtio_drivers::transport::{DeviceType, SomeTransport, Transport as _};
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

use crate::arch::paging::physical_of_direct;
use crate::mm::{Memory, direct_address, frames, mmio};

use super::pci::{self, Configuration};

/// How a device is reached.
pub type Transport = SomeTransport<'static>;

/// Device memory that is mapped: physical address, bytes, virtual address.
static WINDOWS: Lock<Vec<(u64, u64, u64)>> = Lock::new(Vec::new());

/// What the driver crate is told of the machine. Buffers lie on the kernel's heap.
#[derive(Debug)]
pub enum Machine {}

// SAFETY: frames come zeroed, aligned and unshared from the allocator; windows are mapped for ever, once each.
unsafe impl Hal for Machine {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        const NONE: (PhysAddr, NonNull<u8>) = (0, NonNull::dangling());
        let Some(frame) = frames::allocate_contiguous(pages as u64, For::Kernel) else { return NONE };
        frames::zero(frame, pages as u64 * FRAME);
        NonNull::new(direct_address(frame) as *mut u8).map_or(NONE, |address| (frame, address))
    }

    unsafe fn dma_dealloc(frame: PhysAddr, _address: NonNull<u8>, pages: usize) -> i32 {
        frames::free_contiguous(frame, pages as u64);
        0
    }

    unsafe fn mmio_phys_to_virt(physical: PhysAddr, size: usize) -> NonNull<u8> {
        let end = physical.saturating_add(size as u64);
        let windows = WINDOWS.lock();
        let window = windows.iter().find(|(start, length, _)| physical >= *start && end <= start + length);
        // `map_windows` mapped all of the device's memory, and the crate has checked that this lies in it.
        window
            .and_then(|(start, _, address)| NonNull::new((address + (physical - start)) as *mut u8))
            .unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        physical_of_direct(buffer.addr().get() as u64)
    }

    unsafe fn unshare(_physical: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}

/// The first device of type `wanted`: on PCI, else among `devices`, whose registers lie in memory.
pub fn find(wanted: DeviceType, devices: &[MmioDevice], memory: &Memory) -> Option<Transport> {
    let on_pci = find_pci(wanted, memory).map(Transport::from);
    on_pci
        .or_else(|| devices.iter().find_map(|device| open_mmio(wanted, device, memory)).map(Transport::from))
}

fn find_pci(wanted: DeviceType, memory: &Memory) -> Option<PciTransport> {
    let mut root = PciRoot::new(Configuration::find()?);
    let mut functions = pci::functions(&root).into_iter();
    let (function, _) = functions.find(|(_, info)| virtio_device_type(info) == Some(wanted))?;
    map_windows(&mut root, function, memory)?;
    let (_, command) = root.get_status_command(function);
    root.set_command(function, command | Command::MEMORY_SPACE | Command::BUS_MASTER);
    PciTransport::new::<Machine, _>(&mut root, function)
        .inspect_err(|error| log::warn!("virtio device {function}: {error}"))
        .ok()
}

/// Maps the memory of `function`.
fn map_windows(root: &mut PciRoot<Configuration>, function: DeviceFunction, memory: &Memory) -> Option<()> {
    for bar in root.bars(function).ok()?.into_iter().flatten() {
        let Some((physical, size)) = bar
            .memory_address_size()
            .filter(|&(physical, size)| physical != 0 && size != 0 && physical.checked_add(size).is_some())
        else {
            continue;
        };
        let address = mmio::map(memory, physical, size).ok()?;
        WINDOWS.lock().push((physical, size, address));
    }
    Some(())
}

/// The device behind `device`'s registers, if it is of type `wanted`. One that is not is left as it is.
fn open_mmio(wanted: DeviceType, device: &MmioDevice, memory: &Memory) -> Option<MmioTransport<'static>> {
    /// Offsets of the registers `MagicValue` and `DeviceID` (virtio specification, section 4.2.2), and the magic value.
    const MAGIC: (u64, u32) = (0, u32::from_le_bytes(*b"virt"));
    const DEVICE_ID: u64 = 8;
    let size = usize::try_from(device.size).ok().filter(|&size| size >= size_of::<VirtIOHeader>())?;
    let address = mmio::map(memory, device.address, device.size).ok()?;
    // SAFETY: the registers are mapped, and these two can be read at any time.
    let register = |offset: u64| unsafe { ((address + offset) as *const u32).read_volatile() };
    if register(MAGIC.0) != MAGIC.1 || register(DEVICE_ID) != wanted as u32 {
        return None;
    }
    // SAFETY: the registers are mapped for ever; nobody else uses this device.
    let transport = unsafe { MmioTransport::new(NonNull::new(address as *mut VirtIOHeader)?, size) };
    transport
        .inspect_err(|error| log::warn!("virtio device at {:#x}: {error}", device.address))
        .ok()
        .filter(|transport| transport.device_type() == wanted)
}
