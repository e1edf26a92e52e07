//! Numbers, sets and default actions are those of signal(7).

use super::{DefaultAction, SigInfo, SigSet, Signal, code};
use crate::errno::Errno;

#[test]
fn numbers_are_1_to_64() {
    assert_eq!(Signal::new(9), Ok(Signal::SIGKILL));
    assert_eq!(Signal::new(64).map(Signal::index), Ok(63));
    for number in [-1, 0, 65, 256 + 9] {
        assert_eq!(Signal::new(number), Err(Errno::EINVAL));
    }
    assert_eq!(format!("{} {:?}", Signal::SIGSEGV, Signal::new(34)), "SIGSEGV Ok(SIGRT_2)");
}

#[test]
fn sets() {
    let set = SigSet::of(Signal::SIGTERM).union(SigSet::of(Signal::SIGINT));
    assert!(set.contains(Signal::SIGINT) && !set.contains(Signal::SIGKILL));
    assert_eq!(set.first(), Some(Signal::SIGINT));
    assert_eq!(set.difference(set).first(), None);
    assert_eq!(format!("{set:?}"), "{SIGINT, SIGTERM}");
    assert_eq!(SigSet::UNBLOCKABLE, SigSet::of(Signal::SIGKILL).union(SigSet::of(Signal::SIGSTOP)));
    assert_eq!(SigSet(1 << 63).first(), Signal::new(64).ok());
}

#[test]
fn default_actions() {
    assert_eq!(Signal::SIGTERM.default_action(), DefaultAction::Terminate);
    assert_eq!(Signal::SIGRTMIN.default_action(), DefaultAction::Terminate);
    assert_eq!(Signal::SIGSEGV.default_action(), DefaultAction::Core);
    assert_eq!(Signal::SIGCHLD.default_action(), DefaultAction::Ignore);
    assert_eq!(Signal::SIGTSTP.default_action(), DefaultAction::Stop);
}

#[test]
fn siginfo_says_who_or_where() {
    let sent = SigInfo::sent(Signal::SIGUSR1, code::SI_TKILL, 1, 1000);
    assert_eq!((sent.si_signo, sent.si_code, sent.fields[0]), (10, -6, 1000 << 32 | 1));
    let fault = SigInfo::fault(Signal::SIGSEGV, code::SEGV_MAPERR, 0xdead_0000);
    assert_eq!((fault.si_signo, fault.si_code, fault.fields[0]), (11, 1, 0xdead_0000));
}
