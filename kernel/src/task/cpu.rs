//! The hooks `sync` asks the kernel for: preemption, interrupts, the CPU's number.
#![expect(unsafe_code, reason = "the hooks are linked by name")]

use crate::arch::{cpu, interrupts};

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
#[cold]
#[inline(never)]
fn preempt_now() {
    if interrupts::enabled() && !cpu::current().is_null() {
        sched::preempt();
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
extern "Rust" fn __caracal_cpu_id() -> usize {
    cpu::id()
}
