//! Connections that this side closed first, for as long as packets of theirs may be under way (`TIME_WAIT`: RFC 9293, section 3.6.1): an end that the
//! other side says again, because our last word was lost, is acknowledged and not answered by a reset; and nobody connects between the same
//! addresses meanwhile, but a peer that begins anew.
//!
//! A few words are kept of each, of so many at most; the oldest gives way. A port is not kept from who binds to it.

use alloc::collections::VecDeque;
use core::hash::Hash;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;
use smoltcp::wire::TcpSeqNumber;

use super::bare::Bare;
use super::outlet::{Cut, Outlet};
use super::packet::{Ends, Segment};

/// Connections that are kept at most (`tcp_max_tw_buckets`).
const MOST: usize = 2048;
/// How long one is kept, in nanoseconds (Linux `TCP_TIMEWAIT_LEN`).
const KEPT_NS: u64 = 60_000_000_000;

/// What both sides said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastWords {
    /// The number behind our end.
    pub(super) ours: TcpSeqNumber,
    /// The number behind theirs.
    pub(super) theirs: TcpSeqNumber,
}

/// What a segment for a connection that has ended means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lateness {
    /// There was none, or is none any more: the segment is looked at as any other.
    New,
    /// Nothing.
    Nothing,
    /// The last words have to be said again.
    Again(LastWords),
}

/// The connections, by their places.
#[derive(Debug)]
pub(super) struct Late<P> {
    by_place: HashMap<P, (LastWords, u64), SeedableRandomState>,
    /// In the order of their ends, each with its time; those that are gone among them.
    order: VecDeque<(P, u64)>,
}

impl<P: Copy + Eq + Hash> Late<P> {
    /// None.
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        Self { by_place: HashMap::with_hasher(hasher), order: VecDeque::new() }
    }

    /// Keeps the connection at `place`. Without memory it is not.
    pub(super) fn keep(&mut self, place: P, words: LastWords, now_ns: u64) {
        while let Some((first, until)) = self.order.front().copied()
            && (until <= now_ns || self.order.len() >= MOST)
        {
            self.order.pop_front();
            // Another one between the same addresses may be kept by now.
            if self.by_place.get(&first).is_some_and(|(_, its)| *its == until) {
                self.by_place.remove(&first);
            }
        }
        if self.by_place.try_reserve(1).is_ok() && self.order.try_reserve(1).is_ok() {
            let until = now_ns.saturating_add(KEPT_NS);
            self.by_place.insert(place, (words, until));
            self.order.push_back((place, until));
        }
    }

    /// Whether the place is kept.
    pub(super) fn is_kept(&self, place: &P, now_ns: u64) -> bool {
        self.by_place.get(place).is_some_and(|(_, until)| *until > now_ns)
    }

    /// A segment came for `place`, which no connection has.
    pub(super) fn meet(&mut self, place: &P, segment: &Segment, now: impl FnOnce() -> u64) -> Lateness {
        let Some((words, until)) = self.by_place.get(place).copied() else { return Lateness::New };
        let is_next = segment.sequence == words.theirs;
        let begins_anew = segment.syn && !segment.ack && segment.sequence > words.theirs;
        if until <= now() || begins_anew {
            self.by_place.remove(place);
            return Lateness::New;
        }
        if segment.rst {
            // Who does not know of it says so with the very number (not RFC 1337, for he may want to begin anew).
            if is_next {
                self.by_place.remove(place);
            }
            return Lateness::Nothing;
        }
        let says_nothing = is_next && segment.length == 0 && !segment.fin && !segment.syn;
        if says_nothing { Lateness::Nothing } else { Lateness::Again(words) }
    }
}

/// Says the last words between `ends` again.
pub(super) fn say_again(ends: &Ends, words: LastWords, outlet: &mut dyn Outlet) {
    let segment = Bare::new(*ends, words.ours, words.theirs);
    let checksums = outlet.capabilities().checksums();
    segment.emit(outlet.buffer(segment.length()), &checksums);
    outlet.send(Cut::default());
}

#[cfg(test)]
mod tests;
