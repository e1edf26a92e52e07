//! Descriptor tables of each CPU: GDT, TSS with its IST stacks, and the one IDT they share.
#![expect(unsafe_code, reason = "loading descriptor tables")]

use alloc::boxed::Box;

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
use x86_64::structures::idt::{Entry, InterruptDescriptorTable};
use x86_64::structures::tss::TaskStateSegment;

use super::trap::stub_address;

/// IST slot of each class of gates (design.md D7).
mod ist {
    pub(super) const DOUBLE_FAULT: u16 = 0;
    pub(super) const NMI: u16 = 1;
    pub(super) const MACHINE_CHECK: u16 = 2;
    pub(super) const EXCEPTION: u16 = 3;
    pub(super) const INTERRUPT: u16 = 4;
    pub(super) const COUNT: usize = 5;
}

/// Bytes of a landing pad: one frame and room to spare.
const PAD_BYTES: usize = 1024;
/// Bytes of a stack on which a handler reports.
const REPORT_BYTES: usize = 16 * 1024;

/// Kernel code selector; also what `syscall` loads.
pub(super) const KERNEL_CODE: u16 = 0x08;

/// Builds and loads this CPU's tables. They live for ever: a CPU never gives its tables back.
pub(super) fn install() {
    let mut tss = TaskStateSegment::new();
    for slot in 0..ist::COUNT {
        let bytes = if slot < usize::from(ist::EXCEPTION) { REPORT_BYTES } else { PAD_BYTES };
        let stack = Box::leak(alloc::vec![0u128; bytes / 16].into_boxed_slice());
        tss.interrupt_stack_table[slot] = VirtAddr::from_ptr(stack.as_ptr_range().end);
    }
    let tss: &'static TaskStateSegment = Box::leak(Box::new(tss));
    let mut gdt = GlobalDescriptorTable::new();
    let code = gdt.append(Descriptor::kernel_code_segment());
    let data = gdt.append(Descriptor::kernel_data_segment());
    let tss_selector = gdt.append(Descriptor::tss_segment(tss));
    debug_assert_eq!(code.0 & !3, KERNEL_CODE);
    Box::leak(Box::new(gdt)).load();
    load_segments(code, data, tss_selector);
    load_idt();
}

fn load_segments(code: SegmentSelector, data: SegmentSelector, tss: SegmentSelector) {
    // SAFETY: the selector names the 64-bit code segment of the GDT loaded by install.
    unsafe { CS::set_reg(code) };
    // SAFETY: a flat data segment of the same GDT.
    unsafe { SS::set_reg(data) };
    // SAFETY: as above.
    unsafe { DS::set_reg(data) };
    // SAFETY: as above.
    unsafe { ES::set_reg(data) };
    // SAFETY: the selector names the TSS of the same GDT; it is loaded once per CPU.
    unsafe { load_tss(tss) };
}

fn load_idt() {
    let idt = Box::leak(Box::new(InterruptDescriptorTable::new()));
    gate(&mut idt.divide_error, 0, ist::EXCEPTION);
    gate(&mut idt.debug, 1, ist::EXCEPTION);
    gate(&mut idt.non_maskable_interrupt, 2, ist::NMI);
    gate(&mut idt.breakpoint, 3, ist::EXCEPTION);
    gate(&mut idt.overflow, 4, ist::EXCEPTION);
    gate(&mut idt.bound_range_exceeded, 5, ist::EXCEPTION);
    gate(&mut idt.invalid_opcode, 6, ist::EXCEPTION);
    gate(&mut idt.device_not_available, 7, ist::EXCEPTION);
    gate(&mut idt.double_fault, 8, ist::DOUBLE_FAULT);
    gate(&mut idt.invalid_tss, 10, ist::EXCEPTION);
    gate(&mut idt.segment_not_present, 11, ist::EXCEPTION);
    gate(&mut idt.stack_segment_fault, 12, ist::EXCEPTION);
    gate(&mut idt.general_protection_fault, 13, ist::EXCEPTION);
    gate(&mut idt.page_fault, 14, ist::EXCEPTION);
    gate(&mut idt.x87_floating_point, 16, ist::EXCEPTION);
    gate(&mut idt.alignment_check, 17, ist::EXCEPTION);
    gate(&mut idt.machine_check, 18, ist::MACHINE_CHECK);
    gate(&mut idt.simd_floating_point, 19, ist::EXCEPTION);
    gate(&mut idt.virtualization, 20, ist::EXCEPTION);
    for vector in super::trap::FIRST_IRQ_VECTOR..=255 {
        gate(&mut idt[vector], vector, ist::INTERRUPT);
    }
    idt.load();
}

/// Has `vector` enter by its stub on the stack of `slot`.
#[inline(never)]
fn gate<F>(entry: &mut Entry<F>, vector: u8, slot: u16) {
    // SAFETY: the stub is a gate entry for exactly this vector and its error code.
    let options = unsafe { entry.set_handler_addr(VirtAddr::new(stub_address(vector))) };
    // SAFETY: the slot names a stack of this CPU's TSS, used by this class of gates only.
    unsafe { options.set_stack_index(slot) };
}
