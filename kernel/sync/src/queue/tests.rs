//! Order, taking from the middle, and counts that come out even.

use alloc::vec::Vec;

use super::*;

struct Member {
    number: u32,
    link: Link<Self, ()>,
}

linked! { Member, by link: () }

fn member(number: u32) -> Arc<Member> {
    Arc::new(Member { number, link: Link::new() })
}

fn queue(numbers: core::ops::Range<u32>) -> Queue<Member, ()> {
    let mut queue = Queue::new();
    numbers.for_each(|number| queue.push_back(member(number)));
    queue
}

fn rest(mut queue: Queue<Member, ()>) -> Vec<u32> {
    let rest: Vec<u32> = core::iter::from_fn(|| queue.pop_front()).map(|member| member.number).collect();
    assert!(queue.is_empty() && queue.len() == 0 && queue.take_last(|_| true).is_none());
    rest
}

#[test]
fn first_in_first_out() {
    assert_eq!(queue(0..3).front().map(|member| member.number), Some(0));
    assert_eq!(queue(0..3).iter().map(|member| member.number).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(rest(queue(0..3)), [0, 1, 2]);
}

#[test]
fn at_the_front() {
    let mut queue = queue(0..2);
    let first = member(7);
    assert!(!first.link.is_taken());
    queue.push_front(Arc::clone(&first));
    assert!(first.link.is_taken());
    assert_eq!(rest(queue), [7, 0, 1]);
    assert!(!first.link.is_taken());
}

#[test]
fn before_the_last() {
    let mut queue = Queue::new();
    (0..4).for_each(|number| queue.push_before_last(member(number)));
    assert_eq!(rest(queue), [1, 2, 3, 0]);
}

#[test]
fn from_the_middle_and_the_ends() {
    for wanted in 0..5 {
        let (mut forwards, mut backwards) = (queue(0..5), queue(0..5));
        assert_eq!(forwards.take_first(|member| member.number == wanted).unwrap().number, wanted);
        assert_eq!(backwards.take_last(|member| member.number <= wanted).unwrap().number, wanted);
        assert_eq!(forwards.len(), 4);
        let left: Vec<u32> = (0..5).filter(|&number| number != wanted).collect();
        assert_eq!((rest(forwards), rest(backwards)), (left.clone(), left));
    }
    assert!(queue(0..3).take_first(|_| false).is_none());
}

#[test]
fn a_queue_is_one_reference_and_a_member_may_come_again() {
    let one = member(7);
    let mut queue = Queue::new();
    for _ in 0..2 {
        queue.push_back(Arc::clone(&one));
        assert_eq!(Arc::strong_count(&one), 2);
        drop(queue.pop_front());
        assert_eq!(Arc::strong_count(&one), 1);
    }
    queue.push_back(Arc::clone(&one));
    drop(queue);
    assert_eq!(Arc::strong_count(&one), 1);
}

#[test]
#[should_panic(expected = "in two queues")]
fn nobody_is_in_two_queues() {
    let one = member(1);
    let (mut here, mut there) = (Queue::new(), Queue::new());
    here.push_back(Arc::clone(&one));
    there.push_back(one);
}
