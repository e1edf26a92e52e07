//! Dispositions and masks as signal(7) has them.

use super::*;

#[test]
fn defaults() {
    let signals = ProcessSignals::default();
    assert_eq!(signals.effect(Signal::SIGTERM), Effect::Kill);
    assert_eq!(signals.effect(Signal::SIGABRT), Effect::Kill);
    assert_eq!(signals.effect(Signal::SIGCHLD), Effect::Ignore);
}

#[test]
fn ignored_and_handled() {
    let mut signals = ProcessSignals::default();
    signals.set_action(Signal::SIGPIPE, SigAction { sa_handler: SIG_IGN, ..SigAction::default() }).unwrap();
    assert_eq!(signals.effect(Signal::SIGPIPE), Effect::Ignore);
    let action = SigAction { sa_handler: 0x1234, ..SigAction::default() };
    signals.set_action(Signal::SIGINT, action).unwrap();
    assert_eq!(signals.effect(Signal::SIGINT), Effect::Handle(action));
    assert_eq!(signals.set_action(Signal::SIGKILL, action), Err(Errno::EINVAL));
}

#[test]
fn kill_and_stop_cannot_be_blocked() {
    let mut thread = ThreadSignals::default();
    thread.change_mask(SigHow::SetMask, SigSet(u64::MAX));
    assert!(!thread.mask.contains(Signal::SIGKILL) && thread.mask.contains(Signal::SIGINT));
    thread.change_mask(SigHow::Unblock, SigSet::of(Signal::SIGINT));
    assert!(!thread.mask.contains(Signal::SIGINT));
    let mut child = ThreadSignals { pending: SigSet(1), ..ThreadSignals::default() };
    child.inherit(&thread);
    assert_eq!((child.mask, child.pending), (thread.mask, SigSet(0)));
}
