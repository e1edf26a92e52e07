//! The target `neighbours`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("neighbours"), |data: &[u8]| fuzz::neighbours::run(data));
