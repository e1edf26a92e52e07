//! A TCP server that sends back what it receives: `tcp-echo [ADDRESS [CONNECTIONS]]`, for ever unless told how many connections.

use std::env;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}

fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "0.0.0.0:7".into());
    let most = args.next().map_or(usize::MAX, |count| count.parse().expect("a number of connections"));
    let listener = TcpListener::bind(address)?;
    println!("listening at {}", listener.local_addr()?);
    let mut threads = Vec::new();
    for stream in listener.incoming().take(most) {
        let stream = stream?;
        println!("connection from {}", stream.peer_addr()?);
        threads.push(thread::spawn(move || serve(stream)));
    }
    for thread in threads {
        thread.join().expect("it does not panic")?;
    }
    Ok(())
}
