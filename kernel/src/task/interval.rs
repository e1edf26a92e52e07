//! A timer that does something when it goes off, once or again and again: `logic::time::interval` with an alarm behind it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::fmt;
use core::task::Waker;

use logic::time::interval::{Interval, Setting};
use logic::time::timers::Alarm;
use sync::IrqLock;

use crate::time;

use super::sched;

/// What a timer does; told how often it has gone off. Runs with interrupts off; must not wait.
pub type Action = Box<dyn Fn(u64) + Send + Sync>;

/// A timer.
pub struct IntervalTimer {
    state: IrqLock<State>,
    action: Action,
}

#[derive(Default)]
struct State {
    interval: Interval,
    alarm: Option<Alarm>,
}

impl fmt::Debug for IntervalTimer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("IntervalTimer").finish_non_exhaustive()
    }
}

impl IntervalTimer {
    /// A timer that is not set.
    pub fn new(action: Action) -> Arc<Self> {
        Arc::new(Self { state: IrqLock::new(State::default()), action })
    }

    /// Sets it to go off at `deadline_ns` and every `period_ns` from then on, or stops it; answers how it was set.
    pub fn set(self: &Arc<Self>, deadline_ns: Option<u64>, period_ns: u64) -> Setting {
        let mut state = self.state.lock();
        let before = state.interval.setting(time::now());
        state.interval.set(deadline_ns, period_ns);
        self.arm(&mut state);
        before
    }

    /// How it is set.
    pub fn setting(&self) -> Setting {
        self.state.lock().interval.setting(time::now())
    }

    fn arm(self: &Arc<Self>, state: &mut State) {
        if let Some(alarm) = state.alarm.take() {
            sched::cancel_alarm(alarm);
        }
        let deadline = state.interval.deadline();
        state.alarm = deadline.map(|at| sched::set_alarm(at, Waker::from(Arc::clone(self))));
    }
}

impl Wake for IntervalTimer {
    fn wake(self: Arc<Self>) {
        let count = {
            let mut state = self.state.lock();
            let count = state.interval.expire(time::now());
            self.arm(&mut state);
            count
        };
        if count > 0 {
            (self.action)(count);
        }
    }
}
