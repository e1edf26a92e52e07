//! How interrupts and exceptions reach Rust.
//!
//! Program code runs in ring 0 with a red zone below its stack pointer, so no vector may push on the interrupted stack: each
//! gate names an IST stack (design.md D7). The IST stack is a landing pad: the stub copies the frame to the thread's kernel
//! stack (below the interrupted stack pointer when the kernel itself was interrupted; the kernel has no red zone), leaves the
//! pad, and only then calls Rust. So a handler may fault, be interrupted or switch threads. NMI, double fault and machine
//! check stay on their own stacks: they only report.
//!
//! ```text
//!   gate → IST pad: [GPRs][vector][error][rip cs rflags rsp ss] ──copy──▶ kernel stack: TrapFrame → on_irq / on_fault
//!                                                                       ◀── restore, iretq ──
//! ```
#![expect(unsafe_code, reason = "assembly stubs")]

use core::arch::naked_asm;

use x86_64::registers::control::Cr2;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::super::up;
use super::cpu::{OFFSET_KERNEL_STACK_BOTTOM, OFFSET_KERNEL_STACK_TOP};

/// The registers that carry the arguments of a system call, in order (syscall(2)).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable)]
#[expect(missing_docs, reason = "the fields are register names")]
pub struct Arguments {
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub r10: u64,
    pub r8: u64,
    pub r9: u64,
}

impl Arguments {
    /// The registers as words.
    pub fn words(&self) -> &[u64; 6] {
        zerocopy::transmute_ref!(self)
    }
}

/// All general registers of the interrupted code, as the stubs push them; for `syscall`, `vector` is [`TrapFrame::SYSCALL`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the fields are register names")]
pub struct TrapFrame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub arguments: Arguments,
    pub r11: u64,
    pub rcx: u64,
    pub rax: u64,
    pub vector: u64,
    pub error: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

impl TrapFrame {
    /// The `vector` of a frame made by the `syscall` instruction.
    pub const SYSCALL: u64 = 0x100;
    /// What faults are told instead of their vector when the kernel stack is used up.
    pub const STACK_OVERFLOW: u8 = 255;
}

/// Bytes the CPU and the stubs push: 15 registers, vector, error code, 5 words of the CPU.
const FRAME_BYTES: usize = size_of::<TrapFrame>();

/// What a handler needs of the kernel stack at least.
const LEAST_ROOM: usize = 1024;
/// Bytes below a kernel stack that nothing uses, at least.
const GUARD_BYTES: usize = 16 * 1024;

/// First vector of device, timer and inter-processor interrupts.
pub(super) const FIRST_IRQ_VECTOR: u8 = 32;

/// The common tail of all gates: registers to the pad, frame to the kernel stack, call, restore.
#[unsafe(naked)]
extern "C" fn trap_common() {
    naked_asm!(
        "cld",
        "push rax", "push rcx", "push r11", "push r9", "push r8", "push r10", "push rdx", "push rsi", "push rdi",
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        // Where to: below the interrupted rsp if that lies in (bottom, top] of the kernel stack, else at its top. In the guard below,
        // or where the frame and its handler have no room: the kernel has used its stack up.
        "mov rax, [rsp + {frame} - 16]",
        "mov rdx, gs:[{top}]",
        "cmp rax, rdx",
        "ja 2f",
        "mov rcx, gs:[{bottom}]",
        "lea rsi, [rcx + {least}]",
        "cmp rax, rsi",
        "ja 3f",
        "sub rcx, {guard}",
        "cmp rax, rcx",
        "ja 4f",
        "2: mov rax, rdx",
        "3: sub rax, {frame}",
        "and rax, -16",
        "mov rdi, rax",
        "mov rsi, rsp",
        "mov ecx, {frame} / 8",
        "rep movsq",
        "mov rsp, rax",
        "mov rdi, rax",
        "mov rbx, rax",
        "call {dispatch}",
        "mov rsp, rbx",
        "jmp {restore}",
        // The report overwrites the outermost frames, not those that tell who it was.
        "4: mov rdi, rsp",
        "mov rsp, rdx",
        "call {overflow}",
        frame = const FRAME_BYTES,
        least = const FRAME_BYTES + LEAST_ROOM,
        guard = const GUARD_BYTES,
        overflow = sym stack_overflow,
        top = const OFFSET_KERNEL_STACK_TOP,
        bottom = const OFFSET_KERNEL_STACK_BOTTOM,
        dispatch = sym trap_dispatch,
        restore = sym restore_frame,
    )
}

extern "C" fn stack_overflow(frame: &mut TrapFrame) {
    up::on_fault(TrapFrame::STACK_OVERFLOW, Cr2::read_raw(), frame);
}

/// Puts back every register of the frame at RSP and returns to the interrupted code.
#[unsafe(naked)]
pub(super) extern "C" fn restore_frame() {
    naked_asm!(
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop r10",
        "pop r8",
        "pop r9",
        "pop r11",
        "pop rcx",
        "pop rax",
        "add rsp, 16",
        "iretq",
    )
}

extern "C" fn trap_dispatch(frame: &mut TrapFrame) {
    let vector = (frame.vector & 0xff) as u8;
    if vector >= FIRST_IRQ_VECTOR {
        up::on_irq(vector, frame);
    } else {
        let address = Cr2::read_raw();
        // Exceptions of code that ran with interrupts on are handled with interrupts on: their handlers take locks and may wait.
        if frame.rflags & 0x200 != 0 {
            super::cpu::interrupts::enable();
        }
        up::on_fault(vector, address, frame);
        super::cpu::interrupts::disable();
    }
    if !is_on_kernel_stack(frame.rsp) {
        up::on_return(frame);
    }
}

/// Whether `stack_pointer` is the kernel's: the kernel was interrupted then, else the program.
pub(super) fn is_on_kernel_stack(stack_pointer: u64) -> bool {
    let (bottom, top) = super::cpu::kernel_stack();
    stack_pointer > bottom && stack_pointer <= top
}

/// The gates that stay on their own stack: they report and do not come back to a thread.
#[unsafe(naked)]
extern "C" fn trap_on_own_stack() {
    naked_asm!(
        "cld",
        "push rax", "push rcx", "push r11", "push r9", "push r8", "push r10", "push rdx", "push rsi", "push rdi",
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "mov rdi, rsp",
        "mov rbx, rsp",
        "and rsp, -16",
        "call {dispatch}",
        "mov rsp, rbx",
        "jmp {restore}",
        dispatch = sym own_stack_dispatch,
        restore = sym restore_frame,
    )
}

extern "C" fn own_stack_dispatch(frame: &mut TrapFrame) {
    let vector = (frame.vector & 0xff) as u8;
    up::on_fault(vector, Cr2::read_raw(), frame);
}

/// Bytes of one generated gate stub.
const STUB_BYTES: usize = 16;

// 256 stubs of 16 bytes: push an error code where the CPU does not, push the vector, go to the common tail.
core::arch::global_asm!(
    ".pushsection .ktext.stubs, \"ax\", @progbits",
    ".balign 16",
    "caracal_trap_stubs:",
    ".set v, 0",
    ".rept 256",
    ".balign 16",
    ".if (v == 8) || (v == 10) || (v == 11) || (v == 12) || (v == 13) || (v == 14) || (v == 17) || (v == 21) || (v == 29) || (v == 30)",
    ".else",
    ".byte 0x6a, 0",
    ".endif",
    // push imm32, in bytes: a bare symbol would be a memory operand in Intel syntax.
    ".byte 0x68",
    ".long v",
    ".if (v == 2) || (v == 8) || (v == 18)",
    "jmp {own}",
    ".else",
    "jmp {common}",
    ".endif",
    ".set v, v + 1",
    ".endr",
    ".balign 16",
    ".popsection",
    own = sym trap_on_own_stack,
    common = sym trap_common,
);

unsafe extern "C" {
    static caracal_trap_stubs: [u8; 256 * STUB_BYTES];
}

/// Address of the gate stub of `vector`.
pub(super) fn stub_address(vector: u8) -> u64 {
    (&raw const caracal_trap_stubs) as u64 + u64::from(vector) * STUB_BYTES as u64
}
