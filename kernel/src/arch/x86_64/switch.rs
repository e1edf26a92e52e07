//! Changing from one thread's kernel stack to another's.
//!
//! A thread that is put aside is a stack pointer: everything else lies on its kernel stack. Interrupts are off from before the
//! switch until the next thread turns them on.
#![expect(unsafe_code, reason = "the switch is assembly")]

use core::arch::{asm, naked_asm};
use core::cell::UnsafeCell;

use super::{cpu, fpu};

/// Where a thread that is not running goes on: its saved kernel stack pointer.
#[derive(Debug)]
#[repr(transparent)]
pub struct Context(UnsafeCell<u64>);

// SAFETY: the word is touched only by `switch`, whose contract names the one CPU that may do so at a time.
unsafe impl Sync for Context {}

impl Context {
    /// A context that has never run; to be filled by the first switch away from it.
    pub const fn running() -> Self {
        Self(UnsafeCell::new(0))
    }

    /// A context that starts in `entry(argument)` on the empty kernel stack whose top is `stack_top`.
    ///
    /// # Safety
    /// `stack_top` is 16-byte aligned, and the stack below it is mapped, unused, and lives as long as the thread.
    pub unsafe fn starting(stack_top: u64, entry: extern "C" fn(u64) -> !, argument: u64) -> Self {
        // The image `switch` pops: r15 r14 r13 r12 rbx rbp, then the return address.
        let words = [0, 0, entry as *const () as u64, argument, 0, 0, first_entry as *const () as u64, 0];
        let sp = stack_top - (words.len() * 8) as u64;
        // SAFETY: the caller gives us this stack.
        unsafe { (sp as *mut [u64; 8]).write(words) };
        Self(UnsafeCell::new(sp))
    }
}

#[unsafe(naked)]
extern "C" fn first_entry() {
    // r12 = argument, r13 = entry; rsp is 16-byte aligned minus 8 here plus the pushed zero: align as after a call.
    naked_asm!("mov rdi, r12", "xor ebp, ebp", "and rsp, -16", "call r13", "ud2")
}

#[unsafe(naked)]
unsafe extern "C" fn switch_stacks(_from: *mut u64, _to: *const u64) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, [rsi]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// Runs `to` in place of `from`; returns when something switches back to `from`.
///
/// `vectors_live`: the outgoing thread's vector registers hold program values that nobody else saved.
///
/// # Safety
/// Interrupts are off. `from` is the running thread's context, `to` one that is not running and that no other CPU will pick;
/// both outlive the switch. The caller has already made `to`'s kernel stack current in `cpu`.
pub unsafe fn switch(from: &Context, to: &Context, vectors_live: bool) {
    let thread_pointer = cpu::thread_pointer();
    if vectors_live {
        // SAFETY: as the caller promises.
        unsafe { switch_saving_vectors(from, to) };
    } else {
        let (mut mxcsr, mut fcw) = (0u32, 0u16);
        // SAFETY: stores the two control words that the C ABI makes callee-saved.
        unsafe {
            asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut mxcsr, in(reg) &raw mut fcw, options(nostack, preserves_flags))
        };
        // SAFETY: as the caller promises.
        unsafe { switch_stacks(from.0.get(), to.0.get()) };
        // SAFETY: loads what was stored above. The x87 stack is emptied first: another thread may have left it in MMX use.
        unsafe {
            asm!("fninit", "ldmxcsr [{}]", "fldcw [{}]", in(reg) &raw const mxcsr, in(reg) &raw const fcw, options(nostack))
        };
    }
    cpu::set_thread_pointer(thread_pointer);
}

/// # Safety
/// As for [`switch`].
unsafe fn switch_saving_vectors(from: &Context, to: &Context) {
    let (bytes, mask) = fpu::layout();
    // SAFETY: makes room on the kernel stack (16 KiB; the area is at most 2.7 KiB), saves, switches, restores from the same
    // place and gives the room back. XSAVE wants the header of a fresh area zero: bytes 512 to 575.
    unsafe {
        asm!(
            "mov r12, rsp",
            "sub rsp, r8",
            "and rsp, -64",
            "mov r13, r9",
            "test r13, r13",
            "jz 2f",
            "xor eax, eax",
            "lea rdi, [rsp + 512]",
            "mov ecx, 8",
            "rep stosq",
            "mov eax, r13d",
            "xor edx, edx",
            "xsave64 [rsp]",
            "jmp 3f",
            "2: fxsave64 [rsp]",
            "3: mov rdi, r14",
            "mov rsi, r15",
            "call {switch}",
            "test r13, r13",
            "jz 4f",
            "mov eax, r13d",
            "xor edx, edx",
            "xrstor64 [rsp]",
            "jmp 5f",
            "4: fxrstor64 [rsp]",
            "5: mov rsp, r12",
            switch = sym switch_stacks,
            in("r8") bytes,
            in("r9") mask,
            inout("r14") from.0.get() => _,
            inout("r15") to.0.get() => _,
            out("r12") _,
            out("r13") _,
            clobber_abi("C"),
        );
    }
}
