//! The libc edge: symbols that win over musl's and call the kernel directly.
#![no_std]
extern crate kernel;
