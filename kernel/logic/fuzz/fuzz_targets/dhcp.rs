//! The target `dhcp`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("dhcp"), |data: &[u8]| fuzz::dhcp::run(data));
