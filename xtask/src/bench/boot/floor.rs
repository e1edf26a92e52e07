//! The floor: the smallest PVH image that prints one line and ends. What it takes is QEMU's own time.
//!
//! Written byte by byte, so that measuring needs no assembler.

/// 32-bit code for the PVH entry: a line to COM1, then isa-debug-exit.
const CODE: [u8; 35] = [
    0xbe, 0x23, 0x00, 0x10, 0x00, // mov esi, BASE + 35: the line behind the code
    0xb9, 0x06, 0x00, 0x00, 0x00, // mov ecx, 6
    0x66, 0xba, 0xf8, 0x03, // mov dx, 0x3f8
    0xf3, 0x6e, // rep outsb
    0x66, 0xba, 0xfd, 0x03, // mov dx, 0x3fd (line status)
    0xec, // 1: in al, dx
    0xa8, 0x40, // test al, 0x40 (all sent)
    0x74, 0xfb, // jz 1b
    0x66, 0xba, 0xf4, 0x00, // mov dx, 0xf4
    0x31, 0xc0, // xor eax, eax
    0xef, // out dx, eax
    0xf4, // 2: hlt
    0xeb, 0xfd, // jmp 2b
];
const LINE: &[u8; 6] = b"floor\n";
/// Where it is loaded.
const BASE: u64 = 0x10_0000;

/// The image.
pub(super) fn image() -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    const NOTE: u64 = 20;
    let code_at = HEADERS + NOTE;
    let entry = BASE;
    let mut note = Vec::new();
    for word in [4_u32, 4, 18] {
        note.extend(word.to_le_bytes());
    }
    note.extend(b"Xen\0");
    note.extend(u32::try_from(entry).unwrap_or(0).to_le_bytes());

    let mut image = Vec::new();
    // The ELF header: 64 bits, little-endian, an executable for x86-64 with two program headers.
    image.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    image.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [entry, 64, 0] {
        image.extend(word.to_le_bytes());
    }
    image.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 2, 64, 0, 0] {
        image.extend(half.to_le_bytes());
    }
    let length = (CODE.len() + LINE.len()) as u64;
    // PT_LOAD, readable and executable; PT_NOTE.
    for (kind, flags, offset, address, size) in
        [(1_u32, 5_u32, code_at, entry, length), (4, 4, HEADERS, 0, NOTE)]
    {
        image.extend(kind.to_le_bytes());
        image.extend(flags.to_le_bytes());
        for word in [offset, address, address, size, size, 4] {
            image.extend(word.to_le_bytes());
        }
    }
    image.extend(note);
    image.extend(CODE);
    image.extend(LINE);
    image
}
