//! The power button of ACPI hardware: the host asks the program to end (QEMU's `system_powerdown`, a cloud's stop button).
//!
//! The fixed feature only (`logic::acpi::PowerButton`): machines without ACPI hardware, such as microvm, have none.
#![expect(unsafe_code, reason = "port I/O")]

use alloc::boxed::Box;

use logic::acpi::PowerButton;

use crate::arch::apic::Trigger;
use crate::arch::port::{inw, outb, outw};

use super::acpi::Firmware;
use super::serial::AttachPin;

/// In the status and enable registers: the button was pressed, and interrupts when it is.
const BUTTON: u16 = 1 << 8;
/// In the control register: power events interrupt.
const SCI_ENABLED: u16 = 1;

/// Has `pressed` called, at interrupt time, when the button is pressed. False: there is none.
pub fn start(firmware: &Firmware, attach_pin: AttachPin, pressed: fn()) -> bool {
    let Some(button) = firmware.power_button else { return false };
    take_over(&button);
    clear(&button);
    let (pin, is_active_high) = firmware.pin(button.line);
    let trigger = if is_active_high { Trigger::LevelHigh } else { Trigger::LevelLow };
    let look = move || {
        // SAFETY: the FADT says that this is the status register; reading it changes nothing.
        if unsafe { inw(button.status) } & BUTTON != 0 {
            clear(&button);
            pressed();
        }
    };
    if !attach_pin(pin, trigger, Box::new(look)) {
        return false;
    }
    // SAFETY: the FADT says that this is the enable register; nothing else in it was asked for.
    unsafe { outw(button.enable, BUTTON) };
    true
}

/// Asks the firmware for power management, where it has it still.
fn take_over(button: &PowerButton) {
    // SAFETY: the FADT says that this is the control register; reading it changes nothing.
    let is_ours = unsafe { inw(button.control) } & SCI_ENABLED != 0;
    if let Some((port, value)) = button.hand_over.filter(|_| !is_ours) {
        // SAFETY: the FADT says that this port and value hand power management over.
        unsafe { outb(port, value) };
    }
}

/// Forgets that the button was pressed.
fn clear(button: &PowerButton) {
    // SAFETY: writing a one clears the bit in the status register, which the FADT names.
    unsafe { outw(button.status, BUTTON) };
}
