//! Rates as KVM's `kvm_get_time_scale` writes them.

use super::*;

fn bytes(version: u32, multiplier: u32, shift: i8) -> [u8; SystemTime::BYTES] {
    let mut bytes = [0; SystemTime::BYTES];
    bytes[..4].copy_from_slice(&version.to_le_bytes());
    bytes[24..28].copy_from_slice(&multiplier.to_le_bytes());
    bytes[28] = shift.cast_unsigned();
    bytes
}

#[test]
fn rates() {
    // 2.6 GHz: the cycles are halved, then 0.769 ns each.
    let fast = SystemTime::parse(&bytes(2, 3_303_820_997, -1)).tsc_hz().unwrap();
    assert!(fast.abs_diff(2_600_000_000) < 1000, "{fast}");
    // 800 MHz: doubled, then 0.625 ns each.
    let slow = SystemTime::parse(&bytes(4, 2_684_354_560, 1)).tsc_hz().unwrap();
    assert_eq!(slow, 800_000_000);
}

#[test]
fn nothing_is_believed_while_the_host_writes() {
    assert_eq!(SystemTime::parse(&bytes(3, 1 << 31, 0)).tsc_hz(), None);
    assert_eq!(SystemTime::parse(&bytes(0, 1 << 31, 0)).tsc_hz(), None);
    assert_eq!(SystemTime::parse(&bytes(2, 0, 0)).tsc_hz(), None);
    assert_eq!(SystemTime::parse(&bytes(2, 1 << 31, 100)).tsc_hz(), None);
}
