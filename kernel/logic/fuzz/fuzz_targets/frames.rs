//! The target `frames`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("frames"), |data: &[u8]| fuzz::frames::run(data));
