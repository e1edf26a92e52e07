//! The target `console`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("console"), |data: &[u8]| fuzz::console::run(data));
