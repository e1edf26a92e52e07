//! The image's own ELF, as it lies in memory: headers and segments, from the linker's `__ehdr_start`.
#![expect(unsafe_code, reason = "linker symbols and our own headers")]

use core::ops::Range;
use core::slice;

unsafe extern "C" {
    static __ehdr_start: ElfHeader;
    /// The program's entry: musl's crt1.o.
    fn _start() -> !;
}

/// `PF_X`: the segment may be executed.
pub const EXECUTE: u32 = 1;
/// `PF_W`: the segment may be written.
pub const WRITE: u32 = 2;

// Bounds of the kernel's own sections, from the script that links `kernel.o` (std-shim/kernel.ld).
unsafe extern "C" {
    static caracal_ktext_start: u8;
    static caracal_ktext_end: u8;
    static caracal_kdata_start: u8;
    static caracal_kdata_end: u8;
    static caracal_kbss_start: u8;
    static caracal_kbss_end: u8;
}

/// The kernel's code.
pub fn kernel_text() -> Range<u64> {
    (&raw const caracal_ktext_start) as u64..(&raw const caracal_ktext_end) as u64
}

/// The kernel's own data, which no system call may read or write for the program.
pub fn kernel_data() -> [Range<u64>; 2] {
    [
        (&raw const caracal_kdata_start) as u64..(&raw const caracal_kdata_end) as u64,
        (&raw const caracal_kbss_start) as u64..(&raw const caracal_kbss_end) as u64,
    ]
}

#[repr(C)]
struct ElfHeader {
    ident: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    entry: u64,
    program_headers: u64,
    section_headers: u64,
    flags: u32,
    header_size: u16,
    program_header_size: u16,
    program_header_count: u16,
    section_header_size: u16,
    section_header_count: u16,
    section_names: u16,
}

/// One program header (ELF-64 specification).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ProgramHeader {
    /// Segment type; `PT_LOAD` is 1.
    pub kind: u32,
    /// `PF_X` 1, `PF_W` 2, `PF_R` 4.
    pub flags: u32,
    /// Offset in the file.
    pub offset: u64,
    /// Address in memory.
    pub virtual_address: u64,
    /// Physical address: the same.
    pub physical_address: u64,
    /// Bytes in the file.
    pub file_size: u64,
    /// Bytes in memory.
    pub memory_size: u64,
    /// Alignment.
    pub align: u64,
}

/// Where the program headers lie.
pub fn program_headers_address() -> u64 {
    // SAFETY: the linker defines the symbol at the image's ELF header, which the first segment maps.
    let header = unsafe { &__ehdr_start };
    (&raw const *header) as u64 + header.program_headers
}

/// How many there are.
pub fn program_header_count() -> u64 {
    // SAFETY: as above.
    u64::from(unsafe { &__ehdr_start }.program_header_count)
}

/// The image's program headers.
pub fn program_headers() -> &'static [ProgramHeader] {
    // SAFETY: the linker put `count` headers there, and the first segment maps them for ever.
    unsafe {
        slice::from_raw_parts(
            program_headers_address() as *const ProgramHeader,
            program_header_count() as usize,
        )
    }
}

/// The loaded segments as (start, end, flags), in address order.
pub fn segments() -> impl Iterator<Item = (u64, u64, u32)> {
    const PT_LOAD: u32 = 1;
    program_headers()
        .iter()
        .filter(|header| header.kind == PT_LOAD)
        .map(|header| (header.virtual_address, header.virtual_address + header.memory_size, header.flags))
}

/// The program's entry point.
pub fn entry() -> u64 {
    _start as *const () as u64
}
