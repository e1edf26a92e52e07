//! Memory's first steps, before there is a heap: from the firmware's map to frames, page tables and the address space.

use core::fmt;
use core::slice;

use logic::boot::memmap::{self, Range, Ranges};
use logic::mm::frames::{CHUNK, Chunk, FRAME, Frames, MOST_RANGES, table_bytes};

use crate::arch::paging::{self, PageTables, Protection, direct};
use crate::boot::BootInfo;
use crate::image;

use super::space::table_frame;
use super::{Memory, frames};

/// RAM below this is never given out: real-mode tables, boot structures, the trampoline of other CPUs.
const LOW_MEMORY: u64 = 1 << 20;
/// What the boot page tables map.
const BOOT_MAPPED: u64 = 1 << 30;
/// Least free RAM beside the image.
const LEAST_FREE: u64 = 2 << 20;
/// Device registers begin here at the latest on every PC.
const LOW_RAM_END: u64 = 0xc000_0000;

/// Why memory could not be set up.
#[derive(Debug)]
pub enum MemoryError {
    /// The boot protocol gave no memory map.
    NoMap,
    /// RAM beside image and initrd, and what is needed, in bytes.
    TooLittle(u64, u64),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMap => f.write_str("the boot protocol gave no memory map"),
            Self::TooLittle(free, needed) => write!(
                f,
                "too little memory: {} KiB of RAM are free beside the image and its files, at least {} KiB are needed; give the guest more (cargo xtask run --memory 64M, qemu -m 64M)",
                free / 1024,
                needed / 1024
            ),
        }
    }
}

/// Sets up frames, page tables and the kernel's heap.
///
/// # Errors
/// When there is no RAM to do it with.
pub fn init(boot: &BootInfo) -> Result<&'static Memory, MemoryError> {
    let regions =
        boot.regions().iter().map(|region| (Range { start: region.start, end: region.end }, region.usable));
    let image_range = image_range();
    let initrd = boot.initrd.map_or(Range::default(), |(start, end)| Range { start, end });
    let mut ram: Ranges<MOST_RANGES> =
        memmap::usable(regions, &[Range { start: 0, end: LOW_MEMORY }, image_range, initrd]);
    let end = ram.as_slice().last().ok_or(MemoryError::NoMap)?.end;

    let table = table_bytes(end);
    let room = ram
        .as_slice()
        .iter()
        .find(|range| range.len() >= table && range.start + table <= BOOT_MAPPED)
        .copied();
    let free = ram.total();
    let Some(place) = room.filter(|_| free >= LEAST_FREE + table) else {
        return Err(MemoryError::TooLittle(free, LEAST_FREE + table));
    };
    ram.remove(Range { start: place.start, end: place.start + table });
    let chunks = (end.div_ceil(CHUNK)) as usize;
    #[expect(unsafe_code, reason = "RAM that nobody uses yet becomes the chunk table")]
    // SAFETY: the range is RAM that was just taken out of what is given out; the boot tables map it; any bits are a Chunk.
    let chunks = unsafe { slice::from_raw_parts_mut(direct(place.start) as *mut Chunk, chunks) };

    let reserve = frames::reserve(ram.total() / FRAME);
    frames::install(Frames::new(ram.clone(), chunks, reserve));

    let too_little = || MemoryError::TooLittle(free, LEAST_FREE);
    let (tables, low_end) = build_tables(boot, &ram, image_range).ok_or_else(too_little)?;
    #[expect(unsafe_code, reason = "the switch of page tables")]
    // SAFETY: the tree maps the image where it is with the flags of its segments, and all RAM (boot stack, tables) as before.
    unsafe {
        tables.activate();
    }
    paging::install();
    Ok(Memory::install(tables, image_range.end..low_end))
}

/// Physical (and virtual) addresses of the image, whole pages.
fn image_range() -> Range {
    let start = image::segments().map(|(start, ..)| start).min().unwrap_or(0);
    let end = image::segments().map(|(_, end, _)| end).max().unwrap_or(0);
    Range { start: start & !(FRAME - 1), end: end.next_multiple_of(FRAME) }
}

/// The direct map (without the image: its code must not be writable through it) and the image's segments; and up to where the direct map has no other hole.
fn build_tables(boot: &BootInfo, ram: &Ranges<MOST_RANGES>, image_range: Range) -> Option<(PageTables, u64)> {
    let mut tables = PageTables::new(table_frame()?);
    let data = Protection { write: true, global: true, ..Protection::default() };
    let mut direct_map: Ranges<MOST_RANGES> = ram.clone();
    // Low memory with everything the firmware left in or right behind RAM: tables, initrd, boot structures.
    let low_end = boot
        .regions()
        .iter()
        .filter(|region| region.usable && region.end <= LOW_RAM_END)
        .map(|r| r.end)
        .max();
    let initrd_end = boot.initrd.map_or(0, |(_, end)| end.next_multiple_of(FRAME));
    let behind =
        |end| boot.regions().iter().find(|r| r.start == end && r.end <= LOW_RAM_END).map_or(end, |r| r.end);
    let low_end =
        behind(low_end.unwrap_or(LOW_MEMORY)).max(if initrd_end <= LOW_RAM_END { initrd_end } else { 0 });
    let low_end = low_end.next_multiple_of(FRAME);
    direct_map.add(Range { start: 0, end: low_end });
    direct_map.remove(image_range);
    for range in direct_map.as_slice() {
        tables.map_range(direct(range.start), range.start, range.len(), data, &mut table_frame).ok()?;
    }
    for (start, end, flags) in image::segments() {
        let first = start & !(FRAME - 1);
        let protection = Protection {
            write: flags & image::WRITE != 0,
            execute: flags & image::EXECUTE != 0,
            global: true,
            ..Protection::default()
        };
        tables
            .map_range(first, first, end.next_multiple_of(FRAME) - first, protection, &mut table_frame)
            .ok()?;
    }
    Some((tables, low_end))
}
