//! Control messages (cmsg(3)) as they lie in a program's room: one behind the other, each with a header that says how long it is.

use abi::errno::Errno;
use abi::net::CmsgHdr;
use zerocopy::FromBytes as _;

/// A length that musl declares as `socklen_t`, with padding behind it that may hold anything.
pub fn low_half(word: usize) -> usize {
    word & 0xffff_ffff
}

/// The messages that a program sends.
#[derive(Clone, Debug)]
pub struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    /// The messages in `room`.
    pub fn new(room: &'a [u8]) -> Self {
        Self(room)
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<(CmsgHdr, &'a [u8]), Errno>;

    /// The next header with its data; `EINVAL` for one that ends before itself or behind the room. What is less than a header is passed over.
    fn next(&mut self) -> Option<Self::Item> {
        let room = core::mem::take(&mut self.0);
        let (header, _) = CmsgHdr::read_from_prefix(room).ok()?;
        let length = low_half(header.cmsg_len);
        let Some(data) = room.get(size_of::<CmsgHdr>()..length) else { return Some(Err(Errno::EINVAL)) };
        self.0 = room.get(length.next_multiple_of(CmsgHdr::ALIGN)..).unwrap_or_default();
        Some(Ok((header, data)))
    }
}

#[cfg(test)]
mod tests;
