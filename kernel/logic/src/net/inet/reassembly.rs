//! Packets that came in pieces (RFC 791, section 3.2; RFC 8200, section 4.5). Pieces that overlap are from nobody who means well: the whole is given up (RFC 5722,
//! for IPv4 as Linux does).

use alloc::vec::Vec;
use core::net::IpAddr;

use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6FragmentHeader};

use super::packet::Packet;

/// Packets that are waited for at most, bytes of them all, and of one.
const MOST: usize = 32;
const MOST_BYTES: usize = 256 << 10;
const MOST_OF_ONE: usize = 65_535;
/// Pieces of one: more are only sent to be a burden.
const MOST_PIECES: usize = 64;
/// How long the rest is waited for (`net.ipv4.ipfrag_time`).
const PATIENCE_NS: u64 = 30_000_000_000;
/// Bytes of the headers.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const FRAGMENT_HEADER: usize = 8;
/// Offsets and lengths of all pieces but the last are multiples of this.
const UNIT: usize = 8;

/// What the pieces of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    ends: (IpAddr, IpAddr),
    protocol: u8,
    number: u32,
}

/// A piece.
struct Piece<'a> {
    key: Key,
    offset: usize,
    is_last: bool,
    /// What is in it, behind all headers.
    bytes: &'a [u8],
    /// The header of a packet with this, as it would be whole, but for its length.
    header: Vec<u8>,
}

impl<'a> Piece<'a> {
    /// The piece that a packet is, if it is one.
    fn of(packet: &Packet<'a>) -> Option<Self> {
        let ends = (packet.source, packet.destination);
        if packet.source.is_ipv4() {
            let header = Ipv4Packet::new_checked(packet.bytes).ok()?;
            let mut whole = packet.bytes.get(..IPV4_HEADER)?.to_vec();
            // Options are not kept, nor where it was in the whole.
            whole[0] = 0x45;
            whole[6..8].fill(0);
            let number = header.ident().into();
            let key = Key { ends, protocol: packet.protocol.into(), number };
            let (offset, is_last) = (usize::from(header.frag_offset()), !header.more_frags());
            return Some(Self { key, offset, is_last, bytes: packet.payload, header: whole });
        }
        let (head, bytes) = packet.payload.split_at_checked(FRAGMENT_HEADER)?;
        let fragment = Ipv6FragmentHeader::new_checked(&head[2..]).ok()?;
        let mut whole = packet.bytes.get(..IPV6_HEADER)?.to_vec();
        whole[6] = head[0];
        let key = Key { ends, protocol: head[0], number: fragment.ident() };
        let offset = usize::from(fragment.frag_offset()) * UNIT;
        Some(Self { key, offset, is_last: !fragment.more_frags(), bytes, header: whole })
    }
}

/// A packet of which pieces are there.
#[derive(Debug)]
struct Pending {
    key: Key,
    until: u64,
    header: Vec<u8>,
    /// Bytes behind the header, and which of them are there: from, to; in order.
    bytes: Vec<u8>,
    there: Vec<(usize, usize)>,
    length: Option<usize>,
}

/// The packets that are waited for.
#[derive(Debug, Default)]
pub(super) struct Reassembly(Vec<Pending>);

/// Whether `packet` is a piece of one.
pub(super) fn is_piece(packet: &Packet<'_>) -> bool {
    if packet.source.is_ipv4() {
        let header = Ipv4Packet::new_unchecked(packet.bytes);
        return header.more_frags() || header.frag_offset() != 0;
    }
    packet.protocol == IpProtocol::Ipv6Frag
}

impl Reassembly {
    /// A piece came; answers the packet when it is whole.
    pub(super) fn add(&mut self, packet: &Packet<'_>, now_ns: u64) -> Option<Vec<u8>> {
        let piece = Piece::of(packet)?;
        self.0.retain(|pending| pending.until > now_ns);
        let end = piece.offset + piece.bytes.len();
        let is_whole_units = piece.is_last || piece.bytes.len().is_multiple_of(UNIT);
        if piece.bytes.is_empty() || !is_whole_units || end + piece.header.len() > MOST_OF_ONE {
            return None;
        }
        let place = match self.0.iter().position(|pending| pending.key == piece.key) {
            Some(place) => place,
            None => self.begin(&piece, now_ns)?,
        };
        if self.make_room(place, end).is_none() || self.0[place].take(&piece).is_none() {
            self.0.swap_remove(place);
            return None;
        }
        if self.0[place].is_whole() { self.0.swap_remove(place).finish() } else { None }
    }

    /// Room for one more: the oldest gives way.
    fn begin(&mut self, piece: &Piece<'_>, now_ns: u64) -> Option<usize> {
        if self.0.len() >= MOST {
            let oldest = (0..self.0.len()).min_by_key(|&index| self.0[index].until)?;
            self.0.swap_remove(oldest);
        }
        self.0.try_reserve(1).ok()?;
        self.0.push(Pending {
            key: piece.key,
            until: now_ns.saturating_add(PATIENCE_NS),
            header: Vec::new(),
            bytes: Vec::new(),
            there: Vec::new(),
            length: None,
        });
        Some(self.0.len() - 1)
    }

    /// Room for `end` bytes of the packet at `place`.
    fn make_room(&mut self, place: usize, end: usize) -> Option<()> {
        let all: usize = self.0.iter().map(|pending| pending.bytes.len()).sum();
        let pending = &mut self.0[place];
        let more = end.saturating_sub(pending.bytes.len());
        if all + more > MOST_BYTES || pending.bytes.try_reserve(more).is_err() {
            return None;
        }
        pending.bytes.resize(pending.bytes.len() + more, 0);
        Some(())
    }

    /// When [`Reassembly::expire`] must be called.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.0.iter().map(|pending| pending.until).min()
    }

    /// Gives up what was waited for too long.
    pub(super) fn expire(&mut self, now_ns: u64) {
        self.0.retain(|pending| pending.until > now_ns);
    }
}

impl Pending {
    /// Takes a piece that there is room for; `None` when it does not go together with the others.
    fn take(&mut self, piece: &Piece<'_>) -> Option<()> {
        let (start, end) = (piece.offset, piece.offset + piece.bytes.len());
        // The same once more is only that.
        if self.there.contains(&(start, end)) && self.bytes[start..end] == *piece.bytes {
            return Some(());
        }
        let overlaps = self.there.iter().any(|&(from, to)| start < to && from < end);
        let ends_otherwise = self.length.is_some_and(|length| end > length || piece.is_last);
        let is_behind = piece.is_last && self.there.iter().any(|&(_, to)| to > end);
        if overlaps || ends_otherwise || is_behind || self.there.len() >= MOST_PIECES {
            return None;
        }
        self.there.try_reserve(1).ok()?;
        self.there.push((start, end));
        self.bytes[start..end].copy_from_slice(piece.bytes);
        if piece.is_last {
            self.length = Some(end);
        }
        if start == 0 {
            self.header.clone_from(&piece.header);
        }
        Some(())
    }

    /// Whether all of it is there: pieces do not overlap, so their lengths tell.
    fn is_whole(&self) -> bool {
        let there: usize = self.there.iter().map(|(from, to)| to - from).sum();
        self.length == Some(there)
    }

    /// The packet.
    fn finish(self) -> Option<Vec<u8>> {
        let mut packet = self.header;
        packet.extend_from_slice(self.bytes.get(..self.length?)?);
        let length = packet.len();
        if self.key.ends.0.is_ipv4() {
            let mut header = Ipv4Packet::new_unchecked(&mut packet[..]);
            header.set_total_len(u16::try_from(length).ok()?);
            header.fill_checksum();
        } else {
            let payload = u16::try_from(length - IPV6_HEADER).ok()?;
            packet[4..6].copy_from_slice(&payload.to_be_bytes());
        }
        Some(packet)
    }
}

#[cfg(test)]
mod tests;
