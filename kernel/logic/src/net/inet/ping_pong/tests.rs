//! Conversations.

use core::time::Duration;

use super::PingPong;

const fn ms(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

#[test]
fn who_answers_waits_with_acknowledgements() {
    let mut talk = PingPong::default();
    talk.answer();
    assert_eq!(talk.wait(), None, "it spoke first");
    talk.hear();
    assert_eq!(talk.wait(), None, "it has never answered");
    talk.answer();
    assert_eq!(talk.wait(), ms(40));
    talk.miss();
    assert_eq!(talk.wait(), ms(40), "nothing waited");
}

#[test]
fn who_answers_late_waits_for_longer_and_then_not_at_all() {
    let mut talk = PingPong::default();
    talk.hear();
    talk.answer();
    for wait in [ms(80), ms(160), ms(200), None] {
        talk.hear();
        talk.miss();
        assert_eq!(talk.wait(), wait);
        if wait.is_some() {
            talk.answer();
            assert_eq!(talk.wait(), wait, "it stays so");
        }
    }
    talk.answer();
    assert_eq!(talk.wait(), ms(40), "from the beginning");
}
