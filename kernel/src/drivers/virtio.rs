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
use super::virtio_pci::PciRegisters;

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
        // `map_windows` mapped all of the device's memory, and the crate has checked that this lies in it.
        window(physical, size as u64)
            .and_then(|address| NonNull::new(address as *mut u8))
            .unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        physical_of_direct(buffer.addr().get() as u64)
    }

    unsafe fn unshare(_physical: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}

/// The address where `size` bytes of device memory at `physical` are mapped.
pub(super) fn window(physical: u64, size: u64) -> Option<u64> {
    let end = physical.checked_add(size)?;
    let windows = WINDOWS.lock();
    let found = windows.iter().find(|(start, length, _)| physical >= *start && end <= start + length);
    found.map(|(start, _, address)| address + (physical - start))
}

/// The first device of type `wanted`: on PCI, else among `devices`, whose registers lie in memory.
pub fn find(wanted: DeviceType, devices: &[MmioDevice], memory: &Memory) -> Option<Transport> {
    let on_pci = functions_of(wanted).into_iter().find_map(|function| open_pci(function, memory));
    let on_pci = on_pci.map(|(transport, _)| Transport::from(transport));
    on_pci.or_else(|| {
        devices
            .iter()
            .find_map(|device| open_mmio(wanted, device, memory))
            .map(|(transport, _)| Transport::from(transport))
    })
}

/// A device, and how it is told and tells of something.
#[derive(Debug)]
pub struct Found {
    /// How it is set up.
    pub transport: Transport,
    /// The rest of its registers.
    pub registers: Registers,
}

/// Registers that a driver uses itself while the device runs.
#[derive(Debug)]
pub enum Registers {
    /// On PCI.
    Pci(PciRegisters),
    /// In memory: where, and the interrupt's number.
    Mmio {
        /// The first register.
        address: u64,
        /// Its pin.
        irq: u32,
    },
}

/// All devices of type `wanted`.
pub fn find_all(wanted: DeviceType, devices: &[MmioDevice], memory: &Memory) -> Vec<Found> {
    let on_pci = functions_of(wanted).into_iter().filter_map(|function| {
        let (transport, registers) = open_pci(function, memory)?;
        Some(Found { transport: transport.into(), registers: Registers::Pci(registers) })
    });
    let in_memory = devices.iter().filter_map(|device| {
        let (transport, address) = open_mmio(wanted, device, memory)?;
        let registers = Registers::Mmio { address, irq: device.irq };
        Some(Found { transport: transport.into(), registers })
    });
    on_pci.chain(in_memory).collect()
}

fn functions_of(wanted: DeviceType) -> Vec<DeviceFunction> {
    let Some(configuration) = Configuration::find() else { return Vec::new() };
    let functions = pci::functions(&PciRoot::new(configuration)).into_iter();
    functions
        .filter(|(_, info)| virtio_device_type(info) == Some(wanted))
        .map(|(function, _)| function)
        .collect()
}

fn open_pci(function: DeviceFunction, memory: &Memory) -> Option<(PciTransport, PciRegisters)> {
    let mut root = PciRoot::new(Configuration::find()?);
    map_windows(&mut root, function, memory)?;
    let (_, command) = root.get_status_command(function);
    root.set_command(function, command | Command::MEMORY_SPACE | Command::BUS_MASTER);
    let transport = PciTransport::new::<Machine, _>(&mut root, function)
        .inspect_err(|error| log::warn!("virtio device {function}: {error}"))
        .ok()?;
    let registers = PciRegisters::find(&mut root, function)?;
    Some((transport, registers))
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
fn open_mmio(
    wanted: DeviceType,
    device: &MmioDevice,
    memory: &Memory,
) -> Option<(MmioTransport<'static>, u64)> {
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
        .map(|transport| (transport, address))
}
