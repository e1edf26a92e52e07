//! Errors that others report of packets we sent (ICMP: RFC 792, RFC 4443).

use core::net::SocketAddr;

use abi::errno::Errno;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, Icmpv6DstUnreachable, Icmpv6Packet, Icmpv6Repr,
    IpProtocol,
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
}

impl Report {
    /// `packet` found no neighbour to go to.
    pub(super) fn no_neighbour(packet: &Packet<'_>) -> Option<Self> {
        let (from, to) = ports(packet.payload)?;
        let ends = (scoped(packet.source, from, packet.scope), scoped(packet.destination, to, packet.scope));
        Some(Self { protocol: packet.protocol, ends, errno: Errno::EHOSTUNREACH })
    }

    /// Reads a report; `None` for any other packet.
    pub(super) fn read(packet: &Packet<'_>, checksums: &ChecksumCapabilities) -> Option<Self> {
        match packet.protocol {
            IpProtocol::Icmp => {
                let message = Icmpv4Packet::new_checked(packet.payload).ok()?;
                let Icmpv4Repr::DstUnreachable { reason, header, data } =
                    Icmpv4Repr::parse(&message, checksums).ok()?
                else {
                    return None;
                };
                let errno = match reason {
                    Icmpv4DstUnreachable::PortUnreachable => Errno::ECONNREFUSED,
                    Icmpv4DstUnreachable::ProtoUnreachable => Errno::ENOPROTOOPT,
                    Icmpv4DstUnreachable::NetUnreachable => Errno::ENETUNREACH,
                    Icmpv4DstUnreachable::FragRequired => Errno::EMSGSIZE,
                    _ => Errno::EHOSTUNREACH,
                };
                let (from, to) = ports(data)?;
                let ends = ((header.src_addr, from).into(), (header.dst_addr, to).into());
                Some(Self { protocol: header.next_header, ends, errno })
            }
            IpProtocol::Icmpv6 => {
                let message = Icmpv6Packet::new_checked(packet.payload).ok()?;
                let (source, destination) = (packet.source, packet.destination);
                let (core::net::IpAddr::V6(source), core::net::IpAddr::V6(destination)) =
                    (source, destination)
                else {
                    return None;
                };
                let (errno, header, data) =
                    match Icmpv6Repr::parse(&source, &destination, &message, checksums).ok()? {
                        Icmpv6Repr::PktTooBig { header, data, .. } => (Errno::EMSGSIZE, header, data),
                        Icmpv6Repr::DstUnreachable { reason, header, data } => {
                            let errno = match reason {
                                Icmpv6DstUnreachable::PortUnreachable => Errno::ECONNREFUSED,
                                Icmpv6DstUnreachable::AdminProhibit => Errno::EACCES,
                                Icmpv6DstUnreachable::NoRoute => Errno::ENETUNREACH,
                                _ => Errno::EHOSTUNREACH,
                            };
                            (errno, header, data)
                        }
                        _ => return None,
                    };
                let (from, to) = ports(data)?;
                let ends = (
                    scoped(header.src_addr.into(), from, packet.scope),
                    scoped(header.dst_addr.into(), to, packet.scope),
                );
                Some(Self { protocol: header.next_header, ends, errno })
            }
            _ => None,
        }
    }
}

/// The ports that a TCP or UDP header begins with.
fn ports(header: &[u8]) -> Option<(u16, u16)> {
    let (&[a, b, c, d], _) = header.split_first_chunk()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}
