//! A timer that goes off once or again and again (setitimer(2), timer_settime(2)): when, how often, what is left.

/// A timer's state. Times are monotonic nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// When it goes off next.
    deadline_ns: Option<u64>,
    /// How long after that it goes off again; 0 for never.
    period_ns: u64,
}

/// What a timer is set to, as programs read it: what is left and the period, in nanoseconds; zeros when it is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Until it goes off.
    pub left_ns: u64,
    /// From then on.
    pub period_ns: u64,
}

impl Interval {
    /// Sets it to go off at `deadline_ns` and every `period_ns` from then on; `None` stops it.
    pub fn set(&mut self, deadline_ns: Option<u64>, period_ns: u64) {
        *self = Self { deadline_ns, period_ns };
    }

    /// When it goes off next.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.deadline_ns
    }

    /// How it is set at `now_ns`. One that is due has a nanosecond left: zero would say that it is not set.
    #[must_use]
    pub fn setting(&self, now_ns: u64) -> Setting {
        match self.deadline_ns {
            Some(deadline) => {
                Setting { left_ns: deadline.saturating_sub(now_ns).max(1), period_ns: self.period_ns }
            }
            None => Setting { left_ns: 0, period_ns: 0 },
        }
    }

    /// How often it has gone off up to `now_ns`; it is set for the next time then.
    pub fn expire(&mut self, now_ns: u64) -> u64 {
        let Some(deadline) = self.deadline_ns.filter(|&deadline| deadline <= now_ns) else { return 0 };
        if self.period_ns == 0 {
            self.deadline_ns = None;
            return 1;
        }
        let count = (now_ns - deadline) / self.period_ns + 1;
        self.deadline_ns = deadline.checked_add(count.saturating_mul(self.period_ns));
        count
    }
}

#[cfg(test)]
mod tests;
