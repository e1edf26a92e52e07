//! The Internet checksum (RFC 1071), eight bytes at a time: smoltcp adds two, and there is no crate for it that does without std.

/// The sum of the words of `bytes`, as numbers of the network's byte order, with one more zero byte if they are odd. Not complemented.
pub(super) fn of(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks();
    let (rows, words) = words.as_chunks();
    let (pairs, rows) = rows.as_chunks();
    let mut sum = Sum::default();
    // A word is one instruction, and a turn of the loop six.
    for [one, other] in pairs {
        sum = sum.and_row(one).and_row(other);
    }
    for row in rows {
        sum = sum.and_row(row);
    }
    for word in words {
        sum = sum.and(word);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let Sum { words, carry } = sum.and(&last).and(&[0; 8]);
    u16::from_be(of_number(words + u64::from(carry)))
}

/// A sum with what is carried at its end, which is to be added at the other one.
#[derive(Clone, Copy, Default)]
struct Sum {
    words: u64,
    carry: bool,
}

impl Sum {
    /// With `word`, of the machine's byte order.
    #[inline(always)]
    fn and(self, word: &[u8; 8]) -> Self {
        let (words, carry) = self.words.carrying_add(u64::from_ne_bytes(*word), self.carry);
        Self { words, carry }
    }

    /// With a row of words.
    #[inline(always)]
    fn and_row(self, [a, b, c, d, e, f, g, h]: &[[u8; 8]; 8]) -> Self {
        self.and(a).and(b).and(c).and(d).and(e).and(f).and(g).and(h)
    }
}

/// The sum of two sums.
pub(super) fn add(one: u16, other: u16) -> u16 {
    of_number(u64::from(one) + u64::from(other))
}

/// The sum of the words of `number`.
pub(super) fn of_number(mut number: u64) -> u16 {
    loop {
        match u16::try_from(number) {
            Ok(sum) => return sum,
            Err(_) => number = (number & 0xffff) + (number >> 16),
        }
    }
}

#[cfg(test)]
mod tests;
