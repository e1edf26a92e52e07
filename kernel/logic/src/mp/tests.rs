//! A machine as qboot describes it, and every way to break that.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

const TABLE: usize = 0x9_fc10;

fn set_checksum(bytes: &mut [u8], at: usize) {
    bytes[at] = 0;
    bytes[at] = bytes.iter().fold(0u8, |sum, &byte| sum.wrapping_sub(byte));
}

/// The first MiB of a machine with two CPUs, one of which may not be used.
fn machine() -> Vec<u8> {
    let mut ram = vec![0; 1 << 20];
    let mut table = vec![0; HEADER];
    table[..4].copy_from_slice(b"PCMP");
    for (id, flags) in [(0u8, 3u8), (1, 1), (2, 0)] {
        table.extend_from_slice(&[0, id, 0x14, flags]);
        table.extend_from_slice(&[0; 16]);
    }
    table.extend_from_slice(b"\x01\x00ISA   ");
    table.extend_from_slice(&[2, 0, 0x14, 1, 0, 0, 0xc0, 0xfe]);
    table.extend_from_slice(&[3, 0, 0, 0, 0, 4, 0, 4]);
    table.extend_from_slice(&[3, 0, 0x0d, 0, 0, 9, 0, 20]);
    let length = u16::try_from(table.len()).unwrap();
    table[4..6].copy_from_slice(&length.to_le_bytes());
    set_checksum(&mut table, 7);
    ram[TABLE..TABLE + table.len()].copy_from_slice(&table);
    let mut pointer = *b"_MP_\x10\xfc\x09\0\x01\x04\0\0\0\0\0\0";
    set_checksum(&mut pointer, 10);
    ram[0x9_fc00..0x9_fc10].copy_from_slice(&pointer);
    ram
}

fn read_ram(ram: Vec<u8>) -> Option<Firmware> {
    let ram: &'static [u8] = Box::leak(ram.into_boxed_slice());
    read(&|at, length| ram.get(usize::try_from(at).ok()?..)?.get(..length))
}

#[test]
fn a_whole_machine() {
    let firmware = read_ram(machine()).unwrap();
    assert_eq!(firmware.cpus, [0, 1]);
    assert_eq!(firmware.io_apic, Some(0xfec0_0000));
    assert_eq!((firmware.pin(4), firmware.pin(9)), ((4, false), (20, true)));
    assert_eq!(firmware.power_off, None);
}

#[test]
fn no_broken_byte_makes_it_panic() {
    let ram = machine();
    for at in 0x9_fc00..0x9_fd00 {
        for value in [0, 1, 0x7f, 0xff] {
            let mut broken = ram.clone();
            broken[at] = value;
            if (TABLE..TABLE + HEADER).contains(&at) && at != TABLE + 7 {
                set_checksum(&mut broken[TABLE..TABLE + 136], 7);
            }
            let _ = read_ram(broken);
        }
    }
}

#[test]
fn a_wrong_checksum_is_no_table() {
    let mut ram = machine();
    ram[TABLE + 50] ^= 1;
    assert!(read_ram(ram).is_none());
    assert!(read_ram(vec![0; 1 << 20]).is_none());
}
