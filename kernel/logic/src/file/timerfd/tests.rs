//! Expiries are counted when somebody asks; an alarm is set only for somebody who waits.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::Waker;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::time::ClockId;
use sync::Lock;

use super::{Clocks, First, TimerFd};
use crate::file::io::SliceSink;
use crate::file::wakers::tests::Sleeper;
use crate::file::{File, Io, NOTHING};
use crate::time::interval::Setting;
use crate::time::timers::{Alarm, Timers};

/// Wall-clock time at monotonic zero.
const EPOCH: u64 = 1_000_000;

/// A machine whose time is told.
#[derive(Debug, Default)]
struct Machine {
    now: AtomicU64,
    timers: Lock<Timers>,
}

impl Clocks for Machine {
    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    fn realtime(&self) -> u64 {
        EPOCH + self.now()
    }

    fn set_alarm(&self, deadline_ns: u64, waker: Waker) -> Alarm {
        Alarm { cpu: 0, id: self.timers.lock().insert(deadline_ns, waker) }
    }

    fn cancel_alarm(&self, alarm: Alarm) {
        drop(self.timers.lock().cancel(alarm.id));
    }
}

impl Machine {
    /// One that is there for the rest of the test.
    fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Time goes on until `now`; what is due goes off.
    fn pass(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
        while let Some(waker) = { self.timers.lock().pop_due(now) } {
            waker.wake();
        }
    }

    fn next(&self) -> Option<u64> {
        self.timers.lock().next_deadline()
    }
}

fn read(timer: &TimerFd, io: &Io<'_>) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    timer.read_at(io, 0, &mut SliceSink::new(&mut bytes)).map(|_| u64::from_ne_bytes(bytes))
}

#[test]
fn what_nobody_waits_for_costs_nothing() {
    let machine = Machine::new();
    let timer = TimerFd::new(ClockId::MONOTONIC, machine).unwrap();
    timer.set(First::After(100), 10);
    assert_eq!(machine.next(), None);
    machine.pass(99);
    assert_eq!(read(&timer, &Io::default()), Err(Errno::EAGAIN));
    machine.pass(135);
    assert_eq!(timer.readiness(&Io::default()), PollEvents::IN);
    assert_eq!(read(&timer, &Io::default()), Ok(4));
    assert_eq!(timer.setting(), Setting { left_ns: 5, period_ns: 10 });
    assert_eq!(machine.next(), None);
}

#[test]
fn who_waits_is_woken_and_then_it_is_quiet() {
    let machine = Machine::new();
    let timer = TimerFd::new(ClockId::BOOTTIME, machine).unwrap();
    let (sleeper, waker) = Sleeper::new();
    let io = Io::new(Some(&waker), &NOTHING);
    timer.set(First::After(100), 10);
    assert_eq!(read(&timer, &io), Err(Errno::EAGAIN));
    assert_eq!(machine.next(), Some(100));
    machine.pass(100);
    assert_eq!((sleeper.wake_ups(), machine.next()), (1, None));
    machine.pass(200);
    assert_eq!((sleeper.wake_ups(), read(&timer, &io)), (0, Ok(11)));
    assert_eq!(machine.next(), None, "nobody waits");
}

#[test]
fn setting_it_anew_moves_the_alarm() {
    let machine = Machine::new();
    let timer = TimerFd::new(ClockId::MONOTONIC, machine).unwrap();
    let (sleeper, waker) = Sleeper::new();
    assert!(timer.readiness(&Io::new(Some(&waker), &NOTHING)).is_empty());
    assert_eq!(machine.next(), None, "it is not set");
    timer.set(First::After(100), 0);
    assert_eq!(machine.next(), Some(100));
    assert_eq!(timer.set(First::After(50), 0), Setting { left_ns: 100, period_ns: 0 });
    assert_eq!(machine.next(), Some(50));
    timer.set(First::Never, 7);
    assert_eq!((machine.next(), timer.setting()), (None, Setting { left_ns: 0, period_ns: 7 }));
    timer.set(First::At(0), 0);
    assert_eq!(sleeper.wake_ups(), 1, "it has been due for long");
}

#[test]
fn wall_clock_times_are_on_the_wall_clock() {
    let machine = Machine::new();
    let timer = TimerFd::new(ClockId::REALTIME, machine).unwrap();
    let (_, waker) = Sleeper::new();
    timer.set(First::At(EPOCH + 30), 0);
    let _ = timer.readiness(&Io::new(Some(&waker), &NOTHING));
    assert_eq!(machine.next(), Some(30));
    timer.set(First::At(EPOCH - 25), 10);
    assert_eq!(read(&timer, &Io::default()), Ok(3), "missed before the machine was there");
}

#[test]
fn an_alarm_goes_with_its_timer() {
    let machine = Machine::new();
    let timer = TimerFd::new(ClockId::MONOTONIC, machine).unwrap();
    let (_, waker) = Sleeper::new();
    timer.set(First::After(100), 0);
    let _ = timer.readiness(&Io::new(Some(&waker), &NOTHING));
    let inner = Arc::downgrade(&timer.0);
    drop(timer);
    assert_eq!((machine.next(), inner.strong_count()), (None, 0));
}

#[test]
fn some_clocks_have_no_timers() {
    let machine = Machine::new();
    assert_eq!(TimerFd::new(ClockId::PROCESS_CPUTIME_ID, machine).map(|_| ()), Err(Errno::EINVAL));
}
