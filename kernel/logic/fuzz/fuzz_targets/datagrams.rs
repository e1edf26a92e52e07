//! The target `datagrams`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("datagrams"), |data: &[u8]| fuzz::datagrams::run(data));
