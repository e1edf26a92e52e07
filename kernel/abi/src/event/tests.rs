//! A signal looks the same through a descriptor.

use super::{EpollFlags, SignalFdInfo};
use crate::io::PollEvents;
use crate::signal::{SigInfo, Signal, code};

#[test]
fn fields_follow_the_sender() {
    let sent = SignalFdInfo::from(&SigInfo::sent(Signal::SIGUSR1, code::SI_USER, 7, 1000));
    assert_eq!((sent.ssi_signo, sent.ssi_code, sent.ssi_pid, sent.ssi_uid), (10, 0, 7, 1000));
    assert_eq!((sent.ssi_ptr, sent.ssi_addr), (0, 0));

    let mut queued = SigInfo::sent(Signal::SIGRTMIN, code::SI_QUEUE, 7, 1000);
    queued.fields[1] = 0x1_0000_0005;
    let queued = SignalFdInfo::from(&queued);
    assert_eq!((queued.ssi_pid, queued.ssi_int, queued.ssi_ptr), (7, 5, 0x1_0000_0005));

    let timer = SignalFdInfo::from(&SigInfo::timer(Signal::SIGALRM, 3, 9, 42));
    assert_eq!((timer.ssi_tid, timer.ssi_overrun, timer.ssi_int, timer.ssi_pid), (3, 9, 42, 0));

    let fault = SignalFdInfo::from(&SigInfo::fault(Signal::SIGSEGV, code::SEGV_MAPERR, 0x1234));
    assert_eq!((fault.ssi_addr, fault.ssi_pid), (0x1234, 0));
}

#[test]
fn events_are_the_low_half() {
    let asked = EpollFlags::ET | EpollFlags::from(PollEvents::IN | PollEvents::RDHUP);
    assert_eq!(asked.events(), PollEvents::IN | PollEvents::RDHUP);
    assert_eq!(asked.bits(), 0x8000_2001);
}
