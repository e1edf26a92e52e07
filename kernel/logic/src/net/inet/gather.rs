//! Segments of a connection that come in one after the other are put together, as if they had come in one (Linux: generic receive offload): whose they
//! are, what they acknowledge and what follows is found out once for all of them.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use smoltcp::wire::{IPV4_HEADER_LEN, IPV6_HEADER_LEN, IpProtocol, TcpPacket, TcpSeqNumber};

use super::packet::{self, Packet};

/// Bytes of a segment with which it is worth to wait for another: not of those that a device has put together.
const WORTH: RangeInclusive<usize> = 512..=16_384;
/// Bytes of the longest packet: what the header of IPv4 can say.
const MOST: usize = 65_535;
/// Bytes of a TCP header without options.
const HEADER: usize = 20;
/// Where flags and window lie in it, and the flag that may differ.
const FLAGS: usize = 13;
const PUSH: u8 = 8;
const ACKNOWLEDGES: u8 = 16;

/// The segments that were put together.
#[derive(Debug, Default)]
pub(super) struct Gather {
    /// The packet; nothing if there is none.
    packet: Vec<u8>,
    /// Bytes of its headers.
    headers: usize,
    /// The number of the byte behind it.
    next: TcpSeqNumber,
    /// More than one segment is in it.
    is_longer: bool,
}

/// What becomes of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is kept, to be taken with those that follow.
    Kept,
    /// It is to be looked at now.
    Not,
    /// Those that are kept are to be looked at first; then it is tried again.
    Behind,
}

/// The part of a packet's headers that is the same in segments that belong together: not the lengths, the identification and checksums, the number and
/// whether there is more.
fn same_headers(one: &[u8], other: &[u8], headers: usize) -> bool {
    let ip = headers - HEADER;
    let same = |from: usize, to: usize| one[from..to] == other[from..to];
    let same_ip = if ip == IPV4_HEADER_LEN {
        // Version, class; flags and fragment, time to live, protocol; addresses.
        same(0, 2) && same(6, 10) && same(12, ip)
    } else {
        same(0, 4) && same(6, ip)
    };
    same_ip && same(ip, ip + 4) && same(ip + 8, ip + FLAGS) && same(ip + FLAGS + 1, ip + FLAGS + 3)
}

impl Gather {
    /// Adds a packet that is sound, if it belongs to those that are there, or may be the first of some.
    pub(super) fn add(&mut self, packet: &Packet<'_>) -> Added {
        let not = if self.packet.is_empty() { Added::Not } else { Added::Behind };
        if packet.protocol != IpProtocol::Tcp {
            return Added::Not;
        }
        let Some((headers, sequence, length)) = plain(packet) else { return not };
        if self.packet.is_empty() {
            if !WORTH.contains(&length) || self.packet.try_reserve_exact(packet.bytes.len()).is_err() {
                return Added::Not;
            }
            self.packet.extend_from_slice(packet.bytes);
            (self.headers, self.next, self.is_longer) = (headers, sequence + length, false);
            return Added::Kept;
        }
        let goes_on = headers == self.headers
            && sequence == self.next
            && self.packet.len() + length <= MOST
            && same_headers(&self.packet, packet.bytes, headers);
        if !goes_on || !self.make_room() {
            return Added::Behind;
        }
        self.packet.extend_from_slice(&packet.bytes[headers..]);
        let flags = headers - HEADER + FLAGS;
        self.packet[flags] |= packet.bytes[flags] & PUSH;
        (self.next, self.is_longer) = (sequence + length, true);
        Added::Kept
    }

    /// Has memory for the longest packet: asked for once, when there is a second segment.
    fn make_room(&mut self) -> bool {
        self.is_longer || self.packet.try_reserve_exact(MOST - self.packet.len()).is_ok()
    }

    /// Takes the packet that the segments are now; nothing if there are none.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut packet = core::mem::take(&mut self.packet);
        if self.is_longer && !packet.is_empty() {
            let length = packet.len();
            packet::note_length(&mut packet, length);
        }
        packet
    }
}

/// Bytes of a segment's headers, the number of its first byte and how many there are, if it only brings data, and without options.
fn plain(packet: &Packet<'_>) -> Option<(usize, TcpSeqNumber, usize)> {
    let ip = packet.bytes.len() - packet.payload.len();
    let segment = TcpPacket::new_checked(packet.payload).ok()?;
    let is_plain = ip == if packet.source.is_ipv4() { IPV4_HEADER_LEN } else { IPV6_HEADER_LEN }
        && usize::from(segment.header_len()) == HEADER
        && packet.payload[FLAGS] & !PUSH == ACKNOWLEDGES;
    let length = segment.payload().len();
    (is_plain && length > 0).then_some((ip + HEADER, segment.seq_number(), length))
}

#[cfg(test)]
mod tests;
