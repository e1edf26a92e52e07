//! When what came is acknowledged: at once, or with the answer (as Linux' ping-pong mode and its `ato`; RFC 9293, section 3.8.6.3).

use core::time::Duration;

/// How long an acknowledgement waits for an answer to travel with (Linux `TCP_DELACK_MIN`).
const WAIT: Duration = Duration::from_millis(40);
/// How long at most, where answers take their time (`TCP_DELACK_MAX`).
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// What is known of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PingPong {
    /// Something came that nothing was sent after.
    was_spoken_to: bool,
    /// How long acknowledgements wait, if what is written answers what came.
    wait: Option<Duration>,
}

impl PingPong {
    /// How long acknowledgements wait; `None`: not at all.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// Something came.
    pub(super) fn hear(&mut self) {
        self.was_spoken_to = true;
    }

    /// Something is sent; after something came, it answers that.
    pub(super) fn answer(&mut self) {
        if core::mem::take(&mut self.was_spoken_to) {
            self.wait.get_or_insert(WAIT);
        }
    }

    /// An acknowledgement has waited for nothing. The next may wait for twice as long; where answers take too long for that, there is none, for a peer
    /// may wait for it before it sends more.
    pub(super) fn miss(&mut self) {
        if self.was_spoken_to {
            self.wait =
                self.wait.filter(|&wait| wait < LONGEST_WAIT).map(|wait| (wait * 2).min(LONGEST_WAIT));
        }
    }

    /// The program says how (tcp(7), `TCP_QUICKACK`).
    pub(super) fn set_quick(&mut self, on: bool) {
        self.wait = (!on).then_some(WAIT);
    }
}

#[cfg(test)]
mod tests;
