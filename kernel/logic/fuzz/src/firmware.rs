//! What the firmware tells of the machine: ACPI's tables, those of the MultiProcessor Specification, and the map of its memory.

use arbitrary::{Result, Unstructured};
use logic::boot::memmap::{Range, Ranges, usable};
use logic::{acpi, mp};

use crate::lend::Lent;

/// Bytes of the page that a range is made of.
const PAGE: u64 = 4096;
/// Where the tables lie, and those of the BIOS.
const TABLES: u64 = 0x10_0000;
const BIOS: u64 = 0xf_0000;
/// Ranges that are kept.
const ROOM: usize = 8;
/// Bytes of an ACPI table's header; where its length and checksum lie.
const HEADER: usize = 36;
const CHECKSUM: usize = 9;

/// One input.
pub fn run(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else { return };
    match kind & 3 {
        0 => read_acpi(rest, kind & 4 != 0),
        1 => read_mp(rest, kind & 4 != 0),
        2 => {
            let _ = map_memory(&mut Unstructured::new(rest));
        }
        _ => {
            let at = acpi::find_root_pointer(rest);
            assert!(at.is_none_or(|at| acpi::is_root_pointer(&rest[at..])));
        }
    }
}

/// The tables of a BIOS are one behind the other, the root pointer first. `mends`: checksums are put right.
fn read_acpi(bytes: &[u8], mends: bool) {
    let mut bytes = bytes.to_vec();
    if mends {
        mend_acpi(&mut bytes);
    }
    let lent = Lent::new(&bytes);
    // SAFETY: nothing of the tables is kept in what they are read into.
    let bytes = unsafe { lent.for_ever() };
    let memory = |address: u64, length: usize| {
        let at = usize::try_from(address.checked_sub(TABLES)?).ok()?;
        bytes.get(at..at.checked_add(length)?)
    };
    let firmware = acpi::read(TABLES, &memory);
    for line in 0..=u8::MAX {
        let is_other = firmware.overrides.iter().any(|other| other.line == line);
        assert!(is_other || firmware.pin(line) == (line.into(), false));
    }
}

fn mend_acpi(bytes: &mut [u8]) {
    let mend = |table: &mut [u8], at: usize| {
        table[at] = 0;
        let sum = table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        table[at] = sum.wrapping_neg();
    };
    if bytes.len() < HEADER {
        return;
    }
    bytes[..8].copy_from_slice(b"RSD PTR ");
    mend(&mut bytes[..20], 8);
    mend(&mut bytes[..HEADER], 32);
    let mut at = HEADER;
    while bytes.len() - at > HEADER {
        let most = bytes.len() - at;
        let length = u32::from_le_bytes([bytes[at + 4], bytes[at + 5], 0, 0]) as usize;
        let length = length.clamp(HEADER, most);
        bytes[at + 4..at + 8].copy_from_slice(&(length as u32).to_le_bytes());
        mend(&mut bytes[at..at + length], CHECKSUM);
        at += length;
    }
}

fn read_mp(bytes: &[u8], mends: bool) {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().clamp(0x60, 0x1_0000), 0);
    if mends {
        bytes[..16].copy_from_slice(b"_MP_\x20\0\x0f\0\x01\x04\0\0\0\0\0\0");
        bytes[10] = bytes[..16].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg();
        let length =
            usize::from(u16::from_le_bytes([bytes[0x24], bytes[0x25]])).clamp(44, bytes.len() - 0x20);
        bytes[0x20..0x24].copy_from_slice(b"PCMP");
        bytes[0x24..0x26].copy_from_slice(&(length as u16).to_le_bytes());
        bytes[0x27] = 0;
        let sum = bytes[0x20..0x20 + length].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        bytes[0x27] = sum.wrapping_neg();
    }
    // The BIOS is looked through to its end.
    let tables = bytes.len();
    bytes.resize(0x1_0000, 0);
    let lent = Lent::new(&bytes);
    // SAFETY: as in `read_acpi`.
    let bytes = unsafe { lent.for_ever() };
    let memory = |address: u64, length: usize| {
        let at = usize::try_from(address.checked_sub(BIOS)?).ok()?;
        bytes.get(at..at.checked_add(length)?)
    };
    let firmware = mp::read(&memory);
    assert!(firmware.is_none_or(|firmware| firmware.cpus.len() <= tables));
}

/// What may be used lies in usable ranges and in no reserved one, in whole pages, in order.
fn map_memory(input: &mut Unstructured<'_>) -> Result<()> {
    let mut regions = Vec::new();
    let mut reserved = Vec::new();
    while !input.is_empty() && regions.len() < 40 {
        let (kind, start, length): (u8, u64, u64) = input.arbitrary()?;
        let (start, length) =
            if kind & 4 == 0 { (start % (64 * PAGE), length % (32 * PAGE)) } else { (start, length) };
        let range = Range { start, end: if kind & 8 == 0 { start.saturating_add(length) } else { length } };
        match kind & 3 {
            0 => reserved.push(range),
            kind => regions.push((range, kind != 1)),
        }
    }
    let ranges: Ranges<ROOM> = usable(regions.iter().copied(), &reserved);
    let mut before = 0;
    for range in ranges.as_slice() {
        assert!(range.start >= before && range.start < range.end, "{ranges:?}");
        assert!(range.start % PAGE == 0 && range.end % PAGE == 0, "{ranges:?}");
        before = range.end;
        let overlaps = |hole: &Range| !hole.is_empty() && hole.start < range.end && range.start < hole.end;
        assert!(!reserved.iter().any(overlaps), "{ranges:?} with {reserved:?}");
        assert!(
            !regions.iter().any(|(hole, is_usable)| !is_usable && overlaps(hole)),
            "{ranges:?} with {regions:?}"
        );
        // Each page of it begins in something usable; looked at where ranges are small.
        let is_usable = |page: u64| {
            regions
                .iter()
                .any(|(range, is_usable)| *is_usable && range.start <= page && page + PAGE <= range.end)
        };
        if range.len() < 128 * PAGE {
            assert!(
                (range.start..range.end).step_by(PAGE as usize).all(is_usable),
                "{ranges:?} of {regions:?}"
            );
        }
    }
    assert!(ranges.as_slice().is_empty() || ranges.total() >= PAGE);
    Ok(())
}

/// Tables of a small machine, and a map.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut acpi = vec![4];
    acpi.extend(b"RSD PTR \0CARACA\0");
    acpi.extend((TABLES as u32 + 36).to_le_bytes());
    acpi.extend([0; 12]);
    let table = |name: &[u8; 4], body: &[u8]| {
        let mut table = name.to_vec();
        table.extend(((HEADER + body.len()) as u32).to_le_bytes());
        table.resize(HEADER, 0);
        table.extend(body);
        table
    };
    let mut madt = vec![0, 0, 0xe0, 0xfe, 1, 0, 0, 0];
    madt.extend([0, 8, 0, 0, 1, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    madt.extend([2, 10, 0, 9, 9, 0, 0, 0, 13, 0]);
    let madt = table(b"APIC", &madt);
    let mut fadt = vec![0; 240];
    fadt[40 - HEADER] = 0;
    fadt[64 - HEADER] = 4;
    fadt[56 - HEADER] = 1;
    fadt[88 - HEADER] = 4;
    fadt[76 - HEADER] = 8;
    let root_length = HEADER + 4 * 3;
    let first = TABLES as u32 + 36 + root_length as u32;
    let dsdt_at = first + madt.len() as u32 + 276;
    fadt[40 - HEADER..44 - HEADER].copy_from_slice(&dsdt_at.to_le_bytes());
    let fadt = table(b"FACP", &fadt);
    let dsdt = table(b"DSDT", &[8, b'_', b'S', b'5', b'_', 0x12, 6, 4, 0x0a, 5, 0]);
    let addresses = [first, first + madt.len() as u32, dsdt_at].map(u32::to_le_bytes).concat();
    acpi.extend(table(b"RSDT", &addresses));
    acpi.extend([madt, fadt, dsdt].concat());
    let mut mp = vec![5];
    mp.extend([0; 0x20]);
    mp.extend([0; 4]);
    mp.extend([44 + 20 + 8 + 8 + 8, 0]);
    mp.resize(1 + 0x20 + 44, 0);
    mp[1 + 4] = 0x20;
    mp.extend([0, 0, 0x14, 1]);
    mp.extend([0; 16]);
    mp.extend([1, 0, b'I', b'S', b'A', b' ', b' ', b' ', 2, 0, 0x11, 1, 0, 0, 0xc0, 0xfe]);
    mp.extend([3, 0, 0, 0, 0, 4, 0, 4]);
    let mut map = vec![2];
    for (kind, start, length) in [(2_u8, 0_u64, 40 * PAGE), (1, 5 * PAGE, PAGE), (0, 20 * PAGE, 1)] {
        map.push(kind);
        map.extend(start.to_le_bytes());
        map.extend(length.to_le_bytes());
    }
    vec![acpi, mp, map]
}
