//! Tables made by hand, broken in every place.

use alloc::boxed::Box;
use alloc::vec;

use super::*;

/// Physical memory with one table at a time.
#[derive(Default)]
struct Ram(Vec<u8>);

impl Ram {
    fn put(&mut self, signature: &[u8; 4], body: &[u8]) -> u64 {
        let at = self.0.len();
        let mut table = vec![0u8; HEADER];
        table[..4].copy_from_slice(signature);
        table[4..8].copy_from_slice(&((HEADER + body.len()) as u32).to_le_bytes());
        table.extend_from_slice(body);
        table[9] = table.iter().fold(0u8, |sum, &byte| sum.wrapping_sub(byte));
        self.0.extend_from_slice(&table);
        at as u64
    }

    fn root(&mut self, xsdt: u64) -> u64 {
        let at = self.0.len() as u64;
        let mut root = [0u8; 36];
        root[..8].copy_from_slice(b"RSD PTR ");
        root[15] = 2;
        root[20..24].copy_from_slice(&36u32.to_le_bytes());
        root[24..32].copy_from_slice(&xsdt.to_le_bytes());
        root[8] = root[..20].iter().fold(0u8, |sum, &byte| sum.wrapping_sub(byte));
        root[32] = root.iter().fold(0u8, |sum, &byte| sum.wrapping_sub(byte));
        self.0.extend_from_slice(&root);
        at
    }
}

fn machine() -> (Ram, u64) {
    let mut ram = Ram(vec![0; 16]);
    let dsdt = ram.put(b"DSDT", b"\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05\x00\x00");
    let mut fadt = vec![0u8; 276 - HEADER];
    fadt[40 - HEADER..44 - HEADER].copy_from_slice(&(dsdt as u32).to_le_bytes());
    fadt[64 - HEADER..66 - HEADER].copy_from_slice(&0x604u16.to_le_bytes());
    fadt[76 - HEADER..78 - HEADER].copy_from_slice(&0x608u16.to_le_bytes());
    let fadt = ram.put(b"FACP", &fadt);
    let mut madt = vec![0u8; 8];
    madt.extend_from_slice(&[0, 8, 0, 0, 1, 0, 0, 0]);
    madt.extend_from_slice(&[0, 8, 1, 1, 1, 0, 0, 0]);
    madt.extend_from_slice(&[0, 8, 2, 2, 0, 0, 0, 0]);
    madt.extend_from_slice(&[1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    madt.extend_from_slice(&[2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
    let madt = ram.put(b"APIC", &madt);
    let entries: Vec<u8> = [fadt, madt].iter().flat_map(|address| address.to_le_bytes()).collect();
    let xsdt = ram.put(b"XSDT", &entries);
    let root = ram.root(xsdt);
    (ram, root)
}

fn read_ram(bytes: Vec<u8>, root: u64) -> Firmware {
    let bytes: &'static [u8] = Box::leak(bytes.into_boxed_slice());
    read(root, &|at, length| bytes.get(usize::try_from(at).ok()?..)?.get(..length))
}

#[test]
fn a_whole_machine() {
    let (ram, root) = machine();
    assert_eq!(find_root_pointer(&ram.0[root as usize..]), Some(0));
    let firmware = read_ram(ram.0, root);
    assert_eq!(firmware.cpus, [0, 1]);
    assert_eq!(firmware.io_apic, Some(0xfec0_0000));
    assert_eq!(firmware.overrides, [Override { line: 0, pin: 2, is_active_high: false }]);
    assert_eq!((firmware.pin(0), firmware.pin(4)), ((2, false), (4, false)));
    assert_eq!(firmware.pm_timer, Some((0x608, false)));
    assert_eq!(firmware.power_off, Some(PowerOff::Pm1 { port: 0x604, value: 5 << 10 | 1 << 13 }));
}

#[test]
fn no_broken_byte_makes_it_panic() {
    let (ram, root) = machine();
    for at in 0..ram.0.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut broken = ram.0.clone();
            broken[at] = value;
            let _ = read_ram(broken, root);
        }
        let _ = read_ram(ram.0[..at].to_vec(), root);
    }
}

#[test]
fn a_wrong_checksum_leaves_the_table_out() {
    let (mut ram, root) = machine();
    let at = ram.0.windows(4).position(|window| window == b"APIC").unwrap();
    ram.0[at + 20] ^= 1;
    let firmware = read_ram(ram.0, root);
    assert!(firmware.cpus.is_empty());
    assert!(firmware.pm_timer.is_some());
}
