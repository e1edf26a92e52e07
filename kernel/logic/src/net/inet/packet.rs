//! What is looked at in a packet that came in, before a socket gets it: whose it is. Lengths are checked here, everything else by smoltcp.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use smoltcp::wire::{
    IPV6_HEADER_LEN, IpProtocol, IpVersion, Ipv4Packet, Ipv6Packet, TcpPacket, TcpSeqNumber, UdpPacket,
};

use super::name::scoped;

/// The two addresses of a connection: here, and there.
pub type Ends = (SocketAddr, SocketAddr);

/// An IP packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// All of it; what follows the length that its header gives is left out.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub source: IpAddr,
    /// Who shall have it.
    pub destination: IpAddr,
    /// What is in it.
    pub protocol: IpProtocol,
    /// That, behind the header.
    pub payload: &'a [u8],
    /// The link it came in by; 0 for none. Link-local addresses are that link's.
    pub scope: u32,
}

/// The bits of a segment that decide where it goes (RFC 9293, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it goes to: here.
    pub local: SocketAddr,
    /// Where it comes from.
    pub remote: SocketAddr,
    /// The number of its first byte, or of what it opens the connection with.
    pub sequence: TcpSeqNumber,
    /// Bytes of data.
    pub length: usize,
    /// The number of the byte that is expected next, if it acknowledges something.
    pub acknowledged: TcpSeqNumber,
    /// It opens a connection.
    pub syn: bool,
    /// It acknowledges something.
    pub ack: bool,
    /// It ends a connection at once.
    pub rst: bool,
    /// Nothing comes after it.
    pub fin: bool,
}

impl Segment {
    /// The connection it belongs to.
    pub fn ends(&self) -> Ends {
        (self.local, self.remote)
    }
}

impl<'a> Packet<'a> {
    /// Reads the header of an IP packet; `None` for what is none, or is shorter than it says.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        match IpVersion::of_packet(bytes).ok()? {
            IpVersion::Ipv4 => {
                let packet = Ipv4Packet::new_checked(bytes).ok()?;
                Some(Self {
                    bytes: bytes.get(..usize::from(packet.total_len()))?,
                    source: packet.src_addr().into(),
                    destination: packet.dst_addr().into(),
                    protocol: packet.next_header(),
                    payload: packet.payload(),
                    scope: 0,
                })
            }
            IpVersion::Ipv6 => {
                let packet = Ipv6Packet::new_checked(bytes).ok()?;
                Some(Self {
                    bytes: bytes.get(..packet.total_len())?,
                    source: packet.src_addr().into(),
                    destination: packet.dst_addr().into(),
                    protocol: packet.next_header(),
                    payload: packet.payload(),
                    scope: 0,
                })
            }
        }
    }

    /// How many more routers it could have passed.
    pub fn hop_limit(&self) -> u8 {
        self.bytes[if self.source.is_ipv4() { 8 } else { 7 }]
    }

    /// How it is marked (RFC 2474, RFC 3168).
    pub fn traffic_class(&self) -> u8 {
        if self.source.is_ipv4() { self.bytes[1] } else { self.bytes[0] << 4 | self.bytes[1] >> 4 }
    }

    /// The same packet, come in by the link `scope`.
    #[must_use]
    pub fn on(self, scope: u32) -> Self {
        Self { scope, ..self }
    }

    /// Where a TCP segment comes from and goes to.
    pub fn segment(&self) -> Option<Segment> {
        let segment = TcpPacket::new_checked(self.payload).ok()?;
        Some(Segment {
            local: scoped(self.destination, segment.dst_port(), self.scope),
            remote: scoped(self.source, segment.src_port(), self.scope),
            sequence: segment.seq_number(),
            length: segment.payload().len(),
            acknowledged: segment.ack_number(),
            syn: segment.syn(),
            ack: segment.ack(),
            rst: segment.rst(),
            fin: segment.fin(),
        })
    }

    /// The packet with the first `length` bytes of its TCP segment's data, which is not the end of the stream then. `None`: it is none, or there is no memory.
    pub fn cut_to(&self, length: usize) -> Option<Vec<u8>> {
        let segment = TcpPacket::new_checked(self.payload).ok()?;
        let headers = self.bytes.len() - self.payload.len();
        let rest = usize::from(segment.header_len()) + length;
        let kept = self.bytes.get(..headers + rest)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(kept.len()).ok()?;
        bytes.extend_from_slice(kept);
        note_length(&mut bytes, kept.len());
        let mut segment = TcpPacket::new_unchecked(&mut bytes[headers..]);
        segment.set_fin(false);
        segment.fill_checksum(&self.source.into(), &self.destination.into());
        Some(bytes)
    }

    /// Where a UDP datagram goes to and comes from, and what it says.
    pub fn datagram(&self) -> Option<(SocketAddr, SocketAddr, &'a [u8])> {
        let datagram = UdpPacket::new_checked(self.payload).ok()?;
        Some((
            scoped(self.destination, datagram.dst_port(), self.scope),
            scoped(self.source, datagram.src_port(), self.scope),
            datagram.payload(),
        ))
    }
}

/// Writes the length of a packet, at most 65,535 bytes, into its header, which `bytes` begin with.
pub(super) fn note_length(bytes: &mut [u8], length: usize) {
    let less = |without: usize| u16::try_from(length.saturating_sub(without)).unwrap_or(u16::MAX);
    let (whole, behind) = (less(0), less(IPV6_HEADER_LEN));
    match IpVersion::of_packet(bytes) {
        Ok(IpVersion::Ipv4) => {
            let mut header = Ipv4Packet::new_unchecked(bytes);
            header.set_total_len(whole);
            header.fill_checksum();
        }
        Ok(IpVersion::Ipv6) => Ipv6Packet::new_unchecked(bytes).set_payload_len(behind),
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests;
