//! `net`: what the network takes over the loopback interface, in guest instructions: `op NAME N` per line. One thread has both ends, so that nothing
//! but the network is counted.
#![expect(clippy::print_stdout, reason = "the report")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use bench_programs::measure;

fn main() {
    bench_programs::set_up_bare_linux();
    bench_programs::network::set_up_loopback().expect("every system has it");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut client = TcpStream::connect(address).expect("a connection");
    let (mut server, _) = listener.accept().expect("its other end");
    let mut bytes = [7; 64];
    measure("tcp-round-trip", 200, || {
        for _ in 0..2 {
            client.write_all(&bytes).expect("there is room");
            server.read_exact(&mut bytes).expect("it came");
            std::mem::swap(&mut client, &mut server);
        }
    });
    let mut page = vec![7; 4096];
    measure("tcp-4k", 100, || {
        client.write_all(&page).expect("there is room");
        server.read_exact(&mut page).expect("it came");
    });
    measure("tcp-connect-accept-close", 100, || {
        let client = TcpStream::connect(address).expect("a connection");
        let (mut server, _) = listener.accept().expect("its other end");
        drop(client);
        assert_eq!(server.read(&mut [0]).expect("the end"), 0);
    });
    let one = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    one.connect(other.local_addr().expect("an address")).expect("it is there");
    other.connect(one.local_addr().expect("an address")).expect("it is there");
    let ends = [&one, &other];
    measure("udp-round-trip", 200, || {
        for (from, to) in [(0, 1), (1, 0)] {
            ends[from].send(&bytes).expect("there is room");
            ends[to].recv(&mut bytes).expect("it came");
        }
    });
    println!("done");
}
