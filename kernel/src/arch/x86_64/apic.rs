//! The local APIC of each CPU (xAPIC by memory, x2APIC by MSR) and the I/O APIC: acknowledging, routing and sending interrupts.
//!
//! Intel SDM volume 3, chapter 11; 82093AA I/O APIC datasheet. The legacy 8259 pair is masked for good.
#![expect(unsafe_code, reason = "device registers and MSRs")]

use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::registers::model_specific::Msr;

use super::cpu;
use super::port::outb;

/// Vectors the kernel gives out. Device vectors grow from `FIRST_DEVICE`.
pub mod vector {
    /// First vector for device interrupts.
    pub const FIRST_DEVICE: u8 = 0x30;
    /// The local timer.
    pub const TIMER: u8 = 0xf0;
    /// Another CPU asks this one to reschedule.
    pub const RESCHEDULE: u8 = 0xf1;
    /// Another CPU asks this one to drop TLB entries.
    pub const SHOOTDOWN: u8 = 0xf2;
    /// Another CPU stops the machine.
    pub const STOP: u8 = 0xf3;
    /// The APIC's own spurious vector: never acknowledged.
    pub const SPURIOUS: u8 = 0xff;
}

/// Local APIC registers, as offsets of the memory-mapped page (SDM table 11-1).
pub mod register {
    /// Local APIC ID.
    pub const ID: u32 = 0x20;
    /// End of interrupt.
    pub const EOI: u32 = 0xb0;
    /// Spurious interrupt vector and the software enable bit.
    pub const SPURIOUS: u32 = 0xf0;
    /// Interrupt command, low word.
    pub const ICR_LOW: u32 = 0x300;
    /// Interrupt command, high word (xAPIC only).
    pub const ICR_HIGH: u32 = 0x310;
    /// Local vector table: timer.
    pub const LVT_TIMER: u32 = 0x320;
    /// Local vector table: LINT0.
    pub const LVT_LINT0: u32 = 0x350;
    /// Timer initial count.
    pub const TIMER_INITIAL: u32 = 0x380;
    /// Timer current count.
    pub const TIMER_CURRENT: u32 = 0x390;
    /// Timer divide configuration.
    pub const TIMER_DIVIDE: u32 = 0x3e0;
}

const IA32_APIC_BASE: u32 = 0x1b;
const X2APIC_FIRST_MSR: u32 = 0x800;
/// `LOCAL_BASE` value that says: use MSRs.
const BY_MSR: u64 = 1;

/// Virtual address of the local APIC page, or [`BY_MSR`].
static LOCAL_BASE: AtomicU64 = AtomicU64::new(0);
/// Virtual address of the first I/O APIC's registers, 0 when there is none.
static IO_BASE: AtomicU64 = AtomicU64::new(0);

/// Whether the CPU offers x2APIC mode.
pub fn has_x2apic() -> bool {
    __cpuid(1).ecx & (1 << 21) != 0
}

/// Physical address of the local APIC page.
pub fn local_physical_base() -> u64 {
    // SAFETY: the MSR exists on every CPU with a local APIC; long mode implies one.
    unsafe { Msr::new(IA32_APIC_BASE).read() & 0xf_ffff_f000 }
}

/// Says where the APICs' registers are mapped; `local` is not used in x2APIC mode, `io` is 0 without an I/O APIC.
///
/// # Safety
/// The addresses map the device pages, uncached, for ever.
pub unsafe fn set_bases(local: u64, io: u64) {
    LOCAL_BASE.store(if has_x2apic() { BY_MSR } else { local }, Ordering::Relaxed);
    IO_BASE.store(io, Ordering::Relaxed);
}

/// Turns this CPU's local APIC on; on the boot processor also masks the 8259 pair.
pub fn install() {
    if cpu::id() == 0 {
        mask_legacy_controllers();
    }
    if LOCAL_BASE.load(Ordering::Relaxed) == BY_MSR {
        let mut base = Msr::new(IA32_APIC_BASE);
        // SAFETY: the MSR exists on every CPU with a local APIC; long mode implies one.
        let value = unsafe { base.read() };
        // SAFETY: sets EN and EXTD, which has_x2apic allows.
        unsafe { base.write(value | 0xc00) };
    }
    write(register::LVT_LINT0, 1 << 16);
    write(register::SPURIOUS, 0x100 | u32::from(vector::SPURIOUS));
}

fn mask_legacy_controllers() {
    // Initialise, so that a stray interrupt has a vector of its own (0x20..0x2f), then mask everything.
    for (port, value) in [
        (0x20, 0x11),
        (0xa0, 0x11),
        (0x21, 0x20),
        (0xa1, 0x28),
        (0x21, 4),
        (0xa1, 2),
        (0x21, 1),
        (0xa1, 1),
        (0x21, 0xff),
        (0xa1, 0xff),
    ] {
        // SAFETY: the 8259's initialisation sequence; absent controllers ignore it.
        unsafe { outb(port, value) };
    }
}

/// Reads a local APIC register.
pub fn read(register: u32) -> u32 {
    let base = LOCAL_BASE.load(Ordering::Relaxed);
    if base == BY_MSR {
        // SAFETY: x2APIC mode is on; the registers used here exist as MSRs.
        return unsafe { Msr::new(X2APIC_FIRST_MSR + register / 16).read() } as u32;
    }
    // SAFETY: set_bases' caller mapped the page for ever.
    unsafe { ((base + u64::from(register)) as *const u32).read_volatile() }
}

/// Writes a local APIC register.
pub fn write(register: u32, value: u32) {
    let base = LOCAL_BASE.load(Ordering::Relaxed);
    if base == BY_MSR {
        // SAFETY: x2APIC mode is on; the registers used here exist as MSRs and take these values.
        unsafe { Msr::new(X2APIC_FIRST_MSR + register / 16).write(u64::from(value)) };
        return;
    }
    // SAFETY: set_bases' caller mapped the page for ever.
    unsafe { ((base + u64::from(register)) as *mut u32).write_volatile(value) };
}

/// Acknowledges the interrupt in service.
pub fn end_of_interrupt() {
    write(register::EOI, 0);
}

/// This CPU's local APIC ID.
pub fn local_id() -> u32 {
    let id = read(register::ID);
    if LOCAL_BASE.load(Ordering::Relaxed) == BY_MSR { id } else { id >> 24 }
}

/// Sends `command` (an ICR low word) to the CPU with local APIC ID `apic_id`.
fn send_command(apic_id: u32, command: u32) {
    if LOCAL_BASE.load(Ordering::Relaxed) == BY_MSR {
        // SAFETY: the ICR is one 64-bit MSR in x2APIC mode.
        unsafe {
            Msr::new(X2APIC_FIRST_MSR + register::ICR_LOW / 16)
                .write(u64::from(apic_id) << 32 | u64::from(command))
        };
        return;
    }
    // An interrupt between the two writes could send one of its own.
    let enabled = cpu::interrupts::enabled();
    cpu::interrupts::disable();
    while read(register::ICR_LOW) & (1 << 12) != 0 {
        cpu::relax();
    }
    write(register::ICR_HIGH, apic_id << 24);
    write(register::ICR_LOW, command);
    if enabled {
        cpu::interrupts::enable();
    }
}

/// Sends the fixed interrupt `vector` to CPU `cpu`.
pub fn send(cpu: usize, vector: u8) {
    send_command(cpu::local(cpu).apic_id.load(Ordering::Relaxed), 0x4000 | u32::from(vector));
}

/// Sends INIT to a CPU that has not started.
pub(super) fn send_init(apic_id: u32) {
    send_command(apic_id, 0x4500);
}

/// Sends the start-up interrupt: the CPU begins in real mode at `page * 4096`.
pub(super) fn send_startup(apic_id: u32, page: u8) {
    send_command(apic_id, 0x4600 | u32::from(page));
}

fn io_write(index: u32, value: u32) {
    let base = IO_BASE.load(Ordering::Relaxed);
    // SAFETY: set_bases' caller mapped the I/O APIC page; register select at +0.
    unsafe { (base as *mut u32).write_volatile(index) };
    // SAFETY: data window at +0x10.
    unsafe { ((base + 0x10) as *mut u32).write_volatile(value) };
}

/// How a device signals an I/O APIC pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Edge, active high: ISA devices.
    Edge,
    /// Level, active high.
    LevelHigh,
    /// Level, active low: PCI INTx.
    LevelLow,
}

/// Routes I/O APIC pin `pin` to `vector` on the boot processor and unmasks it. Returns false without an I/O APIC.
pub fn route(pin: u32, vector: u8, trigger: Trigger) -> bool {
    if IO_BASE.load(Ordering::Relaxed) == 0 {
        return false;
    }
    let mode = match trigger {
        Trigger::Edge => 0,
        Trigger::LevelHigh => 1 << 15,
        Trigger::LevelLow => 1 << 15 | 1 << 13,
    };
    io_write(0x10 + 2 * pin + 1, cpu::local(0).apic_id.load(Ordering::Relaxed) << 24);
    io_write(0x10 + 2 * pin, mode | u32::from(vector));
    true
}

/// What a device writes where, to interrupt `cpu` with `vector`: address and data of a message (SDM section 11.11).
pub fn message(vector: u8, cpu: usize) -> (u64, u32) {
    const MESSAGES: u64 = 0xfee0_0000;
    // There are eight bits for it. The boot processor's number always fits into them.
    let number = |cpu: usize| cpu::local(cpu).apic_id.load(Ordering::Relaxed);
    let apic_id = if number(cpu) <= 0xff { number(cpu) } else { number(0) & 0xff };
    (MESSAGES | u64::from(apic_id) << 12, u32::from(vector))
}
