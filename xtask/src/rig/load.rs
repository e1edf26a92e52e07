//! Load from generators that nobody here wrote: wrk for as much as there can be, h2load for so much a second.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{paths, process};

/// The programs and the Debian packages that bring them.
pub(crate) const PROGRAMS: [(&str, &str); 2] = [("wrk", "wrk"), ("h2load", "nghttp2-client")];
/// How long h2load asks.
const SECONDS: u32 = 2;

/// What wrk saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// All requests that were answered.
    pub(crate) requests: f64,
    /// The same, of a second.
    pub(crate) per_second: f64,
    /// Connections and requests that failed, and answers that were not what was asked for.
    pub(crate) errors: u64,
    /// Those of them that took too long for wrk.
    pub(crate) timeouts: u64,
}

impl Load {
    /// Adds what was seen of the same later; a rate is of one time only.
    pub(crate) fn add(&mut self, later: Self) {
        self.requests += later.requests;
        self.errors += later.errors;
        self.timeouts += later.timeouts;
        self.per_second = later.per_second;
    }

    /// Errors that are no matter of patience.
    pub(crate) fn failed(&self) -> u64 {
        self.errors - self.timeouts
    }
}

/// wrk, about to make as many requests as so many connections can.
pub(crate) fn wrk(to: SocketAddr, connections: usize, seconds: u64) -> Command {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), &format!("http://{to}/")]);
    process::end_with_us(&mut wrk);
    wrk
}

/// As many requests as so many connections can make.
pub(crate) fn full(to: SocketAddr, connections: usize, seconds: u64) -> Result<Load> {
    let text = process::output(&mut wrk(to, connections, seconds))?;
    read(&text).with_context(|| format!("wrk said\n{text}"))
}

/// wrk's report.
fn read(text: &str) -> Option<Load> {
    let after = |word: &str| text.lines().find_map(|line| line.trim().strip_prefix(word));
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let requests = text.lines().find_map(|line| number(line.split_once(" requests in ")?.0))?;
    let numbers = |text: &str| -> u64 {
        text.split(|char: char| !char.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok()).sum()
    };
    let failed = after("Socket errors:").unwrap_or_default();
    let timeouts = failed.split_once("timeout ").map_or(0, |(_, count)| numbers(count));
    let errors = numbers(failed) + after("Non-2xx or 3xx responses:").map_or(0, numbers);
    Some(Load { requests, per_second: number(after("Requests/sec:")?)?, errors, timeouts })
}

/// Microseconds to the answer, half of them and 99 % of them at most, when `per_second` requests come over 16 connections.
pub(crate) fn paced(to: SocketAddr, per_second: f64) -> Result<[f64; 2]> {
    const CONNECTIONS: f64 = 16.0;
    let log = paths::target().join("bench/net.latency");
    let _ = fs::remove_file(&log);
    let mut h2load = Command::new("h2load");
    h2load.args(["--h1", &format!("--clients={CONNECTIONS}"), &format!("--duration={SECONDS}")]);
    h2load.arg(format!("--rps={:.0}", per_second / CONNECTIONS));
    h2load.arg(format!("--log-file={}", log.display())).arg(format!("http://{to}/"));
    process::output(&mut h2load)?;
    let text = fs::read_to_string(&log)?;
    let mut times: Vec<u64> = text.lines().filter_map(|line| line.split('\t').nth(2)?.parse().ok()).collect();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).map(|&time| time as f64);
    let found = at(50).zip(at(99)).context("h2load had no answer")?;
    Ok([found.0, found.1])
}

#[cfg(test)]
mod tests;
