//! The Linux x86_64 contract as types: numbers, names and layouts, no behaviour besides conversions.
//!
//! * [`errno`] – why a call failed.
//!
//! Numbers and layouts come from the manual pages and Linux' `include/uapi`. They are written here by hand and compared in
//! the tests with two independent sources, the `libc` and `linux-raw-sys` crates; neither is a dependency of the kernel.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod errno;
