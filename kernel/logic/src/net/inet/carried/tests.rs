//! Deadlines of a connection, and when it is looked at.

use alloc::sync::Weak;
use core::net::SocketAddr;

use super::Carried;
use crate::net::inet::flow::Flow;
use crate::net::inet::outlet::Nowhere;
use crate::net::inet::rings::{RING, tests::bounded};

#[test]
fn a_time_that_it_stood_in_the_queue_for_may_be_too_early() {
    let ends: [SocketAddr; 2] = ["10.0.0.1:50000", "10.0.0.2:80"].map(|end| end.parse().unwrap());
    let outlet = &mut Nowhere::default();
    let flow = Flow::connect((ends[0], ends[1]), bounded(RING), 1, 0, outlet).unwrap();
    let carried = Carried::new(flow, Weak::new());
    let deadline = carried.step(0, outlet, |_, _| ()).1.deadline.expect("it asks again");
    assert!(carried.must_queue_for(deadline) && !carried.must_queue_for(deadline + 1));
    assert!(carried.must_queue_for(deadline - 1), "it is looked at sooner");
    assert_eq!(carried.leave_queue(deadline), None, "it does not stand there any more");
    assert_eq!(carried.leave_queue(deadline - 1), Some(deadline), "it is too early");
    assert!(carried.must_queue_for(deadline));
    carried.look(Flow::abort);
    carried.step(1, outlet, |_, _| ());
    assert_eq!(carried.leave_queue(deadline), Some(u64::MAX), "it is over");
}
