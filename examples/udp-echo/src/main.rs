//! A UDP server that sends each datagram back to who sent it: `udp-echo [ADDRESS]`.

use std::env;
use std::io;
use std::net::UdpSocket;

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "0.0.0.0:7".into());
    let socket = UdpSocket::bind(address)?;
    println!("listening at {}", socket.local_addr()?);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let (count, sender) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..count], sender)?;
    }
}
