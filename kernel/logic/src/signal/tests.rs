//! Dispositions and masks as signal(7) has them.

use alloc::vec::Vec;

use super::*;

/// Room for real-time signals.
const MOST: usize = 100;

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
    thread.pending.add(Signal::SIGHUP, info(Signal::SIGHUP, 0), MOST).unwrap();
    let child = thread.inherited();
    assert_eq!((child.mask, child.pending.set()), (thread.mask, SigSet(0)));
}

fn info(signal: Signal, value: u64) -> SigInfo {
    let mut info = SigInfo::sent(signal, 0, 1, 0);
    info.fields[1] = value;
    info
}

#[test]
fn classic_signals_come_once_and_real_time_ones_in_order() {
    let mut pending = Pending::default();
    let all = SigSet(u64::MAX);
    pending.add(Signal::SIGUSR1, info(Signal::SIGUSR1, 1), MOST).unwrap();
    pending.add(Signal::SIGUSR1, info(Signal::SIGUSR1, 2), MOST).unwrap();
    let real_time = Signal::new(40).unwrap();
    pending.add(real_time, info(real_time, 3), MOST).unwrap();
    pending.add(real_time, info(real_time, 4), MOST).unwrap();
    pending.add(Signal::SIGSEGV, info(Signal::SIGSEGV, 5), MOST).unwrap();
    let order: Vec<_> = core::iter::from_fn(|| pending.take(all)).map(|(_, info)| info.fields[1]).collect();
    assert_eq!(order, [5, 1, 3, 4]);
    assert!(pending.set().is_empty());
}

#[test]
fn full_queues_refuse_what_needs_its_value_only() {
    let (mut pending, all) = (Pending::default(), SigSet(u64::MAX));
    let queued = Signal::new(40).unwrap();
    let with_value = |value| SigInfo { si_code: code::SI_QUEUE, ..info(queued, value) };
    for value in 0..2 {
        pending.add(queued, with_value(value), 2).unwrap();
    }
    assert_eq!(pending.add(queued, with_value(2), 2), Err(Errno::EAGAIN));
    let sent = Signal::new(41).unwrap();
    pending.add(sent, info(sent, 7), 2).unwrap();
    pending.add(Signal::SIGUSR1, info(Signal::SIGUSR1, 8), 2).unwrap();
    let order: Vec<_> = core::iter::from_fn(|| pending.take(all)).collect();
    let shown: Vec<_> =
        order.iter().map(|(signal, info)| (signal.raw(), info.si_signo, info.fields[1])).collect();
    // That 41 came is known, who sent it is not.
    assert_eq!(shown, [(10, 10, 8), (40, 40, 0), (40, 40, 1), (41, 41, 0)]);
    assert!(pending.set().is_empty());
    pending.add(queued, with_value(3), 2).unwrap();
}

#[test]
fn a_timer_has_one_signal_at_a_time() {
    let mut pending = Pending::default();
    for signal in [Signal::SIGALRM, Signal::SIGRTMIN] {
        pending.add(signal, SigInfo::timer(signal, 3, 0, 7), MOST).unwrap();
        pending.add(signal, SigInfo::timer(signal, 3, 2, 7), MOST).unwrap();
        pending.add(signal, SigInfo::timer(signal, 3, u32::MAX, 7), MOST).unwrap();
        let (_, taken) = pending.take(SigSet::of(signal)).unwrap();
        assert_eq!(taken.expiry(), Some((3, i32::MAX as u32)));
        assert_eq!(pending.take(SigSet::of(signal)), None);
    }
    // Another timer's is another signal, and what a program queues itself stays apart.
    let signal = Signal::SIGRTMIN;
    pending.add(signal, SigInfo::timer(signal, 3, 0, 7), MOST).unwrap();
    pending.add(signal, SigInfo::timer(signal, 4, 0, 7), MOST).unwrap();
    pending.add(signal, info(signal, 3), MOST).unwrap();
    assert_eq!(core::iter::from_fn(|| pending.take(SigSet::of(signal))).count(), 3);
}

#[test]
fn handlers_run_with_their_masks_and_the_old_one_comes_back() {
    let (mut thread, mut process) = (ThreadSignals::default(), ProcessSignals::default());
    let action = SigAction {
        sa_handler: 0x1000,
        sa_mask: SigSet::of(Signal::SIGTERM).union(SigSet::of(Signal::SIGKILL)),
        ..SigAction::default()
    };
    process.set_action(Signal::SIGUSR1, action).unwrap();
    thread.mask = SigSet::of(Signal::SIGHUP);
    thread.begin_wait(SigSet::EMPTY);
    // The call is made again, through the door that a handler's frame can be pushed from.
    thread.begin_wait(SigSet::EMPTY);
    process.pending.add(Signal::SIGUSR1, info(Signal::SIGUSR1, 0), MOST).unwrap();
    assert!(wants_attention(&thread, &process));
    let Some(Step::Handle(delivery)) = next(&mut thread, &mut process) else { panic!("a handler is there") };
    assert_eq!(delivery.mask_before, SigSet::of(Signal::SIGHUP));
    assert!(thread.mask.contains(Signal::SIGUSR1) && thread.mask.contains(Signal::SIGTERM));
    assert!(!thread.mask.contains(Signal::SIGKILL));
    assert!(next(&mut thread, &mut process).is_none());
}

#[test]
fn ignoring_forgets_what_waits() {
    let mut process = ProcessSignals::default();
    process.pending.add(Signal::SIGTERM, info(Signal::SIGTERM, 0), MOST).unwrap();
    process.set_action(Signal::SIGTERM, SigAction { sa_handler: SIG_IGN, ..SigAction::default() }).unwrap();
    assert!(process.pending.set().is_empty());
}

#[test]
fn alternate_stack_is_used_once() {
    let stack = SigStack { ss_sp: 0x1000, ss_size: 0x2000, ..SigStack::default() };
    let thread = ThreadSignals { stack, ..ThreadSignals::default() };
    assert_eq!(thread.stack_for(SaFlags::ONSTACK, 0x9000), Some(0x3000));
    assert_eq!(thread.stack_for(SaFlags::ONSTACK, 0x2000), None);
    assert_eq!(thread.stack_for(SaFlags::empty(), 0x9000), None);
    assert!(thread.is_on_stack(0x3000) && !thread.is_on_stack(0x1000));
}

#[test]
fn once_only_handlers_are_taken_away() {
    let (mut thread, mut process) = (ThreadSignals::default(), ProcessSignals::default());
    let action =
        SigAction { sa_handler: 0x1000, sa_flags: SaFlags::RESETHAND.bits(), ..SigAction::default() };
    process.set_action(Signal::SIGUSR2, action).unwrap();
    thread.pending.add(Signal::SIGUSR2, info(Signal::SIGUSR2, 0), MOST).unwrap();
    assert!(matches!(next(&mut thread, &mut process), Some(Step::Handle(_))));
    assert_eq!(process.effect(Signal::SIGUSR2), Effect::Kill);
}

#[test]
fn waits_with_a_timeout_never_restart() {
    let number = |name: &str| abi::table::rows().iter().find(|row| row.name == name).unwrap().number;
    assert!(restarts(number("read"), 1) && restarts(number("futex"), 0) && !restarts(number("futex"), 1));
    assert!(["poll", "nanosleep", "pause"].iter().all(|name| !restarts(number(name), 0)));
}
