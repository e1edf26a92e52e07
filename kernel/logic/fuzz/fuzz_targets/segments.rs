//! The target `segments`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("segments"), |data: &[u8]| fuzz::segments::run(data));
