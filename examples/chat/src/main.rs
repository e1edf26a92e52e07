//! A chat room on tokio: what one says in a line all others hear. The first line is the name.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};

/// Lines that a slow listener may be behind; then it misses some.
const BEHIND: usize = 64;

/// A line, and the number of who said it.
type Line = (u64, String);

async fn attend(number: u64, mut stream: TcpStream, room: Sender<Line>) -> io::Result<()> {
    let (from, mut into) = stream.split();
    let mut lines = BufReader::new(from).lines();
    into.write_all(b"Who are you?\n").await?;
    let Some(name) = lines.next_line().await? else { return Ok(()) };
    let mut heard = room.subscribe();
    // Nobody may be there to hear it.
    let say = |line: String| drop(room.send((number, line)));
    into.write_all(format!("Welcome, {name}.\n").as_bytes()).await?;
    say(format!("{name} comes in."));
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => say(format!("{name}: {line}")),
                None => break,
            },
            line = heard.recv() => match line {
                Ok((speaker, line)) if speaker != number => into.write_all(format!("{line}\n").as_bytes()).await?,
                Ok(_) => {}
                Err(RecvError::Lagged(count)) => into.write_all(format!("({count} lines missed)\n").as_bytes()).await?,
                Err(RecvError::Closed) => break,
            },
        }
    }
    say(format!("{name} leaves."));
    Ok(())
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let room = broadcast::channel(BEHIND).0;
    let listener = TcpListener::bind("0.0.0.0:7000").await?;
    println!("listening at {}", listener.local_addr()?);
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await?;
        number += 1;
        let room = room.clone();
        tokio::spawn(async move {
            if let Err(error) = attend(number, stream, room).await {
                eprintln!("a connection failed: {error}");
            }
        });
    }
}
