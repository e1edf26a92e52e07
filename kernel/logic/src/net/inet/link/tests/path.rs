//! A path that takes shorter packets than its ends (RFC 1191, RFC 8201).

use alloc::sync::Arc;
use alloc::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr};

use super::{
    ETHERNET, Io, Machine, NOW, Ordering, SliceSink, SliceSource, THEIRS, carried, carry, connect, go_on,
    listen, them, us,
};
use crate::net::inet::connection::Connection;

/// Bytes of a packet that the path takes.
const PATH: usize = 1000;

/// What a router says of the packet in `frame`, as a frame for `to`; the packet's number is off by `off`.
fn report(frame: &[u8], to: &Machine, off: i32) -> Vec<u8> {
    let checksums = ChecksumCapabilities::default();
    let packet = Ipv4Packet::new_checked(&frame[ETHERNET..]).unwrap();
    let header = Ipv4Repr::parse(&packet, &ChecksumCapabilities::ignored()).unwrap();
    let mut begins = packet.payload()[..8].to_vec();
    let number = i32::from_be_bytes([begins[4], begins[5], begins[6], begins[7]]).wrapping_add(off);
    begins[4..8].copy_from_slice(&number.to_be_bytes());
    let message =
        Icmpv4Repr::DstUnreachable { reason: Icmpv4DstUnreachable::FragRequired, header, data: &begins };
    let outer = Ipv4Repr {
        src_addr: THEIRS,
        dst_addr: packet.src_addr(),
        next_header: IpProtocol::Icmp,
        payload_len: message.buffer_len(),
        hop_limit: 64,
    };
    let mut bytes = alloc::vec![0; ETHERNET + outer.buffer_len() + message.buffer_len()];
    bytes[..6].copy_from_slice(&to.device.address);
    bytes[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 2]);
    bytes[12..14].copy_from_slice(&[8, 0]);
    outer.emit(&mut Ipv4Packet::new_unchecked(&mut bytes[ETHERNET..]), &checksums);
    let body = &mut bytes[ETHERNET + outer.buffer_len()..];
    message.emit(&mut Icmpv4Packet::new_unchecked(&mut *body), &checksums);
    body[6..8].copy_from_slice(&u16::try_from(PATH).unwrap().to_be_bytes());
    Icmpv4Packet::new_unchecked(&mut *body).fill_checksum();
    bytes
}

#[test]
fn a_narrow_path_is_found_out() {
    let (us, them) = (us(), them());
    let (_bound, listener) = listen(&them, "192.0.2.2:80", 1);
    let client = connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    let server = carried(listener.accept(&Io::default()).unwrap());
    let sent: Vec<u8> = (0..20_000_u32).map(|index| index as u8).collect();
    let connection = Connection::Carried(Arc::clone(&client));
    let mut source = SliceSource(&sent);
    let (mut said, mut received) = (0, Vec::new());
    let start = NOW.with(|now| now.load(Ordering::Relaxed));
    while received.len() < sent.len() {
        let _ = connection.write(&us.stack, &Io::default(), &mut source);
        for frame in us.device.take_sent() {
            if frame.len() <= ETHERNET + PATH {
                them.device.came.lock().push_back(frame);
            } else {
                // Somebody who only guesses is not believed.
                for off in [-1_000_000, if said == 0 { 1_000_000 } else { 0 }] {
                    us.device.came.lock().push_back(report(&frame, &us, off));
                }
                said += 1;
            }
        }
        us.stack.serve_links(0, super::Waker::noop());
        them.stack.serve_links(0, super::Waker::noop());
        for frame in them.device.take_sent() {
            us.device.came.lock().push_back(frame);
        }
        us.stack.serve_links(0, super::Waker::noop());
        let mut buffer = [0; 4096];
        while let (Ok(count), _) = server.read(&Io::default(), &mut SliceSink::new(&mut buffer), false) {
            received.extend_from_slice(&buffer[..count]);
        }
        go_on([&us, &them]);
        assert!(
            NOW.with(|now| now.load(Ordering::Relaxed)) - start < 60_000_000_000,
            "{} came",
            received.len()
        );
    }
    assert!(received == sent && said >= 2);
}
