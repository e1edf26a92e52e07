//! The Internet checksum (RFC 1071), eight bytes at a time: smoltcp adds two, and there is no crate for it that does without std.

/// The sum of the words of `bytes`, as numbers of the network's byte order, with one more zero byte if they are odd. Not complemented.
pub(super) fn of(bytes: &[u8]) -> u16 {
    let (rows, rest) = bytes.as_chunks::<32>();
    let (words, rest) = rest.as_chunks::<8>();
    let word = |word: &[u8]| u128::from(word.first_chunk().map_or(0, |&word| u64::from_ne_bytes(word)));
    let mut sum: u128 = 0;
    // Rows, for the loop costs as much as a word.
    for row in rows {
        sum += word(row) + word(&row[8..]) + word(&row[16..]) + word(&row[24..]);
    }
    sum += words.iter().map(|bytes| word(bytes)).sum::<u128>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    sum += word(&last);
    u16::from_be(fold(sum))
}

/// The sum of two sums.
pub(super) fn add(one: u16, other: u16) -> u16 {
    fold(u128::from(one) + u128::from(other))
}

/// Adds what stands above the lowest 16 bits to them, until nothing does.
fn fold(sum: u128) -> u16 {
    let wide = (sum & u128::from(u64::MAX)) + (sum >> 64);
    let mut sum = (wide & u128::from(u64::MAX)) as u64 + (wide >> 64) as u64;
    loop {
        match u16::try_from(sum) {
            Ok(sum) => return sum,
            Err(_) => sum = (sum & 0xffff) + (sum >> 16),
        }
    }
}

#[cfg(test)]
mod tests;
