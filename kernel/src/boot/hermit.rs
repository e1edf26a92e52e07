//! Hermit's loader and uhyve: `hermit_entry::boot_info` → [`BootInfo`].
#![expect(unsafe_code, reason = "reads the structures a boot protocol left in memory")]

use hermit_entry::boot_info::{BootInfo as HermitBootInfo, PlatformInfo, RawBootInfo};

use super::{BootInfo, Region};
use crate::arch::paging::direct;

hermit_entry::define_entry_version!();

/// Fills [`BootInfo`] from the raw boot information at physical address `raw`.
pub(super) fn boot_info(raw: u64) -> BootInfo {
    let mut boot = BootInfo::new("Hermit");
    // SAFETY: Hermit's entry protocol passes a valid RawBootInfo that lives for ever; the first GiB is mapped where it is.
    let raw: RawBootInfo = unsafe { (raw as *const RawBootInfo).read() };
    let info = HermitBootInfo::from(raw);
    if let PlatformInfo::Multiboot { command_line, .. } | PlatformInfo::LinuxBootParams { command_line, .. } =
        info.platform_info
    {
        boot.command_line = command_line.unwrap_or_default().as_bytes();
    }
    boot.device_tree = info.hardware_info.device_tree.map(core::num::NonZeroU64::get);
    if let Some(tree) = boot.device_tree {
        read_device_tree(&mut boot, tree);
    }
    if boot.regions().is_empty() {
        let memory = &info.hardware_info.phys_addr_range;
        boot.push_region(Region { start: memory.start, end: memory.end, usable: true });
    }
    boot
}

/// Takes the memory and the command line from the device tree at physical address `tree`; a malformed one tells nothing.
fn read_device_tree(boot: &mut BootInfo, tree: u64) {
    // SAFETY: the protocol passes the address of a device tree that lives for ever; the direct map covers the first GiB.
    let Ok(tree) = (unsafe { fdt::Fdt::from_ptr(direct(tree) as *const u8) }) else { return };
    // `Fdt::memory` panics without a memory node; a search does not.
    let nodes = tree.all_nodes().filter(|node| node.name.split('@').next() == Some("memory"));
    for region in nodes.filter_map(|node| node.reg()).flatten() {
        let start = region.starting_address as u64;
        let end = start.saturating_add(region.size.unwrap_or(0) as u64);
        boot.push_region(Region { start, end, usable: true });
    }
    let arguments = tree.find_node("/chosen").and_then(|chosen| chosen.property("bootargs")?.as_str());
    if let Some(arguments) = arguments
        && boot.command_line.is_empty()
    {
        boot.command_line = arguments.as_bytes();
    }
}
