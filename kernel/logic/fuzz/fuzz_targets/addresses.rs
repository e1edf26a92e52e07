//! The target `addresses`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("addresses"), |data: &[u8]| fuzz::addresses::run(data));
