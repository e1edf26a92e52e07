//! A bad network between the host and a guest: two threads pass frames on, and do to them what the dice say.
//!
//! ```text
//! host's stack ── tap device ── shim ── datagrams of UDP ── QEMU (`-netdev socket`) ── guest
//! ```
//! Neither side leaves a checksum to anybody here, as it does on a tap device that QEMU has opened: what is damaged is seen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::dice::{Dice, Fate, Odds};
use super::wire;
use crate::rig::namespace::{self, Tap};

/// Longer than any frame.
const ROOM: usize = 2048;
/// How often a thread without frames looks whether it is still wanted.
const PAUSE: Duration = Duration::from_millis(100);

/// The forwarder. Its threads end with it.
pub(super) struct Shim {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Ports of QEMU's and of ours.
    ports: (u16, u16),
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    is_bad: AtomicBool,
    done: Done,
}

/// What was done so far.
#[derive(Default)]
struct Done {
    frames: AtomicU64,
    lost: AtomicU64,
    doubled: AtomicU64,
    late: AtomicU64,
    damaged: AtomicU64,
}

impl Shim {
    /// Between `tap`, which the host's stack has, and a guest that is started later.
    pub(super) fn new(tap: &Tap, odds: Odds, seed: u64) -> Result<Self> {
        namespace::switch_loopback_on()?;
        let ours = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        // Nobody else is in this namespace to take the port meanwhile.
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        ours.connect(free)?;
        let ports = (free.port(), ours.local_addr()?.port());
        let (guest, host) = (Arc::new(ours), Arc::new(wire::open_tap(&tap.name())?));
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::new();
        for (number, ends) in [(0, (Side::Host, Side::Guest)), (1, (Side::Guest, Side::Host))] {
            let ends = Ends { from: ends.0, to: ends.1, guest: Arc::clone(&guest), host: Arc::clone(&host) };
            let (dice, shared) = (Dice::new(seed.wrapping_add(number), odds), Arc::clone(&shared));
            threads.push(thread::spawn(move || ends.pass_on(dice, &shared)));
        }
        Ok(Self { shared, threads, ports })
    }

    /// What QEMU is told: where it listens, and where it sends to.
    pub(super) fn ports(&self) -> (u16, u16) {
        self.ports
    }

    /// From now on frames pass as they are, or do not.
    pub(super) fn set_bad(&self, is_bad: bool) {
        self.shared.is_bad.store(is_bad, Ordering::Relaxed);
    }

    /// What was done to frames, in words; an error if something was never done.
    pub(super) fn report(&self) -> Result<String> {
        let Done { frames, lost, doubled, late, damaged } = &self.shared.done;
        let [frames, lost, doubled, late, damaged] =
            [frames, lost, doubled, late, damaged].map(|count| count.load(Ordering::Relaxed));
        let text = format!("{frames} frames: {lost} lost, {doubled} doubled, {late} late, {damaged} damaged");
        ensure!([lost, doubled, late, damaged].iter().all(|&count| count > 0), "too few for a trial: {text}");
        Ok(text)
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Host,
    Guest,
}

/// One direction.
struct Ends {
    from: Side,
    to: Side,
    guest: Arc<UdpSocket>,
    host: Arc<File>,
}

/// A frame that comes later: when, how many were before it, and the frame.
type Late = Reverse<(Instant, u64, Vec<u8>)>;

impl Ends {
    fn pass_on(&self, mut dice: Dice, shared: &Shared) {
        let mut late: BinaryHeap<Late> = BinaryHeap::new();
        let mut buffer = [0; ROOM];
        let mut count = 0;
        while !shared.is_over.load(Ordering::Relaxed) {
            while late.peek().is_some_and(|Reverse((at, ..))| *at <= Instant::now()) {
                if let Some(Reverse((_, _, frame))) = late.pop() {
                    self.send(&frame);
                }
            }
            let next = late.peek().map_or(PAUSE, |Reverse((at, ..))| at.duration_since(Instant::now()));
            if !is_readable(self.fd(), next.min(PAUSE)) {
                continue;
            }
            // What cannot be read is as lost as what cannot be sent: before QEMU is there, and after it.
            let Ok(length) = self.receive(&mut buffer) else { continue };
            let frame = &buffer[..length];
            if !shared.is_bad.load(Ordering::Relaxed) {
                self.send(frame);
                continue;
            }
            let fates = dice.roll(frame);
            shared.done.note(&fates);
            for Fate { delay, damage } in fates {
                let mut copy = frame.to_vec();
                if let Some(bit) = damage {
                    copy[bit / 8] ^= 1 << (bit % 8);
                }
                match delay {
                    None => self.send(&copy),
                    Some(delay) => {
                        late.push(Reverse((Instant::now() + delay, count, copy)));
                        count += 1;
                    }
                }
            }
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self.from {
            Side::Host => self.host.as_fd(),
            Side::Guest => self.guest.as_fd(),
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.from {
            Side::Host => (&*self.host).read(buffer),
            Side::Guest => self.guest.recv(buffer),
        }
    }

    fn send(&self, frame: &[u8]) {
        // A network may lose frames.
        let _ = match self.to {
            Side::Host => (&*self.host).write(frame),
            Side::Guest => self.guest.send(frame),
        };
    }
}

/// Waits for a frame.
fn is_readable(fd: BorrowedFd<'_>, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).ok();
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], limit.as_ref()).is_ok_and(|count| count > 0)
}

impl Done {
    fn note(&self, fates: &[Fate]) {
        let add = |count: &AtomicU64, number: usize| count.fetch_add(number as u64, Ordering::Relaxed);
        add(&self.frames, 1);
        add(&self.lost, usize::from(fates.is_empty()));
        add(&self.doubled, usize::from(fates.len() > 1));
        add(&self.late, fates.iter().filter(|fate| fate.delay.is_some()).count());
        add(&self.damaged, fates.iter().filter(|fate| fate.damage.is_some()).count());
    }
}
