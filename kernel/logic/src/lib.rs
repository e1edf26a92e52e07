//! What the kernel decides: pure functions and data structures, tested on the host.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod acpi;
pub mod boot;
pub mod credentials;
pub mod file;
pub mod fs;
pub mod futex;
pub mod limits;
pub mod mm;
pub mod mp;
pub mod net;
pub mod rng;
pub mod signal;
pub mod task;
pub mod time;

#[cfg(test)]
mod properties;
