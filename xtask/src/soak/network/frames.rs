//! Frames that attackers send: parts of handshakes, resets, noise, and sound ones with something changed. What they are is decided here, by a seed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use etherparse::{
    ArpEthIpv4Packet, ArpOperation, NetSlice, PacketBuilder, SlicedPacket, TcpHeader, TransportSlice,
};
use fastrand::Rng;

/// The address that QEMU gives the first card.
pub(super) const GUEST: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/// Whose frames they are; nobody looks at that.
const ATTACKER: [u8; 6] = [0x02, 0, 0, 0, 0, 0x77];
/// Bytes of an Ethernet header, and of the longest frame.
const HEADER: usize = 14;
const LONGEST: usize = HEADER + 1500;
/// Where an ARP packet says who sends it.
const ARP_SENDER: std::ops::Range<usize> = 28..32;

/// What is attacked: the guest's address and the network's other one, which nobody may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Victim {
    pub(super) guest: Ipv4Addr,
    pub(super) host: Ipv4Addr,
}

impl Victim {
    /// A TCP segment to `port` of the guest, which says that it is from `from`.
    fn segment(
        self,
        from: SocketAddrV4,
        port: u16,
        payload: &[u8],
        change: impl FnOnce(&mut TcpHeader),
    ) -> Vec<u8> {
        let mut header = TcpHeader::new(from.port(), port, 0, 64_240);
        change(&mut header);
        let builder = PacketBuilder::ethernet2(ATTACKER, GUEST)
            .ipv4(from.ip().octets(), self.guest.octets(), 64)
            .tcp_header(header);
        written(builder.size(payload.len()), |frame| builder.write(frame, payload).is_ok())
    }

    /// Asks for a connection.
    pub(super) fn asks(self, from: SocketAddrV4, port: u16, rng: &mut Rng) -> Vec<u8> {
        self.segment(from, port, &[], |header| {
            header.syn = true;
            header.sequence_number = rng.u32(..);
        })
    }

    /// Says that a connection is over, or begins again, at `sequence`.
    pub(super) fn resets(self, from: SocketAddrV4, port: u16, sequence: u32, rng: &mut Rng) -> Vec<u8> {
        self.segment(from, port, &[], |header| {
            header.sequence_number = sequence;
            header.acknowledgment_number = rng.u32(..);
            (header.syn, header.rst) = (rng.u8(..4) == 0, true);
            if header.syn {
                header.rst = rng.bool();
            }
            header.ack = rng.bool();
        })
    }

    /// Bytes that are no protocol's, or only begin like one's.
    pub(super) fn noise(rng: &mut Rng) -> Vec<u8> {
        let mut frame = vec![0; rng.usize(HEADER..=LONGEST)];
        rng.fill(&mut frame);
        frame[..6].copy_from_slice(if rng.u8(..8) == 0 { &[0xff; 6] } else { &GUEST });
        let kind: Option<[u8; 2]> =
            rng.choice([None, Some([0x08, 0x00]), Some([0x08, 0x06]), Some([0x86, 0xdd])]).flatten();
        if let Some(kind) = kind {
            frame[12..HEADER].copy_from_slice(&kind);
        }
        frame
    }

    /// A sound packet of some kind with a few bits changed, its end cut off, or something behind it. None that says to be the host: on every machine that
    /// listens to ARP it would be believed.
    pub(super) fn changed(self, rng: &mut Rng) -> Vec<u8> {
        loop {
            let mut frame = self.sound(rng);
            match rng.u8(..4) {
                0 => frame.truncate(rng.usize(HEADER..=frame.len())),
                1 => frame.resize(rng.usize(frame.len()..=LONGEST), rng.u8(..)),
                _ => {}
            }
            for _ in 0..rng.u8(..6) {
                // The address must stay, or nobody takes it.
                if frame.len() > 12 {
                    let at = rng.usize(12..frame.len());
                    frame[at] ^= 1 << rng.u8(..8);
                }
            }
            if frame.get(ARP_SENDER) != Some(&self.host.octets()) {
                return frame;
            }
        }
    }

    fn sound(self, rng: &mut Rng) -> Vec<u8> {
        let from = anywhere(rng);
        let payload: Vec<u8> = (0..rng.usize(..64)).map(|_| rng.u8(..)).collect();
        let port = rng.choice([80, 81, 84, 1234]).unwrap_or(80);
        let ip = PacketBuilder::ethernet2(ATTACKER, GUEST).ipv4(
            from.ip().octets(),
            self.guest.octets(),
            rng.u8(1..),
        );
        match rng.u8(..5) {
            0 => {
                let mut header = TcpHeader::new(from.port(), port, rng.u32(..), rng.u16(..));
                (header.syn, header.ack, header.fin) = (rng.bool(), rng.bool(), rng.bool());
                (header.rst, header.psh, header.urg) = (rng.bool(), rng.bool(), rng.bool());
                header.acknowledgment_number = rng.u32(..);
                let mut options = [0; 12];
                rng.fill(&mut options);
                // Options that make no sense are left out.
                let _ = header.set_options_raw(&options[..4 * rng.usize(..=3)]);
                let builder = ip.tcp_header(header);
                written(builder.size(payload.len()), |frame| builder.write(frame, &payload).is_ok())
            }
            1 => {
                let builder = ip.udp(from.port(), port);
                written(builder.size(payload.len()), |frame| builder.write(frame, &payload).is_ok())
            }
            2 => {
                let builder = ip.icmpv4_echo_request(rng.u16(..), rng.u16(..));
                written(builder.size(payload.len()), |frame| builder.write(frame, &payload).is_ok())
            }
            3 => {
                // Errors that quote what the guest may have sent.
                let quoted = self.segment(from, port, &[], |header| header.ack = true);
                let builder = ip.icmpv4_raw(rng.u8(..), rng.u8(..16), [0, 0, 2, rng.u8(..)]);
                let quoted = &quoted[HEADER..];
                written(builder.size(quoted.len()), |frame| builder.write(frame, quoted).is_ok())
            }
            _ => {
                let packet = ArpEthIpv4Packet {
                    operation: if rng.bool() { ArpOperation::REQUEST } else { ArpOperation::REPLY },
                    sender_mac: ATTACKER,
                    sender_ipv4: from.ip().octets(),
                    target_mac: GUEST,
                    target_ipv4: self.guest.octets(),
                };
                let builder = PacketBuilder::ethernet2(ATTACKER, GUEST).arp(packet.into());
                written(builder.size(), |frame| builder.write(frame).is_ok())
            }
        }
    }
}

/// A frame that `write` puts into memory, of `size` bytes. Nothing made here is longer than headers can say.
fn written(size: usize, write: impl FnOnce(&mut Vec<u8>) -> bool) -> Vec<u8> {
    let mut frame = Vec::with_capacity(size);
    let is_whole = write(&mut frame);
    debug_assert!(is_whole && frame.len() == size, "headers say how long what they carry is");
    frame
}

/// An address that could be anybody's in another network, and a port.
pub(super) fn anywhere(rng: &mut Rng) -> SocketAddrV4 {
    loop {
        let ip = Ipv4Addr::from(rng.u32(..));
        let is_anybodys = !(ip.is_private()
            || ip.is_loopback()
            || ip.is_link_local()
            || ip.is_multicast()
            || ip.is_broadcast()
            || ip.octets()[0] == 0);
        if is_anybodys {
            return SocketAddrV4::new(ip, rng.u16(1024..));
        }
    }
}

/// What the guest expects next of the peer at `there`, by an answer that it sent from `here`: what it acknowledges without one may be less.
pub(super) fn expected_by(frame: &[u8], here: SocketAddr, there: SocketAddr) -> Option<u32> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let Some(NetSlice::Ipv4(ip)) = packet.net else { return None };
    let Some(TransportSlice::Tcp(segment)) = packet.transport else { return None };
    let end = |ip: Ipv4Addr, port: u16| SocketAddr::new(IpAddr::V4(ip), port);
    let is_it = end(ip.header().source_addr(), segment.source_port()) == here
        && end(ip.header().destination_addr(), segment.destination_port()) == there
        && segment.ack()
        && !segment.payload().is_empty();
    is_it.then(|| segment.acknowledgment_number())
}

#[cfg(test)]
mod tests;
