//! Transfers through a bad network: what arrives is what was sent, all of it and in order, both ways.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use fastrand::Rng;

use super::super::site::Site;
use crate::rig::{Port, client};
use crate::ui;

/// Connections at the same time, and the bytes that go there and back on each.
const CONNECTIONS: usize = 8;
const BYTES: usize = 512 << 10;
/// Bytes that go one way only.
const BULK: usize = 1 << 20;

/// Frames are lost, doubled, late and damaged.
pub(super) fn loss(site: &Site, rng: &mut Rng) -> Result<()> {
    let shim = site.shim()?;
    shim.set_bad(true);
    let [echo, source, sink] = [Port::Echo, Port::Source, Port::Sink].map(|port| site.address(port));
    let result = thread::scope(|scope| {
        let mut threads = vec![
            scope.spawn(move || client::receive(source, BULK).context("bytes from the guest")),
            scope.spawn(move || client::send(sink, BULK).context("bytes to the guest")),
        ];
        for _ in 0..CONNECTIONS {
            let seed = rng.u64(..);
            threads.push(scope.spawn(move || there_and_back(echo, seed)));
        }
        let results: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        results.into_iter().try_for_each(|result| result.map_err(|_| anyhow!("a transfer panicked"))?)
    });
    shim.set_bad(false);
    ui::status("Passed on", &shim.report()?);
    result
}

/// Bytes that nobody could make up, and the same again.
fn there_and_back(to: SocketAddr, seed: u64) -> Result<()> {
    const CHUNK: usize = 16 << 10;
    let stream = client::connect(to)?;
    thread::scope(|scope| {
        let writer = scope.spawn(|| -> Result<()> {
            let (mut rng, mut chunk) = (Rng::with_seed(seed), vec![0; CHUNK]);
            for _ in 0..BYTES / CHUNK {
                rng.fill(&mut chunk);
                (&stream).write_all(&chunk).context("the guest takes no more")?;
            }
            stream.shutdown(Shutdown::Write).map_err(Into::into)
        });
        let (mut rng, mut chunk, mut back) = (Rng::with_seed(seed), vec![0; CHUNK], vec![0; CHUNK]);
        for number in 0..BYTES / CHUNK {
            rng.fill(&mut chunk);
            (&stream).read_exact(&mut back).with_context(|| format!("after {} bytes", number * CHUNK))?;
            ensure!(chunk == back, "other bytes come back than were sent, after {} bytes", number * CHUNK);
        }
        ensure!((&stream).read(&mut [0])? == 0, "more bytes come back than were sent");
        writer.join().map_err(|_| anyhow!("who sends panicked"))?
    })
}
