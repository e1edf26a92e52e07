//! Attacks by frames: what no stack would send, or not so much of it.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use fastrand::Rng;

use super::super::frames::{self, Victim};
use super::super::site::Site;
use super::super::wire::Wire;
use crate::rig::{Port, client};

/// Half-open connections.
const HALF_OPEN: usize = 5_000;
/// Requests for connections from everywhere.
const ASKING: usize = 15_000;
/// Resets, on a live connection and elsewhere.
const RESETS: usize = 20_000;
/// Frames that make no sense.
const GARBAGE: usize = 30_000;
/// Frames until somebody asks something sensible; a tap device loses what comes when 1,000 are waiting.
const BURST: usize = 500;

/// One machine begins connections, and answers nothing.
pub(super) fn half_open(site: &Site, rng: &mut Rng) -> Result<()> {
    let (victim, mut from) = (site.victim(), frames::anywhere(rng));
    let mut port = 1024;
    burst(site, HALF_OPEN, || {
        from.set_port(port);
        port += 1;
        victim.asks(from, Port::Http as u16, rng)
    })
}

/// Many machines do, while others want to be served.
pub(super) fn syn_flood(site: &Site, rng: &mut Rng) -> Result<()> {
    let victim = site.victim();
    burst(site, ASKING, || {
        let from = frames::anywhere(rng);
        victim.asks(from, Port::Http as u16, rng)
    })
}

/// Somebody says that connections are over. A live one must go on: he cannot know where in it its ends are, though he may know the window.
pub(super) fn reset_storm(site: &Site, rng: &mut Rng) -> Result<()> {
    let (victim, guest, ear) = (site.victim(), site.address(Port::Http), site.ear()?);
    let live = client::connect(guest)?;
    let SocketAddr::V4(here) = live.local_addr()? else { bail!("a connection to IPv4 is not of IPv4") };
    let mut live = [live];
    let expected = expected(&ear, guest, here.into(), &mut live)?;
    let mut number = 0;
    burst(site, RESETS, || {
        number += 1;
        match number % 4 {
            // In the window of any receiver, but not where it begins.
            0 => victim.resets(here, guest.port(), expected.wrapping_add(rng.u32(1..60_000)), rng),
            1 => victim.resets(here, guest.port(), guess(expected, rng), rng),
            2 => victim.resets(frames::anywhere(rng), guest.port(), rng.u32(..), rng),
            _ => victim.resets(frames::anywhere(rng), rng.u16(..), rng.u32(..), rng),
        }
    })?;
    client::ask(&mut live).context("a connection was ended by a stranger")
}

/// A sequence number, but not the right one.
fn guess(expected: u32, rng: &mut Rng) -> u32 {
    loop {
        let number = rng.u32(..);
        if number != expected {
            return number;
        }
    }
}

/// What the guest expects next on `live`, the connection from `here`, by what it answers last.
fn expected(ear: &Wire, guest: SocketAddr, here: SocketAddr, live: &mut [TcpStream]) -> Result<u32> {
    const TRIES: u32 = 10;
    thread::scope(|scope| {
        // Beside load there is much to be heard, and little of it waits until somebody listens.
        let heard = scope.spawn(|| hear(ear, guest, here));
        for _ in 0..TRIES {
            client::ask(live)?;
            thread::sleep(Duration::from_millis(200));
            if heard.is_finished() {
                break;
            }
        }
        heard.join().map_err(|_| anyhow!("who listens panicked"))?
    })
}

/// Listens for what the guest says that it expects of `here`.
fn hear(ear: &Wire, guest: SocketAddr, here: SocketAddr) -> Result<u32> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let (start, mut buffer) = (Instant::now(), vec![0; 1 << 16]);
    while start.elapsed() < PATIENCE {
        if let Some(number) = frames::expected_by(ear.receive(&mut buffer)?, guest, here) {
            return Ok(number);
        }
    }
    bail!("no answer to {here} is heard")
}

/// Frames of which nothing is right, and of which something is wrong.
pub(super) fn garbage(site: &Site, rng: &mut Rng) -> Result<()> {
    let victim = site.victim();
    burst(site, GARBAGE, || if rng.bool() { Victim::noise(rng) } else { victim.changed(rng) })
}

/// Sends so many frames, and asks after every few of them.
fn burst(site: &Site, count: usize, mut frame: impl FnMut() -> Vec<u8>) -> Result<()> {
    let mut sent = 0;
    while sent < count {
        for _ in 0..BURST.min(count - sent) {
            site.wire().send(&frame())?;
            sent += 1;
        }
        site.answer().with_context(|| format!("after {sent} frames"))?;
    }
    Ok(())
}
