//! The kernel that is linked into every image: it touches the machine; what it decides is in `logic`.
//!
//! Modules in layer order; a module uses only those above it in this list (`cargo xtask tidy` proves it).
#![cfg_attr(target_os = "none", no_std)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod arch;
pub mod boot;
