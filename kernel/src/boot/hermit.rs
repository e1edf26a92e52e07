//! Hermit's loader and uhyve: `hermit_entry::boot_info` → [`BootInfo`].
#![expect(unsafe_code, reason = "reads the structures a boot protocol left in memory")]

use hermit_entry::boot_info::{BootInfo as HermitBootInfo, PlatformInfo, RawBootInfo};

use super::{BootInfo, Region};

hermit_entry::define_entry_version!();

/// Fills [`BootInfo`] from the raw boot information at physical address `raw`.
pub(super) fn boot_info(raw: u64) -> BootInfo {
    let mut boot = BootInfo::new("Hermit");
    // SAFETY: Hermit's entry protocol passes a valid RawBootInfo that lives for ever; the first GiB is mapped where it is.
    let raw: RawBootInfo = unsafe { (raw as *const RawBootInfo).read() };
    let info = HermitBootInfo::from(raw);
    let memory = &info.hardware_info.phys_addr_range;
    boot.push_region(Region { start: memory.start, end: memory.end, usable: true });
    boot.device_tree = info.hardware_info.device_tree.map(core::num::NonZeroU64::get);
    if let PlatformInfo::Multiboot { command_line, .. } | PlatformInfo::LinuxBootParams { command_line, .. } =
        info.platform_info
    {
        boot.command_line = command_line.unwrap_or_default().as_bytes();
    }
    boot
}
