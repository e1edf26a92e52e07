//! The first instructions: from each boot protocol's state to long mode on our own stack, then `rust_entry`.
//!
//! PVH (QEMU, Firecracker, Cloud Hypervisor) enters `caracal_pvh_start` in 32-bit protected mode without paging, EBX =
//! `hvm_start_info`. Hermit's loader and uhyve enter `caracal_start` (the ELF's entry) in long mode, RDI = `RawBootInfo`,
//! ESI = CPU number. Application processors come through the trampoline of `smp.rs` and enter `ap_entry64`.
//!
//! Boot page tables: the first GiB in 2 MiB pages, mapped twice: where it is, and at `DIRECT_MAP`. Everything is
//! writable and executable there; `mm::init` replaces them before anything of the program runs.
#![expect(unsafe_code, reason = "the first instructions have no Rust to stand on")]

use core::arch::global_asm;

use super::super::{Handoff, up};

/// Size of the boot stack in bytes; it becomes the kernel stack of the main thread's start-up.
const BOOT_STACK: usize = 64 * 1024;

global_asm!(
    // The PVH note: XEN_ELFNOTE_PHYS32_ENTRY (18), one 32-bit physical address (xen/include/public/elfnote.h).
    ".pushsection .note.Xen, \"aR\", @note",
    ".balign 4",
    ".long 4, 4, 18",
    ".asciz \"Xen\"",
    ".long caracal_pvh_start",
    ".popsection",
    ".pushsection .kbss.boot, \"aw\", @nobits",
    ".balign 4096",
    "caracal_boot_pml4: .skip 4096",
    "caracal_boot_pdpt: .skip 4096",
    "caracal_boot_pd: .skip 4096",
    "boot_stack: .skip {stack}",
    "boot_stack_top:",
    ".popsection",
    ".pushsection .krodata.boot, \"a\", @progbits",
    ".balign 8",
    "boot_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff",
    "boot_gdt_pointer: .word 23",
    ".quad boot_gdt",
    ".popsection",
    ".pushsection .ktext.boot, \"ax\", @progbits",
    // Fill the boot tables. In: nothing. Clobbers: eax, ecx, edi. Written to be valid in 32-bit code.
    ".code32",
    ".globl caracal_pvh_start",
    "caracal_pvh_start:",
    "cld",
    "mov esp, offset boot_stack_top",
    "mov eax, offset caracal_boot_pdpt + 3",
    "mov [caracal_boot_pml4], eax",
    "mov [caracal_boot_pml4 + 272 * 8], eax",
    "mov eax, offset caracal_boot_pd + 3",
    "mov [caracal_boot_pdpt], eax",
    "mov edi, offset caracal_boot_pd",
    "mov eax, 0x83",
    "2: mov [edi], eax",
    "add eax, 0x200000",
    "add edi, 8",
    "cmp eax, 0x40000083",
    "jne 2b",
    // CR4: PAE, OSFXSR, OSXMMEXCPT. EFER: SCE, LME, NXE. CR0: PE, MP, NE, WP, PG; EM and TS off.
    "mov eax, 0x620",
    "mov cr4, eax",
    "mov eax, offset caracal_boot_pml4",
    "mov cr3, eax",
    "mov ecx, 0xc0000080",
    "rdmsr",
    "or eax, 0x901",
    "wrmsr",
    "mov eax, 0x80010023",
    "mov cr0, eax",
    "lgdt [boot_gdt_pointer]",
    // A far jump in 32-bit code, spelled in bytes: the assembler's Intel syntax has no word for it.
    ".byte 0xea",
    ".long 3f",
    ".word 8",
    ".code64",
    "3: mov eax, 16",
    "mov ds, eax",
    "mov es, eax",
    "mov ss, eax",
    "xor eax, eax",
    "mov fs, eax",
    "mov gs, eax",
    "mov edi, ebx",
    "xor ebp, ebp",
    "call {pvh}",
    "ud2",
    // Hermit: long mode, the loader's page tables and stack. Build the same tables, switch, go on.
    ".globl caracal_start",
    "caracal_start:",
    "cli",
    "cld",
    "mov rsp, offset boot_stack_top",
    "mov eax, offset caracal_boot_pdpt + 3",
    "mov [caracal_boot_pml4], rax",
    "mov [caracal_boot_pml4 + 272 * 8], rax",
    "mov eax, offset caracal_boot_pd + 3",
    "mov [caracal_boot_pdpt], rax",
    "mov edx, offset caracal_boot_pd",
    "mov eax, 0x83",
    "4: mov [rdx], rax",
    "add eax, 0x200000",
    "add edx, 8",
    "cmp eax, 0x40000083",
    "jne 4b",
    "mov eax, 0x620",
    "mov cr4, rax",
    "mov eax, offset caracal_boot_pml4",
    "mov cr3, rax",
    "mov ecx, 0xc0000080",
    "rdmsr",
    "or eax, 0x901",
    "wrmsr",
    "mov eax, 0x80010023",
    "mov cr0, rax",
    "lgdt [boot_gdt_pointer]",
    "push 8",
    "lea rax, [rip + 5f]",
    "push rax",
    "retfq",
    "5: mov eax, 16",
    "mov ds, eax",
    "mov es, eax",
    "mov ss, eax",
    "xor eax, eax",
    "mov fs, eax",
    "mov gs, eax",
    "xor ebp, ebp",
    "call {hermit}",
    "ud2",
    ".popsection",
    stack = const BOOT_STACK,
    pvh = sym pvh_entry,
    hermit = sym hermit_entry_point,
);

unsafe extern "C" {
    static boot_stack: u8;
    static boot_stack_top: u8;
}

/// Lowest and highest address of the boot stack: the kernel stack until threads have their own.
pub(super) fn boot_stack_bounds() -> (u64, u64) {
    (&raw const boot_stack as u64, &raw const boot_stack_top as u64)
}

extern "C" fn pvh_entry(start_info: u32) -> ! {
    up::start(Handoff::Pvh { start_info: u64::from(start_info) })
}

extern "C" fn hermit_entry_point(raw_boot_info: u64, _cpu: u32) -> ! {
    up::start(Handoff::Hermit { raw_boot_info })
}
