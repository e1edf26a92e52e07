//! The hooks `sync` asks the kernel for: preemption, interrupts, a moment's sleep, the CPU's number.
#![expect(unsafe_code, reason = "the hooks are linked by name")]

use crate::arch::{cpu, interrupts, is_on_kernel_stack, on_kernel_stack};

use super::sched;

#[unsafe(no_mangle)]
extern "Rust" fn __caracal_preempt_disable() {
    cpu::preempt_disable();
}

#[unsafe(no_mangle)]
extern "Rust" fn __caracal_preempt_enable() {
    if cpu::preempt_enable() {
        preempt_now();
    }
}

/// Another thread is owed the CPU.
///
/// std-shim takes locks on the program's stack, where pages may be missing; a thread is put aside on its kernel stack only.
#[cold]
#[inline(never)]
fn preempt_now() {
    extern "C" fn preempt(_: u64, _: u64, _: u64, _: u64, _: u64) -> i64 {
        sched::preempt();
        0
    }
    if !interrupts::enabled() || cpu::current().is_null() {
        return;
    }
    if is_on_kernel_stack() {
        sched::preempt();
    } else {
        on_kernel_stack(0, 0, 0, 0, 0, preempt);
    }
}

#[unsafe(no_mangle)]
extern "Rust" fn __caracal_irq_save() -> bool {
    let enabled = interrupts::enabled();
    interrupts::disable();
    enabled
}

#[unsafe(no_mangle)]
extern "Rust" fn __caracal_irq_restore(enabled: bool) {
    if enabled {
        interrupts::enable();
    }
}

#[unsafe(no_mangle)]
extern "Rust" fn __caracal_nap() {
    sched::nap();
}

#[unsafe(no_mangle)]
extern "Rust" fn __caracal_cpu_id() -> usize {
    cpu::id()
}
