//! Segments of TCP that are too long and that no device cuts, last of all before they go out (Linux: generic segmentation offload): all that is done above for a
//! packet is done once for many.

use core::num::NonZeroU16;

use smoltcp::wire::{IpProtocol, TcpPacket, TcpSeqNumber};

use super::packet::{self, Packet};

/// A packet whose payload goes out in pieces.
#[derive(Debug)]
pub(super) struct Segments<'a> {
    headers: &'a [u8],
    /// Bytes of the header of IP.
    ip: usize,
    first: TcpSeqNumber,
    payload: &'a [u8],
    size: usize,
}

impl<'a> Segments<'a> {
    /// The segments of at most `size` bytes that `bytes`, a packet of TCP, are cut into.
    pub(super) fn of(bytes: &'a [u8], size: NonZeroU16) -> Option<Self> {
        let packet = Packet::parse(bytes).filter(|packet| packet.protocol == IpProtocol::Tcp)?;
        let segment = TcpPacket::new_checked(packet.payload).ok()?;
        let ip = packet.bytes.len() - packet.payload.len();
        let (headers, payload) = packet.bytes.split_at_checked(ip + usize::from(segment.header_len()))?;
        Some(Self { headers, ip, first: segment.seq_number(), payload, size: usize::from(size.get()) })
    }

    /// They, one after the other.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Segment<'_>> {
        let piece = |(index, payload)| Segment { of: self, ahead: index * self.size, payload };
        self.payload.chunks(self.size).enumerate().map(piece)
    }
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    of: &'a Segments<'a>,
    /// Bytes of the payload before its own.
    ahead: usize,
    payload: &'a [u8],
}

impl Segment<'_> {
    /// Bytes of the packet that it is.
    pub(super) fn length(&self) -> usize {
        self.of.headers.len() + self.payload.len()
    }

    /// Writes that packet. The checksum of TCP is left to be made.
    pub(super) fn write(&self, to: &mut [u8]) {
        let (headers, payload) = to.split_at_mut(self.of.headers.len());
        headers.copy_from_slice(self.of.headers);
        payload.copy_from_slice(self.payload);
        packet::note_length(to);
        let mut segment = TcpPacket::new_unchecked(&mut to[self.of.ip..]);
        segment.set_seq_number(self.of.first + self.ahead);
        if self.ahead + self.payload.len() < self.of.payload.len() {
            segment.set_fin(false);
            segment.set_psh(false);
        }
    }
}

#[cfg(test)]
mod tests;
