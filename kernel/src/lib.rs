//! The kernel that is linked into every image: it touches the machine; what it decides is in `logic`.
//!
//! Modules in layer order; a module uses only those above it in this list (`cargo xtask tidy` proves it).
#![cfg_attr(target_os = "none", no_std)]
#![deny(unsafe_code)]
#![expect(clippy::cast_possible_truncation, reason = "64-bit machines only; registers are cut on purpose")]

extern crate alloc;

// The machine itself.
pub mod arch;
// Where we come from: the boot protocol, our own ELF headers.
pub mod boot;
pub mod image;
// Bytes out, and what the system calls itself.
pub mod console;
pub mod system;
// Frames, the address space, the heap, program memory.
pub mod mm;
// Firmware tables, counters, the serial port, fw_cfg.
pub mod drivers;
// Clocks and the deadline timer; random numbers.
pub mod time;
pub mod rng;
// Threads, the scheduler, waiting.
pub mod task;
// Who is told of an interrupt; how the machine ends, and what it says then.
pub mod irq;
pub mod end;
pub mod backtrace;
pub mod panic;
// The network and its thread.
pub mod net;
// The program: files, threads, limits, signals; and the one global.
pub mod fs;
pub mod process;
pub mod kernel;
// What `/proc` tells; signals; exceptions; the system calls.
pub mod facts;
pub mod signal;
pub mod fault;
pub mod syscall;
// The program's first step; the whole start-up as one flow of data.
pub mod app;
pub mod start;
