//! Interrupts: who is told. Handlers acknowledge, note and wake; the work is done by threads.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU8, Ordering};

use sync::Once;

use crate::arch::apic::vector;
use crate::arch::{self, TrapFrame, apic, cpu, power, smp};
use crate::task;

/// Number of vectors for devices.
const DEVICE_VECTORS: usize = 64;

/// What a device wants done at its interrupt: look at the device, wake who waits. Runs with interrupts off; must not wait.
pub type Handler = Box<dyn Fn() + Send + Sync>;

static HANDLERS: [Once<Handler>; DEVICE_VECTORS] = [const { Once::new() }; DEVICE_VECTORS];
static NEXT: AtomicU8 = AtomicU8::new(0);

/// Gives `handler` a vector of its own and returns it; `None` when all are taken.
pub fn allocate(handler: Handler) -> Option<u8> {
    let slot = NEXT.fetch_add(1, Ordering::Relaxed);
    HANDLERS.get(usize::from(slot))?.set(handler);
    Some(vector::FIRST_DEVICE + slot)
}

/// Routes ISA interrupt `line` (as the firmware's overrides map it to pin `pin`) to `handler`. False: no vector, or no I/O APIC.
pub fn attach_pin(pin: u32, trigger: apic::Trigger, handler: Handler) -> bool {
    allocate(handler).is_some_and(|vector| apic::route(pin, vector, trigger))
}

#[expect(unsafe_code, reason = "linked by name: a door from arch")]
#[unsafe(no_mangle)]
extern "Rust" fn caracal_up_irq(number: u8, frame: &mut TrapFrame) {
    match number {
        vector::SPURIOUS => return,
        vector::TIMER => {
            apic::end_of_interrupt();
            task::on_timer();
        }
        vector::RESCHEDULE => {
            apic::end_of_interrupt();
            task::on_reschedule();
        }
        vector::SHOOTDOWN => {
            apic::end_of_interrupt();
            smp::serve_shootdown();
        }
        vector::STOP => power::halt(),
        device => {
            let slot = usize::from(device.wrapping_sub(vector::FIRST_DEVICE));
            if let Some(handler) = HANDLERS.get(slot).and_then(Once::get) {
                handler();
            }
            apic::end_of_interrupt();
        }
    }
    let interruptible = frame.rflags & arch::INTERRUPT_FLAG != 0;
    if interruptible && cpu::need_resched() && cpu::preempt_count() == 0 {
        task::preempt();
    }
}
