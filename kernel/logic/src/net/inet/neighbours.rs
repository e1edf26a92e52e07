//! Who is where on a link (ARP: RFC 826; neighbour discovery: RFC 4861): addresses of neighbours, and frames that wait until one is known.
//!
//! ```text
//!   frame for it        answer              a minute passes, frame for it
//!  ───────────▶ Asked ─────────▶ Known, fresh ─────────▶ Known, asked again ──▶ fresh, if it answers
//!                 │ three questions, no answer                     │ three questions, no answer
//!                 ▼                                                ▼
//!          frames are given up                                 forgotten
//! ```

use alloc::vec::Vec;
use core::net::IpAddr;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;

use super::device::Frame;

/// An Ethernet address.
pub(super) type Mac = [u8; 6];

/// Neighbours that are known at most.
const MOST: usize = 512;
/// Frames that wait for one neighbour at most (arp(7), `unres_qlen`).
const MOST_WAITING: usize = 32;
/// Questions before a neighbour counts as gone, and the nanoseconds between them (arp(7), `mcast_solicit`, `retrans_time`).
const QUESTIONS: u8 = 3;
const PATIENCE_NS: u64 = 1_000_000_000;
/// How long an answer is believed.
const FRESH_NS: u64 = 60_000_000_000;

/// What to do with a frame for a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Send it there.
    At(Mac),
    /// Send it there, and ask whether that is still right.
    Doubtful(Mac),
    /// It has to wait: [`Neighbours::hold`].
    Asked,
    /// It has to wait, and the question is to be asked first.
    Unknown,
    /// There is no room for another neighbour.
    NoRoom,
}

#[derive(Debug)]
struct Neighbour {
    /// Where it is or was.
    mac: Option<Mac>,
    fresh_until: u64,
    /// Questions since the last answer, and when the next is due, or it is given up.
    asked: u8,
    due: u64,
    waiting: Vec<Frame>,
}

/// What is due.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Who is to be asked for.
    pub(super) questions: Vec<IpAddr>,
    /// Frames for neighbours that do not answer.
    pub(super) given_up: Vec<Frame>,
}

/// The neighbours on a link.
#[derive(Debug)]
pub(super) struct Neighbours(HashMap<IpAddr, Neighbour, SeedableRandomState>);

impl Neighbours {
    /// Nobody is known. Nobody outside knows how `hasher` spreads.
    pub(super) fn new(hasher: SeedableRandomState) -> Self {
        Self(HashMap::with_hasher(hasher))
    }

    /// Where `address` is.
    pub(super) fn find(&mut self, address: IpAddr, now_ns: u64) -> Found {
        if let Some(neighbour) = self.0.get_mut(&address) {
            return match neighbour.mac {
                Some(mac) if now_ns < neighbour.fresh_until || neighbour.asked > 0 => Found::At(mac),
                Some(mac) => {
                    neighbour.ask(now_ns);
                    Found::Doubtful(mac)
                }
                None => Found::Asked,
            };
        }
        if !self.make_room(now_ns) {
            return Found::NoRoom;
        }
        let mut neighbour = Neighbour { mac: None, fresh_until: 0, asked: 0, due: 0, waiting: Vec::new() };
        neighbour.ask(now_ns);
        self.0.insert(address, neighbour);
        Found::Unknown
    }

    /// Keeps a frame until `address` is known. False: too many wait already.
    pub(super) fn hold(&mut self, address: IpAddr, frame: Frame) -> bool {
        let place = self.0.get_mut(&address).filter(|neighbour| neighbour.waiting.len() < MOST_WAITING);
        place.map(|neighbour| neighbour.waiting.push(frame)).is_some()
    }

    /// Whether `address` is known to be somewhere else than at `mac`.
    pub(super) fn is_elsewhere(&self, address: IpAddr, mac: Mac) -> bool {
        self.0.get(&address).is_some_and(|neighbour| neighbour.mac.is_some_and(|known| known != mac))
    }

    /// `address` says that it is at `mac`; answers the frames that waited for that. Who was not asked for is believed only if `is_asking` us,
    /// and will want an answer.
    pub(super) fn learn(&mut self, address: IpAddr, mac: Mac, is_asking: bool, now_ns: u64) -> Vec<Frame> {
        let is_known = self.0.contains_key(&address);
        if !is_known && (!is_asking || !self.make_room(now_ns)) {
            return Vec::new();
        }
        let neighbour = self.0.entry(address).or_insert_with(|| Neighbour {
            mac: None,
            fresh_until: 0,
            asked: 0,
            due: 0,
            waiting: Vec::new(),
        });
        neighbour.mac = Some(mac);
        (neighbour.asked, neighbour.fresh_until) = (0, now_ns.saturating_add(FRESH_NS));
        core::mem::take(&mut neighbour.waiting)
    }

    /// When [`Neighbours::take_due`] must be called.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.0.values().filter(|neighbour| neighbour.asked > 0).map(|neighbour| neighbour.due).min()
    }

    /// Takes what is due by now.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Due {
        let mut due = Due::default();
        self.0.retain(|&address, neighbour| {
            if neighbour.asked == 0 || now_ns < neighbour.due {
                return true;
            }
            if neighbour.asked < QUESTIONS {
                neighbour.ask(now_ns);
                due.questions.push(address);
                return true;
            }
            due.given_up.append(&mut neighbour.waiting);
            false
        });
        due
    }

    /// Room for one more: of those that nothing waits for, the oldest goes.
    fn make_room(&mut self, now_ns: u64) -> bool {
        if self.0.len() < MOST {
            return self.0.try_reserve(1).is_ok();
        }
        let idle = self.0.iter().filter(|(_, neighbour)| neighbour.waiting.is_empty());
        let oldest =
            idle.min_by_key(|(_, neighbour)| neighbour.fresh_until.min(now_ns.saturating_add(FRESH_NS)));
        match oldest.map(|(&address, _)| address) {
            Some(address) => self.0.remove(&address).is_some(),
            None => false,
        }
    }
}

impl Neighbour {
    fn ask(&mut self, now_ns: u64) {
        self.asked += 1;
        self.due = now_ns.saturating_add(PATIENCE_NS);
    }
}

#[cfg(test)]
mod tests;
