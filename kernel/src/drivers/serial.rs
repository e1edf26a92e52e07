//! COM1's receive side: bytes from the host to whoever reads standard input.
//!
//! The interrupt handler drains the FIFO and hands the bytes to a receiver; the transmit side is `console`'s.
#![expect(unsafe_code, reason = "port I/O")]

use alloc::boxed::Box;

use sync::Once;

use crate::arch::apic::Trigger;
use crate::arch::port::{inb, outb};

use super::acpi::Firmware;

const BASE: u16 = 0x3f8;
const INTERRUPT_ENABLE: u16 = BASE + 1;
const MODEM_CONTROL: u16 = BASE + 4;
const LINE_STATUS: u16 = BASE + 5;
/// COM1's ISA interrupt line.
const LINE: u8 = 4;
const DATA_READY: u8 = 1;
/// What an absent UART reads as.
const ABSENT: u8 = 0xff;

/// Takes a byte at interrupt time, without waiting; false: no more until [`resume`].
pub type Receiver = Box<dyn Fn(u8) -> bool + Send + Sync>;

static RECEIVER: Once<Receiver> = Once::new();

/// Says who takes what arrives; once.
pub fn set_receiver(receiver: Receiver) {
    RECEIVER.set(receiver);
}

/// Gives a handler the interrupt of a pin; false when that cannot be.
pub type AttachPin = fn(u32, Trigger, Box<dyn Fn() + Send + Sync>) -> bool;

/// Starts receiving. False: there is no UART, no interrupt for it, or nobody to receive.
pub fn start(firmware: &Firmware, attach_pin: AttachPin) -> bool {
    // SAFETY: reading the line status changes nothing that matters here.
    if RECEIVER.get().is_none() || unsafe { inb(LINE_STATUS) } == ABSENT {
        return false;
    }
    let (pin, _) = firmware.pin(LINE);
    if !attach_pin(pin, Trigger::Edge, Box::new(drain)) {
        return false;
    }
    // SAFETY: DTR, RTS, and OUT2, which lets the interrupt through.
    unsafe { outb(MODEM_CONTROL, 0x0b) };
    resume();
    true
}

/// Lets the device interrupt, now if something is there.
pub fn resume() {
    // SAFETY: interrupt when data has been received.
    unsafe { outb(INTERRUPT_ENABLE, 0x01) };
}

/// Hands on what has arrived.
fn drain() {
    let Some(receive) = RECEIVER.get() else { return };
    // SAFETY: reading the line status changes nothing that matters here.
    while unsafe { inb(LINE_STATUS) } & DATA_READY != 0 {
        // SAFETY: takes one byte from the FIFO.
        if !receive(unsafe { inb(BASE) }) {
            // SAFETY: no interrupts until there is room; the host waits with what it has.
            unsafe { outb(INTERRUPT_ENABLE, 0) };
            return;
        }
    }
}
