//! What is looked at in a packet that came in, before a socket gets it: whose it is. Lengths are checked here, everything else by smoltcp.

use core::net::{IpAddr, SocketAddr};

use smoltcp::wire::{IpProtocol, IpVersion, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};

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
}

/// The bits of a segment that decide where it goes (RFC 9293, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it goes to: here.
    pub local: SocketAddr,
    /// Where it comes from.
    pub remote: SocketAddr,
    /// It opens a connection.
    pub syn: bool,
    /// It acknowledges something.
    pub ack: bool,
    /// It ends a connection at once.
    pub rst: bool,
    /// The number of its first byte.
    pub sequence: u32,
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
                })
            }
        }
    }

    /// Where a TCP segment comes from and goes to.
    pub fn segment(&self) -> Option<Segment> {
        let segment = TcpPacket::new_checked(self.payload).ok()?;
        Some(Segment {
            local: SocketAddr::new(self.destination, segment.dst_port()),
            remote: SocketAddr::new(self.source, segment.src_port()),
            syn: segment.syn(),
            ack: segment.ack(),
            rst: segment.rst(),
            sequence: segment.seq_number().0.cast_unsigned(),
        })
    }

    /// Where a UDP datagram goes to and comes from, and what it says.
    pub fn datagram(&self) -> Option<(SocketAddr, SocketAddr, &'a [u8])> {
        let datagram = UdpPacket::new_checked(self.payload).ok()?;
        Some((
            SocketAddr::new(self.destination, datagram.dst_port()),
            SocketAddr::new(self.source, datagram.src_port()),
            datagram.payload(),
        ))
    }
}

#[cfg(test)]
mod tests;
