//! The tables of the MultiProcessor Specification 1.4 (Intel, 1997), read from bytes: CPUs, I/O APIC and ISA interrupt lines.
//!
//! What small machines have in place of ACPI: Firecracker, QEMU's microvm with `acpi=off`. A table with a wrong checksum is not there.

use crate::acpi::{Firmware, Memory, Override, sums_to_zero, u8_at, u16_at, u32_at};

/// Where the pointer to the table is looked for: the last KiB of base memory, and the BIOS (specification, chapter 4).
const AREAS: [(u64, usize); 2] = [(0x9_fc00, 0x400), (0xf_0000, 0x1_0000)];
const POINTER_BYTES: usize = 16;
/// Bytes of the table's header.
const HEADER: usize = 44;

/// Reads the table, if there is one.
#[must_use]
pub fn read(memory: Memory<'_>) -> Option<Firmware> {
    let address = AREAS.iter().find_map(|&(start, length)| find(memory(start, length)?))?;
    let length = usize::from(u16_at(memory(address, HEADER)?, 4)?);
    let table =
        memory(address, length).filter(|table| table.len() >= HEADER && table.starts_with(b"PCMP"))?;
    if !sums_to_zero(table) {
        return None;
    }
    let mut firmware = Firmware::default();
    let mut isa = None;
    let mut rest = &table[HEADER..];
    // To the end of the table: QEMU's qboot leaves the number of entries zero.
    while let Some(&kind) = rest.first() {
        let Some((entry, behind)) = rest.split_at_checked(if kind == 0 { 20 } else { 8 }) else { break };
        // An entry that makes no sense ends its own reading.
        let _ = take(entry, &mut isa, &mut firmware);
        rest = behind;
    }
    Some(firmware)
}

/// The physical address that the pointer in `area` holds.
fn find(area: &[u8]) -> Option<u64> {
    let pointer = area
        .chunks_exact(POINTER_BYTES)
        .find(|bytes| bytes.starts_with(b"_MP_") && bytes[8] == 1 && sums_to_zero(bytes))?;
    u32_at(pointer, 4).map(u64::from).filter(|&address| address != 0)
}

fn take(entry: &[u8], isa: &mut Option<u8>, firmware: &mut Firmware) -> Option<()> {
    const USABLE: u8 = 1;
    const VECTORED: u8 = 0;
    const POLARITY: u16 = 3;
    const ACTIVE_HIGH: u16 = 1;
    match u8_at(entry, 0)? {
        0 if u8_at(entry, 3)? & USABLE != 0 => firmware.cpus.push(u32::from(u8_at(entry, 1)?)),
        1 if entry.get(2..5)? == b"ISA" => *isa = Some(u8_at(entry, 1)?),
        2 if u8_at(entry, 3)? & USABLE != 0 && firmware.io_apic.is_none() => {
            firmware.io_apic = Some(u64::from(u32_at(entry, 4)?));
        }
        3 if u8_at(entry, 1)? == VECTORED && Some(u8_at(entry, 4)?) == *isa => {
            firmware.overrides.push(Override {
                line: u8_at(entry, 5)?,
                pin: u32::from(u8_at(entry, 7)?),
                is_active_high: u16_at(entry, 2)? & POLARITY == ACTIVE_HIGH,
            });
        }
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests;
