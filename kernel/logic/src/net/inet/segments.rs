//! Segments of TCP that are too long and that no device cuts, last of all before they go out (Linux: generic segmentation offload): all that is done above for a
//! packet is done once for many.

use core::num::NonZeroU16;

use smoltcp::wire::{TcpPacket, TcpSeqNumber};

use super::device::{ETHERNET, Finish, Offloads};
use super::finish::Checksum;
use super::packet::{self, Packet};

/// Bytes of the longest headers: 60 of IPv4, or 40 of IPv6, and 60 of TCP.
const MOST_HEADERS: usize = ETHERNET + 120;

/// A frame whose payload goes out in pieces.
#[derive(Debug)]
pub(super) struct Segments<'a> {
    /// What is in front of a piece that is not the last.
    headers: heapless::Vec<u8, MOST_HEADERS>,
    /// Bytes of them in front of that of TCP.
    lower: usize,
    checksum: Checksum,
    first: TcpSeqNumber,
    payload: &'a [u8],
    size: usize,
}

impl<'a> Segments<'a> {
    /// The segments of at most `size` bytes that `frame`, of a packet of TCP, is cut into.
    pub(super) fn of(frame: &'a [u8], size: NonZeroU16) -> Option<Self> {
        let size = usize::from(size.get());
        let packet = Packet::parse(frame.get(ETHERNET..)?)?;
        let checksum = Checksum::of(&packet)?;
        let segment = TcpPacket::new_checked(packet.payload).ok()?;
        let end = ETHERNET + packet.bytes.len();
        let lower = end - packet.payload.len();
        let (headers, payload) = frame[..end].split_at_checked(lower + usize::from(segment.header_len()))?;
        let mut headers = heapless::Vec::from_slice(headers).ok()?;
        note_length(&mut headers, size);
        Some(Self { headers, lower, checksum, first: segment.seq_number(), payload, size })
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
    /// Bytes of its frame.
    pub(super) fn length(&self) -> usize {
        self.of.headers.len() + self.payload.len()
    }

    /// Writes that; answers what the device has to do to it.
    pub(super) fn write(&self, to: &mut [u8], offloads: Offloads) -> Finish {
        let of = self.of;
        let (headers, payload) = to.split_at_mut(of.headers.len());
        headers.copy_from_slice(&of.headers);
        payload.copy_from_slice(self.payload);
        if payload.len() < of.size {
            note_length(headers, payload.len());
        }
        let mut segment = TcpPacket::new_unchecked(&mut to[of.lower..]);
        segment.set_seq_number(of.first + self.ahead);
        if self.ahead + self.payload.len() < of.payload.len() {
            segment.set_fin(false);
            segment.set_psh(false);
        }
        Finish { checksum: of.checksum.make(&mut to[ETHERNET..], offloads), ..Finish::default() }
    }
}

/// Writes into `headers` that `payload` bytes follow.
fn note_length(headers: &mut [u8], payload: usize) {
    let length = headers.len() - ETHERNET + payload;
    packet::note_length(&mut headers[ETHERNET..], length);
}

#[cfg(test)]
mod tests;
