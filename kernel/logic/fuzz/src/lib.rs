//! Bodies of the fuzz targets: what arrives from outside, handed to the kernel's logic as bytes, and what must be true afterwards.
//!
//! `cargo xtask fuzz` runs them under libFuzzer; `tests/kept.rs` runs them over seeds and over what once was found, as `cargo xtask test host`
//! does. A body is a function of its input alone: clock and random numbers are the machine's own and begin anew with each input.
//!
//! | target | what arrives |
//! |---|---|
//! | `frames` | any bytes as Ethernet frames, at a machine with sockets of all kinds |
//! | `segments` | TCP from peers that keep their sequence numbers, or do not |
//! | `datagrams` | UDP, in pieces too, errors reported of packets, questions for groups |
//! | `neighbours` | ARP, neighbour and router discovery |
//! | `dhcp` | answers of DHCP servers |
//! | `firmware` | ACPI's tables, those of the MultiProcessor Specification, the memory map |
//! | `command_line` | the kernel's command line |
//! | `archive` | cpio archives |
//! | `addresses` | socket addresses, control messages and socket options of a program |
//! | `console` | bytes of the serial port, raw and framed |
#![expect(
    clippy::cast_possible_truncation,
    reason = "inputs are cut to size, and all lengths are those of packets"
)]

pub mod addresses;
pub mod archive;
pub mod command_line;
pub mod console;
pub mod datagrams;
pub mod dhcp;
pub mod firmware;
pub mod frames;
mod lend;
mod machine;
pub mod neighbours;
mod packets;
mod pattern;
mod rings;
pub mod seeds;
pub mod segments;
mod sent;
mod sockets;

/// A body: must come back, whatever it is given.
pub type Body = fn(&[u8]);

/// All targets.
pub const TARGETS: [(&str, Body); 10] = [
    ("frames", frames::run),
    ("segments", segments::run),
    ("datagrams", datagrams::run),
    ("neighbours", neighbours::run),
    ("dhcp", dhcp::run),
    ("firmware", firmware::run),
    ("command_line", command_line::run),
    ("archive", archive::run),
    ("addresses", addresses::run),
    ("console", console::run),
];
