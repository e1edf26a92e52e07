//! The kernel that is linked into every image: it touches the machine; what it decides is in `logic`.
//!
//! Modules in layer order; a module uses only those above it in this list (`cargo xtask tidy` proves it).
#![cfg_attr(target_os = "none", no_std)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod arch;
pub mod boot;
pub mod image;
pub mod console;
pub mod system;
pub mod mm;
pub mod drivers;
pub mod time;
pub mod rng;
pub mod task;
pub mod irq;
pub mod end;
pub mod backtrace;
pub mod panic;
pub mod fs;
pub mod process;
pub mod kernel;
pub mod fault;
pub mod syscall;
pub mod app;
pub mod start;
