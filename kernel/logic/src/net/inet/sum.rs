//! The Internet checksum (RFC 1071), eight bytes at a time: smoltcp adds two, and there is no crate for it that does without std.

/// The sum of the words of `bytes`, as numbers of the network's byte order, with one more zero byte if they are odd. Not complemented.
pub(super) fn of(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks();
    let (rows, words) = words.as_chunks();
    let word = |&word| u64::from_ne_bytes(word);
    let mut sum = 0;
    // Rows, for a turn of the loop costs as much as two words.
    for [a, b, c, d] in rows {
        sum = add_round(add_round(sum, word(a)), word(b));
        sum = add_round(add_round(sum, word(c)), word(d));
    }
    for next in words {
        sum = add_round(sum, word(next));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    u16::from_be(fold(add_round(sum, word(&last))))
}

/// The sum of two sums.
pub(super) fn add(one: u16, other: u16) -> u16 {
    fold(u64::from(one) + u64::from(other))
}

/// Adds, and adds what is carried at the other end.
#[inline(always)]
fn add_round(one: u64, other: u64) -> u64 {
    let (sum, carried) = one.overflowing_add(other);
    sum + u64::from(carried)
}

/// Adds what stands above the lowest 16 bits to them, until nothing does.
fn fold(mut sum: u64) -> u16 {
    loop {
        match u16::try_from(sum) {
            Ok(sum) => return sum,
            Err(_) => sum = (sum & 0xffff) + (sum >> 16),
        }
    }
}

#[cfg(test)]
mod tests;
