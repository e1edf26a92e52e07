//! What may be a mistake or an attack is answered by what is expected next (RFC 5961, a challenge ACK): who means it resets with that very number.
//!
//! smoltcp believes a reset anywhere in its window, and has no word for who begins where a connection is; but it answers to what lies before its window.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::wire::TcpSeqNumber;

use super::super::bare::Bare;
use super::super::outlet::{Outlet, Port, instant};
use super::super::packet::Segment;
use super::{Flow, has_heard_all, is_opening};

impl Flow {
    /// The number that is expected next.
    fn expected(&self) -> TcpSeqNumber {
        let socket = self.socket();
        self.usage.next(socket.recv_queue()) + usize::from(has_heard_all(socket.state()))
    }

    /// Answers a segment that nothing else follows from. False: it is none of those.
    pub(super) fn challenges(&mut self, segment: &Segment, now_ns: u64, outlet: &mut dyn Outlet) -> bool {
        // The peer may have forgotten the connection, and uses its port again (section 4).
        let begins = segment.syn && !segment.ack;
        if !begins && !segment.rst {
            return false;
        }
        let state = self.socket().state();
        if matches!(state, State::Closed | State::Listen) || is_opening(state) {
            return false;
        }
        // A reset is believed only where the next byte is expected, for others may guess a number that is merely in the window (section 3.2).
        let ahead = segment.sequence.0.wrapping_sub(self.expected().0);
        if !begins && ahead == 0 {
            return false;
        }
        let is_in_window = usize::try_from(ahead).is_ok_and(|ahead| ahead <= self.socket().recv_capacity());
        if begins || is_in_window {
            self.challenge(now_ns, outlet);
        }
        true
    }

    /// Says what is expected next, once a second at most.
    fn challenge(&mut self, now_ns: u64, outlet: &mut dyn Outlet) {
        let probe = Bare::new((self.remote, self.local), self.expected() - 1, self.acknowledged);
        let mut bytes = alloc::vec![0; probe.length()];
        probe.emit(&mut bytes, &ChecksumCapabilities::default());
        let mut port = Port { packet: Some(&bytes), traffic_class: self.traffic_class, outlet };
        self.interface.poll_ingress_single(instant(now_ns), &mut port, &mut self.sockets);
    }
}
