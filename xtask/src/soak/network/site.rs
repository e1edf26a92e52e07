//! A guest under attack, and what must be true of it between attacks: it answers, its memory comes back, and it has nothing to say.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::dice::Odds;
use super::frames::Victim;
use super::shim::Shim;
use super::wire::Wire;
use crate::flags::Place;
use crate::network::NetArgs;
use crate::rig::guest::{Clock, Guest, Machine, name_of};
use crate::rig::namespace::Tap;
use crate::rig::{Port, Rig, client};

/// Room for a thousand threads of the program's.
const MEMORY: &str = "512M";
/// How long an answer may take, if the machine is given the CPU for so long; and if it is not, because the host is busy.
const ANSWER: Duration = Duration::from_secs(5);
const ANSWER_OF_BUSY: Duration = Duration::from_secs(120);
/// How long what an attack has left behind may stay: connections that nobody answers on are kept for a minute (`tcp_fin_timeout`).
const SETTLE: Duration = Duration::from_secs(70);
/// Memory that is not used again at once: caches of CPUs, tables that have grown.
const BOUND: u64 = 512 << 10;
/// Readings that are so near each other are the same.
const NEAR: u64 = 64 << 10;

/// What is between the host and the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// A tap device with all that saves the guest work.
    Nothing,
    /// Somebody who loses, doubles, delays and damages frames.
    BadNetwork,
}

/// On the bad network, each way.
const ODDS: Odds = Odds { lost: 0.02, doubled: 0.01, late: 0.05, damaged: 0.01 };

/// A guest and its surroundings. It is gone when the value is.
pub(super) struct Site {
    rig: Rig,
    wire: Wire,
    shim: Option<Shim>,
    tap: Tap,
}

impl Site {
    /// Boots `image`.
    pub(super) fn boot(image: &Path, place: Place, between: Between, seed: u64) -> Result<Self> {
        // Who passes frames on does that by one queue.
        let queues = if matches!(between, Between::Nothing) { place.smp.try_into()? } else { 1 };
        let tap = Tap::new(queues)?;
        let shim = match between {
            Between::Nothing => None,
            Between::BadNetwork => Some(Shim::new(&tap, ODDS, seed)?),
        };
        let card = match &shim {
            None => tap.card(),
            Some(shim) => {
                let (theirs, ours) = shim.ports();
                NetArgs::datagrams(theirs, ours)
            }
        };
        let mut extra = card.args(place.machine)?;
        extra.extend(["-smp".to_owned(), place.smp.to_string()]);
        let machine = Machine {
            name: name_of(place.machine),
            memory: MEMORY.to_owned(),
            clock: Clock::Wall,
            extra,
            words: vec![tap.word()],
        };
        let wire = Wire::new(&tap.name())?;
        let guest = Guest { kernel: image.to_owned(), initrd: None };
        let rig = Rig::boot(&guest, &machine, tap.guest().into(), true)?;
        Ok(Self { rig, wire, shim, tap })
    }

    /// Where the guest serves.
    pub(super) fn address(&self, port: Port) -> SocketAddr {
        self.rig.address(port)
    }

    /// Whom frames are for.
    pub(super) fn victim(&self) -> Victim {
        Victim { guest: self.tap.guest(), host: self.tap.host() }
    }

    /// Where frames go in.
    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The same, to hear what the guest sends.
    pub(super) fn ear(&self) -> Result<Wire> {
        Wire::listening(&self.tap.name())
    }

    /// Who passes frames on.
    pub(super) fn shim(&self) -> Result<&Shim> {
        self.shim.as_ref().context("there is nothing between the host and the guest")
    }

    /// A new request must be answered; how long it took.
    pub(super) fn answer(&self) -> Result<Duration> {
        let (http, start, cpu) = (self.address(Port::Http), Instant::now(), self.rig.cpu_us()?);
        let answered = loop {
            let answered = client::answered_within(http, ANSWER);
            let had = Duration::from_micros(self.rig.cpu_us()? - cpu);
            if answered.is_ok() || had >= ANSWER || start.elapsed() >= ANSWER_OF_BUSY {
                break answered.with_context(|| {
                    format!(
                        "in {:.0} s, of which QEMU had the CPU for {:.1}",
                        start.elapsed().as_secs_f64(),
                        had.as_secs_f64()
                    )
                });
            }
        };
        let said = self.rig.said();
        ensure!(said.is_empty(), "the guest said\n{}", said.join("\n"));
        answered.map(|_| start.elapsed())
    }

    /// What is to be seen of a guest that something has gone wrong on.
    pub(super) fn state(&self) -> String {
        let taken = || self.rig.cpu_us().unwrap_or(0);
        let before = taken();
        let answered = match client::answered_within(self.address(Port::Http), ANSWER) {
            Ok(after) => format!("it answers in {} ms", after.as_millis()),
            Err(error) => format!("{error:#}"),
        };
        let cpu = Duration::from_micros(taken().saturating_sub(before)).as_secs_f64();
        let said = self.rig.said();
        let said = if said.is_empty() { "nothing".to_owned() } else { said.join("\n") };
        format!("{answered}, QEMU took {cpu:.1} s of CPU for that, and the guest has said: {said}")
    }

    /// Bytes of memory that are free, when they have been the same for a second.
    pub(super) fn settled(&self) -> Result<u64> {
        const READINGS: usize = 5;
        let start = Instant::now();
        let mut readings = Vec::new();
        while start.elapsed() < SETTLE {
            readings.push(self.free()?);
            let last = &readings[readings.len().saturating_sub(READINGS)..];
            let (least, most) = (last.iter().min(), last.iter().max());
            if let (Some(&least), Some(&most)) = (least, most)
                && last.len() == READINGS
                && most - least <= NEAR
            {
                return Ok(least);
            }
            thread::sleep(Duration::from_millis(250));
        }
        anyhow::bail!("the guest's memory does not settle: {} MiB free", shown(&readings));
    }

    /// As much memory must be free as there was `before`, in the end; how much that is.
    pub(super) fn recovered(&self, before: u64) -> Result<u64> {
        let start = Instant::now();
        loop {
            // Who has not answered for a minute is forgotten by a listener when somebody else asks.
            for port in [Port::Http, Port::Sink, Port::Source, Port::Echo] {
                client::connect(self.address(port))?;
            }
            let free = self.settled()?;
            if free + BOUND >= before {
                return Ok(free);
            }
            ensure!(
                start.elapsed() < SETTLE,
                "{} KiB of memory do not come back: {} MiB were free, and {} are",
                (before - free) >> 10,
                mib(before),
                mib(free)
            );
            thread::sleep(Duration::from_millis(250));
        }
    }

    fn free(&self) -> Result<u64> {
        client::number(self.address(Port::Memory))
    }
}

/// Bytes in MiB, for people.
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / f64::from(1 << 20))
}

fn shown(readings: &[u64]) -> String {
    let last = &readings[readings.len().saturating_sub(10)..];
    last.iter().map(|&bytes| mib(bytes)).collect::<Vec<_>>().join(", ")
}
