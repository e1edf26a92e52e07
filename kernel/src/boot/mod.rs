//! What the machine told us at boot, whoever told it: every protocol is a short front end that fills one [`BootInfo`].
//!
//! Nothing behind this module knows how we booted. All memory named here lies in the first GiB (the boot tables map it) or is
//! only named, not read.

mod hermit;
mod pvh;

use crate::arch::Handoff;

/// Most entries of a firmware memory map that are kept; real maps have about ten.
const MAX_REGIONS: usize = 64;

/// A range of physical memory and whether RAM in it is ours to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// True for RAM that the firmware calls usable; false for anything it reserves.
    pub usable: bool,
}

/// The boot protocol's answer as plain data.
#[derive(Clone, Debug)]
pub struct BootInfo {
    regions: [Region; MAX_REGIONS],
    region_count: usize,
    /// The kernel command line, without a terminating zero.
    pub command_line: &'static [u8],
    /// Physical range of the initial RAM disk: an archive of files.
    pub initrd: Option<(u64, u64)>,
    /// Physical address of the ACPI root pointer, when the protocol knows it.
    pub rsdp: Option<u64>,
    /// Physical address of a flattened device tree.
    pub device_tree: Option<u64>,
    /// Name of the protocol, for the log.
    pub protocol: &'static str,
}

impl BootInfo {
    fn new(protocol: &'static str) -> Self {
        Self {
            regions: [Region::default(); MAX_REGIONS],
            region_count: 0,
            command_line: b"",
            initrd: None,
            rsdp: None,
            device_tree: None,
            protocol,
        }
    }

    /// Reads what the boot protocol left.
    pub fn read(handoff: Handoff) -> Self {
        match handoff {
            Handoff::Pvh { start_info } => pvh::boot_info(start_info),
            Handoff::Hermit { raw_boot_info } => hermit::boot_info(raw_boot_info),
        }
    }

    /// The firmware's memory map, as it gave it: unsorted, possibly overlapping, possibly with empty entries.
    pub fn regions(&self) -> &[Region] {
        &self.regions[..self.region_count]
    }

    /// Adds a region; what does not fit is dropped (it is RAM we then do not use).
    fn push_region(&mut self, region: Region) {
        if let Some(slot) = self.regions.get_mut(self.region_count) {
            *slot = region;
            self.region_count += 1;
        }
    }
}
