//! Several pairs of queues.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use std::sync::Barrier;
use std::thread;

use super::std;
use super::{ETHERNET, Machine, OUR, carry, connect, listen, them, us};
use crate::file::Io;
use crate::file::io::{SliceSink, SliceSource};
use crate::net::inet::carried::Carried;
use crate::net::inet::packet::Packet;

/// The pairs that packets went by since it was asked last.
fn pairs(machine: &Machine) -> Vec<usize> {
    core::mem::take(&mut machine.device.sent_by.lock())
}

fn write(us: &Machine, connection: &Arc<Carried>) {
    us.stack.step(connection, |flow| flow.write(&mut SliceSource(b"here"))).unwrap();
}

#[test]
fn packets_of_a_connection_go_by_one_queue_and_connections_by_all() {
    let (us, them) = (us(), them());
    let (_bound, _listener) = listen(&them, "192.0.2.2:80", 100);
    let mut used = Vec::new();
    for _ in 0..40 {
        let client = connect(&us, "192.0.2.2:80");
        carry(&us, &them, &mut || false);
        pairs(&us);
        (0..4).for_each(|_| write(&us, &client));
        carry(&us, &them, &mut || false);
        let mut pairs = pairs(&us);
        assert!(pairs.len() > 1);
        pairs.dedup();
        assert_eq!(pairs.len(), 1, "they stay in order");
        used.extend(pairs);
    }
    used.sort_unstable();
    used.dedup();
    assert_eq!(used, [0, 1], "both take part");
}

#[test]
fn what_comes_by_any_pair_is_brought_to_its_socket() {
    let (us, them) = (us(), them());
    let (_bound, _listener) = listen(&them, "192.0.2.2:80", 100);
    let client = connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    write(&us, &client);
    for frame in us.device.take_sent() {
        them.device.came.lock().push_back(frame);
    }
    them.stack.serve_links(2, Waker::noop());
    assert!(them.device.take_sent().is_empty(), "there is no third pair");
    them.stack.serve_links(1, Waker::noop());
    carry(&us, &them, &mut || false);
    assert_eq!(client.look(|flow| flow.unacknowledged()), 0);
    assert_eq!(client.ends().0.ip(), OUR);
}

/// Takes in the frames `batches` at the same time, each on a thread of its own.
fn take_in_at_once(machine: &Machine, batches: [&[Vec<u8>]; 2]) {
    let begin = &Barrier::new(batches.len());
    thread::scope(|scope| {
        for batch in batches {
            scope.spawn(move || {
                begin.wait();
                for frame in batch {
                    let packet = Packet::parse(&frame[ETHERNET..]).unwrap();
                    machine.stack.input(&packet.on(machine.link.number()), machine.link.capabilities());
                }
            });
        }
    });
    machine.stack.settle_input();
}

#[test]
fn who_asks_may_answer_by_two_pairs_at_once() {
    const RST: u8 = 4;
    let (us, them) = (us(), them());
    let (_bound, listener) = listen(&them, "192.0.2.2:80", 100);
    // That they know each other.
    connect(&us, "192.0.2.2:80");
    carry(&us, &them, &mut || false);
    listener.accept(&Io::default()).unwrap();
    for round in 0..300 {
        let client = connect(&us, "192.0.2.2:80");
        for (from, to) in [(&us, &them), (&them, &us)] {
            to.device.came.lock().extend(from.device.take_sent());
            to.stack.serve_links(0, Waker::noop());
        }
        let acknowledgement = us.device.take_sent();
        write(&us, &client);
        let data = us.device.take_sent();
        assert_eq!((acknowledgement.len(), data.len()), (1, 1));
        take_in_at_once(&them, [&acknowledgement, &data]);
        let answers = them.device.take_sent();
        assert!(answers.iter().all(|frame| frame[ETHERNET + 20 + 13] & RST == 0), "round {round}");
        let server = listener.accept(&Io::default()).unwrap();
        let mut bytes = [0; 10];
        let count = server.read(&them.stack, &Io::default(), &mut SliceSink::new(&mut bytes), false);
        assert_eq!(count.map(|count| bytes[..count].to_vec()), Ok(b"here".to_vec()), "round {round}");
        us.device.came.lock().extend(answers);
        us.stack.serve_links(0, Waker::noop());
    }
}
