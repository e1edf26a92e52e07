//! A web page over TLS, with rustls and threads: the certificate is made at the start, for `localhost`.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const PAGE: &str = "Hello over TLS.\n";

/// Answers one request, whatever it asks for.
fn serve(stream: TcpStream, config: Arc<ServerConfig>) -> Result<(), Box<dyn Error>> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config)?, stream));
    let mut line = String::new();
    // A request's head ends with an empty line.
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len())?;
    stream.conn.send_close_notify();
    Ok(stream.flush()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.into()], key)?;
    let config = Arc::new(config);
    let listener = TcpListener::bind("0.0.0.0:443")?;
    println!("listening at {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, config) = (stream?, Arc::clone(&config));
        thread::spawn(move || {
            if let Err(error) = serve(stream, config) {
                eprintln!("a connection failed: {error}");
            }
        });
    }
    Ok(())
}
