//! Errors that others report of packets we sent (ICMP: RFC 792, RFC 4443).

use core::net::SocketAddr;

use abi::errno::Errno;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    IPV4_HEADER_LEN, Icmpv4DstUnreachable, Icmpv4Message, Icmpv4Packet, Icmpv6DstUnreachable, Icmpv6Packet,
    Icmpv6Repr, IpProtocol, Ipv4Packet, TcpSeqNumber,
};

use super::name::scoped;
use super::packet::Packet;

/// A packet of ours that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// What it was.
    pub(super) protocol: IpProtocol,
    /// From where it was sent, and to where.
    pub(super) ends: (SocketAddr, SocketAddr),
    /// What became of it, as Linux tells it.
    pub(super) errno: Errno,
    /// It was too long for a way on its path.
    pub(super) too_long: Option<TooLong>,
}

/// A segment that was too long (RFC 1191, RFC 8201).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// Bytes of a packet that would not have been: what the path takes at least, if a router says less or nothing.
    pub(super) mtu: usize,
    /// The segment's number.
    pub(super) sequence: TcpSeqNumber,
}

/// Bytes of a packet that every path takes: of IPv4 as Linux believes (`ip_rt_min_pmtu`), of IPv6 (RFC 8200, section 5).
const EVERY_PATH_V4: usize = 552;
const EVERY_PATH_V6: usize = 1280;

impl TooLong {
    /// Of the segment that begins with `header`.
    fn new(protocol: IpProtocol, header: &[u8], mtu: usize) -> Option<Self> {
        let (&[.., a, b, c, d], _) = header.split_first_chunk::<8>()?;
        let sequence = TcpSeqNumber(i32::from_be_bytes([a, b, c, d]));
        (protocol == IpProtocol::Tcp).then_some(Self { mtu, sequence })
    }
}

impl Report {
    /// `packet` found no neighbour to go to.
    pub(super) fn no_neighbour(packet: &Packet<'_>) -> Option<Self> {
        let (from, to) = ports(packet.payload)?;
        let ends = (scoped(packet.source, from, packet.scope), scoped(packet.destination, to, packet.scope));
        Some(Self { protocol: packet.protocol, ends, errno: Errno::EHOSTUNREACH, too_long: None })
    }

    /// Reads a report; `None` for any other packet.
    pub(super) fn read(packet: &Packet<'_>, checksums: &ChecksumCapabilities) -> Option<Self> {
        match packet.protocol {
            IpProtocol::Icmp => {
                let message = Icmpv4Packet::new_checked(packet.payload).ok()?;
                if message.msg_type() != Icmpv4Message::DstUnreachable || !message.verify_checksum() {
                    return None;
                }
                let errno = match Icmpv4DstUnreachable::from(message.msg_code()) {
                    Icmpv4DstUnreachable::PortUnreachable => Errno::ECONNREFUSED,
                    Icmpv4DstUnreachable::ProtoUnreachable => Errno::ENOPROTOOPT,
                    Icmpv4DstUnreachable::NetUnreachable => Errno::ENETUNREACH,
                    Icmpv4DstUnreachable::FragRequired => Errno::EMSGSIZE,
                    _ => Errno::EHOSTUNREACH,
                };
                let (header, data) = quoted(message.data())?;
                let (from, to) = ports(data)?;
                let ends = ((header.src_addr(), from).into(), (header.dst_addr(), to).into());
                let too_long = match (errno, packet.payload) {
                    (Errno::EMSGSIZE, &[_, _, _, _, _, _, high, low, ..]) => {
                        let mtu = usize::from(u16::from_be_bytes([high, low])).max(EVERY_PATH_V4);
                        TooLong::new(header.next_header(), data, mtu)
                    }
                    _ => None,
                };
                Some(Self { protocol: header.next_header(), ends, errno, too_long })
            }
            IpProtocol::Icmpv6 => {
                let message = Icmpv6Packet::new_checked(packet.payload).ok()?;
                let (source, destination) = (packet.source, packet.destination);
                let (core::net::IpAddr::V6(source), core::net::IpAddr::V6(destination)) =
                    (source, destination)
                else {
                    return None;
                };
                let (errno, mtu, header, data) =
                    match Icmpv6Repr::parse(&source, &destination, &message, checksums).ok()? {
                        Icmpv6Repr::PktTooBig { mtu, header, data } => (Errno::EMSGSIZE, mtu, header, data),
                        Icmpv6Repr::DstUnreachable { reason, header, data } => {
                            let errno = match reason {
                                Icmpv6DstUnreachable::PortUnreachable => Errno::ECONNREFUSED,
                                Icmpv6DstUnreachable::AdminProhibit => Errno::EACCES,
                                Icmpv6DstUnreachable::NoRoute => Errno::ENETUNREACH,
                                _ => Errno::EHOSTUNREACH,
                            };
                            (errno, 0, header, data)
                        }
                        _ => return None,
                    };
                let (from, to) = ports(data)?;
                let ends = (
                    scoped(header.src_addr.into(), from, packet.scope),
                    scoped(header.dst_addr.into(), to, packet.scope),
                );
                let mtu = usize::try_from(mtu).unwrap_or(usize::MAX).max(EVERY_PATH_V6);
                let too_long =
                    TooLong::new(header.next_header, data, mtu).filter(|_| errno == Errno::EMSGSIZE);
                Some(Self { protocol: header.next_header, ends, errno, too_long })
            }
            _ => None,
        }
    }
}

/// The header of a packet of IPv4, and what is there of the rest: a report has its beginning only, which smoltcp's reading of it does not take.
fn quoted(bytes: &[u8]) -> Option<(Ipv4Packet<&[u8]>, &[u8])> {
    let packet = Ipv4Packet::new_unchecked(bytes);
    let is_whole = bytes.len() >= IPV4_HEADER_LEN && packet.version() == 4;
    let length = usize::from(if is_whole { packet.header_len() } else { 0 });
    if length < IPV4_HEADER_LEN {
        return None;
    }
    Some((packet, bytes.get(length..)?))
}

/// The ports that a TCP or UDP header begins with.
fn ports(header: &[u8]) -> Option<(u16, u16)> {
    let (&[a, b, c, d], _) = header.split_first_chunk()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}
