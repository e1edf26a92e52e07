//! The machine's clocks and alarms as timers want them that are descriptors (`logic::file::timerfd`).

use core::task::Waker;

use logic::file::timerfd;
use logic::time::timers::Alarm;

use crate::time;

use super::sched;

/// The machine's.
#[derive(Debug)]
pub struct Clocks;

impl timerfd::Clocks for Clocks {
    fn now(&self) -> u64 {
        time::now()
    }

    fn realtime(&self) -> u64 {
        time::realtime()
    }

    fn set_alarm(&self, deadline_ns: u64, waker: Waker) -> Alarm {
        sched::set_alarm(deadline_ns, waker)
    }

    fn cancel_alarm(&self, alarm: Alarm) {
        sched::cancel_alarm(alarm);
    }
}
