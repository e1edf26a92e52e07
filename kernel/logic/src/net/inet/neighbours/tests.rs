//! Questions, answers and none.

use core::net::{IpAddr, Ipv4Addr};

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use super::{FRESH_NS, Found, MOST, MOST_WAITING, Neighbours, PATIENCE_NS};
use crate::net::inet::device::Frame;

const WHO: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn neighbours() -> Neighbours {
    Neighbours::new(SeedableRandomState::with_seed(1, SharedSeed::global_fixed()))
}

#[test]
fn frames_wait_for_the_answer() {
    let mut neighbours = neighbours();
    assert_eq!(neighbours.find(WHO, 0), Found::Unknown);
    assert_eq!(neighbours.find(WHO, 0), Found::Asked);
    let held = (0..MOST_WAITING + 5).filter(|_| neighbours.hold(WHO, Frame::default())).count();
    assert_eq!(held, MOST_WAITING, "no more than that");
    assert_eq!(neighbours.learn(WHO, MAC, false, 1).len(), MOST_WAITING);
    assert_eq!(neighbours.find(WHO, 2), Found::At(MAC));
    assert_eq!(neighbours.next_deadline(), None);
}

#[test]
fn three_questions_and_no_answer() {
    let mut neighbours = neighbours();
    neighbours.find(WHO, 0);
    assert!(neighbours.hold(WHO, Frame::default()));
    for question in 1..3 {
        let due = neighbours.next_deadline().unwrap();
        assert_eq!(due, question * PATIENCE_NS);
        assert!(neighbours.take_due(due - 1).questions.is_empty());
        assert_eq!(neighbours.take_due(due).questions, [WHO]);
    }
    let due = neighbours.take_due(3 * PATIENCE_NS);
    assert!(due.questions.is_empty());
    assert_eq!(due.given_up.len(), 1);
    assert_eq!(neighbours.next_deadline(), None);
    assert_eq!(neighbours.find(WHO, 4 * PATIENCE_NS), Found::Unknown);
}

#[test]
fn an_old_answer_is_asked_for_again_while_it_is_used() {
    let mut neighbours = neighbours();
    neighbours.learn(WHO, MAC, true, 0);
    assert_eq!(neighbours.find(WHO, FRESH_NS - 1), Found::At(MAC));
    assert_eq!(neighbours.find(WHO, FRESH_NS), Found::Doubtful(MAC));
    assert_eq!(neighbours.find(WHO, FRESH_NS), Found::At(MAC), "once");
    neighbours.learn(WHO, [2; 6], false, FRESH_NS + 1);
    assert_eq!(neighbours.find(WHO, FRESH_NS + 2), Found::At([2; 6]));
}

#[test]
fn who_was_not_asked_is_not_believed() {
    let mut neighbours = neighbours();
    assert!(neighbours.learn(WHO, MAC, false, 0).is_empty());
    assert_eq!(neighbours.find(WHO, 0), Found::Unknown);
}

#[test]
fn a_flood_takes_bounded_memory() {
    let mut neighbours = neighbours();
    for number in 0..4 * MOST as u32 {
        neighbours.learn(Ipv4Addr::from_bits(0x0a00_0000 + number).into(), MAC, true, number.into());
    }
    assert_eq!(neighbours.0.len(), MOST);
    // Those that something waits for are not given up for others.
    for number in 0..MOST as u32 {
        let address = Ipv4Addr::from_bits(0x0b00_0000 + number).into();
        assert_eq!(neighbours.find(address, 9999), Found::Unknown, "{number}");
        assert!(neighbours.hold(address, Frame::default()));
    }
    assert_eq!(neighbours.find(WHO, 9999), Found::NoRoom);
}
