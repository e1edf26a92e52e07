//! Copies that may fault: the only instructions that touch program memory on the kernel's behalf.
//!
//! Each routine is bracketed by labels. A fault inside the bracket that cannot be resolved continues at the routine's end with the
//! number of bytes not copied in rax: `EFAULT` instead of a kernel panic. The program's memory is one of the two sides; the
//! other is the kernel's.
#![expect(unsafe_code, reason = "the copy loops are assembly")]

use core::arch::naked_asm;

/// From this length on vector registers pay.
const WIDE_FROM: usize = 256;

/// Copies `length` bytes; returns how many were *not* copied. Four or eight bytes are one access: nobody sees a part of a thread's ID or of a
/// futex's word (as with Linux' put_user and get_user).
///
/// # Safety
/// The kernel's side must be valid for `length` bytes. The other side may be anything.
#[unsafe(naked)]
pub unsafe extern "C" fn copy(_to: u64, _from: u64, _length: u64) -> u64 {
    naked_asm!(
        ".globl caracal_copy_start",
        ".globl caracal_copy_end",
        "cmp rdx, {least}",
        "jae {wide}",
        "caracal_copy_start:",
        "mov rcx, rdx",
        "shr rcx, 3",
        "jz 3f",
        "2: mov rax, [rsi]",
        "mov [rdi], rax",
        "add rsi, 8",
        "add rdi, 8",
        "sub rdx, 8",
        "dec rcx",
        "jnz 2b",
        "3: test dl, 4",
        "jz 5f",
        "mov eax, [rsi]",
        "mov [rdi], eax",
        "add rsi, 4",
        "add rdi, 4",
        "sub rdx, 4",
        "5: test rdx, rdx",
        "jz 12f",
        "4: mov al, [rsi]",
        "mov [rdi], al",
        "inc rsi",
        "inc rdi",
        "dec rdx",
        "jnz 4b",
        "12: nop",
        "caracal_copy_end:",
        "mov rax, rdx",
        "ret",
        least = const WIDE_FROM,
        wide = sym copy_wide,
    )
}

/// [`copy`] of at least [`WIDE_FROM`] bytes: 256 at a time, then 32, then the rest as there.
#[unsafe(naked)]
unsafe extern "C" fn copy_wide(_to: u64, _from: u64, _length: u64) -> u64 {
    naked_asm!(
        ".globl caracal_copy_wide_start",
        ".globl caracal_copy_wide_end",
        ".globl caracal_copy_wide_failed",
        "cmp byte ptr [rip + {has_wide}], 0",
        "je caracal_copy_start",
        // Borrowed registers: the program's values come back before anybody can look.
        "sub rsp, 128",
        "vmovdqu [rsp], ymm0",
        "vmovdqu [rsp + 32], ymm1",
        "vmovdqu [rsp + 64], ymm2",
        "vmovdqu [rsp + 96], ymm3",
        // rcx counts up to zero: minus the bytes of whole blocks that are left.
        "mov rcx, rdx",
        "and rcx, -256",
        "add rsi, rcx",
        "add rdi, rcx",
        "sub rdx, rcx",
        "neg rcx",
        "caracal_copy_wide_start:",
        "7:",
        "vmovdqu ymm0, [rsi + rcx]",
        "vmovdqu ymm1, [rsi + rcx + 32]",
        "vmovdqu ymm2, [rsi + rcx + 64]",
        "vmovdqu ymm3, [rsi + rcx + 96]",
        "vmovdqu [rdi + rcx], ymm0",
        "vmovdqu [rdi + rcx + 32], ymm1",
        "vmovdqu [rdi + rcx + 64], ymm2",
        "vmovdqu [rdi + rcx + 96], ymm3",
        "vmovdqu ymm0, [rsi + rcx + 128]",
        "vmovdqu ymm1, [rsi + rcx + 160]",
        "vmovdqu ymm2, [rsi + rcx + 192]",
        "vmovdqu ymm3, [rsi + rcx + 224]",
        "vmovdqu [rdi + rcx + 128], ymm0",
        "vmovdqu [rdi + rcx + 160], ymm1",
        "vmovdqu [rdi + rcx + 192], ymm2",
        "vmovdqu [rdi + rcx + 224], ymm3",
        "add rcx, 256",
        "jnz 7b",
        "sub rdx, 32",
        "jb 6f",
        "8: vmovdqu ymm0, [rsi]",
        "vmovdqu [rdi], ymm0",
        "add rsi, 32",
        "add rdi, 32",
        "sub rdx, 32",
        "jae 8b",
        "6: add rdx, 32",
        "caracal_copy_wide_end:",
        "jmp 5f",
        // A fault goes on here: rdx lacks 32 bytes behind the blocks; the loop below finds the very byte.
        "caracal_copy_wide_failed:",
        "mov rax, rcx",
        "sar rax, 63",
        "not rax",
        "and eax, 32",
        "add rdx, rax",
        "add rsi, rcx",
        "add rdi, rcx",
        "sub rdx, rcx",
        "5: vmovdqu ymm0, [rsp]",
        "vmovdqu ymm1, [rsp + 32]",
        "vmovdqu ymm2, [rsp + 64]",
        "vmovdqu ymm3, [rsp + 96]",
        "add rsp, 128",
        "jmp caracal_copy_start",
        has_wide = sym super::bulk::HAS_WIDE,
    )
}

/// Atomically loads a word of program memory: `Err` when it cannot be read.
#[unsafe(naked)]
extern "C" fn load_raw(_address: u64) -> u64 {
    naked_asm!(
        ".globl caracal_load_start",
        ".globl caracal_load_end",
        ".globl caracal_load_failed",
        "caracal_load_start:",
        "mov eax, [rdi]",
        "caracal_load_end:",
        "ret",
        "caracal_load_failed:",
        "mov rax, -1",
        "ret",
    )
}

/// Atomically replaces `old` by `new` at `address`; answers what was there before in the low half, or all ones.
#[unsafe(naked)]
extern "C" fn exchange_raw(_address: u64, _old: u32, _new: u32) -> u64 {
    naked_asm!(
        ".globl caracal_exchange_start",
        ".globl caracal_exchange_end",
        ".globl caracal_exchange_failed",
        "mov eax, esi",
        "caracal_exchange_start:",
        "lock cmpxchg [rdi], edx",
        "caracal_exchange_end:",
        "mov eax, eax",
        "ret",
        "caracal_exchange_failed:",
        "mov rax, -1",
        "ret",
    )
}

/// The 32-bit word at `address`, or `None` when it cannot be read.
pub fn load(address: u64) -> Option<u32> {
    u32::try_from(load_raw(address)).ok()
}

/// Replaces `old` by `new` at `address` if it is there. Answers what was there before, `None` when it cannot be accessed.
pub fn compare_exchange(address: u64, old: u32, new: u32) -> Option<u32> {
    u32::try_from(exchange_raw(address, old, new)).ok()
}

unsafe extern "C" {
    static caracal_copy_wide_start: u8;
    static caracal_copy_wide_end: u8;
    static caracal_copy_wide_failed: u8;
    static caracal_copy_start: u8;
    static caracal_copy_end: u8;
    static caracal_load_start: u8;
    static caracal_load_end: u8;
    static caracal_load_failed: u8;
    static caracal_exchange_start: u8;
    static caracal_exchange_end: u8;
    static caracal_exchange_failed: u8;
}

/// Where to go on after an unresolvable fault at `rip`; `None` when that is no checked access.
pub fn fixup(rip: u64) -> Option<u64> {
    let brackets = [
        (
            &raw const caracal_copy_wide_start,
            &raw const caracal_copy_wide_end,
            &raw const caracal_copy_wide_failed,
        ),
        (&raw const caracal_copy_start, &raw const caracal_copy_end, &raw const caracal_copy_end),
        (&raw const caracal_load_start, &raw const caracal_load_end, &raw const caracal_load_failed),
        (
            &raw const caracal_exchange_start,
            &raw const caracal_exchange_end,
            &raw const caracal_exchange_failed,
        ),
    ];
    let bracket = brackets.iter().find(|(start, end, _)| (*start as u64..*end as u64).contains(&rip))?;
    Some(bracket.2 as u64)
}
