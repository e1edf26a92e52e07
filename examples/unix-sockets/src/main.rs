//! `std::os::unix::net`: a server by path with a thread per client, a pair, datagrams, a timeout.
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

const CLIENTS: usize = 8;

/// Answers each line of a client with its length, until the client has no more to say.
fn serve(client: UnixStream) -> io::Result<()> {
    let mut answers = client.try_clone()?;
    for line in BufReader::new(client).lines() {
        writeln!(answers, "{}", line?.len())?;
    }
    Ok(())
}

/// Sends `lines` lines and adds the answers up.
fn ask(path: &Path, lines: usize) -> io::Result<usize> {
    let mut stream = UnixStream::connect(path)?;
    for line in 0..lines {
        writeln!(stream, "{}", "x".repeat(line))?;
    }
    stream.shutdown(Shutdown::Write)?;
    let mut sum = 0;
    for answer in BufReader::new(stream).lines() {
        sum += answer?.parse::<usize>().unwrap_or(0);
    }
    Ok(sum)
}

fn streams(path: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let server = thread::spawn(move || -> io::Result<()> {
        let clients: io::Result<Vec<_>> = listener.incoming().take(CLIENTS).collect();
        let threads: Vec<_> = clients?.into_iter().map(|client| thread::spawn(|| serve(client))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a client's thread"))
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let path = path.to_owned();
            thread::spawn(move || ask(&path, 20 * number))
        })
        .collect();
    let mut sums = Vec::new();
    for client in clients {
        sums.push(client.join().expect("a client")?);
    }
    server.join().expect("the server")?;
    println!("sums: {sums:?}");
    std::fs::remove_file(path)
}

fn pair() -> io::Result<()> {
    let (mut one, mut other) = UnixStream::pair()?;
    let thread = thread::spawn(move || -> io::Result<usize> {
        let mut data = Vec::new();
        other.read_to_end(&mut data)?;
        other.write_all(b"thank you")?;
        Ok(data.len())
    });
    one.write_all(&vec![7; 1_000_000])?;
    one.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    one.read_to_string(&mut answer)?;
    println!("{} bytes, then: {answer}", thread.join().expect("the other end")?);
    Ok(())
}

fn datagrams(directory: &Path) -> io::Result<()> {
    let (server, client) = (directory.join("server"), directory.join("client"));
    let (inbox, sender) = (UnixDatagram::bind(&server)?, UnixDatagram::bind(&client)?);
    sender.send_to(b"one", &server)?;
    sender.send_to(b"and another", &server)?;
    let mut room = [0; 64];
    for _ in 0..2 {
        let (count, from) = inbox.recv_from(&mut room)?;
        let from = from.as_pathname().and_then(Path::file_name).map(Path::new);
        println!(
            "{:?} from {:?}",
            String::from_utf8_lossy(&room[..count]),
            from.unwrap_or(Path::new("nobody"))
        );
    }
    inbox.set_read_timeout(Some(Duration::from_millis(20)))?;
    match inbox.recv(&mut room) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => println!("nothing more in time"),
        other => println!("unexpected: {other:?}"),
    }
    std::fs::remove_file(server)?;
    std::fs::remove_file(client)
}

fn main() -> io::Result<()> {
    let directory = std::env::temp_dir().join("caracal-unix-example");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory)?;
    streams(&directory.join("socket"))?;
    pair()?;
    datagrams(&directory)?;
    match UnixStream::connect(directory.join("socket")) {
        Err(error) => println!("the server is gone: {}", error.kind()),
        Ok(_) => println!("unexpected: it still answers"),
    }
    std::fs::remove_dir(&directory)
}
