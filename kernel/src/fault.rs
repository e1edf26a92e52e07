//! CPU exceptions: resolve what can be resolved (a page to bring in, a wild pointer in a system call), report the rest.
//!
//! A fault of the program is the signal Linux would send; without a handler the program ends with 128 + its number, and the
//! report names the address, the registers and the stack. A fault of the kernel outside a checked copy is a kernel panic.

use abi::signal::{SigInfo, Signal, code};

use crate::arch::TrapFrame;
use crate::mm::{self, FaultAction, Memory};
use crate::signal::FaultWords;
use crate::{backtrace, console, end, task};

const PAGE_FAULT: u8 = 14;

const SIGILL: u8 = 4;
const SIGTRAP: u8 = 5;
const SIGBUS: u8 = 7;
const SIGFPE: u8 = 8;
const SIGSEGV: u8 = 11;

/// The exception's name and the signal Linux makes of it (arch/x86/kernel/traps.c); `None`: never the program's doing.
fn describe(vector: u8) -> (&'static str, Option<u8>) {
    match vector {
        0 => ("divide error", Some(SIGFPE)),
        1 => ("debug exception", Some(SIGTRAP)),
        2 => ("non-maskable interrupt", None),
        3 => ("breakpoint", Some(SIGTRAP)),
        4 => ("overflow", Some(SIGSEGV)),
        5 => ("bound range exceeded", Some(SIGSEGV)),
        6 => ("invalid opcode", Some(SIGILL)),
        7 => ("device not available", Some(SIGFPE)),
        8 => ("double fault", None),
        11 => ("segment not present", Some(SIGBUS)),
        12 => ("stack segment fault", Some(SIGBUS)),
        13 => ("general protection fault", Some(SIGSEGV)),
        PAGE_FAULT => ("page fault", Some(SIGSEGV)),
        16 => ("x87 floating-point error", Some(SIGFPE)),
        17 => ("alignment check", Some(SIGBUS)),
        18 => ("machine check", None),
        19 => ("SIMD floating-point error", Some(SIGFPE)),
        TrapFrame::STACK_OVERFLOW => ("kernel stack overflow", None),
        _ => ("unexpected exception", None),
    }
}

#[expect(unsafe_code, reason = "linked by name: a door from arch")]
#[unsafe(no_mangle)]
extern "Rust" fn caracal_up_fault(vector: u8, address: u64, frame: &mut TrapFrame) {
    let (name, mut signal) = describe(vector);
    // With a lock held no page can be brought in: the copy ends short, and its caller does that without the lock.
    if vector != TrapFrame::STACK_OVERFLOW
        && (frame.rflags & crate::arch::INTERRUPT_FLAG == 0 || crate::arch::cpu::preempt_count() > 0)
        && let Some(rip) = mm::fixup(frame.rip)
    {
        frame.rip = rip;
        return;
    }
    if vector == PAGE_FAULT {
        match mm::on_page_fault(address, frame.error, frame.rip) {
            FaultAction::Handled => return,
            FaultAction::Fixup(rip) => {
                frame.rip = rip;
                return;
            }
            FaultAction::OutOfMemory => out_of_memory(address, frame),
            FaultAction::BusError => signal = Some(SIGBUS),
            FaultAction::Segv => {}
        }
    } else if vector == 13
        && let Some(rip) = mm::fixup(frame.rip)
    {
        // A copy ran into a non-canonical address: a general protection fault, not a page fault.
        frame.rip = rip;
        return;
    }
    if let Some(number) = signal
        && !mm::is_kernel_text(frame.rip)
        && is_handled(vector, number, address, frame)
    {
        return;
    }
    end::begin();
    report(vector, name, address, frame);
    match signal {
        Some(signal) if !mm::is_kernel_text(frame.rip) => end::exit(128 + signal),
        _ => {
            console::emergency(format_args!("kernel panic: {name} in the kernel\n"));
            end::exit(end::KERNEL_PANIC)
        }
    }
}

/// Lets the program's handler of the signal run, if it has one.
fn is_handled(vector: u8, number: u8, address: u64, frame: &mut TrapFrame) -> bool {
    let Ok(signal) = Signal::new(i32::from(number)) else { return false };
    let is_mapped = || Memory::try_get().is_some_and(|memory| memory.covers(address & !4095, 4096));
    let (code, at) = match (vector, number) {
        (PAGE_FAULT, SIGBUS) => (code::BUS_ADRERR, address),
        (PAGE_FAULT, _) if is_mapped() => (code::SEGV_ACCERR, address),
        (PAGE_FAULT, _) => (code::SEGV_MAPERR, address),
        (0, _) => (code::FPE_INTDIV, frame.rip),
        (1, _) => (code::TRAP_TRACE, frame.rip),
        (6, _) => (code::ILL_ILLOPN, frame.rip),
        (17, _) => (code::BUS_ADRALN, 0),
        (16 | 19, _) => (code::FPE_FLTUNK, frame.rip),
        _ => (code::SI_KERNEL, 0),
    };
    let words = FaultWords { vector: u64::from(vector), error: frame.error, address };
    crate::signal::deliver_fault(frame, signal, SigInfo::fault(signal, code, at), words)
}

fn out_of_memory(address: u64, frame: &TrapFrame) -> ! {
    end::begin();
    console::emergency(format_args!(
        "out of memory: no page left for {address:#x} (rip {:#x}); give the guest more with --memory\n",
        frame.rip
    ));
    end::exit(end::OUT_OF_MEMORY)
}

/// Prints what happened, the registers and the stack.
fn report(vector: u8, name: &str, address: u64, frame: &TrapFrame) {
    let place = if mm::is_kernel_text(frame.rip) { "kernel" } else { "program" };
    console::emergency(format_args!("{place} fault: {name}"));
    if vector == PAGE_FAULT {
        let access = match (frame.error & 16 != 0, frame.error & 2 != 0) {
            (true, _) => "executing",
            (false, true) => "writing",
            (false, false) => "reading",
        };
        console::emergency(format_args!(" {access} {address:#x}"));
    }
    let tid = if crate::arch::cpu::current().is_null() { 0 } else { task::current().tid };
    console::emergency(format_args!(" at {:#x}, thread {tid}, CPU {}\n", frame.rip, crate::arch::cpu::id()));
    let f = frame;
    console::emergency(format_args!(
        "  rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}\n  rsi {:016x} rdi {:016x} rbp {:016x} rsp {:016x}\n  \
         r8  {:016x} r9  {:016x} r10 {:016x} r11 {:016x}\n  r12 {:016x} r13 {:016x} r14 {:016x} r15 {:016x}\n  \
         rip {:016x} rflags {:08x} error {:x} vector {vector}\n",
        f.rax,
        f.rbx,
        f.rcx,
        f.arguments.rdx,
        f.arguments.rsi,
        f.arguments.rdi,
        f.rbp,
        f.rsp,
        f.arguments.r8,
        f.arguments.r9,
        f.arguments.r10,
        f.r11,
        f.r12,
        f.r13,
        f.r14,
        f.r15,
        f.rip,
        f.rflags,
        f.error
    ));
    backtrace::print(frame.rip, frame.rbp);
}
