//! The two doors into the kernel, both on the thread's kernel stack.
//!
//! *Door 2*, the `syscall` instruction: ring 0 to ring 0 through LSTAR. It preserves what Linux preserves (all but rax, rcx,
//! r11), the red zone and the vector registers, and returns by a jump. *Door 1*, the direct call from std-shim: a C call that
//! changes to the kernel stack, because a thread's own stack may be 16 KiB.
#![expect(unsafe_code, reason = "the syscall entry is assembly")]

use core::arch::naked_asm;

use x86_64::VirtAddr;
use x86_64::registers::model_specific::{LStar, Msr, SFMask};
use x86_64::registers::rflags::RFlags;

use super::super::up;
use super::cpu::{OFFSET_KERNEL_STACK_TOP, OFFSET_SCRATCH};
use super::tables::KERNEL_CODE;
use super::trap::TrapFrame;

/// `IA32_STAR`: selectors that `syscall` and `sysret` load.
const IA32_STAR: u32 = 0xc000_0081;

/// Points this CPU's `syscall` instruction at the kernel.
pub(super) fn install() {
    LStar::write(VirtAddr::new(syscall_entry as *const () as u64));
    SFMask::write(
        RFlags::INTERRUPT_FLAG | RFlags::DIRECTION_FLAG | RFlags::TRAP_FLAG | RFlags::ALIGNMENT_CHECK,
    );
    // SAFETY: syscall loads CS = KERNEL_CODE and SS = KERNEL_CODE + 8 of our GDT: the segments we run with.
    unsafe { Msr::new(IA32_STAR).write(u64::from(KERNEL_CODE) << 32) };
}

#[unsafe(naked)]
extern "C" fn syscall_entry() {
    naked_asm!(
        // Interrupts are off (SFMASK): the scratch word is ours for two instructions.
        "mov gs:[{scratch}], rsp",
        "mov rsp, gs:[{top}]",
        // The program goes on with interrupts on, and so does a handler: std-shim's door may come with them off.
        "or r11d, {interrupt_flag}",
        "push 16",
        "push gs:[{scratch}]",
        "push r11",
        "push 8",
        "push rcx",
        "push rax", // the number, where exceptions have their error code
        "push {syscall}",
        "push rax", "push rcx", "push r11", "push r9", "push r8", "push r10", "push rdx", "push rsi", "push rdi",
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "sti",
        "mov rdi, rsp",
        "call {handler}",
        "cli",
        // rbx, rbp and r12 to r15 are as they were: a C call preserves them.
        "add rsp, 48",
        "pop rdi", "pop rsi", "pop rdx", "pop r10", "pop r8", "pop r9",
        "add rsp, 16",
        "pop rax",
        "mov rcx, [rsp + 16]",
        "mov r11, [rsp + 32]",
        "mov rsp, [rsp + 40]",
        // Nothing above needs the kernel stack any more.
        "sti",
        "jmp rcx",
        interrupt_flag = const RFlags::INTERRUPT_FLAG.bits(),
        scratch = const OFFSET_SCRATCH,
        top = const OFFSET_KERNEL_STACK_TOP,
        syscall = const TrapFrame::SYSCALL,
        handler = sym syscall_handler,
    )
}

extern "C" fn syscall_handler(frame: &mut TrapFrame) {
    up::on_syscall(frame);
}

/// Calls `function(a0, …, a4)` on the thread's kernel stack and returns what it returns: door 1.
///
/// The arguments are already where the C ABI wants them; only the sixth slot (r9) carries the function.
#[unsafe(naked)]
pub extern "C" fn on_kernel_stack(
    a0: u64,
    a1: u64,
    a2: u64,
    a3: u64,
    a4: u64,
    function: extern "C" fn(u64, u64, u64, u64, u64) -> i64,
) -> i64 {
    naked_asm!(
        "mov r11, gs:[{top}]",
        "xchg rsp, r11",
        "push r11",
        "push r11",
        "call r9",
        "pop r11",
        "pop rsp",
        "ret",
        top = const OFFSET_KERNEL_STACK_TOP,
    )
}

/// The program's stack pointer at the direct call in progress: what door 1 puts on the kernel stack first.
pub fn direct_caller_stack() -> u64 {
    let stack_pointer;
    // SAFETY: the first word of the running thread's kernel stack; the thread's own block and stack are always mapped.
    unsafe {
        core::arch::asm!(
            "mov {0}, gs:[{1}]",
            "mov {0}, [{0} - 8]",
            out(reg) stack_pointer, const OFFSET_KERNEL_STACK_TOP,
            options(nostack, preserves_flags, readonly)
        )
    };
    stack_pointer
}

/// Whether the caller runs on its thread's kernel stack; if not, it is on the program's.
pub fn is_on_kernel_stack() -> bool {
    let here = 0u8;
    super::trap::is_on_kernel_stack((&raw const here).addr() as u64)
}

/// Enters the program (or a new thread of it) for the first time: all registers from `frame`, on its own stack.
///
/// # Safety
/// `frame` must describe code and a stack that the program may run with; the current kernel stack is given up.
pub unsafe fn enter_frame(frame: &TrapFrame) -> ! {
    // SAFETY: the frame is read, registers are loaded from it, and iretq goes where it says; the caller vouches for it.
    unsafe {
        core::arch::asm!("cli", "mov rsp, {}", "jmp {}", in(reg) frame, sym super::trap::restore_frame, options(noreturn));
    }
}
