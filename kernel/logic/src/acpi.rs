//! The ACPI tables that matter here, read from bytes: CPUs and I/O APIC (MADT), power-off and PM timer (FADT, `_S5`), HPET.
//!
//! ACPI specification 6.5, chapter 5. A table with a wrong checksum or length is left out, as if it were not there. No AML is run: the
//! sleep type of `_S5` is found by its byte pattern, which is what firmware for virtual machines has.

use alloc::vec::Vec;

/// Reads physical memory: exactly `length` bytes at an address, or `None`.
pub type Memory<'a> = &'a dyn Fn(u64, usize) -> Option<&'static [u8]>;

/// Bytes of a system description table's header.
const HEADER: usize = 36;
/// Longer tables are not believed.
const MOST_BYTES: usize = 1 << 20;

/// How the machine is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerOff {
    /// Write the value to the PM1a control port.
    Pm1 {
        /// I/O port.
        port: u16,
        /// Sleep type and enable bit.
        value: u16,
    },
    /// Write the value to the sleep control register (hardware-reduced ACPI: microvm).
    SleepControl {
        /// Physical address of the register, in memory space.
        address: u64,
        /// Sleep type and enable bit.
        value: u8,
    },
}

/// The power button as a fixed feature of the hardware (ACPI specification 6.5, 4.8.2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerButton {
    /// I/O port of the PM1a status register.
    pub status: u16,
    /// I/O port of the PM1a enable register.
    pub enable: u16,
    /// I/O port of the PM1a control register.
    pub control: u16,
    /// The port and value that hand power management over from the firmware, if that is to be asked for.
    pub hand_over: Option<(u16, u8)>,
    /// ISA interrupt line of its interrupt (SCI), level-triggered.
    pub line: u8,
}

/// An ISA interrupt line that does not arrive at the I/O APIC pin of its number, or in another way than ISA's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// The line.
    pub line: u8,
    /// The pin.
    pub pin: u32,
    /// It is said to be active high.
    pub is_active_high: bool,
}

/// What the firmware says about the machine.
#[derive(Clone, Debug, Default)]
pub struct Firmware {
    /// Local APIC IDs of usable CPUs.
    pub cpus: Vec<u32>,
    /// Physical address of the first I/O APIC.
    pub io_apic: Option<u64>,
    /// Interrupt lines that differ from ISA's.
    pub overrides: Vec<Override>,
    /// Physical address of the HPET's registers.
    pub hpet: Option<u64>,
    /// I/O port of the PM timer, and whether it has 32 bits.
    pub pm_timer: Option<(u16, bool)>,
    /// How to switch off.
    pub power_off: Option<PowerOff>,
    /// The button that asks for it.
    pub power_button: Option<PowerButton>,
    /// Physical address of PCI's memory-mapped configuration space.
    pub pci_config: Option<u64>,
}

impl Firmware {
    /// Where ISA interrupt `line` arrives, and whether it is said to be active high.
    #[must_use]
    pub fn pin(&self, line: u8) -> (u32, bool) {
        let other = self.overrides.iter().find(|other| other.line == line);
        other.map_or((u32::from(line), false), |other| (other.pin, other.is_active_high))
    }
}

pub(crate) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

pub(crate) fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte)) == 0
}

/// Whether a root pointer begins here.
#[must_use]
pub fn is_root_pointer(bytes: &[u8]) -> bool {
    bytes.len() >= 20 && bytes.starts_with(b"RSD PTR ") && sums_to_zero(&bytes[..20])
}

/// Finds the root pointer in a BIOS area: at a multiple of 16 bytes. Answers its offset.
#[must_use]
pub fn find_root_pointer(area: &[u8]) -> Option<usize> {
    (0..area.len()).step_by(16).find(|&at| is_root_pointer(&area[at..]))
}

/// Reads everything from the root pointer at physical address `rsdp` on. What is missing or wrong stays empty.
#[must_use]
pub fn read(rsdp: u64, memory: Memory<'_>) -> Firmware {
    let mut firmware = Firmware::default();
    for address in tables(rsdp, memory).unwrap_or_default() {
        let Some(table) = table(address, memory) else { continue };
        // A table that is too short simply ends its own reading.
        let _ = match &table[..4] {
            b"APIC" => madt(table, &mut firmware),
            b"FACP" => fadt(table, memory, &mut firmware),
            b"HPET" => hpet(table, &mut firmware),
            b"MCFG" => mcfg(table, &mut firmware),
            _ => None,
        };
    }
    firmware
}

/// Addresses of all tables.
fn tables(rsdp: u64, memory: Memory<'_>) -> Option<Vec<u64>> {
    let root = memory(rsdp, 36)?;
    if !is_root_pointer(root) {
        return None;
    }
    let xsdt = if u8_at(root, 15)? >= 2 && sums_to_zero(root) { u64_at(root, 24)? } else { 0 };
    if let Some(table) = (xsdt != 0).then(|| table(xsdt, memory)).flatten() {
        return Some(table[HEADER..].chunks_exact(8).filter_map(|entry| u64_at(entry, 0)).collect());
    }
    let table = table(u64::from(u32_at(root, 16)?), memory)?;
    Some(table[HEADER..].chunks_exact(4).filter_map(|entry| u32_at(entry, 0).map(u64::from)).collect())
}

/// The table at `address`, whole and with the right checksum.
fn table(address: u64, memory: Memory<'_>) -> Option<&'static [u8]> {
    let length = u32_at(memory(address, HEADER)?, 4)? as usize;
    let bytes = memory(address, length).filter(|_| (HEADER..MOST_BYTES).contains(&length))?;
    sums_to_zero(bytes).then_some(bytes)
}

fn madt(table: &[u8], firmware: &mut Firmware) -> Option<()> {
    const ENABLED: u32 = 1;
    const POLARITY: u16 = 3;
    const ACTIVE_HIGH: u16 = 1;
    let mut at = HEADER + 8;
    loop {
        let entry = table.get(at..at + usize::from(u8_at(table, at + 1)?))?;
        if entry.len() < 2 {
            return None;
        }
        match entry[0] {
            0 if u32_at(entry, 4)? & ENABLED != 0 => firmware.cpus.push(u32::from(u8_at(entry, 3)?)),
            1 if firmware.io_apic.is_none() => firmware.io_apic = Some(u64::from(u32_at(entry, 4)?)),
            2 => firmware.overrides.push(Override {
                line: u8_at(entry, 3)?,
                pin: u32_at(entry, 4)?,
                is_active_high: u16_at(entry, 8)? & POLARITY == ACTIVE_HIGH,
            }),
            9 if u32_at(entry, 8)? & ENABLED != 0 => firmware.cpus.push(u32_at(entry, 4)?),
            _ => {}
        }
        at += entry.len();
    }
}

fn fadt(table: &[u8], memory: Memory<'_>, firmware: &mut Firmware) -> Option<()> {
    const TIMER_32_BITS: u32 = 1 << 8;
    const HARDWARE_REDUCED: u32 = 1 << 20;
    const SLEEP_ENABLE: u16 = 1 << 13;
    let flags = u32_at(table, 112)?;
    let dsdt_address = u64_at(table, 140).filter(|&wide| wide != 0).or(u32_at(table, 40).map(u64::from))?;
    let sleep_type = self::table(dsdt_address, memory).and_then(sleep_type_s5);
    if flags & HARDWARE_REDUCED != 0 {
        const MEMORY_SPACE: u8 = 0;
        let address = u64_at(table, 244 + 4)?;
        // Without _S5 in the DSDT: sleep type 5, which QEMU's microvm uses.
        let value = sleep_type.unwrap_or(5) << 2 | 1 << 5;
        if u8_at(table, 244)? == MEMORY_SPACE && address != 0 {
            firmware.power_off = Some(PowerOff::SleepControl { address, value });
        }
        return Some(());
    }
    let timer = u16_at(table, 76)?;
    if timer != 0 {
        firmware.pm_timer = Some((timer, flags & TIMER_32_BITS != 0));
    }
    let port = u16_at(table, 64)?;
    firmware.power_button = power_button(table, flags);
    if let Some(kind) = sleep_type.filter(|_| port != 0) {
        firmware.power_off = Some(PowerOff::Pm1 { port, value: u16::from(kind) << 10 | SLEEP_ENABLE });
    }
    Some(())
}

fn power_button(table: &[u8], flags: u32) -> Option<PowerButton> {
    const IS_CONTROL_METHOD: u32 = 1 << 4;
    let (status, control) = (u16_at(table, 56)?, u16_at(table, 64)?);
    let (hand_over_port, hand_over) = (u16_at(table, 48)?, u8_at(table, 52)?);
    // Status and enable registers share the event block.
    let enable = status.checked_add(u16::from(u8_at(table, 88)?) / 2)?;
    let is_there = flags & IS_CONTROL_METHOD == 0 && status != 0 && control != 0 && enable > status;
    is_there.then_some(PowerButton {
        status,
        enable,
        control,
        hand_over: (hand_over_port != 0 && hand_over != 0).then_some((hand_over_port, hand_over)),
        line: u8_at(table, 46)?,
    })
}

/// The first number of the package named `_S5_`: NameOp? "_S5_" PackageOp length count, then a byte constant, zero or one.
fn sleep_type_s5(dsdt: &[u8]) -> Option<u8> {
    const PACKAGE: u8 = 0x12;
    const BYTE: u8 = 0x0a;
    let at = dsdt.windows(5).position(|window| &window[..4] == b"_S5_" && window[4] == PACKAGE)?;
    // PkgLength takes one to four bytes, the top two bits of the first say how many follow; then the element count.
    let length_bytes = 1 + usize::from(u8_at(dsdt, at + 5)? >> 6);
    let first = at + 5 + length_bytes + 1;
    match u8_at(dsdt, first)? {
        BYTE => u8_at(dsdt, first + 1),
        constant @ (0 | 1) => Some(constant),
        _ => None,
    }
}

fn hpet(table: &[u8], firmware: &mut Firmware) -> Option<()> {
    const MEMORY_SPACE: u8 = 0;
    let address = u64_at(table, 44)?;
    if u8_at(table, 40)? == MEMORY_SPACE && address != 0 {
        firmware.hpet = Some(address);
    }
    Some(())
}

fn mcfg(table: &[u8], firmware: &mut Firmware) -> Option<()> {
    firmware.pci_config = Some(u64_at(table, HEADER + 8)?);
    Some(())
}

#[cfg(test)]
mod tests;
