//! Whether a silent peer is still there: it is asked, and given up when it does not answer (RFC 9293, section 3.8.4; socket(7), `SO_KEEPALIVE`).

use core::time::Duration;

/// How a peer is asked (tcp(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeepAlive {
    /// How long it may be silent (`TCP_KEEPIDLE`).
    pub idle: Duration,
    /// How long an answer may take (`TCP_KEEPINTVL`).
    pub interval: Duration,
    /// How often it is asked (`TCP_KEEPCNT`).
    pub count: u32,
}

/// A peer that is listened to.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// How it is asked, if it is.
    pub(super) manner: Option<KeepAlive>,
    /// How long it is asked at most, if that is said (`TCP_USER_TIMEOUT`).
    pub(super) patience: Option<Duration>,
    /// When something came from it last: monotonic nanoseconds.
    pub(super) since: u64,
}

/// What its silence means by now. Times are monotonic nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing before this time.
    Nothing(u64),
    /// It must be asked every so often; without an answer it is not there at this time.
    Ask(Duration, u64),
    /// It is not there.
    Gone,
}

impl Silence {
    /// What it means at `now_ns`.
    pub(super) fn meaning(&self, now_ns: u64) -> Meaning {
        let Some(KeepAlive { idle, interval, count }) = self.manner else {
            return Meaning::Nothing(u64::MAX);
        };
        let after =
            |time: Duration| self.since.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        // It is asked once at least, whatever the patience.
        let most = self.patience.map_or(idle.saturating_add(interval.saturating_mul(count)), |patience| {
            patience.max(idle.saturating_add(interval))
        });
        if now_ns >= after(most) {
            Meaning::Gone
        } else if now_ns >= after(idle) {
            Meaning::Ask(interval, after(most))
        } else {
            Meaning::Nothing(after(idle))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, KeepAlive, Meaning, Silence};

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn what_silence_means() {
        let second = Duration::from_secs(1);
        let manner = KeepAlive { idle: 10 * second, interval: 2 * second, count: 3 };
        let mut silence = Silence { manner: Some(manner), patience: None, since: 5 * SECOND };
        assert_eq!(silence.meaning(14 * SECOND), Meaning::Nothing(15 * SECOND));
        assert_eq!(silence.meaning(15 * SECOND), Meaning::Ask(2 * second, 21 * SECOND));
        assert_eq!(silence.meaning(21 * SECOND), Meaning::Gone);
        silence.patience = Some(second);
        assert_eq!(silence.meaning(16 * SECOND), Meaning::Ask(2 * second, 17 * SECOND), "asked once");
        silence.patience = Some(60 * second);
        assert_eq!(silence.meaning(21 * SECOND), Meaning::Ask(2 * second, 65 * SECOND));
        silence.manner = None;
        assert_eq!(silence.meaning(u64::MAX), Meaning::Nothing(u64::MAX));
    }
}
