//! Bytes that tell where they belong: what arrives at the other end is compared with what was sent, without keeping it.

/// The byte at place `at` of the stream that `key` names.
pub(crate) fn byte(key: u8, at: u32) -> u8 {
    let mixed = (at ^ u32::from(key) << 24).wrapping_mul(0x9e37_79b1);
    (mixed >> 24) as u8 ^ (mixed >> 13) as u8
}

/// Bytes from place `at` on.
pub(crate) fn bytes(key: u8, at: u32, count: usize) -> Vec<u8> {
    (0..count).map(|index| byte(key, at.wrapping_add(index as u32))).collect()
}

/// Whether `bytes` are those from place `at` on.
pub(crate) fn is_right(key: u8, at: u32, bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(index, &found)| found == byte(key, at.wrapping_add(index as u32)))
}
