//! The target `archive`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("archive"), |data: &[u8]| fuzz::archive::run(data));
