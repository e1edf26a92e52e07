//! The target `firmware`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("firmware"), |data: &[u8]| fuzz::firmware::run(data));
