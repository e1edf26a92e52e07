//! Several pairs of queues.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;

use super::{Machine, OUR, carry, connect, listen, them, us};
use crate::file::io::SliceSource;
use crate::net::inet::carried::Carried;

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
