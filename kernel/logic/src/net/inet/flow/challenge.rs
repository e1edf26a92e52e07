//! What may be a mistake or an attack is answered by what is expected next (RFC 5961, a challenge ACK): who means it resets with that very number.
//!
//! smoltcp believes a reset anywhere in its window, and has no word for who begins where a connection is; but it answers to what lies before its window.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::wire::{IpProtocol, IpRepr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber};

use super::super::outlet::{Outlet, Port, instant};
use super::super::packet::Segment;
use super::{Flow, has_heard_all, is_opening};

impl Flow {
    /// The number that is expected next.
    fn expected(&self) -> TcpSeqNumber {
        let socket = self.socket();
        self.usage.next(socket.recv_queue()) + usize::from(has_heard_all(socket.state()))
    }

    /// Whether a reset with this number is believed: in an open connection only where the next byte is expected, for others may guess a number that is merely
    /// in the window (section 3.2).
    fn may_be_reset_at(&self, sequence: TcpSeqNumber) -> bool {
        let state = self.socket().state();
        matches!(state, State::Closed | State::Listen) || is_opening(state) || sequence == self.expected()
    }

    /// Answers a segment that nothing else follows from. False: it is none of those.
    pub(super) fn challenges(&mut self, segment: &Segment, now_ns: u64, outlet: &mut dyn Outlet) -> bool {
        let state = self.socket().state();
        let is_open = !matches!(state, State::Closed | State::Listen) && !is_opening(state);
        // The peer may have forgotten the connection, and uses its port again (section 4).
        let begins = segment.syn && !segment.ack && is_open;
        if !begins && (!segment.rst || self.may_be_reset_at(segment.sequence)) {
            return false;
        }
        let ahead = segment.sequence.0.wrapping_sub(self.expected().0);
        let is_in_window = usize::try_from(ahead).is_ok_and(|ahead| ahead <= self.socket().recv_capacity());
        if begins || is_in_window {
            self.challenge(now_ns, outlet);
        }
        true
    }

    /// Says what is expected next, once a second at most.
    fn challenge(&mut self, now_ns: u64, outlet: &mut dyn Outlet) {
        let segment = TcpRepr {
            src_port: self.remote.port(),
            dst_port: self.local.port(),
            control: TcpControl::None,
            seq_number: self.expected() - 1,
            ack_number: Some(self.acknowledged),
            window_len: 0,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let (source, destination) = (self.remote.ip().into(), self.local.ip().into());
        let header = IpRepr::new(source, destination, IpProtocol::Tcp, segment.buffer_len(), 1);
        let checksums = ChecksumCapabilities::default();
        let mut bytes = alloc::vec![0; header.buffer_len()];
        header.emit(&mut bytes[..], &checksums);
        let mut body = TcpPacket::new_unchecked(&mut bytes[header.header_len()..]);
        segment.emit(&mut body, &source, &destination, &checksums);
        let mut port = Port { packet: Some(&bytes), traffic_class: self.traffic_class, outlet };
        self.interface.poll_ingress_single(instant(now_ns), &mut port, &mut self.sockets);
    }
}
