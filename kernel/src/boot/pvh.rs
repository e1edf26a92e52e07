//! Xen PVH: `hvm_start_info` (xen/include/public/arch-x86/hvm/start_info.h) → [`BootInfo`]. QEMU, Firecracker, Cloud Hypervisor.
#![expect(unsafe_code, reason = "reads the structures a boot protocol left in memory")]

use core::ffi::CStr;

use super::{BootInfo, Region};
use crate::arch::paging::direct;

const MAGIC: u32 = 0x336e_c578;
/// `XEN_HVM_MEMMAP_TYPE_RAM`, the e820 number.
const TYPE_RAM: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    module_count: u32,
    modules: u64,
    command_line: u64,
    rsdp: u64,
    // From version 1 on.
    memory_map: u64,
    memory_map_entries: u32,
    reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Module {
    start: u64,
    size: u64,
    command_line: u64,
    reserved: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct MemoryMapEntry {
    start: u64,
    size: u64,
    kind: u32,
    reserved: u32,
}

/// Reads one structure at physical address `address` (the first GiB is mapped where it is).
fn read<T: Copy>(address: u64) -> T {
    // SAFETY: the address comes from the boot protocol, which put a T of plain integers there.
    unsafe { (address as *const T).read_unaligned() }
}

/// Fills [`BootInfo`] from the start info at physical address `start_info`.
pub(super) fn boot_info(start_info: u64) -> BootInfo {
    let mut boot = BootInfo::new("PVH");
    let info: StartInfo = read(start_info);
    if info.magic != MAGIC {
        return boot;
    }
    if info.command_line != 0 {
        // Through the direct map, which stays; the boot tables have it too.
        // SAFETY: the protocol says: a zero-terminated string that lives until the guest reuses the memory; the first MiB and
        // everything outside usable RAM is never reused, and the command line is parsed before RAM is given out.
        boot.command_line = unsafe { CStr::from_ptr(direct(info.command_line) as *const _) }.to_bytes();
    }
    boot.rsdp = (info.rsdp != 0).then_some(info.rsdp);
    if info.module_count > 0 {
        let module: Module = read(info.modules);
        boot.initrd = Some((module.start, module.start.saturating_add(module.size)));
    }
    if info.version >= 1 {
        for index in 0..u64::from(info.memory_map_entries) {
            let entry: MemoryMapEntry = read(info.memory_map + index * size_of::<MemoryMapEntry>() as u64);
            let end = entry.start.saturating_add(entry.size);
            boot.push_region(Region { start: entry.start, end, usable: entry.kind == TYPE_RAM });
        }
    }
    boot
}
