//! A timer that is read (timerfd_create(2)): how often it went off.
//!
//! That is counted when somebody asks. Only for somebody who waits an alarm is set; a timer that goes off again and again without being
//! read costs nothing after the first time.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::fmt;
use core::task::Waker;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::time::ClockId;
use sync::IrqLock;

use super::io::Sink;
use super::wakers::WakerSet;
use super::{File, Io, Positions};
use crate::time::interval::{Interval, Setting};
use crate::time::timers::Alarm;

/// Bytes of the number that is read.
const BYTES: usize = size_of::<u64>();

/// The clocks of the machine, and its alarms.
pub trait Clocks: Sync + fmt::Debug {
    /// Monotonic time in nanoseconds.
    fn now(&self) -> u64;
    /// Wall-clock time in nanoseconds since 1970. Nobody sets it.
    fn realtime(&self) -> u64;
    /// Has `waker` woken at `deadline_ns` (monotonic), perhaps in an interrupt.
    fn set_alarm(&self, deadline_ns: u64, waker: Waker) -> Alarm;
    /// Takes an alarm back; one that has gone off is no error.
    fn cancel_alarm(&self, alarm: Alarm);
}

/// When a timer goes off first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Never: it is stopped.
    Never,
    /// So many nanoseconds from now.
    After(u64),
    /// At this time of its clock (`TFD_TIMER_ABSTIME`).
    At(u64),
}

#[derive(Debug, Default)]
struct State {
    /// On the timer's own clock.
    interval: Interval,
    period_ns: u64,
    /// How often it went off since it was read.
    count: u64,
    /// The alarm that is set, and for when.
    alarm: Option<(u64, Alarm)>,
    wakers: WakerSet,
}

/// What an alarm finds when the descriptor may be gone.
#[derive(Debug)]
struct Timer {
    clock: ClockId,
    clocks: &'static dyn Clocks,
    state: IrqLock<State>,
}

/// The timer.
#[derive(Debug)]
pub struct TimerFd(Arc<Timer>);

impl TimerFd {
    /// A timer on `clock` that is not set.
    ///
    /// # Errors
    /// `EINVAL` for clocks that no timer runs on.
    pub fn new(clock: ClockId, clocks: &'static dyn Clocks) -> Result<Self, Errno> {
        match clock {
            ClockId::REALTIME
            | ClockId::MONOTONIC
            | ClockId::BOOTTIME
            | ClockId::REALTIME_ALARM
            | ClockId::BOOTTIME_ALARM => {}
            _ => return Err(Errno::EINVAL),
        }
        Ok(Self(Arc::new(Timer { clock, clocks, state: IrqLock::default() })))
    }

    /// Sets it to go off `first` and every `period_ns` from then on; answers how it was set. What it counted is forgotten.
    pub fn set(&self, first: First, period_ns: u64) -> Setting {
        let mut state = self.0.state.lock();
        let now = self.0.now();
        let before = state.setting(now);
        let deadline = match first {
            First::Never => None,
            First::After(ns) => Some(now.saturating_add(ns)),
            First::At(ns) => Some(ns),
        };
        state.interval.set(deadline, period_ns);
        state.period_ns = period_ns;
        state.count = 0;
        self.0.tell(&mut state);
        before
    }

    /// How it is set.
    pub fn setting(&self) -> Setting {
        self.0.state.lock().setting(self.0.now())
    }
}

impl State {
    /// Counts up to `now`.
    fn catch_up(&mut self, now: u64) {
        self.count = self.count.saturating_add(self.interval.expire(now));
    }

    fn setting(&mut self, now: u64) -> Setting {
        self.catch_up(now);
        Setting { period_ns: self.period_ns, ..self.interval.setting(now) }
    }
}

impl Timer {
    /// Time on the timer's clock.
    fn now(&self) -> u64 {
        match self.clock {
            ClockId::REALTIME | ClockId::REALTIME_ALARM => self.clocks.realtime(),
            _ => self.clocks.now(),
        }
    }

    /// Tells who waits if it has gone off; has an alarm see to it otherwise.
    fn tell(self: &Arc<Self>, state: &mut State) {
        let now = self.now();
        state.catch_up(now);
        if state.count > 0 {
            state.wakers.wake(PollEvents::IN);
        }
        let is_awaited = state.count == 0 && !state.wakers.is_empty();
        let wanted = state.interval.deadline().filter(|_| is_awaited);
        if state.alarm.as_ref().map(|&(at, _)| at) == wanted {
            return;
        }
        if let Some((_, alarm)) = state.alarm.take() {
            self.clocks.cancel_alarm(alarm);
        }
        state.alarm = wanted.map(|at| {
            let monotonic = self.clocks.now().saturating_add(at.saturating_sub(now));
            (at, self.clocks.set_alarm(monotonic, Waker::from(Arc::clone(self))))
        });
    }
}

/// The alarm.
impl Wake for Timer {
    fn wake(self: Arc<Self>) {
        let mut state = self.state.lock();
        state.alarm = None;
        self.tell(&mut state);
    }
}

impl File for TimerFd {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        if out.room() < BYTES {
            return Err(Errno::EINVAL);
        }
        let mut state = self.0.state.lock();
        state.catch_up(self.0.now());
        if state.count == 0 {
            io.wait_for(&mut state.wakers, PollEvents::IN);
            self.0.tell(&mut state);
            return Err(Errno::EAGAIN);
        }
        out.put(&state.count.to_ne_bytes())?;
        state.count = 0;
        self.0.tell(&mut state);
        Ok(BYTES)
    }

    fn positions(&self) -> Positions {
        Positions::AlwaysZero
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.0.state.lock();
        io.watch(&mut state.wakers);
        state.catch_up(self.0.now());
        if state.count > 0 {
            return PollEvents::IN;
        }
        self.0.tell(&mut state);
        PollEvents::empty()
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn timer(&self) -> Option<&TimerFd> {
        Some(self)
    }
}

impl Drop for TimerFd {
    fn drop(&mut self) {
        if let Some((_, alarm)) = self.0.state.lock().alarm.take() {
            self.0.clocks.cancel_alarm(alarm);
        }
    }
}

#[cfg(test)]
mod tests;
