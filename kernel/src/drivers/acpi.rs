//! The firmware's tables of this machine (`logic::acpi` and `logic::mp` read them), and switching it off.
#![expect(unsafe_code, reason = "firmware tables are raw memory")]

use core::slice;

pub use logic::acpi::Firmware;
use logic::acpi::{self, PowerOff};
use sync::Once;

use crate::arch::paging::direct;
use crate::arch::port::outw;
use crate::boot::BootInfo;
use crate::mm::{Memory, map, mmio};

/// Where a BIOS puts the root pointer when the boot protocol does not say.
const BIOS_AREA: u64 = 0xe_0000;
const BIOS_AREA_BYTES: usize = 0x2_0000;

static POWER_OFF: Once<(PowerOff, u64)> = Once::new();

/// Physical memory, where the direct map covers it.
fn memory(address: u64, length: usize) -> Option<&'static [u8]> {
    let start = direct(address);
    let end = start.checked_add(length as u64)?.checked_sub(1)?;
    let mapped = (start & !0xfff..=end).step_by(4096).all(map::is_mapped) && map::is_mapped(end);
    // SAFETY: all of it is mapped; firmware tables do not change, and RAM that is given out never holds them.
    mapped.then(|| unsafe { slice::from_raw_parts(start as *const u8, length) })
}

/// Reads the tables: ACPI's, else those of the MultiProcessor Specification. Without either the answer is empty: one CPU, the PIT, no
/// interrupts of devices, no way to switch off but reset.
pub fn read(boot: &BootInfo, space: &Memory) -> Firmware {
    let found = || {
        let area = memory(BIOS_AREA, BIOS_AREA_BYTES)?;
        acpi::find_root_pointer(area).map(|at| BIOS_AREA + at as u64)
    };
    let Some(rsdp) = boot.rsdp.or_else(found) else {
        let tables = logic::mp::read(&memory);
        log::info!("no ACPI, {} MP table", if tables.is_some() { "an" } else { "no" });
        return tables.unwrap_or_default();
    };
    let firmware = acpi::read(rsdp, &memory);
    if let Some(way) = firmware.power_off {
        let register = match way {
            PowerOff::SleepControl { address, .. } => mmio::map(space, address, 1).unwrap_or(0),
            PowerOff::Pm1 { .. } => 0,
        };
        POWER_OFF.set((way, register));
    }
    firmware
}

/// Switches the machine off; comes back when the firmware offers no way.
pub fn power_off() {
    match POWER_OFF.get() {
        Some((PowerOff::Pm1 { port, value }, _)) => {
            // SAFETY: the FADT says that this port and value switch the machine off.
            unsafe { outw(*port, *value) };
        }
        Some((PowerOff::SleepControl { value, .. }, register)) if *register != 0 => {
            // SAFETY: the FADT says that this register and value switch the machine off; it was mapped at boot.
            unsafe { (*register as *mut u8).write_volatile(*value) };
        }
        _ => {}
    }
}
