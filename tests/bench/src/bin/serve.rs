//! `serve`: what the network is measured with, for peers outside: a server with a thread for each connection, as std programs are written.
//!
//! Port 80 answers HTTP/1.1 requests and keeps the connection. Port 81 takes bytes, and answers with one when it has seen their end. Port 82
//! sends as many bytes as it is asked for (eight bytes, little-endian). Port 83 keeps connections and does nothing with them. Port 84 tells how
//! many bytes of memory are free. Port 85 sends back what it gets. `serving` is printed when all ports are open.
#![expect(unsafe_code, reason = "limits and memory are C's")]
#![expect(clippy::print_stdout, reason = "the report")]

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";
const CHUNK: usize = 64 << 10;
/// More than anybody keeps here.
const FILES: u64 = 16_384;

fn main() {
    bench_programs::set_up_bare_linux();
    bench_programs::network::set_up_bare_linux().expect("the network card is there");
    let limit = libc::rlimit { rlim_cur: FILES, rlim_max: FILES };
    // SAFETY: the structure is whole.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0, "descriptors may be as many");
    let listen = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port is free");
    let (sink, source, keep, memory, echo) = (listen(81), listen(82), listen(83), listen(84), listen(85));
    let http = listen(80);
    thread::spawn(move || each(&sink, take));
    thread::spawn(move || each(&source, give));
    thread::spawn(move || keep.incoming().collect::<Vec<_>>());
    thread::spawn(move || each(&memory, |mut stream| write!(stream, "{}", free_memory())));
    thread::spawn(move || each(&echo, give_back));
    println!("serving");
    each(&http, answer);
}

/// A thread for each connection. A peer that is gone is no matter.
fn each(listener: &TcpListener, serve: fn(TcpStream) -> io::Result<()>) {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(stream));
    }
}

/// HTTP, as much of it as load generators need: requests without a body, one behind the other.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        let mut done = 0;
        while let Some(length) = buffer[done..filled].windows(4).position(|end| end == b"\r\n\r\n") {
            stream.write_all(ANSWER)?;
            done += length + 4;
        }
        buffer.copy_within(done..filled, 0);
        filled -= done;
    }
}

fn take(mut stream: TcpStream) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    while stream.read(&mut chunk)? > 0 {}
    stream.write_all(&[1])
}

fn give(mut stream: TcpStream) -> io::Result<()> {
    let mut wanted = [0; 8];
    stream.read_exact(&mut wanted)?;
    let chunk = vec![7; CHUNK];
    let mut left = u64::from_le_bytes(wanted);
    while left > 0 {
        let count = left.min(CHUNK as u64);
        stream.write_all(&chunk[..usize::try_from(count).unwrap_or(CHUNK)])?;
        left -= count;
    }
    Ok(())
}

fn give_back(mut stream: TcpStream) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            count => stream.write_all(&chunk[..count])?,
        }
    }
}

fn free_memory() -> u64 {
    // SAFETY: all-zero is a valid value of the structure.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is writable.
    assert_eq!(unsafe { libc::sysinfo(&mut info) }, 0, "sysinfo cannot fail");
    info.freeram * u64::from(info.mem_unit)
}
