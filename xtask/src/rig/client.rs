//! The peer of what is counted and of what is attacked: sockets of the host. Each function is one thread, so that the same packets come in the same order
//! at every run.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: guest\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
/// The end of each answer of `serve`.
const END: &[u8] = b"Hello, world!\n";
/// Nothing takes as long; a guest that does not answer is one that has stopped.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection.
pub(crate) fn connect(to: SocketAddr) -> Result<TcpStream> {
    connect_within(to, PATIENCE)
}

/// A connection on which nothing takes longer.
fn connect_within(to: SocketAddr, patience: Duration) -> Result<TcpStream> {
    let stream =
        TcpStream::connect_timeout(&to, patience).with_context(|| format!("no connection to {to}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

/// A request on a connection of its own, tried again until it is answered; how long that took.
pub(crate) fn answered_within(to: SocketAddr, limit: Duration) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let left = limit.saturating_sub(start.elapsed()).max(Duration::from_millis(1));
        match connect_within(to, left).and_then(|stream| ask(&mut [stream])) {
            Ok(()) => return Ok(start.elapsed()),
            Err(error) if start.elapsed() >= limit => {
                return Err(error.context(format!("a request is not answered within {} s", limit.as_secs())));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Several.
pub(crate) fn connect_all(to: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("no more files may be open")?;
    (0..count).map(|number| connect(to).with_context(|| format!("after {number} connections"))).collect()
}

/// A request on each of the connections at once, then all answers.
pub(crate) fn ask(streams: &mut [TcpStream]) -> Result<()> {
    for stream in streams.iter_mut() {
        stream.write_all(REQUEST).context("a request cannot be sent")?;
    }
    for stream in streams {
        let mut answer = [0; 4096];
        let mut length = 0;
        while !answer[..length].ends_with(END) {
            let count = stream.read(&mut answer[length..]).context("no answer")?;
            ensure!(count > 0, "the guest closed the connection in the middle of an answer");
            length += count;
        }
    }
    Ok(())
}

/// Sends bytes to a port that takes them, and waits until it has them.
pub(crate) fn send(to: SocketAddr, bytes: usize) -> Result<()> {
    let mut stream = connect(to)?;
    let chunk = vec![7; 256 << 10];
    for _ in 0..bytes / chunk.len() {
        stream.write_all(&chunk).context("the guest takes no more")?;
    }
    stream.shutdown(Shutdown::Write)?;
    stream.read_exact(&mut [0]).context("the guest does not say that it has all")
}

/// Asks a port that gives for bytes, and waits until they are here.
pub(crate) fn receive(from: SocketAddr, bytes: usize) -> Result<()> {
    let mut stream = connect(from)?;
    stream.write_all(&(bytes as u64).to_le_bytes())?;
    let mut chunk = vec![0; 256 << 10];
    let mut left = bytes;
    while left > 0 {
        let count = stream.read(&mut chunk).context("the guest sends no more")?;
        ensure!(count > 0 && count <= left, "{left} bytes are missing");
        left -= count;
    }
    Ok(())
}

/// What a port says of itself.
pub(crate) fn number(from: SocketAddr) -> Result<u64> {
    let mut text = String::new();
    connect(from)?.read_to_string(&mut text)?;
    text.parse().with_context(|| format!("{text} is no number"))
}

/// Asks a guest that is still starting until it answers.
pub(crate) fn first_answer(to: SocketAddr) -> Result<()> {
    // A guest whose turn does not come is not asked a second time.
    const TRIAL: Duration = Duration::from_millis(300);
    let start = Instant::now();
    while start.elapsed() < 4 * PATIENCE {
        // Its network is not there yet, or its program.
        let Ok(stream) = TcpStream::connect_timeout(&to, TRIAL) else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        return ask(&mut [stream]);
    }
    bail!("the guest does not answer")
}
