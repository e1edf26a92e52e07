//! `image-tests IMAGE…`: each image as the loaders of other projects see it.
//!
//! Hermit's loader and uhyve read the entry-version note and load with `hermit-entry`; Firecracker and Cloud Hypervisor find the PVH
//! entry with `linux-loader`. Both run here on the host, as in those programs.
#![expect(clippy::print_stdout, reason = "the report")]

use std::fs::File;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::ExitCode;

use hermit_entry::elf::KernelObject;
use linux_loader::loader::elf::PvhBootCapability;
use linux_loader::loader::{Elf, KernelLoader as _};
use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};

/// Checks whether a loader takes an image.
type Check = fn(&Path) -> Result<(), String>;

fn hermit(image: &Path) -> Result<(), String> {
    let bytes = std::fs::read(image).map_err(|error| error.to_string())?;
    let object = KernelObject::parse(&bytes).map_err(|error| format!("{error:?}"))?;
    let start = object.start_addr().ok_or("the image wants to be relocated")?;
    let mut memory = vec![MaybeUninit::uninit(); object.mem_size()];
    let loaded = object.load_kernel(&mut memory, start);
    let entry = loaded.entry_point;
    if !(start..start + memory.len() as u64).contains(&entry) {
        return Err(format!("the entry {entry:#x} lies outside the image at {start:#x}"));
    }
    Ok(())
}

fn pvh(image: &Path) -> Result<(), String> {
    const MEMORY: usize = 64 << 20;
    let memory = GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), MEMORY)])
        .map_err(|error| error.to_string())?;
    let mut file = File::open(image).map_err(|error| error.to_string())?;
    let loaded = Elf::load(&memory, None, &mut file, None).map_err(|error| error.to_string())?;
    let PvhBootCapability::PvhEntryPresent(entry) = loaded.pvh_boot_cap else {
        return Err("no PVH entry in the notes".into());
    };
    // The first instruction of `caracal_pvh_start`: cld.
    let first: u8 = memory.read_obj(entry).map_err(|error| error.to_string())?;
    if first == 0xfc { Ok(()) } else { Err(format!("unexpected code at the PVH entry: {first:#x}")) }
}

fn main() -> ExitCode {
    let checks: [(&str, Check); 2] = [("hermit-entry", hermit), ("linux-loader", pvh)];
    let (mut passed, mut failed) = (0, 0);
    for image in std::env::args_os().skip(1) {
        for (name, check) in checks {
            match check(Path::new(&image)) {
                Ok(()) => {
                    passed += 1;
                    println!("ok {name}");
                }
                Err(why) => {
                    failed += 1;
                    println!("FAIL {name}: {why}");
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0 || passed == 0))
}
