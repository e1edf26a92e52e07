//! The target `command_line`: its body is in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::seeds::write("command_line"), |data: &[u8]| fuzz::command_line::run(data));
