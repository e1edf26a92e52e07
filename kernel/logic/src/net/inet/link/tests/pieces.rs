//! Datagrams longer than a packet, over a wire between two stacks.

use alloc::vec::Vec;
use core::net::SocketAddr;

use abi::errno::Errno;

use super::{ETHERNET, Machine, OUR, OUR_MAC, Setting6, THEIRS, carry, go_on, machine_with, network};
use crate::file::Io;
use crate::file::io::SliceSource;
use crate::net::inet::ports::Claim;
use crate::net::inet::stack::OpenEndpoint;
use crate::net::inet::udp::How;

fn open(machine: &Machine, address: &str) -> OpenEndpoint {
    let address = address.parse().unwrap();
    let claim = Claim { address, v6_only: false, reuse_address: false, reuse_port: false, listens: false };
    machine.stack.open_endpoint(claim).unwrap()
}

fn machines() -> (Machine, Machine) {
    let us = machine_with(OUR_MAC, network(OUR), Setting6::Automatic);
    let them = machine_with([2, 0, 0, 0, 0, 2], network(THEIRS), Setting6::Automatic);
    for _ in 0..4 {
        carry(&us, &them, &mut || false);
        go_on([&us, &them]);
    }
    carry(&us, &them, &mut || false);
    (us, them)
}

fn over(from: &str, to: &str) {
    let (us, them) = machines();
    let (sender, receiver) = (open(&us, from), open(&them, to));
    let to: SocketAddr = receiver.endpoint().ends().0;
    let bytes: Vec<u8> = (0..60_000_u32).map(|number| (number * 7 >> 3) as u8).collect();
    let how = How { hop_limit: 64, traffic_class: 3, ..How::default() };
    assert_eq!(sender.send(to, &how, &mut SliceSource(&bytes)), Ok(60_000));
    carry(&us, &them, &mut || false);
    // More wait for who is asked for than that: what was lost is sent again.
    assert_eq!(sender.send(to, &how, &mut SliceSource(&bytes)), Ok(60_000));
    let frames = us.device.sent.lock().len();
    assert!(frames > 40, "{frames}");
    assert!(us.device.sent.lock().iter().all(|(frame, _)| frame.len() <= 1500 + ETHERNET));
    carry(&us, &them, &mut || false);
    let got = receiver.endpoint().receive(&Io::default(), false, |first| Ok(first.bytes == bytes));
    assert_eq!(got, Ok(Some(true)));
    let refused = How { refuses_pieces: true, ..how };
    assert_eq!(sender.send(to, &refused, &mut SliceSource(&bytes)), Err(Errno::EMSGSIZE));
    assert_eq!(sender.send(to, &refused, &mut SliceSource(&bytes[..1400])), Ok(1400));
    // One piece lost is all lost.
    let mut count = 0;
    sender.send(to, &how, &mut SliceSource(&bytes[..5000])).unwrap();
    carry(&us, &them, &mut || {
        count += 1;
        count == 3
    });
    let rest = receiver.endpoint().receive(&Io::default(), false, |first| Ok(first.bytes.len()));
    assert_eq!(rest, Ok(Some(1400)));
    assert!(receiver.endpoint().receive(&Io::default(), false, |_| Ok(())).is_err());
}

#[test]
fn pieces_of_the_fourth_kind() {
    over("0.0.0.0:0", "192.0.2.2:9");
}

#[test]
fn pieces_of_the_sixth_kind() {
    over("[::]:0", "[fe80::ff:fe00:2%2]:9");
}
