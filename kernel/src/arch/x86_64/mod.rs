//! x86_64: everything that knows this CPU. One file, one piece of the machine.

pub mod apic;
pub mod bulk;
pub mod cpu;
mod entry;
pub mod fpu;
mod mem;
pub mod paging;
pub mod port;
pub mod power;
pub mod smp;
pub mod switch;
mod syscall;
mod tables;
mod trap;
pub mod tsc;
pub mod user_copy;

pub use cpu::{CURRENT_TASK, KERNEL_STACK_TOP, interrupts};
pub use syscall::{direct_caller_stack, enter_frame, is_on_kernel_stack, on_kernel_stack};
pub use trap::{Arguments, TrapFrame};

/// First step on the boot processor: GS points at its `CpuLocal`, so that locks work. Needs no heap.
pub fn install_boot_local() {
    cpu::install_local(0, 0);
    let (bottom, top) = entry::boot_stack_bounds();
    cpu::set_current(core::ptr::null_mut(), bottom, top);
}

/// Second step on the boot processor, once there is a heap: descriptor tables, `syscall`, vector state.
pub fn install_boot_cpu() {
    tables::install();
    syscall::install();
    fpu::install();
}

/// The interrupt flag in RFLAGS.
pub const INTERRUPT_FLAG: u64 = 1 << 9;

/// The code segment everything runs with.
pub const CODE_SELECTOR: u16 = 0x08;
/// The stack and data segment.
pub const DATA_SELECTOR: u16 = 0x10;
