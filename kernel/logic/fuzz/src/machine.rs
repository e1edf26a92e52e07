//! A machine with one link: its clock, its random numbers, its network device, and what holds for it whatever arrives.

use std::cell::Cell;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use arbitrary::{Result, Unstructured};
use logic::net::inet::device::{Device, Finish, Frame, Offloads, Received};
use logic::net::inet::discovery::Setting6;
use logic::net::inet::link::{Link, Setting};
use logic::net::inet::stack::{Stack, Surroundings};

use crate::{rings, sent};

/// The machine's addresses.
pub(crate) const OUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub(crate) const OUR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const OUR6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// A neighbour's.
pub(crate) const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub(crate) const PEER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// Frames that wait in a driver's queue at most.
const MOST_WAITING: usize = 1024;
/// How often something may be due at one moment.
const MOST_AT_ONCE: u32 = 100;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static RANDOM: Cell<u64> = const { Cell::new(1) };
}

pub(crate) fn now() -> u64 {
    NOW.get()
}

fn random() -> u64 {
    let next = RANDOM.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    RANDOM.set(next);
    next >> 7
}

/// A frame that went out, and what the device is left to do to it.
pub(crate) type Sent = (Vec<u8>, Finish);

/// The device: two queues.
#[derive(Debug)]
pub(crate) struct Wire {
    mtu: usize,
    offloads: Offloads,
    came: Mutex<VecDeque<(Vec<u8>, bool)>>,
    sent: Mutex<Vec<Sent>>,
}

fn locked<T>(queue: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Device for Wire {
    fn address(&self) -> [u8; 6] {
        OUR_MAC
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn offloads(&self) -> Offloads {
        self.offloads
    }

    fn is_up(&self) -> bool {
        true
    }

    fn pairs(&self) -> usize {
        1
    }

    fn has_room(&self, _pair: usize) -> bool {
        locked(&self.sent).len() < MOST_WAITING
    }

    fn buffer(&self, _pair: usize) -> Vec<u8> {
        // Used before.
        vec![0xaa; 100]
    }

    fn send(&self, _pair: usize, frames: &mut [Frame]) {
        let mut sent = locked(&self.sent);
        for frame in frames {
            if sent.len() < MOST_WAITING {
                sent.push((frame.bytes().to_vec(), frame.finish));
            }
        }
    }

    fn receive(
        &self,
        _pair: usize,
        _waker: &Waker,
        each: &mut dyn FnMut(Received<'_>),
        then: &mut dyn FnMut(),
    ) -> bool {
        while let Some((bytes, is_checked)) = { locked(&self.came).pop_front() } {
            each(Received { bytes: &bytes, is_checked });
        }
        then();
        false
    }
}

/// The machine.
pub(crate) struct Machine {
    pub(crate) stack: Arc<Stack>,
    pub(crate) link: Arc<Link>,
    pub(crate) wire: Arc<Wire>,
}

impl Machine {
    /// A machine at the beginning of time, whose device is of the kind that the input asks for.
    pub(crate) fn new(input: &mut Unstructured<'_>, settings: (Setting, Setting6)) -> Result<Self> {
        const MTUS: [usize; 6] = [1500, 1280, 68, 576, 9000, 65_535];
        let kind: u8 = input.arbitrary()?;
        let checksums = kind & 8 != 0;
        let offloads = Offloads { checksums, segmentation: [checksums && kind & 16 != 0; 2] };
        NOW.set(0);
        RANDOM.set(1);
        rings::set_most(if kind & 32 != 0 { 20 << 10 } else { 1 << 20 });
        let wire = Arc::new(Wire {
            mtu: MTUS[usize::from(kind & 7) % MTUS.len()],
            offloads,
            came: Mutex::default(),
            sent: Mutex::default(),
        });
        let stack = Stack::new(Surroundings { now, random, rings: rings::new, hurry: || () });
        let link = stack.add_link(Arc::clone(&wire) as _, settings.0, &settings.1);
        Ok(Self { stack, link, wire })
    }

    /// A frame comes in; answers what goes out.
    pub(crate) fn come(&self, frame: &[u8], is_checked: bool) -> Vec<Sent> {
        self.come_all([(frame.to_vec(), is_checked)])
    }

    /// Frames come in at once; answers what goes out.
    pub(crate) fn come_all(&self, frames: impl IntoIterator<Item = (Vec<u8>, bool)>) -> Vec<Sent> {
        locked(&self.wire.came).extend(frames);
        self.stack.serve_links(0, Waker::noop());
        self.take_sent()
    }

    /// What went out, which is as it must be.
    pub(crate) fn take_sent(&self) -> Vec<Sent> {
        let sent = std::mem::take(&mut *locked(&self.wire.sent));
        for (frame, finish) in &sent {
            sent::check(frame, *finish, self.wire.mtu, self.wire.offloads);
        }
        sent
    }

    /// Time goes on, by so much or less: to what is due next. Answers what goes out.
    pub(crate) fn go_on(&self, most_ns: u64) -> Vec<Sent> {
        let until = now().saturating_add(most_ns);
        NOW.set(self.stack.next_deadline().unwrap_or(until).clamp(now(), until));
        self.stack.tick();
        let mut times = 0;
        while self.stack.next_deadline().is_some_and(|next| next <= now()) {
            times += 1;
            assert!(times < MOST_AT_ONCE, "something is due again and again");
            self.stack.tick();
        }
        self.take_sent()
    }

    /// All of `span_ns` passes; nobody answers.
    pub(crate) fn wait(&self, span_ns: u64) {
        let until = now().saturating_add(span_ns);
        while now() < until {
            self.go_on(until - now());
        }
    }
}
