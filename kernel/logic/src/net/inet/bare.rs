//! A TCP segment with nothing in it but an acknowledgement, for what smoltcp does not say by itself.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, IpRepr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use super::packet::Ends;

/// Routers that it passes at most.
const HOP_LIMIT: u8 = 64;

/// The segment and its IP header.
pub(super) struct Bare {
    ip: IpRepr,
    tcp: TcpRepr<'static>,
}

impl Bare {
    /// From the first of `ends` to the second: with this number, it says that the other one is expected next. There is no room.
    pub(super) fn new((from, to): Ends, sequence: TcpSeqNumber, acknowledged: TcpSeqNumber) -> Self {
        let tcp = TcpRepr {
            src_port: from.port(),
            dst_port: to.port(),
            control: TcpControl::None,
            seq_number: sequence,
            ack_number: Some(acknowledged),
            window_len: 0,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let (from, to) = (from.ip().into(), to.ip().into());
        Self { ip: IpRepr::new(from, to, IpProtocol::Tcp, tcp.buffer_len(), HOP_LIMIT), tcp }
    }

    /// Bytes of both.
    pub(super) fn length(&self) -> usize {
        self.ip.buffer_len()
    }

    /// Writes both, with the checksums that `checksums` ask for.
    pub(super) fn emit(&self, bytes: &mut [u8], checksums: &ChecksumCapabilities) {
        self.ip.emit(&mut *bytes, checksums);
        let mut body = TcpPacket::new_unchecked(&mut bytes[self.ip.header_len()..]);
        self.tcp.emit(&mut body, &self.ip.src_addr(), &self.ip.dst_addr(), checksums);
    }
}
