//! Where bytes leave the machine: the program's output, the kernel log, the control channel.
//!
//! COM1 (a 16550 at 0x3f8) carries standard output always, and the rest too unless the command line names ISA debug consoles
//! for it (docs/command-line.md). A debug console takes a byte per port write and can neither fail nor stall.
#![expect(unsafe_code, reason = "port I/O")]

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU32, Ordering};

use logic::boot::cmdline;
use sync::IrqLock;

use crate::arch::port::{inb, outb, outsb};
use crate::arch::tsc;

/// COM1.
const SERIAL: u16 = 0x3f8;
/// Line status register: offset, and the bits for an empty transmit FIFO and for everything sent.
const LINE_STATUS: u16 = SERIAL + 5;
const TRANSMIT_EMPTY: u8 = 1 << 5;
const ALL_SENT: u8 = 1 << 6;
/// Bytes the transmit FIFO takes at once.
const FIFO_BYTES: usize = 16;
/// Port numbers are 16 bits wide: above that means none.
const NO_PORT: u32 = u32::MAX;

/// Serialises writers of COM1, so that lines of different CPUs do not mix.
static SERIAL_LOCK: IrqLock<()> = IrqLock::new(());
static ERROR_PORT: AtomicU32 = AtomicU32::new(NO_PORT);
static LOG_PORT: AtomicU32 = AtomicU32::new(NO_PORT);
static CONTROL_PORT: AtomicU32 = AtomicU32::new(NO_PORT);
static EXIT_PORT: AtomicU32 = AtomicU32::new(NO_PORT);

fn port_of(word: &AtomicU32) -> Option<u16> {
    u16::try_from(word.load(Ordering::Relaxed)).ok()
}

/// A debug console, by its port.
#[derive(Clone, Copy, Debug)]
pub struct DebugConsole(u16);

impl Write for DebugConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the command line says that a debug console is at this port; it only takes bytes.
        unsafe { outsb(self.0, text.as_bytes()) };
        Ok(())
    }
}

/// The channels that the command line named.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The control channel.
    pub control: Option<DebugConsole>,
    /// isa-debug-exit.
    pub exit: Option<u16>,
}

/// The control channel and the exit device.
pub fn ports() -> Ports {
    Ports { control: port_of(&CONTROL_PORT).map(DebugConsole), exit: port_of(&EXIT_PORT) }
}

/// Takes over the channels that the command line names.
pub fn use_ports(ports: cmdline::Ports) {
    let pairs = [
        (&ERROR_PORT, ports.stderr),
        (&LOG_PORT, ports.log),
        (&CONTROL_PORT, ports.control),
        (&EXIT_PORT, ports.exit),
    ];
    for (word, port) in pairs {
        word.store(port.map_or(NO_PORT, u32::from), Ordering::Relaxed);
    }
}

/// Starts the kernel log at `level`.
pub fn start_log(level: log::LevelFilter) {
    // Fails only when a logger is set already: this is the one place that sets it.
    let _ = log::set_logger(&KernelLog);
    log::set_max_level(level);
}

/// Writes program output (fd 1) as it is.
pub fn write_output(bytes: &[u8]) {
    let _guard = SERIAL_LOCK.lock();
    send(bytes);
}

/// Writes program output (fd 2) as it is.
pub fn write_error(bytes: &[u8]) {
    match port_of(&ERROR_PORT) {
        // SAFETY: the command line says that a debug console is at this port.
        Some(port) => unsafe { outsb(port, bytes) },
        None => write_output(bytes),
    }
}

/// Sends to COM1, a FIFO at a time. An absent UART reads as all ones and swallows everything.
fn send(bytes: &[u8]) {
    for chunk in bytes.chunks(FIFO_BYTES) {
        // SAFETY: reading the line status register changes nothing that matters here.
        while unsafe { inb(LINE_STATUS) } & TRANSMIT_EMPTY == 0 {
            core::hint::spin_loop();
        }
        // SAFETY: the transmit register takes bytes.
        unsafe { outsb(SERIAL, chunk) };
    }
}

/// Turns the FIFOs on (QEMU and real hardware begin without). Interrupt-driven input is `drivers::serial`'s.
pub fn enable_fifo() {
    // SAFETY: FIFO control register: enable, clear both.
    unsafe { outb(SERIAL + 2, 0x07) };
}

/// Waits until COM1 has sent everything.
pub fn drain() {
    for _ in 0..1_000_000 {
        // SAFETY: as in send.
        if unsafe { inb(LINE_STATUS) } & ALL_SENT != 0 {
            return;
        }
        core::hint::spin_loop();
    }
}

/// Where the kernel speaks.
struct LogChannel;

impl Write for LogChannel {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match port_of(&LOG_PORT) {
            Some(port) => DebugConsole(port).write_str(text),
            None => {
                send(text.as_bytes());
                Ok(())
            }
        }
    }
}

/// Prints a report whatever the log level is, without taking a lock: for panics, faults and failed boots.
pub fn emergency(message: fmt::Arguments<'_>) {
    // Writing to the channel cannot fail.
    let _ = LogChannel.write_fmt(message);
}

/// The kernel's messages, through the `log` facade.
struct KernelLog;

impl log::Log for KernelLog {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let _guard = SERIAL_LOCK.lock();
            let target = record.target().trim_start_matches("kernel::");
            // Writing to the channel cannot fail.
            let _ = writeln!(
                LogChannel,
                "[{:>14}] {:5} {target}: {}",
                tsc::read(),
                record.level(),
                record.args()
            );
        }
    }

    fn flush(&self) {}
}
