//! `libunwind.a`: what std links as `-lunwind` on musl, from the pure-Rust `unwinding` crate.
//!
//! It finds unwind tables through `dl_iterate_phdr`, which musl answers from the image's own program headers. xtask makes every
//! symbol but `_Unwind_*` local, so the copy of `core` in here never meets the program's. Not here: panics; std brings its own.
#![no_std]

extern crate unwinding;
