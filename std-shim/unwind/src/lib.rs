//! `libunwind.a`: what std links as `-lunwind` on musl, from the pure-Rust `unwinding` crate.
#![no_std]
extern crate unwinding;
