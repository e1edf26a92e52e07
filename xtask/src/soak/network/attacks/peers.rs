//! Attacks by peers that are connected as everybody is, and behave badly then.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;

use super::super::site::Site;
use crate::rig::{Port, client, load};

/// How often a load generator is killed, and its connections.
const KILLED: usize = 15;
const CONNECTIONS: usize = 200;
/// Senders that take their time.
const SLOW: usize = 1_000;
/// Receivers that do not read, the bytes that each wants, and how many of them never go on.
const DEAF: usize = 60;
const WANTED: usize = 2 << 20;
const LEAVING: usize = 10;
/// Long enough for a sender to have asked several times whether there is room again.
const NAP: Duration = Duration::from_secs(3);

/// A load generator is killed in the middle of what it does.
pub(super) fn load_killed(site: &Site, rng: &mut Rng) -> Result<()> {
    for _ in 0..KILLED {
        let mut wrk = load::wrk(site.address(Port::Http), CONNECTIONS, 60);
        let mut wrk = wrk.stdout(Stdio::null()).spawn().context("cannot start wrk")?;
        thread::sleep(Duration::from_millis(rng.u64(50..400)));
        wrk.kill()?;
        let status = wrk.wait()?;
        ensure!(status.code().is_none(), "wrk had ended by itself: {status}");
    }
    Ok(())
}

/// Many begin a request and go on so slowly that it never ends (slowloris), while others want to be served.
pub(super) fn slow_senders(site: &Site, rng: &mut Rng) -> Result<()> {
    let mut slow = client::connect_all(site.address(Port::Http), SLOW)?;
    for piece in ["GET / HTTP/1.1\r\n", "Host: gu", "est\r\nUser", "-Agent: slow\r\nX: "] {
        for stream in &mut slow {
            stream.write_all(piece.as_bytes()).context("a slow sender is not heard any more")?;
        }
        site.answer().context("beside slow senders")?;
    }
    // Some come to an end after all, and are answered; the others are gone in the middle of it.
    rng.shuffle(&mut slow);
    for stream in &mut slow[..SLOW / 10] {
        stream.write_all(b"y\r\n\r\n")?;
        let mut answer = [0; 512];
        let count = stream.read(&mut answer).context("a slow sender has no answer")?;
        ensure!(answer.starts_with(b"HTTP/1.1 200") && count > 12, "a slow sender has another answer");
    }
    Ok(())
}

/// Receivers take so little that their windows shrink to nothing. Those that go on must get every byte.
pub(super) fn zero_window(site: &Site, rng: &mut Rng) -> Result<()> {
    let mut deaf = client::connect_all(site.address(Port::Source), DEAF)?;
    for stream in &mut deaf {
        stream.write_all(&(WANTED as u64).to_le_bytes())?;
    }
    thread::sleep(NAP);
    site.answer().context("beside receivers that do not read")?;
    // Who leaves with something unread resets.
    deaf.drain(..LEAVING);
    let mut left = vec![WANTED; deaf.len()];
    // A little now and then, so that the windows open and close again.
    for _ in 0..3 {
        for (stream, left) in deaf.iter_mut().zip(&mut left) {
            take(stream, left, rng.usize(1..64 << 10))?;
        }
        site.answer().context("beside receivers that read a little")?;
    }
    for (stream, left) in deaf.iter_mut().zip(&mut left) {
        while *left > 0 {
            take(stream, left, 256 << 10)?;
        }
        ensure!(stream.read(&mut [0])? == 0, "more bytes came than were asked for");
    }
    Ok(())
}

/// Reads up to `most` bytes as `serve` sends them.
fn take(stream: &mut TcpStream, left: &mut usize, most: usize) -> Result<()> {
    let mut chunk = vec![0; most];
    let count = stream.read(&mut chunk).with_context(|| format!("{left} bytes do not come"))?;
    ensure!(count > 0, "the connection ended with {left} bytes missing");
    ensure!(count <= *left, "more bytes came than were asked for");
    ensure!(chunk[..count].iter().all(|&byte| byte == 7), "other bytes came than were sent");
    *left -= count;
    Ok(())
}
